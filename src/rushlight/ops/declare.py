"""How an operation is declared: a forward on arrays, and above it a decorator that states its derivatives.

    @elementwise(x=lambda g, y: g * y, y=lambda g, x: g * x)
    def mul(x, y):
        return np.multiply(x, y)

Positional parameters of the forward are the inputs; keyword-only ones are parameters of the operation. A rule takes
the gradient first; its other parameters name what it asks for, and only that is kept: an input (`x`), the shape of
an input (`x_shape`), an output (`out`, or a name from `outputs`), a parameter, or `needs` (which inputs want a
gradient). Rules are written in operations on tensors, so they can be differentiated again.

A rule states the transpose of the derivative as if numbers were real; for complex ones the engine conjugates around
it. Operations that are not holomorphic say so (`holomorphic=False`) and state the whole rule themselves.

`batch=rule` says how the operation runs for a batch (vmap): see batch_rules.py. Those that broadcast need none.

`wide_numbers=True`: beside half precision a number is taken as it is, in float32, so half * 1e5 need not be infinite.

`check=function` is called with the inputs as they were given, before they are brought to one dtype, and may raise.
"""

from ..core import Op
from ..node import node_class
from ..operation import Rule

REGISTRY = {}

_SHAPE, _OUT, _PARAM, _NEEDS = 1000, 2000, 3000, 4000
_PROMOTE = {None: 0, "common": 1, "float": 2}
_VARARGS = 4
_PASSES = (lambda g: g).__code__.co_code


def elementwise(promote="common", **declared):
    """Each element of the result depends on the matching elements of the inputs.

    Inputs are broadcast, and brought to one dtype (promote="float": a floating one). Rules serve both directions.
    """
    return _declare("elementwise", promote=promote, quiet=True, **declared)


def linear(**declared):
    """Linear in each input that has a rule; with jointly=True linear in all of them together (cat, where).

    A tangent goes through the operation itself.
    """
    return _declare("linear", **declared)


def symmetric(**declared):
    """One input, and a symmetric Jacobian: the rule is the same in both directions."""
    return _declare("symmetric", quiet=True, **declared)


def general(**declared):
    """States both directions: rules by input (or one `joint` rule for all), and `push` for tangents.

    `push` names tangents by `<input>_t` (None for an input without one), and else asks as a rule does.
    """
    return _declare("general", quiet=True, **declared)


def nondifferentiable(promote=None, **declared):
    """The result is not differentiable: a truth value, an index, a count."""
    return _declare("nondifferentiable", promote=promote, quiet=True, **declared)


def _declare(
    kind, *, promote=None, quiet=False, view=False, outputs=(), many=False, holomorphic=True, jointly=False,
    joint=None, push=None, batch=None, backward=None, aliases=None, broadcasts=None, check=None, wide_numbers=False, **rules,
):  # fmt: skip
    def declare(forward):
        code = forward.__code__
        op = Op(forward.__name__, forward)
        op.kind = kind
        op.arity = code.co_argcount
        op.variadic = bool(code.co_flags & _VARARGS)
        keyword_end = code.co_argcount + code.co_kwonlyargcount
        op.inputs = code.co_varnames[: code.co_argcount]
        if op.variadic:
            op.inputs = (*op.inputs, code.co_varnames[keyword_end])
        params = code.co_varnames[code.co_argcount : keyword_end]
        given = forward.__kwdefaults__ or {}
        op.params = tuple(params)
        op.defaults = {name: given.get(name) for name in params}
        op.promotion = _PROMOTE[promote]
        op.elementwise = kind == "elementwise" if broadcasts is None else broadcasts
        op.quiet = quiet
        op.check = check
        op.wide_numbers = wide_numbers
        op.is_view = view
        op.outputs = outputs
        op.multiple = many or bool(outputs)
        op.holomorphic = holomorphic
        op.jointly = jointly
        op.aliases = {"x": "self", "y": "other", "out": "result", **(aliases or {})}
        op.differentiable = kind != "nondifferentiable"
        _check_names(op, rules)
        op.rules = [_rule(op, rules.get(name)) for name in op.inputs]
        op.joint = _rule(op, joint)
        op.push = _push(op, push)
        op.batch = batch
        op.settle()
        op.node_class = node_class(backward or _camel(op.name) + "Backward0")
        if op.name in REGISTRY:
            raise ValueError(f"operation {op.name} is declared twice")
        REGISTRY[op.name] = op
        return op

    return declare


def renamed(op, backward, **defaults):
    """The same operation under another name in the graph, as PyTorch numbers the overloads, or by other defaults."""
    twin = Op(op.name, op.forward)
    for field in _COPIED:
        setattr(twin, field, getattr(op, field))
    twin.defaults = {**op.defaults, **defaults} if defaults else op.defaults
    twin.node_class = node_class(backward)
    twin.settle()
    return twin


_COPIED = (
    "kernel", "fast", "check", "kind", "arity", "variadic", "inputs", "params", "defaults", "promotion", "elementwise",
    "quiet", "is_view", "outputs", "multiple", "holomorphic", "jointly", "aliases", "differentiable", "rules", "joint",
    "push", "batch", "custom", "wide_numbers",
)  # fmt: skip


def _check_names(op, rules):
    for name in rules:
        if name not in op.inputs:
            raise TypeError(f"{op.name}: a rule for '{name}', which is not an input {op.inputs}")


def _rule(op, fn):
    """The Rule of a function, its parameters after the gradient resolved to where they are found."""
    if fn is None:
        return None
    code = fn.__code__
    names = list(code.co_varnames[1 : code.co_argcount])
    rule = Rule(fn, [_source(op, name) for name in names], names)
    rule.passes = code.co_code == _PASSES and not names
    return rule


def _push(op, fn):
    """(function, [name, ...]) of a forward-mode rule; `<input>_t` names a tangent."""
    if fn is None:
        return None
    names = fn.__code__.co_varnames[: fn.__code__.co_argcount]
    for name in names:
        if not (name.endswith("_t") and name[:-2] in op.inputs):
            _source(op, name)
    return fn, names


def _source(op, name):
    if name in op.inputs:
        return op.inputs.index(name)
    if name.endswith("_shape") and name[:-6] in op.inputs:
        return _SHAPE + op.inputs.index(name[:-6])
    if name in op.outputs:
        return _OUT + op.outputs.index(name)
    if name == "out":
        return _OUT
    if name in op.defaults:
        return _PARAM
    if name == "needs":
        return _NEEDS
    raise TypeError(f"{op.name}: a rule asks for '{name}', which is neither input, shape, output nor parameter")


def _camel(name):
    return "".join(part.capitalize() for part in name.split("_"))
