"""The Tensor that people hold: the compiled fields and operators of TensorBase, with names, printing and bridges."""

from importlib import import_module

import numpy as np

from . import core, dtypes, errors, modes, watching
from .autograd.backward import backward, check_outside
from .core import TensorBase
from .device import check_cpu, cpu, strided
from .engine import backward_from_scalar
from .functions import scalars
from .hooks import RemovableHandle
from .inplace import storage_geometry
from .node import accumulator, extras_of, extras_of_leaf
from .ops import batching
from .ops.hidden import Batched, values
from .size import Size


class Tensor(TensorBase):
    """An array that remembers how it was computed.

    Make one with `rushlight.tensor(data)`; `Tensor(data)` gives a float one, as PyTorch's legacy constructor does.

    >>> import rushlight
    >>> x = rushlight.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = ()

    def __init__(self, *data, device=None):
        """`Tensor([1.0, 2.0])` of given numbers, `Tensor(2, 3)` of a given shape and not filled; the default dtype."""
        from .functions.legacy import legacy_array

        check_cpu(device)
        self._array = legacy_array(data, dtypes.get_default_dtype())

    # -- what it is
    @property
    def shape(self):
        """The size of each dimension."""
        return tuple.__new__(Size, self._array.shape)

    @property
    def dtype(self):
        """The type of the elements."""
        return dtypes.of(self._array.dtype)

    @property
    def ndim(self):
        """The number of dimensions."""
        return self._array.ndim

    @property
    def device(self):
        """Where the memory is: the CPU."""
        return cpu

    @property
    def layout(self):
        """How the memory is laid out: by strides."""
        return strided

    @property
    def itemsize(self):
        """The bytes of an element."""
        return self._array.itemsize

    @property
    def nbytes(self):
        """Bytes of the elements."""
        return self._array.nbytes

    is_cpu = property(lambda self: True, doc="True: the memory is the CPU's.")
    is_cuda = property(lambda self: False, doc="False: there is no GPU.")
    is_sparse = property(lambda self: False, doc="False: tensors are dense.")
    is_quantized = property(lambda self: False, doc="False: there are no quantized tensors.")
    is_meta = property(lambda self: False, doc="False: every tensor has its elements.")

    def get_device(self):
        """The number of the accelerator; -1, there is none."""
        return -1

    def size(self, dim=None):
        """The shape, or one entry of it."""
        shape = self._array.shape
        if dim is None:
            return tuple.__new__(Size, shape)
        if type(dim) is int and -len(shape) <= dim < len(shape):
            return shape[dim]
        from .functions.arguments import wrap_dim

        return shape[wrap_dim(dim, len(shape))]

    def dim(self):
        """The number of dimensions."""
        return self._array.ndim

    ndimension = dim

    def numel(self):
        """The number of elements."""
        return self._array.size

    nelement = numel

    def stride(self, dim=None):
        """Elements to step for the next entry along each dimension (or along `dim`)."""
        steps = tuple(s // self._array.itemsize for s in self._array.strides)
        return steps if dim is None else steps[dim]

    def storage_offset(self):
        """The elements of the storage before the first of this tensor."""
        if self.view_of is None:
            return 0
        return storage_geometry(self._array, self.view_of.base._array)["storage_offset"]

    def data_ptr(self):
        """The address of the first element."""
        return self._array.__array_interface__["data"][0]

    def element_size(self):
        """The bytes of an element."""
        return self._array.itemsize

    def is_contiguous(self, memory_format=None):
        """Whether the elements lie in memory one behind the other, the last dimension first."""
        return self._array.flags.c_contiguous

    def is_floating_point(self):
        """Whether the elements are real numbers with a fraction."""
        return self.dtype.is_floating_point

    def is_complex(self):
        """Whether the elements are complex numbers."""
        return self.dtype.is_complex

    def is_signed(self):
        """Whether the dtype has negative numbers."""
        return self.dtype.is_signed

    def _is_view(self):
        return self.view_of is not None

    # -- history
    def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
        """Differentiate this tensor with respect to the leaves it came from: adds to their `.grad`."""
        if core.transforms_entered(0):
            check_outside([self])
        if gradient is None and inputs is None and create_graph is False:
            if (retain_graph is None or retain_graph is True) and backward_from_scalar(self, retain_graph is True):
                return

        backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def requires_grad_(self, requires_grad=True):
        """Switch recording for this leaf on or off, in place."""
        if requires_grad is not True and requires_grad is not False:
            raise errors.not_a_flag("requires_grad_", "requires_grad", requires_grad, 1)
        if requires_grad and not self.tracked_dtype():
            raise errors.not_floating("only Tensors of floating point dtype can require gradients")
        if not requires_grad or self.is_leaf:
            self.requires_grad = requires_grad
        return self

    def tracked_dtype(self):
        return self._array.dtype.kind in "fcV"

    def detach(self):
        """The same memory, shape and dtype without the history: for backward, a constant."""
        if self is None:
            raise errors.not_tensor(self, "detach")
        try:
            result = core.detached(self, True)
        except (AttributeError, TypeError):
            if isinstance(self, Tensor):
                raise
            raise errors.not_tensor(self, "detach") from None
        if core.transforms_entered(0):
            batching.followed(result, self)
        if watching.in_force:
            watching.note("detach", self, result)
        return result

    def detach_(self):
        """Forget this tensor's own history."""
        if not isinstance(self, core.TensorBase):
            raise errors.not_tensor(self, "detach_")
        if self.view_of is not None:
            raise errors.coded(
                "RL120",
                RuntimeError(
                    "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for "
                    "training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() "
                    "cannot be called on these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in "
                    "torch/optim/optimizer.py as the solution."
                ),
            )
        if watching.in_force:
            watching.note("detach_", self, self)
        self._grad_fn, self._requires_grad, self.output_nr, self.tangent = None, False, 0, None
        return self

    @property
    def data(self):
        """The same memory without history and with a version counter of its own: writes go unnoticed."""
        result = core.detached(self, False)
        if core.transforms_entered(0):
            batching.followed(result, self)
        if watching.in_force:
            watching.note("data", self, result)
        return result

    @data.setter
    def data(self, value):
        if not isinstance(value, TensorBase):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self.requires_grad and value._array.dtype.kind not in "fcV":
            raise errors.coded(
                "RL133",
                RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype"),
            )
        self._array = value._array

    @data.deleter
    def data(self):
        raise RuntimeError("Deleting tensor data is not allowed. Delete tensor instead!")

    def retain_grad(self):
        """Keep the gradient of this computed tensor in `.grad` too."""
        if not self.requires_grad:
            raise errors.coded("RL124", RuntimeError("can't retain_grad on Tensor that has requires_grad=False"))
        if self.grad_fn is None:
            return
        extras_of(self.grad_fn).retain(self, self.output_nr)
        self._retains_grad = True

    @property
    def retains_grad(self):
        """Whether `retain_grad()` was called for this tensor, which is no leaf."""
        return errors.retains(self)

    def register_hook(self, hook):
        """Call hook(grad) when this tensor's gradient is known; a tensor it returns takes the gradient's place."""
        if not self.requires_grad:
            raise errors.coded(
                "RL124", RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
            )
        node = self.grad_fn
        extras = extras_of_leaf(self) if node is None else extras_of(node)
        return RemovableHandle(extras.tensor_hooks, (self.output_nr if node is not None else 0, hook))

    def register_post_accumulate_grad_hook(self, hook):
        """Call hook(tensor) after this leaf's `.grad` was accumulated."""
        if not self.requires_grad:
            raise errors.coded(
                "RL124", RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
            )
        if self.grad_fn is not None:
            raise errors.coded(
                "RL124", RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
            )
        return RemovableHandle(extras_of_leaf(self).accumulated_hooks, hook)

    def is_inference(self):
        """Whether it was made in `inference_mode`."""
        return self.inference

    # -- Python's protocols
    def __repr__(self, *, tensor_contents=None):
        from .printing import array_repr

        if type(self._array) is Batched:
            return batching.shown(self)
        name = type(self).__name__
        return array_repr(
            self._array,
            requires_grad=self.requires_grad,
            grad_fn_name=self._node_name(),
            prefix="tensor(" if type(self) in (Tensor, core.parameter_class()) else f"{name}(",
            tangent=self.tangent_shown(),
        )

    def _node_name(self):
        """The name of the node as it is printed; that of a view whose history was lost to a write is 'Invalid'."""
        try:
            node = self.grad_fn
        except RuntimeError:
            return "Invalid"
        return None if node is None else type(node).__name__

    def tangent_shown(self):
        """The tangent that is printed: that of the innermost open level of forward mode."""
        levels = [level for level, tangent in (self.tangent or {}).items() if level.open and tangent is not None]
        return self.tangent[max(levels, key=lambda level: level.number)] if levels else None

    def __len__(self):
        if self._array.ndim == 0:
            raise errors.coded("RL336", TypeError("len() of a 0-d tensor"))
        return len(self._array)

    __bool__ = scalars.__bool__
    item = scalars.item

    def tolist(self):
        """The elements as numbers in nested lists; a number for a tensor without dimensions."""
        if watching.in_force:
            watching.note("tolist", self, None)
        return self._array.tolist()

    def numpy(self, *, force=False):
        """The array itself, not a copy."""
        if watching.in_force:
            watching.note("numpy", self, None)
        if force is not False:
            if force is not True:
                raise errors.not_a_flag("numpy", "force", force)
            return values(self._array)
        if self.requires_grad and modes.grad_enabled():
            raise errors.coded(
                "RL121",
                RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."),
            )
        return values(self._array)

    def __array__(self, dtype=None, copy=None):
        array = self.numpy()
        return np.array(array, dtype, copy=copy) if copy is not None else np.asarray(array, dtype)

    def __iter__(self):
        if self._array.ndim == 0:
            raise errors.coded("RL336", TypeError("iteration over a 0-d tensor"))
        return iter(self.unbind(0))


def offer(module):
    """Make the methods that a module of functions states methods of Tensor."""
    for name in module.METHODS:
        setattr(Tensor, name, getattr(module, name))
    for name, function in module.INPLACE.items():
        setattr(Tensor, name, function)


class Later:
    """Stands in Tensor for a method whose family of functions is imported when someone first asks for one of it."""

    def __init__(self, family, name):
        self.family = family
        self.__name__ = self.__qualname__ = name

    def __get__(self, instance, owner):
        offer(import_module(f".functions.{self.family}", __package__))
        return vars(Tensor)[self.__name__].__get__(instance, owner)


core.bind(tensor_class=core.adopt(Tensor))

__all__ = ["Later", "Tensor", "accumulator", "offer"]
