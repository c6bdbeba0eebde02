"""debug(): what a program does is checked while it does it, and errors tell where in the forward they began."""

import os
import sys
import traceback
from contextvars import ContextVar
from weakref import WeakKeyDictionary

from ... import errors, modes, watching
from ...core import Node, TensorBase
from ...lines import line_number
from .. import anomaly
from ..verification import node_of
from . import contracts, origins, sums
from .origins import Origin, Report

__all__ = ["Origin", "Report", "debug"]

_ANOMALY, _NAN_PASSES = 4, 8
_PACKAGE = os.path.dirname(watching.__file__) + os.sep
# How many calls are remembered of each operation, the innermost ones.
_CALLS = 12
# (name, calls) of the node whose backward runs, for what is recorded meanwhile (create_graph).
_running = ContextVar("rushlight_debug_running", default=None)


class debug:
    """Check everything that can be checked at run time: at once, and until the end of the block if used in `with`.

    - An exception in backward tells the calls of the forward that recorded the operation; a gradient that is nan, and
      backward of a value that is nan or infinite, raise RuntimeError (not with check_nan=False). They tell which
      operation, at which line, made the first nan or infinity of the forward and of the backward.
    - What is kept for backward is checked by checksum: RuntimeError where it was changed through `.data`, by NumPy or by
      another library.
    - Custom Functions: a forward that writes to an argument without mark_dirty, and a backward that writes to its
      gradient, are errors; arguments that are returned as they are, and tensors that are kept past
      save_for_backward, are warned of.

    Forward and backward have to be in the block. `with debug() as report` gives a Report, whose lists `forward` and
    `backward` hold an Origin of each nan and infinity that an operation made of finite numbers. `debug(True)` stays
    on until `debug(False)`, or until the end of the `with` block around it. It is on in the thread or task that asked
    for it. TypeError for what is no bool.

    >>> import rushlight
    >>> x = rushlight.ones(2, requires_grad=True)
    >>> with rushlight.debug():
    ...     y = (x * x).sum()
    ...     _ = x.data.mul_(3)
    ...     try:
    ...         y.backward()
    ...     except RuntimeError as error:
    ...         print(error.code)
    RL137
    """

    def __init__(self, mode=True, *, check_nan=True):
        for value, name in ((mode, "mode"), (check_nan, "check_nan")):
            if not isinstance(value, bool):
                raise TypeError(f"debug(): argument '{name}' must be bool, not {type(value).__name__}")
        self._before = modes.flags(), _in_force()
        if mode:
            _put(self._before[1] or _Debugger())
            modes.put_anomaly(True, check_nan)
        else:
            _put(None)
            modes.put_anomaly(anomaly.tracing(), check_nan)

    def __enter__(self):
        debugger = _in_force()
        return None if debugger is None else debugger.report

    def __exit__(self, *_):
        flags, debugger = self._before
        _put(debugger)
        modes.put_anomaly(bool(flags & _ANOMALY), not flags & _NAN_PASSES)


def _in_force():
    """The debugger that is at work here, None where there is none."""
    for watcher in watching.current() or ():
        if isinstance(watcher, _Debugger):
            return watcher
    return None


def _put(debugger):
    """Make this one the debugger at work."""
    before = _in_force()
    if before is debugger:
        return
    if before is not None:
        before.__exit__()
    if debugger is not None:
        debugger.__enter__()


class _Record:
    """What is known of a recorded operation."""

    __slots__ = ("bad", "bad_inputs", "calls", "is_origin", "parent", "reached", "sums", "unsaved", "within")

    def __init__(self, calls):
        self.calls = calls
        self.parent = _running.get()
        # Whether the backward that runs now came here from another node.
        self.reached = False


