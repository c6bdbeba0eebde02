"""Arrays of kernels, whose memory is kept when it is large and given to the next array of its size.

At most 128 MiB in 32 buffers of 128 KiB to 64 MiB are kept; the oldest goes first. `empty_cache()` gives all back.
"""

cimport numpy as cnp

cnp.import_array()

cdef extern from "kernels/buffers.h":
    object rl_new_array(int nd, cnp.npy_intp *dims, int kind)
    size_t rl_empty()


cdef cnp.ndarray empty(int nd, cnp.npy_intp *dims, int kind):
    return <cnp.ndarray>rl_new_array(nd, dims, kind)


def empty_cache():
    """Give back the memory that no array uses; how many bytes that were."""
    return rl_empty()
