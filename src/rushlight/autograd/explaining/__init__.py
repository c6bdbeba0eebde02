"""Why a gradient is None, zero or not finite, in sentences."""

import numpy as np

from ...core import TensorBase
from ...errors import retains
from ..rules import floating
from . import memory
from .graph import Graph
from .replay import Replay
from .words import CUT, CUTS, FREED, FROZEN, GONE, NOT_RUN, NOTHING_ARRIVED, RECORD, VIEW, called, listed, paths, spoken


class Explanation:
    """What is known about a gradient: `sentences` is the list of them, and str() shows it."""

    def __init__(self, head, sentences):
        self.head = head
        self.sentences = list(dict.fromkeys(sentences))

    def __str__(self):
        return "\n".join([self.head, *[f"- {sentence}" for sentence in self.sentences]])

    __repr__ = __str__

    def __contains__(self, text):
        return text in str(self)


class recording(memory.Recorder):
    """`with rushlight.explain.recording():` remembers how each tensor comes about, also those without history.

    `explain` then tells where a history was cut off: by detach(), under no_grad, by a cast to integers, by .item(). It
    costs time and memory with every operation, so record a step of a program rather than all of it.

    >>> import rushlight
    >>> w = rushlight.tensor(3.0, requires_grad=True)
    >>> with rushlight.explain.recording():
    ...     loss = (w * w).detach() * 2
    >>> "by .detach()" in rushlight.explain(w, loss)
    True
    """

    def __enter__(self):
        memory.exits.clear()
        return super().__enter__()


def explain(t, loss=None):
    """Why the gradient of `t` is None, zero or not finite: an object whose str() says it in sentences, with lines.

    `loss` is the tensor that `t` should have a gradient of. While its graph is alive the backward pass is run again to
    see where the gradient vanishes or stops being finite; no `.grad` changes, and no hook is called. It may also be a
    function without arguments that computes the loss: it is then run once under `explain.recording()`, which also
    knows what has no history. Without `loss` only what `t` itself tells is said.

    TypeError where `t` is no tensor, or `loss` is neither tensor nor function. RuntimeError where `loss` has more than
    one element, as from backward().

    >>> import rushlight
    >>> w = rushlight.tensor([1.0, 2.0], requires_grad=True)
    >>> rushlight.explain(w, lambda: (w - 3).relu().sum()).head
    't.grad is None; the gradient of this loss is zero everywhere.'
    """
    if not isinstance(t, TensorBase):
        raise TypeError(f"explain(): argument 't' must be Tensor, not {type(t).__name__}")
    fresh = callable(loss)
    if fresh:
        with recording():
            loss = loss()
    if (fresh or loss is not None) and not isinstance(loss, TensorBase):
        raise TypeError(
            f"explain(): argument 'loss' must be Tensor or a function that gives one, not {type(loss).__name__}"
        )
    story = _Story(t, loss, fresh)
    story.tell()
    return Explanation(story.head(), story.sentences)


explain.recording = recording
_CHECKPOINT = "CheckpointFunction"


