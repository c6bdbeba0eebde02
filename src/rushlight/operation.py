"""What a declaration says: an operation's forward, its rules, and what the rules ask for."""

import numpy as np

try:
    import cython
except ImportError:
    from . import uncompiled as cython

from . import allocation, errors
from .dtypes import get_default_dtype, result_dtype
from .kernels import load
from .kernels.kernel import Kernel

try:
    # What np.errstate sets; the class takes 0.7 us for it, as long as a small operation.
    from numpy._core.umath import _extobj_contextvar as _settings
    from numpy._core.umath import _make_extobj

    _SILENT = _make_extobj(all="ignore")
except ImportError:
    _settings = _SILENT = None

if not cython.compiled:
    from numpy import ndarray

# Where a rule's argument comes from, as one number: an input, the shape of an input, an output, a parameter, which
# inputs want a gradient. An input or output is added to the number of its kind.
_SHAPE, _OUT, _PARAM, _NEEDS = 1000, 2000, 3000, 4000
_copying, _LARGE = load("copying"), 1 << 15
# See `promote` in ops/declare.py.
_AS_IT_IS, _COMMON, _FLOAT = 0, 1, 2


class Rule:
    """A derivative: a function of the gradient and of what its parameters name."""

    def __init__(self, fn, sources, names):
        self.fn = fn
        self.sources = sources
        self.names = names
        self.count = len(sources)
        # Set for `lambda g: g`, which need not be called at all.
        self.passes = False
        self.first, self.second = [*sources, -1, -1][:2]
        self.kernel = None
        self.fast = None
        self.inputs_mask = 0
        self.uses_out = False
        self.uses_shapes = False
        for source in sources:
            if source < _SHAPE:
                self.inputs_mask |= 1 << source
            elif source < _OUT:
                self.uses_shapes = True
            elif source < _PARAM:
                self.uses_out = True


def hush():
    """Keep NumPy from warning of overflow, division and the like; returns what `speak` needs."""
    if _settings is not None:
        return _settings.set(_SILENT)
    state = np.errstate(all="ignore")
    state.__enter__()
    return state


def speak(before):
    """End what hush() began."""
    if _settings is not None:
        _settings.reset(before)
    else:
        before.__exit__(None, None, None)


def add_quietly(total, g):
    """total += g on arrays."""
    before = hush()
    try:
        np.add(total, g, out=total)
    finally:
        speak(before)


def in_dtype(array, dtype):
    """The array in another dtype; a large one by all threads."""
    out = _copying.cast(array, dtype=dtype) if _copying is not None and array.size >= _LARGE else NotImplemented
    return array.astype(dtype) if out is NotImplemented else out


def of_one_float(arrays):
    """Whether all are arrays of the same float dtype, so that there is nothing to promote."""
    first = None
    for array in arrays:
        if not isinstance(array, ndarray):
            return False
        dtype = array.dtype
        if first is None:
            if dtype.kind not in "fV":
                return False
            first = dtype
        elif dtype is not first:
            return False
    return True


def half_beside_number(arrays, target):
    """Whether one of the operands is an array of the dtype `target`, and that is a 16-bit float."""
    if target.itemsize != 2 or target.kind not in "fV":
        return False
    return any([isinstance(array, ndarray) and array.dtype == target for array in arrays])


