"""functional_call under its former name."""

import warnings

from ...func.modules import functional_call as _functional_call
from ...spelling import spell

__all__ = ["functional_call"]


def functional_call(module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """`func.functional_call`, which took its place: FutureWarning."""
    warnings.warn(
        f"`{spell('nn.utils.stateless.functional_call')}` is deprecated as of PyTorch 2.0 and will be removed in a future "
        f"version of PyTorch. Please use `{spell('func.functional_call')}` instead which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return _functional_call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
