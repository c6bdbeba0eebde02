"""Runs of a model: the one that becomes the graph, and those with other sizes that tell what follows from these."""

import inspect
import warnings

import numpy as np

from .. import nn, pytree
from ..autograd import no_grad
from ..core import TensorBase, wrap
from ..pytree import flatten
from ..random import get_rng_state, set_rng_state
from .recurrent import whole
from .sizes import Marking, Sources
from .tracing import Trace


def renamed(kind, names, given):
    """The names, of which the first are replaced by those that were given."""
    if given is None:
        return names
    if len(given) > len(names):
        raise RuntimeError(
            f"number of {kind} names provided ({len(given)}) exceeded number of {kind}s ({len(names)}): {names}"
        )
    return [*given, *names[len(given) :]]


def inputs_of(model, args, kwargs, given):
    """Names and tensors of the inputs: named after the parameters of forward, numbered where one holds several."""
    forward = model.forward if isinstance(model, nn.Module) else model
    bound = inspect.signature(forward).bind(*args, **kwargs).arguments
    names, tensors = [], []
    kinds = inspect.signature(forward).parameters
    for name, value in bound.items():
        leaves = [leaf for leaf in flatten(value)[0] if isinstance(leaf, TensorBase)]
        several = len(leaves) > 1 or kinds[name].kind is inspect.Parameter.VAR_POSITIONAL
        names += [f"{name}_{i}" if several else name for i in range(len(leaves))]
        tensors += leaves
    return renamed("input", names, given), tensors


def traced(model, args, kwargs, names, tensors, training=0):
    """(the trace of a run, the values that it returned)"""
    parameters, modes, handles = [], [], []
    if isinstance(model, nn.Module):
        parameters = [*model.named_parameters(), *model.named_buffers()]
        modes = [(module, module.training) for module in model.modules()]
        if training != 1:
            model.train(training == 2)
    trace, state = Trace(tensors, names, parameters), get_rng_state()
    try:
        for module, _ in modes:
            handles += _followed(trace, module)
        with no_grad(), trace:
            out = model(*args, **kwargs)
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes:
            module.training = mode
        moved = (get_rng_state() != state).any()
        if moved:
            set_rng_state(state)
    trace.ended()
    if trace.drew or (moved and not any([call.op.startswith("random_") for call in trace.calls])):
        what = "" if trace.drew is None else f" by {trace.drew[0]} ({trace.drew[1]})"
        warnings.warn(
            f"rushlight.onnx.export: the model has drawn random numbers{what}; the graph holds those as constants",
            UserWarning,
            stacklevel=3,
        )
    found = [leaf for leaf in flatten(out)[0] if isinstance(leaf, TensorBase)]
    return trace, [trace.value(leaf) for leaf in found]


def _followed(trace, module):
    """Hooks that make one call of a layer that ONNX has an operator for."""
    if not isinstance(module, (nn.RNNBase, nn.EmbeddingBag)):
        return []
    pending = []

    def before(module, args, kwargs):
        found = None if trace.silent else whole(module, args, kwargs)
        if found is not None and not trace.from_inputs(found[1]):
            found = None
        pending.append(found)
        trace.silent += found is not None

    def after(module, args, kwargs, out):
        found = pending.pop()
        if found is not None:
            trace.silent -= 1
            trace.replaced(*found, [leaf for leaf in flatten(out)[0] if isinstance(leaf, TensorBase)])

    return [
        module.register_forward_pre_hook(before, with_kwargs=True),
        module.register_forward_hook(after, with_kwargs=True),
    ]


# -- sizes that are left open
def opened(run, model, given, inputs, training, symbols):
    """Mark the sizes of a run, (trace, outputs), that follow from the open ones, by runs with others."""
    names, tensors = inputs
    groups = {}
    for (name, dim), symbol in symbols.items():
        if name in names:
            groups.setdefault(symbol, []).append((name, dim))
    if not groups:
        return
    shapes = dict(zip(names, [tuple(tensor.shape) for tensor in tensors]))

    def again(places, sizes):
        """A run in which those places have one of the sizes that `sizes` offers: (the run, {place: size})."""
        for attempt in sizes:
            wanted = {(name, dim): attempt(shapes[name][dim]) for name, dim in places}
            try:
                args, kwargs = _resized(given, names, tensors, wanted)
                _, twins = inputs_of(model, args, kwargs, names)
                return traced(model, args, kwargs, names, twins, training), wanted
            except Exception as error:  # whatever the model says to a size that it cannot take
                refusal = error
        raise refusal

    every = [place for places in groups.values() for place in places]
    last = again(every, _THIRD)
    parts = list(groups.values())
    try:
        runs = [again(places, _FAR) for places in parts]
    except Exception:
        if len(parts) == 1:
            raise
        # Sizes that must be equal under different names.
        parts = [every]
        runs = [again(every, _FAR)]
    sources = [places[0] for places in parts]
    sizes = [
        [wanted.get((name, dim), shapes[name][dim]) for name, dim in sources] for _, wanted in [(None, {}), *runs, last]
    ]
    Marking([run, *[other for other, _ in [*runs, last]]], Sources(sources, sizes)).run()


# A size far from the first one, so that what is rounded shows; less where the model allows no more.
_FAR = (lambda n: 2 * n + 1, lambda n: n + 1, lambda n: n - 1 if n > 2 else n + 1)
# One that differs from both; 0 and 1 are often taken otherwise.
_THIRD = (lambda n: n + 2, lambda n: n - 2 if n > 3 else n + 2)


def _resized(given, names, tensors, wanted):
    """The inputs with other sizes: entries left out, or the last one repeated."""
    found = {}
    for name, tensor in zip(names, tensors):
        resized = tensor.detach()
        for (other, dim), size in wanted.items():
            if other == name:
                places = np.minimum(np.arange(size), tensor.shape[dim] - 1)
                resized = resized.index_select(dim, wrap(places))
        found[id(tensor)] = resized
    return pytree.tree_map(lambda leaf: found.get(id(leaf), leaf), given)
