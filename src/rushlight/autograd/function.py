"""Operations of the user's own: a forward and a backward in one class.

Each application has a context, which forward fills and backward reads, and a node named after the class. What was
saved hangs on the node, so that the engine frees it with the rest of the graph.
"""

import functools
import weakref

import numpy as np

from .. import core, errors, modes, saving, watching
from ..core import Op, TensorBase, wrap
from ..inplace import rebase
from ..node import GraphNode
from ..ops import batching
from ..ops import forward as forward_mode
from ..ops.copying import sum_to, to_dtype
from ..ops.identity import alias
from ..spelling import spell

# Type checkers know it by its name; `typing` itself is not imported.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_FORWARD = "You must implement the forward function for custom autograd.Function."
_BACKWARD = (
    "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward "
    "mode AD."
)
_JVP = "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
_BOTH = (
    "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement one "
    "of them."
)
_LEGACY = (
    "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd function "
    "with static forward method. (Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
)
_NOT_RETURNED = (
    "Some elements marked as dirty during the forward method were not returned as output. The inputs that are modified "
    "inplace must all be outputs of the Function."
)
_NOT_AN_INPUT = (
    "ctx.mark_dirty() received a tensor that was not an input. Only input Tensors that have been mutated should be "
    "passed to ctx.mark_dirty()."
)
# The edge of a saved tensor that the node itself made.
_OWN = object()
_MISSING = object()


class FunctionCtx:
    """What a Function's forward and backward share. Set attributes freely; save tensors with save_for_backward."""

    needs_input_grad = ()
    _node = _inputs = _outputs = None
    _to_save = _saved_forward = _dirty = _constants = ()
    _materialize = True

    def save_for_backward(self, *tensors):
        """Keep tensors for backward, which finds them in ctx.saved_tensors, checked against writes since."""
        for i, tensor in enumerate(tensors):
            if tensor is not None and not isinstance(tensor, TensorBase):
                raise errors.coded(
                    "RL208",
                    TypeError(
                        f"save_for_backward can only save variables, but argument {i} is of type {type(tensor).__name__}"
                    ),
                )
        self._to_save = tensors

    def save_for_forward(self, *tensors):
        """Keep tensors for jvp."""
        self._saved_forward = tensors

    def mark_dirty(self, *tensors):
        """Say which inputs forward has written to; they must be among its outputs."""
        for i, tensor in enumerate(tensors):
            if not isinstance(tensor, TensorBase):
                raise errors.coded(
                    "RL208",
                    RuntimeError(
                        f"mark_dirty can only accept variables, but argument {i} is of type {type(tensor).__name__}"
                    ),
                )
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors):
        """Say which outputs are constants for differentiation."""
        for tensor in tensors:
            if not isinstance(tensor, TensorBase):
                raise errors.coded(
                    "RL208",
                    RuntimeError(
                        f"mark_non_differentiable only accepts variable arguments, but got {type(tensor).__name__}"
                    ),
                )
        self._constants = tensors

    def set_materialize_grads(self, value):
        """Whether backward gets zeros (the default) or None for outputs that nobody differentiated."""
        self._materialize = bool(value)

    @property
    def saved_tensors(self):
        """What save_for_backward was given."""
        node = self._node and self._node()
        if node is None:
            return self._saved_forward
        if node.saved0 is None and self._to_save is None:
            raise errors.freed(node)
        return tuple([_restored(node, entry) for entry in node.saved0 or ()])


class FunctionNode(GraphNode):
    """The node of one application of a Function; attributes of its context are found here too."""

    __slots__ = ()

    def __repr__(self):
        return f"<{spell('autograd.function.' + type(self).__name__)} object at {hex(id(self))}>"

    def __getattr__(self, name):
        return getattr(self.params["ctx"], name)


class BackwardCFunction(FunctionCtx):
    """The context of one application: each Function has a class of these, named as its node."""

    def apply(self, *grads):
        """What backward (or vjp) makes of the gradients of the outputs."""
        return _backward_of(self._forward_cls)(self, *grads)

    def apply_jvp(self, *tangents):
        """What jvp makes of the tangents of the arguments."""
        return self._forward_cls.jvp(self, *tangents)


