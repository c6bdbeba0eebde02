"""Arrays of kernels, whose memory is kept when it is large and given to the next array of its size.

At most 128 MiB in 256 buffers of 128 KiB to 64 MiB are kept; the oldest goes first. `empty_cache()` gives all back.
Arrays from 128 KiB on are counted.
"""

cimport numpy as cnp

cnp.import_array()

cdef extern from "kernels/buffers.h":
    ctypedef struct Gauge "rl_gauge":
        long long now, peak, up, down
    ctypedef struct Told:
        Gauge arrays, used, reserved
        long long hits, misses, released, retries, failures
    Told told "rl_told"
    object rl_new_array(int nd, cnp.npy_intp *dims, int kind)
    size_t rl_empty() nogil
    void rl_forget_peak(Gauge *gauge)
    long long rl_read(long long *at)


cdef cnp.ndarray empty(int nd, cnp.npy_intp *dims, int kind):
    return <cnp.ndarray>rl_new_array(nd, dims, kind)


def empty_cache():
    """Give back the memory that no array uses; how many bytes that were."""
    cdef size_t freed
    with nogil:
        freed = rl_empty()
    return freed


cdef tuple read(Gauge *gauge):
    return rl_read(&gauge.now), rl_read(&gauge.peak), rl_read(&gauge.up), rl_read(&gauge.down)


def counts():
    """{what: (now, at most, so far, of those given back)} of arrays, their bytes and all bytes, and {event: how often}."""
    gauges = {"arrays": read(&told.arrays), "used": read(&told.used), "reserved": read(&told.reserved)}
    events = {
        "hits": rl_read(&told.hits),
        "misses": rl_read(&told.misses),
        "released": rl_read(&told.released),
        "retries": rl_read(&told.retries),
        "failures": rl_read(&told.failures),
    }
    return gauges, events


def forget_peaks():
    """Let the peaks be what there is now."""
    rl_forget_peak(&told.arrays)
    rl_forget_peak(&told.used)
    rl_forget_peak(&told.reserved)
