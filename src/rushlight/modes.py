"""Modes of the running thread or task: gradients on or off, inference, anomaly detection.

They live in one context variable, so that threads and asyncio tasks each have their own.
"""

from contextvars import ContextVar

try:
    import cython
except ImportError:
    from . import uncompiled as cython

# The value of the variable is a sum of these bits.
_GRAD, _INFERENCE, _ANOMALY, _NAN_PASSES = 1, 2, 4, 8

_flags = ContextVar("rushlight_modes", default=1)
# A variable that was set is found in a cache; one that has only its default is searched for each time.
_flags.set(1)
# Whether anyone ever entered inference mode: until then no tensor needs to be asked about it.
_inference_seen = False


def flags():
    """The modes in force, as one number to give back to `put_flags`."""
    if cython.compiled:
        return current_flags(_flags)
    return _flags.get()


def put_flags(value):
    """Set all modes to what `flags` returned before."""
    if cython.compiled and put_in_backward(value):
        return
    _flags.set(value)


def enter_backward(create_graph):
    """The modes of a backward pass: gradients are recorded only for create_graph. Returns what to leave it with."""
    if cython.compiled:
        return enter_backward_in_c(create_graph, flags() & ~_GRAD | (_GRAD if create_graph else 0))
    return put_grad(create_graph)


def leave_backward(before):
    if cython.compiled:
        leave_backward_in_c(before)
    else:
        _flags.set(before)


def grad_enabled():
    """Whether operations are recorded."""
    return (flags() & _GRAD) != 0


def inference_enabled():
    return _inference_seen and (flags() & _INFERENCE) != 0


def anomaly_enabled():
    return (flags() & _ANOMALY) != 0


def check_nan_enabled():
    return (flags() & _NAN_PASSES) == 0


def put_grad(on):
    """Switch recording on or off; returns the flags that were in force."""
    before = flags()
    put_flags((before & ~_GRAD) | (_GRAD if on else 0))
    return before


def put_inference(on):
    """Switch inference mode, which also switches recording off; returns the flags that were in force."""
    global _inference_seen
    before = flags()
    _inference_seen = True
    put_flags((before & ~(_GRAD | _INFERENCE)) | (_INFERENCE if on else _GRAD))
    return before


def put_anomaly(on, check_nan):
    """Switch anomaly detection; returns the flags that were in force."""
    before = flags()
    put_flags((before & ~(_ANOMALY | _NAN_PASSES)) | (_ANOMALY if on else 0) | (0 if check_nan else _NAN_PASSES))
    return before
