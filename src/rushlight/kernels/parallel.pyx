"""Loops divided among threads. Which part a thread takes never changes what is computed for an element.

`spread(work, what, n, least)` calls work(what, begin, end) for parts that make up [0, n), each of at least `least`
steps (choose 20 to 50 microseconds of work; a shorter loop is run where it is). It is called without the GIL.
"""

from rushlight.kernels.parallel cimport span

cdef extern from "kernels/threads.h" nogil:
    int rl_threads_get()
    void rl_threads_set(int n)
    void rl_spread(span work, void *what, Py_ssize_t n, Py_ssize_t least)

cdef extern from "kernels/denormals.h" nogil:
    bint RL_MODES
    unsigned int RL_FLUSH
    void rl_flush_set(unsigned int mode)


cdef extern from "kernels/families.h" nogil:
    int rl_newest_family()

family = rl_newest_family()


cdef void spread(span work, void *what, Py_ssize_t n, Py_ssize_t least) noexcept nogil:
    rl_spread(work, what, n, least)


def threads():
    """How many threads share a long loop: OMP_NUM_THREADS, or the processors that this process may use."""
    return rl_threads_get()


def set_threads(int n):
    """Let `n` threads share a long loop."""
    rl_threads_set(n)


def flush_denormals(bint flush):
    """Let this thread take denormal numbers for zero, and those that share its loops; whether the processor can."""
    rl_flush_set(RL_FLUSH if flush else 0)
    return bool(RL_MODES)


def families():
    """How many families of processors this one can run the loops of."""
    return rl_newest_family() + 1


def run_family(int n):
    """Run the loops of a family from now on: 0 of any processor, 1 of x86-64-v3, 2 of x86-64-v4."""
    global family
    if not 0 <= n <= rl_newest_family():
        raise ValueError(f"this processor is not of family {n}")
    family = n
