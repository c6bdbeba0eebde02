"""A Function under vmap: its own `vmap` rule, or its forward run on the samples as any other code is."""

from collections import namedtuple

from .. import pytree
from ..core import TensorBase
from ..modes import grad_enabled
from ..ops import batching
from ..ops import forward as forward_mode
from ..ops.shape import permute
from .function import Function, computed

_MORE = "For more details, please see https://pytorch.org/docs/main/notes/extending.func.html"

# What a `vmap` staticmethod is told about the batch.
VmapInfo = namedtuple("VmapInfo", ("batch_size", "randomness"))


def in_batch(cls, args, named, level, has_rule):
    """The Function applied to arguments of which some are batched at `level`, the innermost such level."""
    if cls.generate_vmap_rule and has_rule:
        raise RuntimeError(
            f"You tried to vmap over {cls.__name__}, but it has both generate_vmap_rule=True and an overridden vmap "
            f"staticmethod. Please set generate_vmap_rule=False or delete the overridden vmap staticmethod to avoid "
            f"ambiguity. {_MORE}"
        )
    if has_rule:
        output = _by_own_rule(cls, args, named, level)
        return _recorded(cls, args, named, output) if _differentiated(args) else output
    if cls.generate_vmap_rule:
        return _by_generated_rule(cls, args, named, level)
    raise RuntimeError(
        f"You tried to vmap over {cls.__name__}, but it does not have vmap support. Please override and implement the "
        f"vmap staticmethod or set generate_vmap_rule=True. {_MORE}"
    )


def _differentiated(args):
    """Whether an argument is differentiated inside of the batch."""
    if forward_mode.levels_of(args):
        return True
    return grad_enabled() and any([isinstance(x, TensorBase) and x.requires_grad for x in args])


def _recorded(cls, args, named, output):
    """The output of the rule with the history, at the level, of the Function's application to the samples."""
    if cls.setup_context is Function.setup_context:
        raise RuntimeError(
            "In order to use an autograd.Function with functorch transforms (vmap, grad, jvp, jacrev, ...), it must "
            f"override the setup_context staticmethod. {_MORE}"
        )
    return cls._applied(args, named, output)


def _by_own_rule(cls, args, named, level):
    """cls.vmap on the tensors of all samples, whose batch dimension is the first, or None where they have none."""
    leaves, spec = pytree.flatten(args)
    tensors = [_at(x, level) for x in leaves]
    hidden = [x._array.hidden if isinstance(x, TensorBase) else x for x in tensors]
    dims = [0 if isinstance(x, TensorBase) and x._array.batched else None for x in tensors]
    if dims == [None] * len(dims):
        output = cls.apply(*pytree.unflatten(hidden, spec), **named)
        return pytree.tree_map(lambda x: _shown(x, None, level), output)
    returned = cls.vmap(
        VmapInfo(level.size, level.randomness), pytree.unflatten(dims, spec), *pytree.unflatten(hidden, spec), **named
    )
    if not isinstance(returned, tuple) or len(returned) != 2:
        count = f"{len(returned)} returns" if isinstance(returned, tuple) else f"a {type(returned)}"
        raise RuntimeError(
            "Expected the vmap staticmethod to have two returns, an output and out_dims with pytree structure compatible "
            f"with the output. Got {count} instead"
        )
    output, out_dims = returned
    leaves, spec = pytree.flatten(output)
    dims = pytree.broadcast_prefix(out_dims, spec)
    if dims is None:
        raise RuntimeError(
            "The autograd.Function's vmap staticmethod returned an incompatible (output, out_dims) tuple. Expected "
            f"out_dims={out_dims} to be compatible with the structure of `output`. {_MORE}"
        )
    return pytree.unflatten([_shown(x, dim, level) for x, dim in zip(leaves, dims)], spec)


def _by_generated_rule(cls, args, named, level):
    """Forward and backward run on the samples; where the batch itself is differentiated, they are one node there."""
    leaves, spec = pytree.flatten(args)
    shown = [_at(x, level) for x in leaves]
    tensors = [x for x in shown if isinstance(x, TensorBase)]
    if not any(_differentiated_below(x) for x in tensors):
        return cls._applied(args, named)
    hidden = [x._array.hidden if isinstance(x, TensorBase) else x for x in shown]
    call = _Call(cls, level, spec, [isinstance(x, TensorBase) and x._array.batched for x in shown], named)
    below = Generated.apply(call, *hidden)
    if not _differentiated(args):
        output = [_shown(x, 0 if batched else None, level) for x, batched in zip(below, call.results)]
        return pytree.unflatten(output, call.output)
    # Differentiated at this level too: a node here, whose values have the history that the batch has.
    output = cls._applied(args, named)
    for x, outer in zip(pytree.flatten(output)[0], below):
        if isinstance(x, TensorBase):
            x._array.hidden = outer
    return output


