"""Where the time goes: every operation and every backward node as an event, in tables and traces.

A profile is a watcher (watching.py): it costs nothing while none is in force.
"""

import os
import sys
import weakref
from _thread import get_ident
from time import perf_counter_ns

from .. import watching
from ..core import TensorBase, VersionCounter
from .events import EventList, FunctionEvent, FunctionEventAvg, nested, stack_of
from .sizes import new_bytes

__all__ = ["EventList", "FunctionEvent", "FunctionEventAvg", "profile", "record_function"]

# What PyTorch calls the operations that have another name here.
_NAMES = {
    "to_dtype": "_to_copy", "copy": "copy_", "zero": "zero_", "fill": "fill_", "unsafe_view": "_unsafe_view",
    "softmax": "_softmax", "log_softmax": "_log_softmax", "logsigmoid": "log_sigmoid_forward",
    "max_dim": "max", "min_dim": "min", "median_dim": "median", "nanmedian_dim": "nanmedian",
    "vector_norm": "linalg_vector_norm", "solve": "linalg_solve", "solve_triangular": "linalg_solve_triangular",
    "inv": "linalg_inv", "pinv": "linalg_pinv", "eig": "linalg_eig", "eigh": "linalg_eigh", "matrix_rank": "linalg_matrix_rank",
    "euclidean_dist": "_euclidean_dist", "conj": "_conj", "xlog1py": "special_xlog1py", "i0e": "special_i0e",
    "i1": "special_i1", "i1e": "special_i1e", "ndtri": "special_ndtri", "log_ndtr": "special_log_ndtr",
    "entr": "special_entr", "erfcx": "special_erfcx", "zeta": "special_zeta", "unique": "_unique2",
}  # fmt: skip
_PACKAGE = os.path.dirname(watching.__file__) + os.sep
_PRODUCTS = ("addbmm", "addmm", "addmv", "baddbmm", "bmm", "dot", "matmul", "mm", "mv")
# Profiles that someone still holds, for `autograd.saved` to ask.
_profiles = weakref.WeakSet()


class profile:
    """Record the operations that run inside of `with profile() as prof:`, forward and backward.

    `record_shapes` keeps the shapes of inputs, `with_stack` the lines of the program, `profile_memory` the bytes of
    results, `with_flops` the floating-point operations of products, convolutions, `add` and `mul`. It sees what runs
    in its own thread (or asyncio task). `use_cuda` and `use_device` warn that there is no such device.

    >>> import rushlight
    >>> x = rushlight.ones(3, requires_grad=True)
    >>> with rushlight.autograd.profiler.profile() as prof:
    ...     (x * 2).sum().backward()
    >>> [event.name for event in prof.function_events][:3]
    ['aten::mul', 'aten::sum', 'SumBackward0']
    """

    def __init__(
        self, enabled=True, *, use_cuda=False, use_device=None, record_shapes=False, with_flops=False,
        profile_memory=False, with_stack=False, with_modules=False, use_kineto=False, use_cpu=True,
        experimental_config=None, acc_events=False, custom_trace_id_callback=None,
        post_processing_timeout_s=None, activity_filters=None,
    ):  # fmt: skip
        if use_cuda:
            _warn(
                "The attribute `use_cuda` will be deprecated soon, please use ``use_device = 'cuda'`` instead.",
                FutureWarning,
            )
        device = "cuda" if use_cuda else use_device
        if device is not None:
            _warn(f"{device.upper()} is not available, disabling {device.upper()} profiling", UserWarning)
        if enabled and not use_cpu:
            raise AssertionError("No activities specified for the profiler")
        self.enabled, self.entered = enabled, False
        self.record_shapes, self.with_flops = record_shapes, with_flops
        self.profile_memory, self.with_stack = profile_memory, with_stack
        self._recorder = _Recorder(record_shapes or with_flops, profile_memory, with_stack, with_flops)
        self._finished = None

    def __enter__(self):
        if not self.enabled:
            return self
        if self.entered:
            raise RuntimeError("Profiler context manager is not reentrant")
        self.entered = True
        _profiles.add(self)
        self._recorder.__enter__()
        return self

    def __exit__(self, *_):
        if self.enabled:
            self._recorder.__exit__()
            self._finished = self._events()
        return False

    @property
    def function_events(self):
        """The events, an EventList: all of them after the `with` block, those so far within it."""
        return self._events() if self._finished is None else self._finished

    def _events(self):
        events = nested([event for event in self._recorder.events if event.end_ns is not None])
        if not self.record_shapes:
            for event in events:
                event.input_shapes = []
        return EventList(events, profile_memory=self.profile_memory, with_flops=self.with_flops)

    def __repr__(self):
        if self.enabled and not self.entered:
            return "<unfinished torch.autograd.profile>"
        return repr(self.function_events)

    def __str__(self):
        return repr(self) if self.enabled and not self.entered else str(self.function_events)

    def key_averages(self, group_by_input_shape=False, group_by_stack_n=0, group_by_overload_name=False):
        """Sums over the events of one name: see EventList.key_averages."""
        return self.function_events.key_averages(group_by_input_shape, group_by_stack_n, group_by_overload_name)

    def table(self, sort_by=None, row_limit=100, **options):
        """The events as text: see EventList.table."""
        return self.function_events.table(sort_by, row_limit, **options)

    def total_average(self):
        """All events in one average."""
        return self.function_events.total_average()

    @property
    def self_cpu_time_total(self):
        """The time of all events, each moment counted once, in microseconds."""
        return self.function_events.self_cpu_time_total

    def export_chrome_trace(self, path):
        """Write a trace for chrome://tracing or ui.perfetto.dev."""
        self.function_events.export_chrome_trace(path)

    def export_stacks(self, path, metric="self_cpu_time_total"):
        """Write the stacks for a flame graph."""
        if not self.with_stack:
            raise AssertionError("export_stacks() requires with_stack=True")
        self.function_events.export_stacks(path, metric)