class _Story:
    """The sentences about one tensor and one loss, which is `fresh` where it was computed for this."""

    def __init__(self, t, loss, fresh):
        self.t, self.loss, self.fresh = t, loss, fresh
        self.sentences = []
        self.found = None

    def say(self, *sentences):
        self.sentences += sentences

    def head(self):
        state = f"t.grad {_state(self.t._grad)}"
        if self.found is None:
            return f"{state}."
        now = _state(self.found)
        return (
            f"{state}."
            if self.t._grad is not None and now == _state(self.t._grad)
            else f"{state}; the gradient of this loss {now}."
        )

    def tell(self):
        if not self.t.requires_grad:
            self.untracked(self.t, "t")
        if self.loss is None:
            if self.t.requires_grad:
                self.alone()
            return
        if not self.loss.requires_grad:
            self.untracked(self.loss, "The loss")
        elif self.t.requires_grad:
            self.reached()
        elif memory.origin_of(self.loss) is not None:
            self.between()

    # -- tensors without history
    def untracked(self, x, name):
        """Why a tensor does not require a gradient."""
        self.say(f"{name} does not require a gradient: requires_grad is False.")
        if not floating(x):
            self.say(f"Its dtype is {x.dtype}; only floating point and complex tensors have gradients.")
        if x.inference:
            self.say("It was made under inference_mode, which records nothing.")
        origin = memory.origin_of(x)
        if x is self.loss and origin is not None:
            self.between()
            return
        if origin is None or origin.name is None:
            if type(x).__name__ == "Parameter" or getattr(x, "_is_param", False):
                self.say(FROZEN)
                return
            if not self.sentences[1:]:
                self.say("A tensor that a program makes has none unless requires_grad_() is called before it is used.")
            self.say("If it was computed, how that was is not known." + RECORD)
            self.left(None)
            return
        cuts = self.cuts(memory.ancestors(origin))
        self.say_cuts(cuts)
        if not cuts:
            self.say(f"It was made by {called(origin)} at {origin.where()}")
            self.say("Nothing that it was made of, as far as it was recorded, required a gradient then.")
            self.left(None)

    def cuts(self, origins):
        """The origins among these that have no history though an input had one, in the order of the program."""
        found = [o for o in origins if o.cut and any(was and source in origins for source, was in o.inputs)]
        return sorted(found, key=lambda o: (o.line.line() or ("", 0, ""))[1] if o.line else 0)

    def say_cuts(self, origins):
        """Where histories end, each line once."""
        places = {}
        for origin in origins:
            places.setdefault((origin.cut, origin.where()), []).append(called(origin))
        for (cut, where), names in places.items():
            self.say(f"{CUTS[cut].format(name=' and '.join(dict.fromkeys(names)))} at {where}")

    # -- t alone
    def alone(self):
        """What a tensor tells without a loss."""
        t, origin = self.t, memory.origin_of(self.t)
        if not t.is_leaf:
            self.not_a_leaf()
        if t._grad is not None:
            self.accumulated()
            return
        if t.is_leaf or retains(t):
            self.missing(origin, NOTHING_ARRIVED)

    def accumulated(self):
        origin = memory.origin_of(self.t)
        if origin is not None and origin.dropped is not None:
            self.say(f"zero_grad() was called at {origin.dropped.describe()}")
        elif not np.isfinite(self.t._grad._array).all() or not self.t._grad._array.any():
            self.say("To know why, pass the loss: explain(t, loss), while its graph is alive.")

    def missing(self, origin, otherwise):
        """Why .grad is None, by what was recorded."""
        if origin is None or origin.reached is None:
            self.say(otherwise)
            return
        self.say(f"A backward pass gave it a gradient at {origin.reached.describe()}")
        if origin.dropped is not None:
            self.say(f"zero_grad() was called at {origin.dropped.describe()}")
        else:
            self.say(
                "It is gone: .grad was set to None since; or that pass was autograd.grad(), which leaves .grad alone."
            )

    def not_a_leaf(self):
        node = self.t.grad_fn
        self.say(f"t is not a leaf: `{_operation(node)}` made it at {node.describe()}")
        if not retains(self.t):
            self.say("Only leaves keep their gradient: call t.retain_grad() before backward.")

    # -- t and a loss
    def reached(self):
        t, loss = self.t, self.loss
        graph = Graph(loss.grad_fn or loss)
        target = t.grad_fn or t
        ways = graph.toward(target, t.output_nr)
        if not t.is_leaf:
            self.not_a_leaf()
        if target is graph.root:
            self.say("t is the loss itself.")
        elif graph.root not in ways:
            self.say("No path in the graph of the loss leads to t.")
            if any(leaf is not t and _apart(leaf) and leaf.view_of.base is _base(t) for leaf in graph.leaves.values()):
                self.say(VIEW)
            self.between()
            return
        else:
            self.say(f"The loss depends on t along {paths(ways[graph.root])} of its graph.")
        freed = any(node.freed and (node.op.keeps_anything or node.op.custom is not None) for node in ways)
        if t._grad is None and not self.fresh and (t.is_leaf or retains(t)):
            self.missing(memory.origin_of(t), GONE if any(node.freed for node in ways) else NOT_RUN)
        if freed:
            self.say(FREED)
            return
        self.replayed(graph, ways, target)

    def replayed(self, graph, ways, target):
        """Run the backward pass and say where the gradient changed its kind."""
        replay = Replay(ways, target)
        try:
            self.found = replay.run(self.loss, self.t)
        except Exception as error:
            if self.loss._array.size != 1:
                raise
            self.say(f"Its backward pass raises {type(error).__name__}: {str(error).partition(' Hint:')[0]}")
            self.say(*[line for note in getattr(error, "__notes__", ()) for line in note.splitlines()])
            return
        g = self.found
        own = target.hooks if isinstance(target, TensorBase) else target.extras
        hooked = ["t"] if _has_hooks(own) else []
        hooked += [f"`{_operation(node)}` at {node.describe()}" for node in ways if _has_hooks(node.extras)]
        if hooked:
            self.say(
                "\n    ".join(
                    ["Hooks were not called here, and what they change is not part of this, on:", *listed(hooked)]
                )
            )
        if not np.isfinite(self.loss._array).all():
            self.not_finite(graph)
        if g is None:
            self.say(*[f"`{_operation(node)}` {why}, at {node.describe()}" for node, why in replay.vanished])
            return
        if not np.isfinite(g._array).all():
            self.broken(replay)
        elif not g._array.any():
            self.vanished(replay)

    def vanished(self, replay):
        for node, why in replay.vanished[:6]:
            self.say(f"Wherever a gradient arrives, `{_operation(node)}` {why}, at {node.describe()}")
        for node in replay.cancelled:
            what = "t" if node is None else f"the result of `{_operation(node)}` at {node.describe()}"
            self.say(f"The gradients that arrive at {what} along different paths add up to zero.")

    def broken(self, replay):
        if not replay.broken:
            self.say("The gradients are finite along each path to t, and their sum is not.")
            return
        node, kind, why, zero = replay.broken[0]
        self.say(f"On the way back the gradient first becomes {kind} in `{_operation(node)}` at {node.describe()}")
        if why:
            self.say(f"There {why}.")
        if zero:
            self.say(
                "`with rushlight.autograd.strong_zero():` around backward lets a gradient of zero stay zero there."
            )

    def not_finite(self, graph):
        """Which value of the forward pass was the first that is not finite."""
        self.say(f"The loss itself is {'nan' if np.isnan(self.loss._array).any() else 'infinite'}.")
        origin = memory.origin_of(self.loss)
        if origin is not None:
            made = memory.ancestors(origin)
            first = [o for o in made if not o.finite and all(source.finite for source, _ in o.inputs)]
            self.say(
                *[f"The first value that is not finite was made by {called(o)} at {o.where()}" for o in first if o.line]
            )
            nan = [o for o in made if o.nan and not any(source.nan for source, _ in o.inputs) and o not in first]
            self.say(*[f"The first nan was made by {called(o)} at {o.where()}" for o in nan if o.line])
            return
        found = graph.not_finite()
        if found is None:
            self.say("The graph does not hold the value that was the first not to be finite." + RECORD)
        else:
            node, made = found
            what = (
                "The earliest value held that is not finite was made"
                if made
                else "A constant or leaf that is not finite was used"
            )
            self.say(f"{what} by `{_operation(node)}` at {node.describe()}")

    # -- no way from the loss to t
    def between(self):
        """Where the way from the loss to t was cut, by what was recorded."""
        if self.hidden():
            return
        start, end = memory.origin_of(self.loss), memory.origin_of(self.t)
        if start is None or end is None:
            if start is None:
                self.constants()
            else:
                self.say("t was not used by any operation that was recorded: it is never reached from this loss.")
            return
        way = memory.leading_to(start, end)
        if not way:
            self.say("t was not used in computing the loss, as far as that was recorded.")
            self.left(end)
            return
        self.say_cuts(self.cuts(way))
        for origin in way:
            for source, was in origin.inputs:
                if source is end and not was and self.t.is_leaf:
                    self.say(f"t did not require a gradient when {called(origin)} used it at {origin.where()}")

    def hidden(self):
        """Whether the loss came through a checkpoint whose operations are not in its graph."""
        root = self.loss.grad_fn
        for node in [] if root is None else Graph(root).nodes:
            if _operation(node) == _CHECKPOINT:
                self.say(
                    "Not in this graph is what a checkpoint computed. If t is used there, backward() computes it again "
                    f"and adds to t.grad; with use_reentrant=False it can be followed. It is at {node.describe()}"
                )
                return True
        origin = memory.origin_of(self.loss)
        for found in [] if origin is None else memory.ancestors(origin):
            if found.name == _CHECKPOINT and not any(was for _, was in found.inputs):
                self.say(
                    "A checkpoint recorded nothing, since no tensor that it was given requires a gradient; with "
                    f"use_reentrant=False it records what its function uses. It is at {found.where()}"
                )
                return True
        return False

    def left(self, end):
        """What left the graph as numbers or arrays, from which the program may have gone on."""
        for origin in memory.exits:
            made = memory.ancestors(origin)
            had = any(was for source in made for _, was in source.inputs)
            if had and (end is None or end in made):
                whose = "Values" if end is None else "Values that came from t"
                self.say(f"{whose} became constants by {called(origin)} at {origin.where()}")

    def constants(self):
        if VIEW in self.sentences:
            return
        found = [] if self.loss.grad_fn is None else Graph(self.loss.grad_fn).constants()
        places = listed([f"`{_operation(node)}` at {node.describe()}" for node, _ in found])
        self.say(CUT)
        if places:
            self.say("\n    ".join(["Constants enter the loss in these operations, and perhaps in others:", *places]))
        self.say("Which of the two is not known." + RECORD)


def _operation(node):
    """What people call the operation of a node."""
    return node.op.name.removesuffix("Backward") if node.op.custom is not None else spoken(node.op.name)


def _apart(leaf):
    """Whether a leaf is a view that was made without a record of it."""
    return leaf.view_of is not None and leaf.view_of.creation in ("no_grad", "inference")


def _base(x):
    """The tensor whose storage x shows."""
    return x if x.view_of is None else x.view_of.base


def _has_hooks(extras):
    return extras is not None and bool(extras.tensor_hooks or extras.before_hooks or extras.after_hooks)


def _state(g):
    """What a gradient is, after 'is'."""
    if g is None:
        return "is None"
    array = g._array
    bad = int((~np.isfinite(array)).sum())
    if bad:
        kind = "nan" if np.isnan(array).all() else "infinite" if np.isinf(array).all() else "not finite"
        return (
            f"is {kind} everywhere"
            if bad == array.size and kind != "not finite"
            else f"is not finite in {bad} of {array.size} elements"
        )
    if not array.any():
        return "is zero everywhere"
    zeros = int((array == 0).sum())
    return f"is finite, and zero in {zeros} of {array.size} elements" if zeros else "is finite and not zero"
