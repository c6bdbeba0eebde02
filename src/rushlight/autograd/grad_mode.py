"""Switches for recording: no_grad, enable_grad, set_grad_enabled, inference_mode, as context managers and decorators.

Only the switched mode is put back at the end of a block: others that were changed within it stay.
"""

import functools

from .. import modes
from ..spelling import spell

# Type checkers know it by its name; `typing` itself is not imported.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_GENERATOR = 0x20


def is_grad_enabled():
    """Whether operations are recorded in this thread."""
    return modes.grad_enabled()


def is_inference_mode_enabled():
    """Whether this thread is in inference mode."""
    return modes.inference_enabled()


def is_anomaly_enabled():
    """Whether anomaly detection is on in this thread."""
    return modes.anomaly_enabled()


def is_anomaly_check_nan_enabled():
    """Whether anomaly detection refuses gradients that are nan, or would if it were on."""
    return modes.check_nan_enabled()


class _Mode(modes.Switch):
    """A mode for a `with` block or for the calls of a function; one object may be entered several times."""

    __slots__ = ()

    def __reduce__(self):
        return _make, (type(self), self._on)

    def __call__(self, function) -> "Any":
        """The function, run under this mode whenever it is called."""
        if isinstance(function, type):
            return self._around_class(function)
        if getattr(getattr(function, "__code__", None), "co_flags", 0) & _GENERATOR:
            run = self._generate
        else:
            run = self._run

        @functools.wraps(function)
        def within(*args, **named):
            return run(function, *args, **named)

        return within

    def _run(self, function, *args, **named):
        # Calls of several threads, and calls within calls, have a block each.
        with _make(type(self), self._on):
            return function(*args, **named)

    def _generate(self, function, *args, **named):
        """A generator that is under the mode while it computes; between two values the caller's modes are in force."""
        generator = self._run(function, *args, **named)
        step, given = generator.send, None
        while True:
            try:
                value = self._run(step, given)
            except StopIteration as stop:
                return stop.value
            try:
                step, given = generator.send, (yield value)
            except GeneratorExit:
                self._run(generator.close)
                raise
            except BaseException as error:
                step, given = generator.throw, error

    def _around_class(self, cls):
        import warnings

        warnings.warn(
            "Decorating classes is deprecated and will be disabled in future versions. You should only decorate "
            "functions or methods. To preserve the current behavior of class decoration, you can directly decorate the "
            "`__init__` method and nothing else.",
            FutureWarning,
            stacklevel=3,
        )
        cls.__init__ = self(cls.__init__)
        return cls

    def clone(self):
        """Another object for the same mode."""
        return _make(type(self), self._on)


def _make(cls, on):
    return modes.new_switch(cls, on, issubclass(cls, inference_mode))


class no_grad(_Mode):
    """Do not record: results have requires_grad=False.

    >>> import rushlight
    >>> x = rushlight.tensor(1.0, requires_grad=True)
    >>> with rushlight.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    __slots__ = ()

    def __new__(cls, orig_func=None):
        return _make(cls, False) if orig_func is None else _make(cls, False)(orig_func)


class enable_grad(_Mode):
    """Record again within a no_grad block."""

    __slots__ = ()

    def __new__(cls, orig_func=None):
        return _make(cls, True) if orig_func is None else _make(cls, True)(orig_func)


class set_grad_enabled(_Mode):
    """Record, or not: takes effect when called, and until the end of the block where it is used in `with`.

    >>> import rushlight
    >>> with rushlight.set_grad_enabled(False):
    ...     rushlight.is_grad_enabled()
    False
    """

    __slots__ = ()

    def __new__(cls, mode):
        if not isinstance(mode, bool):
            raise TypeError(
                f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}"
            )
        self = _make(cls, mode)
        self._outer = self._put()
        return self

    def __call__(self, function):
        self._restore(self._outer)
        return super().__call__(function)

    def __repr__(self):
        return f"{spell('autograd.grad_mode.set_grad_enabled')}(mode={self._on})"


class inference_mode(_Mode):
    """no_grad, and results that can never take part in a graph, which saves their bookkeeping."""

    __slots__ = ()

    def __new__(cls, mode=True):
        return _make(cls, True)(mode) if callable(mode) else _make(cls, bool(mode))


modes.quicken(no_grad)
