"""The memory of large arrays: how much of it is in use, how much is kept for arrays to come, and giving that back.

What is counted are arrays from 128 KiB on that kernels make; smaller ones, and those that NumPy makes, are not. Without
kernels there is nothing to count, and all is zero.
"""

from .kernels import load

# PyTorch's name of what is counted: ours.
_COUNTED = {"allocated_bytes": "used", "allocation": "arrays", "reserved_bytes": "reserved"}
_EVENTS = {
    "num_alloc_retries": "retries",
    "num_hits": "hits",
    "num_misses": "misses",
    "num_ooms": "failures",
    "num_releases": "released",
}
_MEASURES = ("current", "peak", "allocated", "freed")


def memory_stats():
    """A dict of counts, in the names of `torch.cuda.memory_stats`.

    Of each of the following there is what is `current`, the `peak`, and what was `allocated` and `freed` since the start:

    - `allocation.all`: arrays that are in use
    - `allocated_bytes.all`: the bytes of the buffers that they are in, each an eighth larger than its array at most
    - `reserved_bytes.all`: the same, and what is kept for arrays to come

    `cached_bytes.all.current` is what is kept. `num_hits` counts arrays that got a kept buffer, `num_misses` those that
    got a new one, `num_releases` buffers that went back to the system, `num_alloc_retries` how often the system had no
    memory and all that was kept went back to it first, and `num_ooms` how often that did not help either.

    >>> import rushlight
    >>> x = rushlight.ones(1000, 1000).exp()
    >>> stats = rushlight.memory_stats()
    >>> stats["allocated_bytes.all.current"] <= stats["reserved_bytes.all.current"]
    True
    """
    kernels = load("buffers")
    gauges, events = kernels.counts() if kernels is not None else ({}, {})
    stats = {}
    for name, own in _COUNTED.items():
        for measure, value in zip(_MEASURES, gauges.get(own, (0, 0, 0, 0))):
            stats[f"{name}.all.{measure}"] = value
    stats["cached_bytes.all.current"] = max(
        0, stats["reserved_bytes.all.current"] - stats["allocated_bytes.all.current"]
    )
    stats.update((name, events.get(own, 0)) for name, own in _EVENTS.items())
    return dict(sorted(stats.items()))


def reset_peak_memory_stats():
    """Let each peak of `memory_stats` be what is current."""
    kernels = load("buffers")
    if kernels is not None:
        kernels.forget_peaks()


def empty_cache():
    """Give the memory that is kept for arrays to come back to the system; arrays keep theirs."""
    kernels = load("buffers")
    if kernels is not None:
        kernels.empty_cache()


def memory_summary():
    """The counts of `memory_stats` as a table, for people."""
    stats = memory_stats()
    lines = [f"{'':16s} {'current':>12s} {'peak':>12s} {'allocated':>12s} {'freed':>12s}"]
    for title, name, write in (
        ("arrays", "allocation", str), ("in use", "allocated_bytes", _size), ("in use and kept", "reserved_bytes", _size)
    ):  # fmt: skip
        values = [write(stats[f"{name}.all.{measure}"]) for measure in _MEASURES]
        lines.append(f"{title:16s} " + " ".join(f"{value:>12s}" for value in values))
    counts = ", ".join(f"{name.removeprefix('num_').replace('_', ' ')} {stats[name]}" for name in _EVENTS)
    return "\n".join([*lines, counts])


def _size(count):
    """A number of bytes for people."""
    if count < 1024:
        return f"{count} B"
    for unit in ("KiB", "MiB"):
        count /= 1024
        if count < 1024:
            return f"{count:.1f} {unit}"
    return f"{count / 1024:.1f} GiB"
