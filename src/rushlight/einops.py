"""einops for tensors: after `import rushlight.einops` its functions take them; and its layers, as modules.

`rearrange`, `reduce`, `repeat`, `einsum`, `pack` and `unpack` stay einops' own. Where `torch` means rushlight (`rushlight
run`, `as_torch()`) einops finds it by itself, `einops.layers.torch` too. It needs einops: `pip install rushlight[einops]`.

>>> import rushlight, rushlight.einops
>>> from einops import rearrange
>>> rearrange(rushlight.arange(6), "(h w) -> w h", h=2)
tensor([[0, 3],
        [1, 4],
        [2, 5]])
"""

try:
    from einops import _backends, layers
    from einops.layers._einmix import _EinmixMixin
except ImportError:
    raise ImportError("rushlight.einops needs einops, which is not installed: pip install rushlight[einops]") from None

import rushlight

from . import nn

__all__ = ["EinMix", "Rearrange", "Reduce"]


class _Backend(_backends.TorchBackend):
    """What einops does for PyTorch, with rushlight. einops finds it among the subclasses, by the name of the package."""

    framework_name = "rushlight"

    def __init__(self):
        self.torch = rushlight


class Rearrange(layers.RearrangeMixin, nn.Module):
    """`einops.rearrange` as a module.

    >>> import rushlight
    >>> rushlight.einops.Rearrange("b h w -> b (h w)")(rushlight.ones(2, 3, 4)).shape
    rushlight.Size([2, 12])
    """

    def forward(self, input):
        return self._apply_recipe(input)


class Reduce(layers.ReduceMixin, nn.Module):
    """`einops.reduce` as a module.

    >>> import rushlight
    >>> rushlight.einops.Reduce("b c (h 2) (w 2) -> b c h w", "max")(rushlight.ones(1, 3, 8, 8)).shape
    rushlight.Size([1, 3, 4, 4])
    """

    def forward(self, input):
        return self._apply_recipe(input)


class EinMix(_EinmixMixin, nn.Module):
    """A linear layer whose dimensions are told by a pattern; its weight and bias are drawn as einops says.

    >>> import rushlight
    >>> layer = rushlight.einops.EinMix("b t c -> b t h d", weight_shape="c h d", bias_shape="h d", c=8, h=2, d=4)
    >>> layer(rushlight.ones(1, 3, 8)).shape
    rushlight.Size([1, 3, 2, 4])
    """

    def _create_parameters(self, weight_shape, weight_bound, bias_shape, bias_bound):
        def drawn(shape, bound):
            return nn.Parameter(rushlight.empty(shape).uniform_(-bound, bound))

        self.weight = drawn(weight_shape, weight_bound)
        self.bias = None if bias_shape is None else drawn(bias_shape, bias_bound)

    def _create_rearrange_layers(self, pre_pattern, pre_lengths, post_pattern, post_lengths):
        self.pre_rearrange = None if pre_pattern is None else Rearrange(pre_pattern, **pre_lengths)
        self.post_rearrange = None if post_pattern is None else Rearrange(post_pattern, **post_lengths)

    def forward(self, input):
        if self.pre_rearrange is not None:
            input = self.pre_rearrange(input)
        out = rushlight.einsum(self.einsum_pattern, input, self.weight)
        if self.bias is not None:
            out = out + self.bias
        return out if self.post_rearrange is None else self.post_rearrange(out)