class FunctionMeta(type):
    """The class of Functions: gives each the class of its contexts."""

    def __init__(cls, name, bases, attrs):
        cls._backward_cls = type(name + "Backward", (BackwardCFunction,), {"_forward_cls": cls})
        super().__init__(name, bases, attrs)


class Function(metaclass=FunctionMeta):
    """An operation with a derivative of your own.

    `forward(ctx, *args)` computes, under no_grad; or `forward(*args)` with a `setup_context(ctx, inputs, output)`
    beside it. `backward(ctx, *grads)` gets a gradient for each output and returns one for each argument (None where
    there is none). For forward mode `jvp(ctx, *tangents)` returns the tangents of the outputs.

    >>> import rushlight
    >>> class Cube(rushlight.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x * x
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return g * 3 * x * x
    >>> x = rushlight.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)
    """

    # Whether vmap may run forward on the samples as it runs any code; else it asks for a `vmap` staticmethod.
    generate_vmap_rule = False

    def __init__(self, *args, **named):
        import warnings

        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args, **named):
        raise errors.coded("RL203", RuntimeError(_LEGACY))

    if TYPE_CHECKING:
        # Those of subclasses take what they like.
        forward: Callable[..., Any]
        setup_context: Callable[..., Any]
        backward: Callable[..., Any]
        vjp: Callable[..., Any]
        jvp: Callable[..., Any]
    else:

        @staticmethod
        def forward(*args, **named):
            raise errors.coded("RL201", NotImplementedError(_FORWARD))

        @staticmethod
        def setup_context(ctx, inputs, output):
            raise errors.coded("RL201", NotImplementedError("setup_context is not implemented."))

        @staticmethod
        def backward(ctx, *grad_outputs):
            raise errors.coded("RL201", NotImplementedError(_BACKWARD))

        vjp = backward

        @staticmethod
        def jvp(ctx, *grad_inputs):
            raise errors.coded("RL201", NotImplementedError(_JVP))

    @staticmethod
    def vmap(info, in_dims, *args):
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap staticmethod or set "
            "generate_vmap_rule=True."
        )

    @classmethod
    def apply(cls, *args, **named) -> "Any":
        """The operation applied to tensors and whatever else forward takes."""
        if core.transforms_entered(0):
            level = batching.level_of(args)
            if level is not None:
                from .function_vmap import in_batch

                return in_batch(cls, args, named, level, cls.vmap is not Function.vmap)
        if not watching.in_force:
            return cls._applied(args, named)
        watchers = watching.current()
        return watching.called(
            watchers, _op_of(cls), args, named, False,
            lambda _, a, n, __: watching.within(watchers, lambda: cls._applied(a, n)),
        )  # fmt: skip

    @classmethod
    def _applied(cls, args, named, output=_MISSING):
        """The same, watched by nobody; `output` is what forward gave, where it has been called."""
        ctx = cls._backward_cls()
        if named or cls.setup_context is not Function.setup_context:
            args, named = _bound(cls, ctx, args, named)
        ctx.needs_input_grad = tuple([isinstance(x, TensorBase) and x.requires_grad for x in args])
        levels = forward_mode.levels_of(args) if core.transforms_entered(0) else ()
        node = None
        if True in ctx.needs_input_grad and modes.grad_enabled():
            node = _new_node(cls, args)
        checks = [watcher.applying(ctx, args) for watcher in watching.current() or ()] if watching.in_force else ()
        before = modes.flags()
        try:
            modes.put_grad(False)
            if output is _MISSING:
                output = forward_mode.below(0, computed, cls, ctx, args, named)
            else:
                cls.setup_context(ctx, args, output)
            outputs = output if isinstance(output, tuple) else (output,)
            finished = [_finished(ctx, x, args) for x in outputs]
        finally:
            modes.put_grad(before & 1)
        _check_dirty(ctx, args, outputs)
        for check in checks:
            if check is not None:
                check(outputs)
        if levels:
            _push(cls, ctx, args, outputs, finished, levels)
        if node is not None:
            _record(node, ctx, args, outputs, finished)
        return tuple(finished) if isinstance(output, tuple) else finished[0]


