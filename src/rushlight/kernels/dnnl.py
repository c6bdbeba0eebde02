"""oneDNN's library by ctypes: its engine, and primitives by shape. `onednn` says what is computed with it, and when.

Names and numbers are those of oneDNN 3's header dnnl_types.h.
"""

import os
import sys

import numpy as np

from . import load

_SUCCESS, _OUT_OF_MEMORY, _UNIMPLEMENTED = 0, 1, 3
_CPU, _IN_ORDER, _ANY_LAYOUT, _SCRATCHPAD_OF_USER = 1, 1, 1, 1
_IMPLEMENTATION, _SCRATCHPAD_MD = 8, 136
FROM, SRC, DST, WEIGHTS, BIAS, DIFF_SRC, DIFF_DST, DIFF_WEIGHTS = 1, 1, 17, 33, 41, 129, 145, 161
_SCRATCHPAD = 80
# What a primitive wants each argument to be like.
_WANTED = {SRC: 129, DST: 133, WEIGHTS: 131, BIAS: 131, DIFF_SRC: 130, DIFF_DST: 134, DIFF_WEIGHTS: 132}
_RESULTS = (DST, DIFF_SRC, DIFF_WEIGHTS)
FLOAT16, BFLOAT16, FLOAT32 = 1, 2, 3
# Plans that are kept, each a few kilobytes and its code; the oldest goes first.
_MOST = 256
# Where memory begins that the library has its fill of.
_LINE = 64
_BYTES = np.dtype(np.uint8)

_parallel, _copying = load("parallel"), load("copying")


class Unimplemented(Exception):
    """The library has nothing, or only its plain reference, for what is asked."""


class Handle:
    """An object of the library, destroyed with this."""

    def __init__(self, library, kind):
        self.pointer = library.ctypes.c_void_p()
        self.destroy = getattr(library.functions, f"dnnl_{kind}_destroy")
        self._as_parameter_ = self.pointer

    def __del__(self):
        if self.pointer and not sys.is_finalizing():
            self.destroy(self.pointer)


def found():
    """The path of the library, None where it is not installed: wheels put it into `lib` beside Python's own."""
    if sys.platform != "linux":
        return None
    site = sys.modules.get("site")
    users = site.getuserbase() if site is not None else sys.prefix
    for prefix in (sys.prefix, users):
        path = os.path.join(prefix, "lib", "libdnnl.so.3")
        if os.path.exists(path):
            return path
    return None


class Library:
    """The library, loaded. Raises OSError where that cannot be done, RuntimeError for what is not oneDNN 3."""

    def __init__(self, path):
        import ctypes

        self.ctypes = ctypes
        self.functions = functions = ctypes.CDLL(path)
        functions.dnnl_memory_desc_get_size.restype = ctypes.c_size_t
        functions.dnnl_primitive_desc_query_md.restype = ctypes.c_void_p
        self.engine, self.attributes = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("engine_create", ctypes.byref(self.engine), _CPU, ctypes.c_size_t(0))
        self.call("primitive_attr_create", ctypes.byref(self.attributes))
        self.call("primitive_attr_set_scratchpad_mode", self.attributes, _SCRATCHPAD_OF_USER)
        # The dependency's own function: a number of threads is the calling thread's, for the parallel regions it begins.
        self.set_threads = functions.omp_set_num_threads
        self.plans = {}

        class Argument(ctypes.Structure):
            _fields_ = [("number", ctypes.c_int), ("memory", ctypes.c_void_p)]

        self.argument = Argument

    def call(self, name, *arguments):
        """Call a function and raise what its status says."""
        status = getattr(self.functions, f"dnnl_{name}")(*arguments)
        if status == _SUCCESS:
            return
        if status == _UNIMPLEMENTED:
            raise Unimplemented(name)
        if status == _OUT_OF_MEMORY:
            raise MemoryError(f"oneDNN found no memory: dnnl_{name}")
        raise RuntimeError(f"oneDNN failed: dnnl_{name} returned status {status}")

    def made(self, kind, name, *arguments):
        """A new object, which a function writes to its first argument."""
        handle = Handle(self, kind)
        self.call(name, self.ctypes.byref(handle.pointer), *arguments)
        return handle

    def sizes(self, values):
        return (self.ctypes.c_int64 * 12)(*values)

    def layout(self, shape, dtype, strides=None):
        """Of numbers with `strides`, counted in numbers; without them the library may choose."""
        if strides is None:
            return self.made(
                "memory_desc", "memory_desc_create_with_tag", len(shape), self.sizes(shape), dtype, _ANY_LAYOUT
            )
        return self.made(
            "memory_desc", "memory_desc_create_with_strides", len(shape), self.sizes(shape), dtype, self.sizes(strides)
        )

    def plan(self, key, make, *arguments):
        """The plan that `make` gives, kept by `key`; None for what the library has no good code for."""
        plan = self.plans.get(key, self)
        if plan is not self:
            return plan
        try:
            plan = make(self, *arguments)
        except Unimplemented:
            plan = None
        while len(self.plans) >= _MOST:
            self.plans.pop(next(iter(self.plans)), None)
        self.plans[key] = plan
        return plan


