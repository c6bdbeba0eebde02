"""Margins around signals, images and volumes."""

from .. import functional as F
from .module import Module
from .utils import _ntuple

__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d",
    "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]  # fmt: skip


class _PadNd(Module):
    """`padding` is one size for all sides, or (left, right, top, bottom, front, back) as far as there are."""

    _mode = "constant"
    _spatial = 1

    def __init__(self, padding):
        super().__init__()
        self.padding = _ntuple(2 * self._spatial, "padding")(padding)

    def forward(self, input):
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self):
        return f"{self.padding}"


class _ConstantPadNd(_PadNd):
    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """`value` at both ends of (*, L)."""


class ConstantPad2d(_ConstantPadNd):
    """`value` on four sides of (*, H, W)."""

    _spatial = 2


class ConstantPad3d(_ConstantPadNd):
    """`value` on six sides of (*, D, H, W)."""

    _spatial = 3


class _ZeroPadNd:
    def __init__(self, padding):
        super().__init__(padding, 0.0)

    def extra_repr(self):
        return f"{self.padding}"


class ZeroPad1d(_ZeroPadNd, ConstantPad1d):
    """Zeros at both ends of (*, L)."""


class ZeroPad2d(_ZeroPadNd, ConstantPad2d):
    """Zeros on four sides of (*, H, W)."""


class ZeroPad3d(_ZeroPadNd, ConstantPad3d):
    """Zeros on six sides of (*, D, H, W)."""


class _ReflectionPadNd(_PadNd):
    _mode = "reflect"


class ReflectionPad1d(_ReflectionPadNd):
    """The values of (*, L) mirrored at both ends, the last one not repeated."""


class ReflectionPad2d(_ReflectionPadNd):
    """The values of (*, H, W) mirrored at four sides."""

    _spatial = 2


class ReflectionPad3d(_ReflectionPadNd):
    """The values of (*, D, H, W) mirrored at six sides."""

    _spatial = 3


class _ReplicationPadNd(_PadNd):
    _mode = "replicate"


class ReplicationPad1d(_ReplicationPadNd):
    """The outermost values of (*, L) repeated."""


class ReplicationPad2d(_ReplicationPadNd):
    """The outermost values of (*, H, W) repeated."""

    _spatial = 2


class ReplicationPad3d(_ReplicationPadNd):
    """The outermost values of (*, D, H, W) repeated."""

    _spatial = 3


class _CircularPadNd(_PadNd):
    _mode = "circular"

    def forward(self, input):
        self._check_input_dim(input)
        return F.pad(input, self.padding, "circular")

    def _check_input_dim(self, input):
        n = self._spatial
        if input.dim() not in (n + 1, n + 2):
            raise ValueError(f"expected {n + 1}D or {n + 2}D input (got {input.dim()}D input)")


class CircularPad1d(_CircularPadNd):
    """The values of (*, L) continued from the other end."""


class CircularPad2d(_CircularPadNd):
    """The values of (*, H, W) continued from the other side."""

    _spatial = 2


class CircularPad3d(_CircularPadNd):
    """The values of (*, D, H, W) continued from the other side."""

    _spatial = 3