class InplaceFunction(Function):
    """A Function with a flag of its own, `inplace`, for those that are instantiated."""

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace


def once_differentiable(fn):
    """A backward that cannot itself be differentiated: it runs unrecorded, and a second derivative is an error."""

    @functools.wraps(fn)
    def unrecorded(ctx, *grads):
        recording = modes.grad_enabled()
        before = modes.flags()
        try:
            modes.put_grad(False)
            output = fn(ctx, *grads)
        finally:
            modes.put_grad(before & 1)
        if not recording or not any(isinstance(g, TensorBase) and g.requires_grad for g in grads):
            return output
        outputs = output if isinstance(output, tuple) else (output,)
        stopped = tuple([x if not isinstance(x, TensorBase) else _stopped(x, grads) for x in outputs])
        return stopped if isinstance(output, tuple) else stopped[0]

    return unrecorded


def _stopped(x, grads):
    """x with a history that refuses to be differentiated."""
    x = core.detached(x, True)
    node = core.new_node(_REFUSING)
    _connect(node, grads)
    x._grad_fn, x._requires_grad = node, True
    return x


def _refuse(node, g):
    raise errors.coded(
        "RL211", RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
    )


def _op_of(cls):
    """The operation behind a Function, made with its first application."""
    op = cls.__dict__.get("_op")
    if op is None:
        op = cls._op = _custom_op(cls.__name__ + "Backward", cls.forward, _pull)
        op.node_class._function = cls
    return op


def _custom_op(name, forward, pull):
    op = Op(name, forward)
    op.kind = "general"
    op.differentiable = True
    op.custom = pull
    op.node_class = type(name, (FunctionNode,), {"__slots__": ()})
    return op


def _bound(cls, ctx, args, named):
    """Arguments by position, defaults filled in, as far as forward's signature allows: these can have gradients."""
    before = (ctx,) if cls.setup_context is Function.setup_context else ()
    code = getattr(cls.forward, "__code__", None)
    if not named and code is not None and code.co_argcount == len(args) and not code.co_flags & 0x0C:
        return args, named
    import inspect

    bound = inspect.signature(cls.forward).bind(*before, *args, **named)
    bound.apply_defaults()
    return bound.args[len(before) :], bound.kwargs


def computed(cls, ctx, args, named):
    if cls.setup_context is Function.setup_context:
        return cls.forward(ctx, *args, **named)
    output = cls.forward(*args, **named)
    cls.setup_context(ctx, args, output)
    return output


def _among(x, tensors):
    """Whether x itself, not its like, is one of the tensors."""
    return any(x is tensor for tensor in tensors)


def _finished(ctx, x, args):
    """An output as it is given away: an input that was returned becomes a tensor of its own."""
    if not isinstance(x, TensorBase) or _among(x, ctx._dirty):
        return x
    if _among(x, ctx._constants):
        return core.detached(x, True) if x.requires_grad else x
    return alias(x) if _among(x, args) or x.requires_grad else x


def _new_node(cls, args):
    """The node of this application, its edges set before forward writes to anything."""
    node = core.new_node(_op_of(cls))
    _connect(node, args)
    return node


def _connect(node, args):
    node.count = len(args)
    edges = [_edge(x) for x in args]
    if edges:
        node.edge0, node.number0 = edges[0]
    if len(edges) > 1:
        node.edge1, node.number1 = edges[1]
    if len(edges) > 2:
        node.more = [(edge, number, None, 0) for edge, number in edges[2:]]


def _edge(x):
    """(node or leaf, output number) that x comes from."""
    if not isinstance(x, TensorBase) or not x.requires_grad:
        return None, 0
    node = x.grad_fn
    return (x, 0) if node is None else (node, x.output_nr)


def _check_dirty(ctx, args, outputs):
    for x in ctx._dirty:
        if not _among(x, outputs):
            raise errors.coded("RL209", RuntimeError(_NOT_RETURNED))
        if not _among(x, args):
            import warnings

            warnings.warn(_NOT_AN_INPUT, UserWarning, stacklevel=4)


