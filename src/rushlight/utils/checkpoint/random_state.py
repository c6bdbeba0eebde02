"""Random numbers of a recomputation: those of the original, and afterwards as if nothing had been drawn."""

from contextlib import contextmanager

from ...generator import default_generator


def kept_state(wanted):
    """The state of the default generator to come back to; None where that is not wanted."""
    return default_generator.get_state() if wanted else None


@contextmanager
def random_state(state):
    """In the block, the default generator goes on from `state` (None: from where it is)."""
    if state is None:
        yield
        return
    before = default_generator.get_state()
    default_generator.set_state(state)
    try:
        yield
    finally:
        default_generator.set_state(before)
