"""Compute again instead of keeping: parts of a program whose intermediate values are not held for backward."""

from .devices import DefaultDeviceType, get_device_states, set_device_states
from .flags import set_checkpoint_debug_enabled, set_checkpoint_early_stop
from .frame import CheckpointError
from .reentrant import CheckpointFunction, check_backward_validity, detach_variable
from .selective import CheckpointPolicy, SelectiveCheckpointContext, create_selective_checkpoint_contexts
from .whole import checkpoint, checkpoint_sequential, noop_context_fn

__all__ = [
    "CheckpointError", "CheckpointFunction", "CheckpointPolicy", "DefaultDeviceType", "SelectiveCheckpointContext",
    "check_backward_validity", "checkpoint", "checkpoint_sequential", "create_selective_checkpoint_contexts",
    "detach_variable", "get_device_states", "noop_context_fn", "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop", "set_device_states",
]  # fmt: skip