class Operation:
    """An operation, declared once: its forward on arrays, its rules, and how it meets dtypes and shapes."""

    def __init__(self, name, forward):
        self.name = name
        self.forward = forward
        self.__doc__ = forward.__doc__
        self.kernel = None
        self.fast = None
        self.check = None
        self.kind = "nondifferentiable"
        self.arity = 0
        self.variadic = False
        self.rules = []
        self.joint = None
        self.push = None
        self.batch = None
        self.custom = None
        # See ops/shown.py.
        self.shown = None
        self.promotion = 0
        self.elementwise = False
        # Whether both of two inputs get the same gradient where they are the same tensor, as those of a product do.
        self.commutes = False
        self.holomorphic = True
        self.quiet = False
        self.is_view = False
        self.outputs = ()
        self.inputs = ()
        self.params = ()
        self.defaults = {}
        self.aliases = {}
        self.node_class = None
        self.differentiable = False
        self.multiple = False
        self.uses_shapes = False
        self.jointly = False
        self.keeps_anything = False
        # See ops/declare.py.
        self.wide_numbers = False
        self.keep1 = self.keep2 = self.keep3 = self.out_mask = 0

    def __repr__(self):
        return f"<operation {self.name}>"

    def accelerate(self, kernel=None, otherwise=None, **rules):
        """Give the operation, and its rules by the name of their input, kernels for the arrays these handle.

        `otherwise` is asked for what `kernel` declines.
        """
        if otherwise is not None:
            self.fast = otherwise
        if isinstance(kernel, Kernel):
            self.kernel = kernel
        elif kernel is not None:
            self.fast = kernel
        for name, rule_kernel in rules.items():
            rule = self.joint if name == "joint" else self.rules[self.inputs.index(name)]
            if isinstance(rule_kernel, Kernel):
                rule.kernel = rule_kernel
            else:
                rule.fast = rule_kernel

    def view(self, array, params):
        """What the kernel of a view makes of an array; NotImplemented where there is none or it declines."""
        if self.kernel is None:
            return NotImplemented
        names = self.params
        if len(names) == 0:
            return self.kernel.call1(array)
        if len(names) == 1:
            return self.kernel.call2(array, params[names[0]])
        return self.kernel.call3(array, params[names[0]], params[names[1]])

    def prepared(self, arrays):
        """The inputs checked, and brought to one dtype where the operation wants that."""
        if self.check is not None:
            self.check(*arrays)
        if self.promotion == _AS_IT_IS or of_one_float(arrays):
            return arrays
        try:
            target = result_dtype(arrays)
        except TypeError:
            raise errors.not_an_operand(self, arrays) from None
        if self.promotion == _FLOAT and not (target.is_floating_point or target.is_complex):
            target = get_default_dtype()
        target = target.numpy
        number = np.float32 if self.wide_numbers and half_beside_number(arrays, target) else target
        before = hush()
        try:
            for i, array in enumerate(arrays):
                if not isinstance(array, ndarray):
                    arrays[i] = np.asarray(array).astype(number)
                elif array.dtype != target:
                    arrays[i] = in_dtype(array, target if array.ndim else number)
        finally:
            speak(before)
        return arrays

    def fits(self, arrays, out):
        """(shape, dtype) that each gradient must be brought to; None where nothing differs."""
        fits = None
        for i, array in enumerate(arrays):
            if not isinstance(array, ndarray):
                continue
            shape = array.shape if self.elementwise and array.shape != out.shape else None
            dtype = array.dtype if array.dtype != out.dtype else None
            if shape is None and dtype is None:
                continue
            if fits is None:
                fits = [None] * len(arrays)
            fits[i] = (shape, dtype)
        return fits

    def by_kernel(self, arrays):
        """What the kernel makes of the inputs; NotImplemented where it declines."""
        if len(arrays) == 2:
            return self.kernel.call2(arrays[0], arrays[1])
        if len(arrays) == 1:
            return self.kernel.call1(arrays[0])
        return self.kernel.call3(arrays[0], arrays[1], arrays[2]) if len(arrays) == 3 else NotImplemented

    def compute(self, arrays, params):
        """The forward on arrays; one array, or a tuple of them."""
        try:
            try:
                return self.attempt(arrays, params)
            except MemoryError:
                if not allocation.given_back():
                    raise
            return self.attempt(arrays, params)
        except (ValueError, OverflowError, MemoryError) as error:
            allocation.refuse(self, error, arrays, params)
            raise

    def attempt(self, arrays, params):
        """The same; whatever is raised is raised as it is."""
        if self.is_view and self.kernel is not None:
            out = self.view(arrays[0], params)
            if out is not NotImplemented:
                return out
        elif self.kernel is not None and params is self.defaults:
            out = self.by_kernel(arrays)
            if out is not NotImplemented:
                return out
        if self.fast is not None:
            out = self.fast(*arrays, **params)
            if out is not NotImplemented:
                return out
        if not self.quiet:
            return self.forward(*arrays, **params)
        before = hush()
        try:
            return self.forward(*arrays, **params)
        except ValueError as error:
            # NumPy's LinAlgError is one too, and says more.
            if type(error) is ValueError:
                errors.check_broadcast(arrays)
            raise
        finally:
            speak(before)

    def settle(self):
        """Work out once what the rules ask for."""
        stated = [rule for rule in [*self.rules, self.joint] if rule is not None]
        self.uses_shapes = any([rule.uses_shapes for rule in stated])
        self.keeps_anything = any([rule.inputs_mask or rule.uses_out for rule in stated])
        self.keep1, self.keep2, self.keep3 = self.asked(1), self.asked(2), self.asked(3)
        self.out_mask = 0
        for i, rule in enumerate(self.rules):
            if rule is not None and rule.uses_out:
                self.out_mask |= 1 << i
        if self.joint is not None and self.joint.uses_out:
            self.out_mask = -1

    def asked(self, needed):
        """Which inputs the rules of the inputs in the bit set `needed` ask for, as a bit set."""
        if self.joint is not None:
            return self.joint.inputs_mask
        mask = 0
        for i, rule in enumerate(self.rules):
            if needed >> i & 1 and rule is not None:
                mask |= rule.inputs_mask
        return mask

    def keeps(self, needed):
        """The same, looked up for up to two inputs."""
        if needed == 3:
            return self.keep3
        if needed == 1:
            return self.keep1
        if needed == 2:
            return self.keep2
        return self.asked(needed)