def _record(node, ctx, args, outputs, finished):
    """Give the outputs their history, and hang on the node what was saved."""
    for i, x in enumerate(args):
        if _among(x, ctx._dirty) and node.edge_at(i) is x:
            raise errors.coded(
                "RL210", RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
            )
    views = sum(isinstance(x, TensorBase) and x.view_of is not None for x in finished)
    node.outputs = len(finished)
    node.params = {"ctx": ctx}
    ctx._node = weakref.ref(node)
    ctx._inputs = [_kind(x) for x in args]
    ctx._outputs = [_kind(x) for x in finished]
    for number, x in enumerate(finished):
        if not isinstance(x, TensorBase) or x._array.dtype.kind not in "fcV" or _among(outputs[number], ctx._constants):
            continue
        if _among(x, ctx._dirty):
            _rewrite(x, node, number)
            continue
        x._grad_fn, x._requires_grad, x.output_nr = node, True, number
        if x.view_of is not None:
            x.view_of.creation = "custom" if views == 1 else "multiple"
    if ctx._to_save:
        node.saved0 = tuple([_entry(node, x) for x in ctx._to_save])
        ctx._to_save = None


def _rewrite(x, node, number):
    """Make output `number` of the node the history of an input that forward has written to."""
    if x.view_of is not None:
        errors.check_inplace(x)
    core.written(x)
    rebase(x, node, number)


def _kind(x):
    return (x._array.shape, x._array.dtype) if isinstance(x, TensorBase) else None


def _entry(node, x):
    """What is kept of a saved tensor: (tensor, version, edge, number).

    Of an output only the values are kept, or the node would hold its own output and live forever.
    """
    if x is None:
        return None
    if x.inference:
        raise errors.inference_saved()
    edge, number = _edge(x)
    if edge is node:
        x, edge = core.detached(x, True), _OWN
    hooks = saving.current()
    return x if hooks is None else saving.packed(node, hooks, x), x._version, edge, number


def _restored(node, entry):
    """A saved tensor as it was, with the history it had."""
    if entry is None:
        return None
    kept, version, edge, number = entry
    if isinstance(kept, core.Packed):
        return kept.unpacked(node if edge is _OWN else edge, number)
    if kept._version != version:
        if edge is _OWN:
            raise errors.modified_output(node, number, kept._array, kept.versions, version)
        raise errors.modified(node, kept, version)
    if _edge(kept)[0] is edge:
        return kept
    return core.restore(kept._array, node if edge is _OWN else edge, number, kept.versions)


def _pull(node, g):
    """The gradients of the inputs: backward called, its results checked."""
    ctx, cls = node.params["ctx"], type(node)._function
    grads = [g] if node.outputs == 1 else g
    if ctx._materialize:
        grads = [wrap(np.zeros(*kind)) if g is None and kind is not None else g for g, kind in zip(grads, ctx._outputs)]
    try:
        results = _backward_of(cls)(ctx, *grads)
        if not isinstance(results, tuple):
            results = (results,)
        count = len(ctx._inputs)
        if len(results) < count or any(extra is not None for extra in results[count:]):
            raise errors.coded(
                "RL204",
                RuntimeError(
                    f"function {node.name()} returned an incorrect number of gradients (expected {count}, got "
                    f"{len(results)})"
                ),
            )
        return [_fitted(node, i, result, kind) for i, (result, kind) in enumerate(zip(results, ctx._inputs))]
    except Exception as error:
        errors.note_place(error, node)
        raise


def _backward_of(cls):
    if cls.vjp is Function.vjp:
        return cls.backward
    if cls.backward is not Function.backward:
        raise errors.coded("RL202", RuntimeError(_BOTH))
    return cls.vjp