class _Debugger(watching.Watcher):
    """Sees every operation, forward and backward."""

    watches_within = True
    tells_calls = True

    def __init__(self):
        self.report = Report()
        self._records = WeakKeyDictionary()
        self._lenders = sums.Lenders()
        # Whether what a node received was finite, where what it gave is not.
        self._received = WeakKeyDictionary()
        # The first infinite gradient of the backward that runs.
        self._infinite = None

    def called(self, op, inputs, params, in_place, proceed):
        found = self.report.forward
        before = len(found)
        bad_inputs = _bad_inputs(inputs[:1]) if in_place else {}
        out = proceed()
        outs = out if isinstance(out, (tuple, list)) else (out,)
        bad = origins.worst(outs)
        if bad and not in_place:
            bad_inputs = _bad_inputs(inputs)
        elif bad:
            bad_inputs.update(_bad_inputs(inputs, 1))
        calls = _user_calls()
        within = found[before] if len(found) > before else None
        made = bool(bad) and origins.is_origin(inputs, params, bad, bad_inputs)
        if made and within is None:
            self.report.add(found, origins.origin_of(bad, op, calls))
        node = node_of(op, out, in_place)
        if node is None:
            return out
        record = self._records[node] = _Record(calls)
        record.bad, record.bad_inputs, record.is_origin, record.within = bad, bad_inputs, made, within
        custom = op.custom is not None and node.params
        record.unsaved = contracts.unsaved(node.params["ctx"], inputs, outs) if custom else ()
        record.sums = sums.sums(node, record.unsaved)
        return out

    def applying(self, ctx, args):
        return None if contracts.is_ours(ctx) else contracts.watched_forward(ctx, args)

    def noted(self, kind, source, result):
        if kind in ("data", "numpy"):
            self._lenders.lent(kind, source, _user_calls())

    def pulled(self, node, g, proceed):
        record = self._records.get(node)
        custom = node.op.custom is not None
        received = contracts.gradients(g) if custom else None
        if record is None or not record.reached:
            self._infinite = None
        token = _running.set((node.name(), () if record is None else record.calls))
        try:
            if record is not None:
                sums.check(node, record.sums, record.unsaved, self._lenders)
                self._check_root(node, record, g)
            results = proceed()
            if custom:
                contracts.check_gradients(node, g, received)
            self._note_results(node, g, results)
        except Exception as error:
            _tell_calls(error, node, record)
            raise
        finally:
            _running.reset(token)
            if record is not None:
                record.reached = False
        for i in range(node.count):
            reached = self._records.get(node.edge_at(i)) if isinstance(node.edge_at(i), Node) else None
            if reached is not None and results[i] is not None:
                reached.reached = True
        return results

    def _check_root(self, node, record, g):
        """Refuse backward of what is not finite."""
        if record.reached or not record.bad or node.outputs != 1 or not _checks_nan():
            return
        # Where its gradient is zero, a value is not differentiated.
        if not isinstance(g, TensorBase) or not g._array.all():
            return
        raise errors.noted(
            errors.coded(
                "RL138",
                RuntimeError(
                    f"backward of {record.bad}: the tensor that is differentiated, made by {node.name()}, is not finite"
                ),
                name=node.name(),
                place=node.describe(),
            ),
            *origins.trail(node, self._records),
        )

    def _note_results(self, node, g, results):
        """Remember which gradients are not finite; nan is refused by anomaly detection, when all watchers have seen it."""
        bad = origins.worst(results)
        if not bad:
            return
        given = self._received[node] = origins.worst(g if isinstance(g, list) else [g])
        if not given:
            origin = Origin(bad, node.name(), node.describe())
            self.report.add(self.report.backward, origin)
            if bad == "inf":
                self._infinite = self._infinite or origin

    def explains(self, error, node):
        for cause in self._causes(node, self._received.get(node, "")):
            error.add_note(cause)
        _tell_calls(error, node, self._records.get(node))

    def _causes(self, node, given):
        """Sentences that tell how a gradient came to be nan."""
        if given == "nan":
            told = ["The gradient that it received held nan already: from gradient=, or from a hook."]
        elif given == "inf":
            told = [f"The gradient that it received was infinite: {self._infinite or 'as it was given to backward'}."]
        else:
            told = ["It is the first of this backward to make nan: the gradient that it received was finite."]
        if node in self._records and self._records[node].bad:
            return told + origins.trail(node, self._records)
        for i in range(node.count):
            edge = node.edge_at(i)
            if isinstance(edge, Node):
                told += origins.trail(edge, self._records)
        return told


def _checks_nan():
    return modes.anomaly_enabled() and modes.check_nan_enabled()


def _bad_inputs(inputs, start=0):
    """{position: "nan" or "inf"} of the inputs that hold one."""
    found = {i: origins.badness(x) for i, x in enumerate(inputs) if i >= start and isinstance(x, TensorBase)}
    return {i: bad for i, bad in found.items() if bad}


def _user_calls():
    """((code object, offset), ...) of the user's frames, the innermost first: a frame would keep its variables alive."""
    frame, found = sys._getframe(2), []
    while frame is not None and len(found) < _CALLS:
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            found.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return tuple(found)


def _tell_calls(error, node, record):
    """Note the calls of the forward behind a failing operation, and behind the backward that it was recorded in."""
    if record is None:
        return
    error.add_note(f"Traceback of the forward call:\n{_shown(record.calls)}")
    if record.parent is not None:
        name, calls = record.parent
        error.add_note(f"It was recorded in the backward of {name}, whose forward call was:\n{_shown(calls)}")


def _shown(calls):
    """Calls as tracebacks show them."""
    lines = [
        traceback.FrameSummary(code.co_filename, line_number(code, offset), code.co_name)
        for code, offset in reversed(calls)
    ]
    return "".join(traceback.format_list(lines)).rstrip("\n")