class record_function:
    """Name a part of the program: an event around whatever runs in `with record_function(name):`; also a decorator.

    >>> import rushlight
    >>> from rushlight.autograd.profiler import profile, record_function
    >>> with profile() as prof, record_function("step"):
    ...     y = rushlight.ones(2) + 1
    >>> [(event.name, len(event.cpu_children)) for event in prof.function_events][:1]
    [('step', 1)]
    """

    def __init__(self, name, args=None):
        self.name, self.args = name, args

    def __enter__(self):
        recorders = [w for w in watching.current() or () if isinstance(w, _Recorder)]
        self._open = [(recorder, recorder.begin(self.name)) for recorder in recorders]
        for _, event in self._open:
            event.is_user_annotation = True
        return self

    def __exit__(self, *_):
        for _, event in self._open:
            event.end_ns = perf_counter_ns()

    def __call__(self, function):
        import functools

        @functools.wraps(function)
        def named(*args, **options):
            with record_function(self.name, self.args):
                return function(*args, **options)

        return named


class _Recorder(watching.Watcher):
    """The watcher of one profile."""

    def __init__(self, shapes, memory, stacks, flops):
        self.events = []
        self.shapes, self.memory, self.stacks, self.flops = shapes, memory, stacks, flops

    def begin(self, name):
        """A new event, not yet ended."""
        event = FunctionEvent(len(self.events), name, get_ident(), 0)
        event.end_ns = None
        # A counter is a Line, and the one whose mark Python can ask for.
        event.place = VersionCounter()
        event.place.bump()
        if self.stacks:
            event.stack = stack_of(sys._getframe(1), _PACKAGE)
        self.events.append(event)
        event.start_ns = perf_counter_ns()
        return event

    def called(self, op, inputs, params, in_place, proceed):
        event = self.begin(_name_of(op, in_place))
        if self.shapes:
            event.input_shapes = _shapes(inputs)
        before = inputs[0]._grad_fn if in_place else None
        try:
            out = proceed()
        finally:
            event.end_ns = perf_counter_ns()
        node = _node_of(out)
        if node is not None and node is not before:
            event.sequence_nr = node.sequence
        if self.memory and not in_place:
            event.cpu_memory_usage = new_bytes(out, inputs)
        if self.flops:
            event.flops = _flops(op, inputs, out)
        return out

    def pulled(self, node, g, proceed):
        event = self.begin(node.name())
        event.place.copy_line(node)
        event.backward, event.sequence_nr = True, node.sequence
        grads = g if isinstance(g, list) else [g]
        if self.shapes:
            event.input_shapes = _shapes(grads)
        try:
            results = proceed()
        finally:
            event.end_ns = perf_counter_ns()
        if self.memory:
            event.cpu_memory_usage = new_bytes(list(results), grads)
        return results


def times_of(sequences):
    """{number of a node: [forward, backward]} in microseconds, as far as a profile that someone holds has seen them."""
    found = {}
    for each in list(_profiles):
        seen = {}
        for event in each._recorder.events:
            if event.sequence_nr not in sequences or event.end_ns is None or event.sequence_nr in found:
                continue
            times = seen.setdefault(event.sequence_nr, [0.0, 0.0])
            times[event.backward] += event.cpu_time_total
        found.update(seen)
    return found


def _name_of(op, in_place):
    """PyTorch's name of an operation; of a Function the name of its class."""
    if op.custom is not None:
        return op.name.removesuffix("Backward")
    name = "aten::" + _NAMES.get(op.name, op.name)
    return name + "_" if in_place and not name.endswith("_") else name


def _node_of(out):
    """The node that an operation has recorded, None where it has not."""
    for tensor in out if isinstance(out, tuple) else (out,):
        if isinstance(tensor, TensorBase) and tensor._grad_fn is not None:
            return tensor._grad_fn
    return None


def _shapes(values):
    return [list(value._array.shape) if isinstance(value, TensorBase) else [] for value in values]


def _flops(op, inputs, out):
    """Floating-point operations as PyTorch counts them, for the operations that it counts."""
    if op.name in ("add", "mul"):
        return out._array.size
    if op.name in _PRODUCTS:
        left = inputs[-2]._array
        return 2 * out._array.size * left.shape[-1]
    if op.name == "convolution":
        weight = inputs[1]._array
        return 2 * out._array.size * (weight.size // weight.shape[0])
    return 0


def _warn(text, category):
    import warnings

    warnings.warn(text, category, stacklevel=3)