def _fitted(node, i, result, kind):
    """Gradient i in the shape and dtype of the argument."""
    if result is None:
        return None
    if kind is None:
        raise errors.coded(
            "RL206",
            RuntimeError(
                f"function {node.name()} returned a gradient different than None at position {i + 1}, but the "
                "corresponding forward input was not a Variable"
            ),
        )
    if not isinstance(result, TensorBase):
        cls = type(result)
        name = cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"
        raise errors.coded("RL207", RuntimeError(f"expected Variable or None (got {name})"))
    shape, dtype = kind
    if result._array.shape != shape:
        if not _expandable(shape, result._array.shape):
            raise errors.coded(
                "RL205",
                RuntimeError(
                    f"Function {node.name()} returned an invalid gradient at index {i} - got {list(result._array.shape)} "
                    f"but expected shape compatible with {list(shape)}"
                ),
            )
        result = sum_to(result, shape=shape)
    if result._array.dtype != dtype:
        if result._array.dtype.kind == "c" and dtype.kind != "c":
            raise errors.coded(
                "RL205",
                RuntimeError(
                    f"Function {node.name()} returned an invalid gradient at index {i} - expected dtype {dtype} but got "
                    f"{result._array.dtype}: the gradient of a real input is real"
                ),
            )
        result = to_dtype(result, dtype=dtype)
    return result


def _expandable(shape, to):
    """Whether broadcasting could make `to` of `shape`."""
    if len(shape) > len(to):
        return False
    return all(n == m or n == 1 for n, m in zip(reversed(shape), reversed(to)))


def _push(cls, ctx, args, outputs, finished, levels):
    """Forward mode: the tangents of the outputs, by the Function's jvp."""
    for level in levels:
        tangents = [_tangent(ctx, x, level) for x in args]
        pushed = forward_mode.below(level.number, cls.jvp, ctx, *tangents)
        pushed = pushed if isinstance(pushed, tuple) else (pushed,)
        _check_pushed(pushed, finished)
        for x, returned, tangent in zip(finished, outputs, pushed):
            if tangent is not None and isinstance(x, TensorBase):
                _check_follows(ctx, tangents, x, returned, tangent, args)
                forward_mode.put_tangent(x, level, tangent)


def _tangent(ctx, x, level):
    """The tangent of an argument: zeros where it has none, unless the context says otherwise."""
    tangent = forward_mode.tangent_of(x, level)
    if tangent is None and ctx._materialize and isinstance(x, TensorBase):
        return wrap(np.zeros(x._array.shape, x._array.dtype))
    return tangent


def _check_pushed(pushed, finished):
    """Refuse tangents that do not go with the outputs."""
    if len(pushed) != len(finished):
        raise RuntimeError(
            "Function's jvp returned an invalid number of forward gradients (expected "
            f"{len(finished)} but got {len(pushed)})"
        )
    for i, (x, tangent) in enumerate(zip(finished, pushed)):
        if tangent is None or not isinstance(x, TensorBase):
            continue
        if not isinstance(tangent, TensorBase):
            raise errors.coded(
                "RL207", RuntimeError(f"expected Variable or None (got {type(tangent).__name__}) for grad output {i}.")
            )
        if tangent._array.shape != x._array.shape:
            raise RuntimeError(
                "Trying to set a forward gradient that has a different size than that of the original Tensor, this is "
                f"not supported. Tensor is of size {list(x._array.shape)} while the given forward gradient is of size "
                f"{list(tangent._array.shape)}."
            )


def _check_follows(ctx, arg_tangents, x, returned, tangent, args):
    """Refuse a tangent that does not follow writes as its output does."""
    if _among(x, ctx._dirty):
        if not any(x is arg and tangent is t for arg, t in zip(args, arg_tangents)):
            raise RuntimeError(
                "An inplace custom Function is not modifying the forward mode gradients inplace. If the forward is "
                "modifying an input inplace, then the jvp function must modify the corresponding gradient inplace."
            )
    elif x.view_of is not None and (_among(returned, args) or _seen(x, args)) and tangent.view_of is None:
        raise RuntimeError(
            "A custom Function's forward is returning a view (or an input as-is) but the jvp is not returning a view."
        )


def _seen(x, args):
    """Whether x is a view of one of the arguments, or of what they are views of."""
    bases = [arg if arg.view_of is None else arg.view_of.base for arg in args if isinstance(arg, TensorBase)]
    return _among(x.view_of.base, bases)


_REFUSING = _custom_op("DelayedErrorBackward", _refuse, _refuse)
