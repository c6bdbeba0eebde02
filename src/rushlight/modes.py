"""Modes of the running thread or task: gradients on or off, inference, anomaly detection.

They live in one context variable, so that threads and asyncio tasks each have their own.
"""

from contextvars import ContextVar

try:
    import cython
except ImportError:
    from . import uncompiled as cython

# The value of the variable is a sum of these bits.
_GRAD, _INFERENCE, _ANOMALY, _NAN_PASSES, _AUTOCAST = 1, 2, 4, 8, 16

_flags = ContextVar("rushlight_modes", default=1)
# A variable that was set is found in a cache; one that has only its default is searched for each time.
_flags.set(1)
# Whether anyone ever entered inference mode: until then no tensor needs to be asked about it.
_inference_seen = False


def flags():
    """The modes in force, as one number to give back to `put_flags`."""
    return current_flags(_flags) if cython.compiled else _flags.get()


def put_flags(value):
    """Set all modes to what `flags` returned before."""
    if cython.compiled and put_in_backward(value):
        return
    try:
        set_variable(_flags, value)
    except MemoryError:
        # Whoever leaves a mode has no other way out. It takes less than a kilobyte, which may be there by now.
        set_variable(_flags, value)


def enter_backward(create_graph):
    """The modes of a backward pass: gradients are recorded only for create_graph. Returns what to leave it with.

    Rules compute in the dtypes that the operations had, so autocast is off.
    """
    before = flags()
    value = before & ~(_GRAD | _AUTOCAST) | (_GRAD if create_graph else 0)
    if cython.compiled:
        return enter_backward_in_c(create_graph, value)
    else:
        put_flags(value)
        return before


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


def autocast_enabled():
    """Whether operations choose the dtype that they compute in: see casting.py."""
    return (flags() & _AUTOCAST) != 0


def put_autocast(on):
    """Switch autocast; returns the flags that were in force."""
    before = flags()
    put_flags((before & ~_AUTOCAST) | (_AUTOCAST if on else 0))
    return before


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


class Switch:
    """A mode for a `with` block: recording on or off, or inference.

    Compiled, nothing comes between the switch and the block, nor between the block and the switch back: a method of
    Python's could be interrupted there by what a signal handler raises.
    """

    def __enter__(self):
        before = flags()
        if self._depth == 0:
            # A switch that was made before the block ends with it.
            self._before = self._outer if self._outer >= 0 else before
        else:
            self._further = (self._before, self._further)
            self._before = before
        self._depth += 1
        try:
            self._put()
        except BaseException:
            self._left()
            raise

    def __exit__(self, *_):
        self._restore(self._left())

    def _left(self):
        """What was in force before the innermost block that this switch is in, which ends."""
        before = self._before
        self._depth -= 1
        if self._depth > 0:
            self._before, self._further = self._further
        return before

    def _put(self):
        """Switch the mode; returns the flags that were in force."""
        return put_inference(self._on) if self._inference else put_grad(self._on)

    def _restore(self, before):
        if self._inference:
            put_inference((before & _INFERENCE) != 0)
        put_grad(before & _GRAD)


def new_switch(cls, on, inference):
    """A switch of a class derived from `Switch`."""
    # `no_grad` has a way of its own to be made, which ends here.
    switch = rl_new_of(Switch, cls, ()) if cython.compiled else Switch.__new__(cls)
    switch._before, switch._depth, switch._further, switch._outer = 0, 0, None, -1
    switch._on, switch._inference = on, inference
    return switch


def no_grad_switch(cls):
    return new_switch(cls, False, False)


def quicken(no_grad):
    """Have calls of the class `no_grad` without arguments look for nothing by name."""
    if cython.compiled:
        rl_quicken_new(no_grad, no_grad_switch)


if not cython.compiled:

    def set_variable(variable, value):
        variable.set(value)
