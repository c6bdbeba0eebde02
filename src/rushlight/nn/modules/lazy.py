"""Lazy layers: the number of input features or channels is that of the first input."""

from itertools import chain

import numpy as np

from ...core import wrap, written
from ..parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from .batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from .conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .instancenorm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d, _InstanceNorm
from .linear import Linear

__all__ = [
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d", "LazyConv3d",
    "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d", "LazyInstanceNorm1d", "LazyInstanceNorm2d",
    "LazyInstanceNorm3d", "LazyLinear",
]  # fmt: skip


class LazyModuleMixin:
    """For modules that make their parameters in the first call: the first base of such a class, before its layer.

    The class gives itself `UninitializedParameter`s, and `initialize_parameters` with the arguments of `forward` to
    materialize them. After the first call the module is of the class `cls_to_become`, where that is not None.
    RuntimeError where a parameter is left without a shape.
    """

    cls_to_become = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._initialize_hook = self.register_forward_pre_hook(_initialize, with_kwargs=True)

    def initialize_parameters(self, *args, **kwargs):
        """Give the parameters their shapes and first values; every lazy class defines it."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self):
        """Whether a parameter or buffer of this module has no shape yet."""
        return any([is_lazy(tensor) for tensor in chain(self._parameters.values(), self._buffers.values())])


def _initialize(module, args, kwargs):
    """The hook before the first call."""
    module.initialize_parameters(*args, **kwargs)
    if module.has_uninitialized_params():
        raise RuntimeError(f"module {module._get_name()} has not been fully initialized")
    module._initialize_hook.remove()
    del module._initialize_hook
    if module.cls_to_become is not None:
        module.__class__ = module.cls_to_become


class _LazyLayer(LazyModuleMixin):
    """What the lazy forms of our own layers share."""

    def reset_parameters(self):
        """Draw the parameters anew; before the first call there is nothing to draw."""
        if not self.has_uninitialized_params() and any([t.numel() for t in chain(self.parameters(), self.buffers())]):
            super().reset_parameters()

    def _materialize(self, **shapes):
        """Give tensors that have no shape yet this one, and all their first values but those that were loaded."""
        own = {name: getattr(self, name) for name in shapes if getattr(self, name) is not None}
        loaded = [(tensor, tensor._array.copy()) for tensor in own.values() if not is_lazy(tensor)]
        for name, tensor in own.items():
            if is_lazy(tensor):
                tensor.materialize(shapes[name])
        self.reset_parameters()
        for tensor, values in loaded:
            np.copyto(tensor._array, values)
            written(tensor)


class LazyLinear(_LazyLayer, Linear):
    """A Linear that takes `in_features` from its first input.

    >>> import rushlight
    >>> layer = rushlight.nn.LazyLinear(2)
    >>> layer
    LazyLinear(in_features=0, out_features=2, bias=True)
    >>> layer(rushlight.ones(5, 3)).shape == (5, 2)
    True
    >>> layer
    Linear(in_features=3, out_features=2, bias=True)
    """

    cls_to_become = Linear

    def __init__(self, out_features, bias=True, device=None, dtype=None):
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def initialize_parameters(self, input):
        """Take the number of features from the input, or from the state that was loaded."""
        given = input.shape[-1]
        if self.has_uninitialized_params():
            self.in_features = given
            self._materialize(weight=(self.out_features, given), bias=(self.out_features,))
        elif self.in_features == 0:
            loaded = self.weight.shape[-1]
            if given != loaded:
                raise AssertionError(
                    f"The in_features inferred from input: {given} is not equal to in_features from self.weight: {loaded}"
                )
            self.in_features = loaded


class _LazyConvNd(_LazyLayer):
    def __init__(self, out_channels, groups, bias, device, dtype, **options):
        super().__init__(0, 0, groups=groups, bias=False, **options)
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def initialize_parameters(self, input, *args, **kwargs):
        """Take the number of channels from the input, or from the state that was loaded."""
        n = self._spatial
        if input.dim() not in (n + 1, n + 2):
            raise RuntimeError(
                f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {type(self).__name__}, but got input of "
                f"size: {input.shape}"
            )
        if self.has_uninitialized_params():
            channels = input.shape[-n - 1]
            if channels % self.groups:
                raise ValueError("in_channels must be divisible by groups")
            self.in_channels = channels
            first, second = (channels, self.out_channels) if self._transposed else (self.out_channels, channels)
            self._materialize(weight=(first, second // self.groups, *self.kernel_size), bias=(self.out_channels,))
        elif self.in_channels == 0:
            first, second = self.weight.shape[:2]
            self.in_channels = first if self._transposed else second * self.groups


class _LazyConv(_LazyConvNd):
    def __init__(
        self,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            out_channels,
            groups,
            bias,
            device,
            dtype,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            dilation=dilation,
            padding_mode=padding_mode,
        )


class _LazyConvTranspose(_LazyConvNd):
    def __init__(
        self,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            out_channels,
            groups,
            bias,
            device,
            dtype,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            output_padding=output_padding,
            dilation=dilation,
            padding_mode=padding_mode,
        )


class _LazyNorm(_LazyLayer):
    def __init__(
        self,
        eps=1e-5,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__(0, eps, momentum, False, False)
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
        if affine and bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = wrap(np.zeros((), np.int64))

    def initialize_parameters(self, input):
        """Take the number of channels from the input, or from the state that was loaded."""
        self._check_input_dim(input)
        unbatched = isinstance(self, _InstanceNorm) and input.dim() == self._ranks[0]
        shape = tuple(input.shape[:1] if unbatched else input.shape[1:2])
        known = [t for t in (self.weight, self.bias, self.running_mean) if t is not None and not is_lazy(t)]
        self.num_features = known[0].shape[0] if known else shape[0]
        if self.has_uninitialized_params():
            self._materialize(weight=shape, bias=shape, running_mean=shape, running_var=shape)


def _lazy(base, layer, inputs):
    """The class of the lazy form of a layer."""
    name = f"Lazy{layer.__name__}"
    doc = f"A {layer.__name__} that takes {inputs} from its first input; it is a {layer.__name__} from then on."
    return type(name, (base, layer), {"__doc__": doc, "__module__": __name__, "cls_to_become": layer})


LazyConv1d, LazyConv2d, LazyConv3d = [_lazy(_LazyConv, c, "`in_channels`") for c in (Conv1d, Conv2d, Conv3d)]
LazyConvTranspose1d, LazyConvTranspose2d, LazyConvTranspose3d = [
    _lazy(_LazyConvTranspose, c, "`in_channels`") for c in (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
]
LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d = [
    _lazy(_LazyNorm, c, "`num_features`") for c in (BatchNorm1d, BatchNorm2d, BatchNorm3d)
]
LazyInstanceNorm1d, LazyInstanceNorm2d, LazyInstanceNorm3d = [
    _lazy(_LazyNorm, c, "`num_features`") for c in (InstanceNorm1d, InstanceNorm2d, InstanceNorm3d)
]
