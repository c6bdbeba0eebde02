"""Convolutions and transposed convolutions of signals, images and volumes."""

import math

from .. import functional as F
from .. import init
from ..parameter import empty_parameter
from .module import Module
from .utils import _ntuple, _reverse_repeat_tuple

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    _spatial = 1
    _transposed = False

    def __init__(
        self,
        in_channels,
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
        output_padding=0,
    ):
        super().__init__()
        _check_groups(in_channels, out_channels, groups)
        each = _ntuple(self._spatial, "sizes")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = each(kernel_size)
        self.stride = each(stride)
        self.padding = padding if isinstance(padding, str) and not self._transposed else each(padding)
        self.dilation = each(dilation)
        self.transposed = self._transposed
        self.output_padding = each(output_padding)
        self.groups = groups
        _check_padding(self.padding, self.stride, padding_mode)
        self.padding_mode = padding_mode
        self._reversed_padding_repeated_twice = self._margins()
        if self._transposed:
            shape = (in_channels, out_channels // groups, *self.kernel_size)
        else:
            shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = empty_parameter(shape, device, dtype)
        if bias:
            self.bias = empty_parameter((out_channels,), device, dtype)
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _margins(self):
        """The padding as `pad` wants it: two numbers per dimension, the last dimension first."""
        if not isinstance(self.padding, str):
            return _reverse_repeat_tuple(self.padding, 2)
        margins = [0, 0] * self._spatial
        if self.padding == "same":
            for i, (d, k) in enumerate(zip(self.dilation, self.kernel_size)):
                total = d * (k - 1)
                at = 2 * (self._spatial - 1 - i)
                margins[at] = total // 2
                margins[at + 1] = total - total // 2
        return margins

    def reset_parameters(self):
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def _convolved(self, function, input):
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = (0,) * self._spatial
        return function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self):
        shown = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        zeros = (0,) * self._spatial
        if self.padding != zeros:
            shown += f", padding={self.padding}"
        if self.dilation != (1,) * self._spatial:
            shown += f", dilation={self.dilation}"
        if self.output_padding != zeros:
            shown += f", output_padding={self.output_padding}"
        if self.groups != 1:
            shown += f", groups={self.groups}"
        if self.bias is None:
            shown += ", bias=False"
        if self.padding_mode != "zeros":
            shown += f", padding_mode={self.padding_mode}"
        return shown


def _check_groups(in_channels, out_channels, groups):
    if groups <= 0:
        raise ValueError("groups must be a positive integer")
    if in_channels % groups:
        raise ValueError("in_channels must be divisible by groups")
    if out_channels % groups:
        raise ValueError("out_channels must be divisible by groups")


def _check_padding(padding, stride, padding_mode):
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'same', 'valid'}}")
        if padding == "same" and any(s != 1 for s in stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
    if padding_mode not in _PADDING_MODES:
        raise ValueError(
            f"padding_mode must be one of {{'zeros', 'reflect', 'replicate', 'circular'}}, but got {padding_mode=}"
        )


class Conv1d(_ConvNd):
    """Convolves (N, in_channels, L) with `weight` (out_channels, in_channels / groups, k), and adds `bias`."""

    def forward(self, input):
        return self._convolved(F.conv1d, input)


class Conv2d(_ConvNd):
    """Convolves (N, in_channels, H, W) with `weight` (out_channels, in_channels / groups, kH, kW), and adds `bias`.

    `padding` is a size, or "same" or "valid"; `padding_mode` says what it is filled with. Raises ValueError for
    channels that `groups` does not divide.

    >>> import rushlight
    >>> rushlight.nn.Conv2d(3, 8, 3, padding=1)(rushlight.ones(2, 3, 5, 5)).shape == (2, 8, 5, 5)
    True
    """

    _spatial = 2

    def forward(self, input):
        return self._convolved(F.conv2d, input)


class Conv3d(_ConvNd):
    """Convolves (N, in_channels, D, H, W) with `weight` (out_channels, in_channels / groups, kD, kH, kW)."""

    _spatial = 3

    def forward(self, input):
        return self._convolved(F.conv3d, input)


class _ConvTransposeNd(_ConvNd):
    _transposed = True

    def __init__(
        self,
        in_channels,
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
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
            output_padding,
        )

    def _transposed_by(self, function, input, output_size):
        return function(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self._output_padding(input, output_size),
            self.groups,
            self.dilation,
        )

    def _output_padding(self, input, output_size):
        """How much to add at one side of each dimension, so that the output has the size asked for."""
        if output_size is None:
            return self.output_padding
        n = self._spatial
        batched = input.dim() == n + 2
        if len(output_size) == (n + 2 if batched else n + 1):
            output_size = output_size[-n:]
        if len(output_size) != n:
            raise ValueError(
                f"ConvTranspose{n}D: for {input.dim()}D input, output_size must have {n} or {input.dim()} elements "
                f"(got {len(output_size)})"
            )
        spatial = input.size()[-n:]
        least = [
            (size - 1) * s - 2 * p + d * (k - 1) + 1
            for size, s, p, k, d in zip(spatial, self.stride, self.padding, self.kernel_size, self.dilation)
        ]
        most = [low + s - 1 for low, s in zip(least, self.stride)]
        if any(not low <= size <= high for low, size, high in zip(least, output_size, most)):
            raise ValueError(
                f"requested an output size of {output_size}, but valid sizes range from {least} to {most} "
                "(for an input "
                f"of {spatial})"
            )
        return tuple(size - low for size, low in zip(output_size, least))


class ConvTranspose1d(_ConvTransposeNd):
    """The transpose of Conv1d: (N, in_channels, L), weight (in_channels, out_channels / groups, k)."""

    def forward(self, input, output_size=None):
        return self._transposed_by(F.conv_transpose1d, input, output_size)


class ConvTranspose2d(_ConvTransposeNd):
    """The transpose of Conv2d: (N, in_channels, H, W), weight (in_channels, out_channels / groups, kH, kW).

    `output_size` chooses among the sizes from which Conv2d would give the input's.
    """

    _spatial = 2

    def forward(self, input, output_size=None):
        return self._transposed_by(F.conv_transpose2d, input, output_size)


class ConvTranspose3d(_ConvTransposeNd):
    """The transpose of Conv3d: (N, in_channels, D, H, W)."""

    _spatial = 3

    def forward(self, input, output_size=None):
        return self._transposed_by(F.conv_transpose3d, input, output_size)
