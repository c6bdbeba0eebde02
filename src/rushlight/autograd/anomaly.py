"""Anomaly detection: an error in backward tells which operation of the forward it belongs to, and nan is an error.

While it is on, a watcher notes with each node the calls that led to it. The line alone every node knows anyway.
"""

import os
import traceback
import warnings
from contextvars import ContextVar

from .. import modes, watching
from ..core import TensorBase
from ..node import extras_of
from ..watching import Watcher

_ANOMALY, _NAN_PASSES = 4, 8
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
# The node whose backward runs, which is the parent of what is recorded meanwhile (create_graph).
_running = ContextVar("rushlight_anomaly_running", default=None)


class _Tracing(Watcher):
    """Notes in the metadata of each new node the calls that led to it and the node whose backward made it."""

    def called(self, op, inputs, params, in_place, proceed):
        out = proceed()
        for x in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(x, TensorBase) and x._grad_fn is not None:
                _remember(x._grad_fn)
        return out

    def pulled(self, node, g, proceed):
        before = _running.get()
        try:
            _running.set(node)
            return proceed()
        finally:
            _running.set(before)


def _remember(node):
    metadata = extras_of(node).metadata
    if "traceback_" not in metadata:
        frames = [frame for frame in traceback.extract_stack() if not frame.filename.startswith(_PACKAGE)]
        metadata["traceback_"] = traceback.format_list(frames)
        metadata["parent_"] = _running.get()


_tracing = _Tracing()


def _switch(on, check_nan):
    """Switch anomaly detection; returns what to restore."""
    for value, name, position in ((on, "enabled", 1), (check_nan, "check_nan", 2)):
        if not isinstance(value, bool):
            raise TypeError(
                f"set_anomaly_enabled(): argument '{name}' (position {position}) must be bool, not {type(value).__name__}"
            )
    before = modes.put_anomaly(on, check_nan), tracing()
    _trace(on)
    return before


def _restore(before):
    flags, traced = before
    modes.put_anomaly(bool(flags & _ANOMALY), not flags & _NAN_PASSES)
    _trace(traced)


def tracing():
    """Whether new nodes are given the calls that led to them; debug() detects anomalies without."""
    return _tracing in (watching.current() or ())


def _trace(on):
    if on and not tracing():
        _tracing.__enter__()
    elif not on and tracing():
        _tracing.__exit__()


class set_detect_anomaly:
    """Switch anomaly detection: at once, and until the end of the block where it is used in `with`.

    While it is on, an exception in backward names the line whose derivative failed, a warning shows the calls that led
    there, and (unless check_nan=False) a gradient that is nan raises RuntimeError. TypeError for what is no bool.

    >>> import rushlight
    >>> with rushlight.autograd.set_detect_anomaly(True):
    ...     rushlight.is_anomaly_enabled()
    True
    """

    def __init__(self, mode, check_nan=True):
        self._before = _switch(mode, check_nan)

    def __enter__(self):
        return None

    def __exit__(self, *_):
        _restore(self._before)


class detect_anomaly:
    """Anomaly detection within a `with` block, which a warning announces; see set_detect_anomaly."""

    def __init__(self, check_nan=True):
        self._check_nan = check_nan
        self._before = []
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
            "debugging.",
            UserWarning,
            stacklevel=2,
        )

    def __enter__(self):
        self._before.append(_switch(True, self._check_nan))

    def __exit__(self, *_):
        _restore(self._before.pop())
