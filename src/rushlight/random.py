"""Random numbers: seeds, states, and leaving both as they were."""

from contextlib import contextmanager

from .functions.random import get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from .generator import default_generator
from .missing import of_module as _of_module

__all__ = [
    "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state",
    "thread_safe_generator",
]  # fmt: skip


@contextmanager
def fork_rng(devices=None, enabled=True, _caller="fork_rng", _devices_kw="devices", device_type=None):
    """Within it random numbers are drawn as usual; afterwards they go on as if none had been.

    Nothing is done where `enabled` is false. There are generators on the CPU alone, so `devices` and `device_type`
    name nothing here.

    >>> import rushlight
    >>> _ = rushlight.manual_seed(0)
    >>> with rushlight.random.fork_rng():
    ...     _ = rushlight.rand(2)
    >>> rushlight.rand(2)
    tensor([0.4963, 0.7682])
    """
    if not enabled:
        yield
        return
    before = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(before)


def thread_safe_generator():
    """The generator of the thread that loads data, where this is one of a DataLoader's; None elsewhere."""
    from .utils.data import get_worker_info

    worker = get_worker_info()
    draws = None if worker is None else getattr(worker, "rng", None)
    return None if draws is None else draws.torch_generator


__getattr__ = _of_module(__name__)