def rows(shape):
    """The strides of an array in row-major order, in numbers."""
    strides = [1] * len(shape)
    for k in range(len(shape) - 1, 0, -1):
        strides[k - 1] = strides[k] * shape[k]
    return strides


class Plan:
    """A primitive, with what brings its operands into the layouts that it wants, and its result out of its own.

    `operands` are pairs of an argument's number and the layout that its array has; the last is the result.
    """

    def __init__(self, library, description, operands):
        self.lib, self.description = library, description
        name = library.ctypes.c_char_p()
        library.call("primitive_desc_query", description, _IMPLEMENTATION, 0, library.ctypes.byref(name))
        self.name = name.value.decode()
        if "ref" in self.name:
            raise Unimplemented(self.name)
        self.primitive = library.made("primitive", "primitive_create", description)
        self.operands = [self.met(number, layout) for number, layout in operands]
        self.scratchpad = self.wanted(_SCRATCHPAD_MD)
        self.scratchpad_size = self.size(self.scratchpad)
        self.bindings = []

    def wanted(self, query, index=0):
        pointer = self.lib.functions.dnnl_primitive_desc_query_md(self.description, query, index)
        return self.lib.ctypes.c_void_p(pointer)

    def size(self, layout):
        return self.lib.functions.dnnl_memory_desc_get_size(layout)

    def met(self, number, layout):
        """An operand: its number, the layout of its array, the one wanted, and what turns one into the other or None."""
        wanted = self.wanted(_WANTED[number], 1 if number == BIAS else 0)
        if self.lib.functions.dnnl_memory_desc_equal(wanted, layout):
            return number, layout, wanted, None
        ends, engine = (wanted, layout) if number in _RESULTS else (layout, wanted), self.lib.engine
        description = self.lib.made(
            "primitive_desc", "reorder_primitive_desc_create", ends[0], engine, ends[1], engine, None
        )
        return number, layout, wanted, self.lib.made("primitive", "primitive_create", description)

    def run(self, *arrays):
        """Compute: arrays for the operands in their order, the last of which is written."""
        try:
            binding = self.bindings.pop()
        except IndexError:
            binding = Binding(self)
        binding.run(arrays)
        self.bindings.append(binding)


class Binding:
    """The memory objects of a plan for one call at a time: other threads, and signal handlers, take others."""

    def __init__(self, plan):
        self.plan, self.lib = plan, plan.lib
        self.stream = self.lib.made("stream", "stream_create", self.lib.engine, _IN_ORDER)
        self.given, self.between, steps, arguments = [], [], [], []
        for number, layout, wanted, reorder in plan.operands:
            given = self.memory(layout)
            self.given.append(given)
            arguments.append((number, given))
            if reorder is None:
                continue
            between = self.memory(wanted)
            self.between.append((between, plan.size(wanted)))
            arguments[-1] = (number, between)
            if number in _RESULTS:
                steps.append((reorder, self.arguments([(FROM, between), (DST, given)])))
            else:
                steps.insert(0, (reorder, self.arguments([(FROM, given), (DST, between)])))
        if plan.scratchpad_size:
            scratchpad = self.memory(plan.scratchpad)
            self.between.append((scratchpad, plan.scratchpad_size))
            arguments.append((_SCRATCHPAD, scratchpad))
        last = bool(plan.operands[-1][3])
        steps.insert(len(steps) - last, (plan.primitive, self.arguments(arguments)))
        self.steps = steps

    def memory(self, layout):
        """An object without memory of its own."""
        return self.lib.made("memory", "memory_create", layout, self.lib.engine, None)

    def arguments(self, pairs):
        return (self.lib.argument * len(pairs))(*[(number, memory.pointer) for number, memory in pairs])

    def run(self, arrays):
        call, address = self.lib.call, self.lib.ctypes.c_void_p
        for memory, array in zip(self.given, arrays):
            call("memory_set_data_handle", memory, address(array.__array_interface__["data"][0]))
        # Held until all is computed: from the memory that kernels keep, and not by each plan.
        rooms = []
        for memory, size in self.between:
            rooms.append(_copying.empty((size + _LINE,), _BYTES))
            begin = rooms[-1].__array_interface__["data"][0]
            call("memory_set_data_handle", memory, address(begin + -begin % _LINE))
        self.lib.set_threads(_parallel.threads())
        for primitive, arguments in self.steps:
            call("primitive_execute", primitive, self.stream, len(arguments), arguments)
        call("stream_wait", self.stream)
