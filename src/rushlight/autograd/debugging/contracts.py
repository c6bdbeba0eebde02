"""What custom Functions have to keep to: marks of writes, what is saved how, and gradients that are left alone."""

import warnings

import numpy as np

from ... import errors
from ...core import TensorBase
from .sums import checksum, count


def is_ours(ctx):
    """Whether a Function is one of this package, such as the one behind the backward hooks of modules."""
    return ctx._forward_cls.__module__.partition(".")[0] == __name__.partition(".")[0]


def watched_forward(ctx, args):
    """A forward begins; what is returned is to be called with its outputs, and refuses what it should not have done."""
    before = [
        (i, x, count(x), checksum(x._array))
        for i, x in enumerate(args)
        if isinstance(x, TensorBase) and type(x._array) is np.ndarray
    ]

    def check(outputs):
        dirty = {id(x) for x in ctx._dirty}
        for i, x, writes, values in before:
            if id(x) not in dirty:
                _check_unwritten(ctx, i, x, writes, values)
        returned = [i for i, x, _, _ in before if id(x) not in dirty and any(x is out for out in outputs)]
        if returned:
            sentence = f"{_name(ctx)}: forward returned argument {returned[0]} as it is"
            _warn("RL214", sentence)
        names = unsaved(ctx, args, outputs)
        if names:
            _warn(
                "RL215", f"{_name(ctx)}: forward kept ctx.{names[0]}, an argument or output, past save_for_backward()"
            )

    return check


def _check_unwritten(ctx, i, x, writes, values):
    """Refuse a write to an argument that was not marked: one of a differentiable argument, or one that nobody counts."""
    counted = count(x) != writes
    if not (counted or checksum(x._array) != values) or (counted and not x.requires_grad):
        return
    raise errors.coded(
        "RL212",
        RuntimeError(
            f"{_name(ctx)}: forward modified argument {i} in place, but did not call ctx.mark_dirty() with it"
        ),
        place=x.versions.describe() if counted else "?",
    )


def unsaved(ctx, args, outputs):
    """The names of the context's attributes that are arguments or outputs, which save_for_backward is for."""
    own = {id(x) for x in (*args, *outputs) if isinstance(x, TensorBase)}
    return [name for name, value in vars(ctx).items() if name[0] != "_" and id(value) in own]


def gradients(g):
    """The checksums of the gradients that a node receives."""
    return [checksum(x._array) for x in _arrays(g)]


def check_gradients(node, g, before):
    """Refuse a backward that has written to the gradient it got, which others may have got too."""
    if gradients(g) != before:
        raise errors.coded(
            "RL213",
            RuntimeError(f"{node.name()}: backward modified the gradient that it received in place"),
            name=node.name(),
            place=node.describe(),
        )


def _arrays(g):
    parts = g if isinstance(g, list) else [g]
    return [x for x in parts if isinstance(x, TensorBase) and type(x._array) is np.ndarray]


def _name(ctx):
    return ctx._forward_cls.__name__


def _warn(code, sentence):
    warnings.warn(errors.coded_sentence(code, sentence), UserWarning, stacklevel=errors.user_level())