def _differentiated_below(x):
    if batching.tracked_below(x):
        return True
    array = x._array
    while type(array) is batching.Batched:
        if array.hidden.tangent:
            return True
        array = array.hidden._array
    return False


class _Call:
    """One application of a Function to a batch."""

    def __init__(self, cls, level, spec, batched, named):
        self.cls, self.size, self.randomness = cls, level.size, level.randomness
        self.spec, self.batched, self.named = spec, batched, named

    def level(self):
        return batching.BatchLevel(self.size, self.randomness)


class Generated(Function):
    """A Function with generate_vmap_rule applied to all samples: forward and backward see one sample each."""

    generate_vmap_rule = True

    @staticmethod
    def forward(ctx, call, *hidden):
        ctx.call = call
        with call.level() as level:
            inner = ctx.inner = call.cls._backward_cls()
            args = pytree.unflatten(_all_shown(hidden, call.batched, level), call.spec)
            inner.needs_input_grad = tuple([isinstance(x, TensorBase) and True for x in args])
            leaves, call.output = pytree.flatten(computed(call.cls, inner, args, call.named))
            leaves = [_at(x, level) for x in leaves]
            call.results = _flags(leaves)
            outputs = _all_hidden(leaves)
            saved = [_at(x, level) for x in inner._to_save]
            ctx.saved_batched = _flags(saved)
            pushed = [_at(x, level) for x in inner._saved_forward]
            ctx.pushed_batched = _flags(pushed)
        inner._to_save = inner._saved_forward = ()
        ctx.save_for_backward(*_all_hidden(saved))
        ctx.save_for_forward(*_all_hidden(pushed))
        ctx.set_materialize_grads(inner._materialize)
        ctx.mark_non_differentiable(
            *[out for out, x in zip(outputs, leaves) if any(x is constant for constant in inner._constants)]
        )
        return tuple(outputs)

    @staticmethod
    def backward(ctx, *grads):
        call = ctx.call
        with call.level() as level:
            ctx.inner._saved_forward = tuple(_all_shown(ctx.saved_tensors, ctx.saved_batched, level))
            found = ctx.inner.apply(*_all_shown(grads, call.results, level))
            found = found if isinstance(found, tuple) else (found,)
            found = [_at(x, level) for x in found]
            batched, found = _flags(found), _all_hidden(found)
        return (None, *[_gathered(g, b, wanted, call.size) for g, b, wanted in zip(found, batched, call.batched)])

    @staticmethod
    def jvp(ctx, _, *tangents):
        call = ctx.call
        with call.level() as level:
            ctx.inner._saved_forward = tuple(_all_shown(ctx.saved_tensors, ctx.pushed_batched, level))
            found = ctx.inner.apply_jvp(*_all_shown(tangents, call.batched, level))
            found = [_at(x, level) for x in (found if isinstance(found, tuple) else (found,))]
            batched, found = _flags(found), _all_hidden(found)
        return tuple([_gathered(t, b, wanted, call.size) for t, b, wanted in zip(found, batched, call.results)])


def _all_shown(hidden, batched, level):
    return [batching.show(x, level, b) if isinstance(x, TensorBase) else x for x, b in zip(hidden, batched)]


def _all_hidden(shown):
    return [x._array.hidden if isinstance(x, TensorBase) else x for x in shown]


def _flags(shown):
    return [isinstance(x, TensorBase) and x._array.batched for x in shown]


def _gathered(x, batched, wanted, size):
    """A gradient or tangent for a tensor that has a batch dimension, or (the sum of all) for one that has none."""
    if x is None or batched == wanted:
        return x
    return x.sum(0) if batched else x.expand(size, *x.shape)


def _at(x, level):
    return batching.at_level(x, level) if isinstance(x, TensorBase) else x


def _shown(x, dim, level):
    """An output of the rule as a tensor of the level."""
    if not isinstance(x, TensorBase):
        return x
    if dim is None:
        return batching.show(x, level, False)
    dim %= x.ndim
    order = (dim, *[d for d in range(x.ndim) if d != dim])
    return batching.show(x if dim == 0 else permute(x, dims=order), level)
