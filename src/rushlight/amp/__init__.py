"""Mixed precision: regions in which operations choose their dtype, and the scaling of losses for float16."""

from ..missing import of_module as _of_module
from .autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

__getattr__ = _of_module(__name__)
