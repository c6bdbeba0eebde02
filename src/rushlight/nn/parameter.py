"""Parameters and buffers: the tensors that a Module owns."""

import numpy as np

from .. import core, spelling, watching
from ..device import check_cpu
from ..dtypes import as_dtype, get_default_dtype
from ..errors import not_floating
from ..functions.options import allocate
from ..functions.protocols import attributes
from ..spelling import spell
from ..tensor import Tensor


class Parameter(Tensor):
    """A tensor that a Module trains: assigned to an attribute of a module it is listed in `parameters()`.

    Shares the memory of `data`, an empty tensor by default. Requires gradients unless `requires_grad=False`;
    RuntimeError then for a dtype that has none.

    >>> import rushlight
    >>> rushlight.nn.Parameter(rushlight.tensor([1.0, 2.0]))
    Parameter containing:
    tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __new__(cls, data=None, requires_grad=True) -> "Parameter":
        if data is None:
            return parameter_of(np.empty(0, get_default_dtype().numpy), requires_grad, cls)
        if requires_grad and isinstance(data, Tensor) and not data.tracked_dtype():
            raise not_floating("Only Tensors of floating point and complex dtype can require gradients")
        if type(data) is Tensor or type(data) is Parameter:
            parameter = parameter_of(data._array, requires_grad, cls)
            parameter.versions = core.detached(data, True).versions
            if watching.in_force:
                watching.note("Parameter", data, parameter)
            return parameter
        tensor = data.detach()
        # It stays of its own class; the mark tells modules what it is.
        tensor._is_param = True
        return tensor.requires_grad_(requires_grad)

    def __init__(self, *args, **kwargs):
        pass

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = parameter_of(self._array.copy(order="K"), self.requires_grad, type(self))
        return memo[id(self)]

    def __reduce_ex__(self, protocol):
        return _rebuild, (type(self), self.data, self.requires_grad, attributes(self))

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()


def is_parameter(value):
    """Whether a value is a Parameter, or made one while it stays of its own subclass of Tensor."""
    return isinstance(value, Parameter) or (isinstance(value, Tensor) and getattr(value, "_is_param", False))


class _BufferType(type):
    def __instancecheck__(cls, instance):
        return isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferType):
    """A tensor that a Module keeps but does not train; with `persistent=False` it stays out of `state_dict()`.

    `Buffer(data)` is a plain Tensor over the memory of `data`, marked so that a Module knows it.
    """

    __slots__ = ()

    def __new__(cls, data=None, *, persistent=True):
        if data is None:
            data = core.wrap(np.empty(0, get_default_dtype().numpy))
        tensor = data.detach()
        if data.requires_grad:
            tensor.requires_grad_(True)
        tensor._is_buffer = True
        tensor.persistent = persistent
        return tensor


class _Unset(np.ndarray):
    """The array of a tensor whose shape is not known yet: it has a dtype, and nothing can be computed with it."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        raise _unset(ufunc)

    def __array_function__(self, func, types, args, kwargs):
        raise _unset(func)


def _unset(function):
    return ValueError(
        f"Attempted to use an uninitialized parameter in {function}. This error happens when you are using a "
        f"`LazyModule` or explicitly manipulating `{spell('nn.parameter.UninitializedParameter')}` objects. When using "
        "LazyModules Call `forward` with a dummy batch to initialize the parameters before calling "
        f"{spelling.module} functions"
    )


def _refusing(name):
    def refuse(self, *args, **kwargs):
        raise _unset(f"<method {name!r} of {type(self).__name__!r} objects>")

    return refuse


class _UninitializedType(type):
    """Makes uninitialized tensors; `__new__` alone is what gives a result of an operation the class of its operand."""

    def __call__(cls, *args, **kwargs):
        return cls._made(*args, **kwargs)


class UninitializedTensorMixin(metaclass=_UninitializedType):
    """What parameters and buffers are before `materialize` gives them their shape: a dtype, and no elements."""

    # No __slots__: compiled or not, the classes must have the layout of those that they become.
    _usable = (*vars(core.TensorBase), "materialize", "is_complex", "is_floating_point", "cls_to_become")

    def __new__(cls):
        raise _unset("an operation")

    def __getattribute__(self, name):
        value = super().__getattribute__(name)
        if name.startswith("_") or not callable(value) or name in UninitializedTensorMixin._usable:
            return value
        return _refusing(name).__get__(self)

    @property
    def shape(self):
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
            "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward` to "
            "initialize the parameters before accessing their attributes."
        )

    @property
    def data(self):
        """A tensor without elements; to assign one of another dtype sets the dtype."""
        return core.wrap(self._array.view(np.ndarray))

    @data.setter
    def data(self, value):
        self._array = np.empty(0, value._array.dtype).view(_Unset)

    def materialize(self, shape, device=None, dtype=None):
        """Become a parameter or buffer of that shape, its elements not set."""
        array = empty_array(tuple(shape), device, self._array.dtype if dtype is None else dtype)
        self._array = array
        self.__class__ = self.cls_to_become

    def __deepcopy__(self, memo):
        if id(self) not in memo:
            memo[id(self)] = _uninitialized(*self._made_of())
        return memo[id(self)]

    def __reduce_ex__(self, protocol):
        return _uninitialized, self._made_of()

    def _made_of(self):
        return type(self), self.requires_grad, self.dtype, attributes(self)

    def __repr__(self):
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter whose shape is not known yet; `materialize(shape)` makes a Parameter of it.

    Lazy modules do so in their first call. Raises ValueError where it is computed with, RuntimeError where its shape
    is asked for.

    >>> from rushlight import nn
    >>> weight = nn.UninitializedParameter()
    >>> weight
    <UninitializedParameter>
    >>> weight.materialize((2, 3))
    >>> type(weight).__name__, weight.shape == (2, 3)
    ('Parameter', True)
    """

    __slots__ = ()
    cls_to_become = Parameter

    @classmethod
    def _made(cls, requires_grad=True, device=None, dtype=None):
        return _without_shape(cls, requires_grad, device, dtype)


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer whose shape is not known yet; `materialize(shape)` makes a Tensor of it."""

    __slots__ = ()
    cls_to_become = Tensor

    @classmethod
    def _made(cls, requires_grad=False, device=None, dtype=None, persistent=True):
        buffer = _without_shape(cls, requires_grad, device, dtype)
        buffer._is_buffer = True
        buffer.persistent = persistent
        return buffer


for _name in ("bool", "contains", "float", "getitem", "index", "int", "iter", "len", "setitem"):
    setattr(UninitializedTensorMixin, f"__{_name}__", _refusing(f"__{_name}__"))


def is_lazy(param):
    """Whether a parameter or buffer has no shape yet."""
    return isinstance(param, UninitializedTensorMixin)


def _without_shape(cls, requires_grad, device, dtype):
    tensor = parameter_of(empty_array((0,), device, dtype).view(_Unset), False, cls)
    tensor.requires_grad = requires_grad
    return tensor


def _uninitialized(cls, requires_grad, dtype, attributes):
    tensor = cls(requires_grad, dtype=dtype)
    tensor.__dict__.update(attributes)
    return tensor


def parameter_of(array, requires_grad=True, cls=Parameter):
    """A Parameter over an array, which is not copied."""
    parameter = core.TensorBase.__new__(cls)
    parameter._array = array
    if core.transforms_entered(0):
        parameter.born = core.entered()
    if requires_grad:
        parameter.requires_grad_(True)
    return parameter


def empty_array(shape, device=None, dtype=None):
    """An array for a parameter or buffer, not yet filled; TypeError for sizes that are not integers."""
    if device is not None:
        check_cpu(device, "empty(): argument 'device'")
    dtype = get_default_dtype() if dtype is None else as_dtype(dtype)
    for i, size in enumerate(shape):
        if not hasattr(size, "__index__"):
            raise TypeError(
                f"empty(): argument 'size' failed to unpack the object at pos {i + 1} with error \"type must be tuple "
                f'of ints,but got {type(size).__name__}"'
            )
    return allocate(np.empty, tuple(shape), dtype.numpy)


def empty_parameter(shape, device=None, dtype=None):
    """A Parameter of that shape, not yet filled."""
    return parameter_of(empty_array(shape, device, dtype))


def _rebuild(cls, data, requires_grad, attributes):
    parameter = cls(data, requires_grad)
    parameter.__dict__.update(attributes)
    return parameter


core.bind(parameter_class=Parameter)
# So that it has the layout of what it becomes.
core.adopt(UninitializedBuffer)
