"""What an operation computes and what its derivative is, in the words of its declaration.

A rule is a lambda in the decorator above the forward; here its source is read, and shown with the gradient that comes
in as `g`. For elementwise rules `g` is taken out again, which leaves the local derivative. For operations that
everybody knows from books there is a table of formulas, which a test evaluates beside the rules. Where nothing of this
can be read, nothing is said.
"""

import ast
import functools
import os

# Result, and local derivative by each input, in Python: x and y are inputs, `out` is the result.
KNOWN = {
    "add": ("x + y", {"x": "1", "y": "1"}),
    "sub": ("x - y", {"x": "1", "y": "-1"}),
    "rsub": ("y - x", {"x": "-1", "y": "1"}),
    "neg": ("-x", {"x": "-1"}),
    "mul": ("x * y", {"x": "y", "y": "x"}),
    "div": ("x / y", {"x": "1 / y", "y": "-x / y**2"}),
    "reciprocal": ("1 / x", {"x": "-1 / x**2"}),
    "pow": ("x**y", {"x": "y * x**(y - 1)", "y": "log(x) * x**y"}),
    "square": ("x**2", {"x": "2 * x"}),
    "exp": ("exp(x)", {"x": "exp(x)"}),
    "exp2": ("2**x", {"x": "log(2) * 2**x"}),
    "expm1": ("exp(x) - 1", {"x": "exp(x)"}),
    "log": ("log(x)", {"x": "1 / x"}),
    "log2": ("log(x) / log(2)", {"x": "1 / (x * log(2))"}),
    "log10": ("log(x) / log(10)", {"x": "1 / (x * log(10))"}),
    "log1p": ("log(1 + x)", {"x": "1 / (1 + x)"}),
    "sqrt": ("sqrt(x)", {"x": "1 / (2 * sqrt(x))"}),
    "rsqrt": ("1 / sqrt(x)", {"x": "-1 / (2 * x * sqrt(x))"}),
    "sin": ("sin(x)", {"x": "cos(x)"}),
    "cos": ("cos(x)", {"x": "-sin(x)"}),
    "tan": ("tan(x)", {"x": "1 + tan(x)**2"}),
    "asin": ("arcsin(x)", {"x": "1 / sqrt(1 - x**2)"}),
    "acos": ("arccos(x)", {"x": "-1 / sqrt(1 - x**2)"}),
    "atan": ("arctan(x)", {"x": "1 / (1 + x**2)"}),
    "sinh": ("sinh(x)", {"x": "cosh(x)"}),
    "cosh": ("cosh(x)", {"x": "sinh(x)"}),
    "tanh": ("tanh(x)", {"x": "1 - tanh(x)**2"}),
    "asinh": ("arcsinh(x)", {"x": "1 / sqrt(x**2 + 1)"}),
    "acosh": ("arccosh(x)", {"x": "1 / sqrt(x**2 - 1)"}),
    "atanh": ("arctanh(x)", {"x": "1 / (1 - x**2)"}),
    "sigmoid": ("1 / (1 + exp(-x))", {"x": "out * (1 - out)"}),
    "logsigmoid": ("-log(1 + exp(-x))", {"x": "1 / (1 + exp(x))"}),
    "silu": ("x / (1 + exp(-x))", {"x": "(1 + exp(-x) + x * exp(-x)) / (1 + exp(-x))**2"}),
    "relu": ("max(x, 0)", {"x": "1 if x > 0 else 0"}),
    "maximum": (
        "max(x, y)",
        {"x": "1 if x > y else 0.5 if x == y else 0", "y": "1 if y > x else 0.5 if x == y else 0"},
    ),
    "minimum": (
        "min(x, y)",
        {"x": "1 if x < y else 0.5 if x == y else 0", "y": "1 if y < x else 0.5 if x == y else 0"},
    ),
    "logaddexp": ("log(exp(x) + exp(y))", {"x": "exp(x) / (exp(x) + exp(y))", "y": "exp(y) / (exp(x) + exp(y))"}),
    "atan2": ("arctan(x / y)", {"x": "y / (x**2 + y**2)", "y": "-x / (x**2 + y**2)"}),
    "hypot": ("sqrt(x**2 + y**2)", {"x": "x / out", "y": "y / out"}),
}
# The same of operations that are not elementwise: what goes out to each input, of the gradient g that came in.
PRODUCTS = {
    "mm": ("a @ b", {"a": "g @ b.T", "b": "a.T @ g"}),
    "bmm": ("a @ b", {"a": "g @ b.mT", "b": "a.mT @ g"}),
    "mv": ("a @ b", {"a": "outer(g, b)", "b": "a.T @ g"}),
    "dot": ("sum(x * y)", {"x": "g * y", "y": "g * x"}),
    "addmm": (
        "beta * c + alpha * (a @ b)",
        {"c": "beta * sum_to(g, shape(c))", "a": "alpha * (g @ b.T)", "b": "alpha * (a.T @ g)"},
    ),
    "addmm, alpha=beta=1": ("c + a @ b", {"c": "sum_to(g, shape(c))", "a": "g @ b.T", "b": "a.T @ g"}),
    "t": ("x.T", {"x": "g.T"}),
    "sum, dim=None": ("sum(x)", {"x": "expand(g, shape(x))"}),
    "mean, dim=None": ("sum(x) / size(x)", {"x": "expand(g, shape(x)) / size(x)"}),
    "softmax": ("exp(x) / sum(exp(x), dim)", {"x": "out * (g - sum(out * g, dim))"}),
    "log_softmax": ("x - log(sum(exp(x), dim))", {"x": "g - exp(out) * sum(g, dim)"}),
}
_OPS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def forward_text(op, params):
    """'max(x, 0)', or the call as such: 'sum(x, dim=0)'."""
    known = KNOWN.get(op.name) or _product(op, params)
    if known is not None:
        return known[0]
    inputs = [f"*{name}" if op.variadic and name == op.inputs[-1] else name for name in op.inputs]
    return f"{op.name}({', '.join([*inputs, *parameters(params)])})"


def derivative_text(op, i, params):
    """(local derivative or None, what goes out or None) of input i, as expressions."""
    if op.joint is not None:
        return None, expression(op.joint.fn)
    rule = op.rules[0 if op.variadic else i] if op.rules else None
    if rule is None:
        return None, None
    own = expression(rule.fn)
    name = op.inputs[min(i, len(op.inputs) - 1)]
    if op.name in KNOWN:
        local = KNOWN[op.name][1][name]
        return local, {"1": "g", "-1": "-g"}.get(local) or f"g * {_factor(local)}"
    known = _product(op, params)
    if known is not None:
        return None, known[1][name]
    return (without_gradient(own) if op.kind == "elementwise" else None), own


def pretty(text):
    """An expression with the signs of books for powers, products and transposes."""
    if text is None:
        return None
    for sign, written in (("**2", "²"), ("**3", "³"), (" * ", " · "), (".mT", "ᵀ"), (".T", "ᵀ")):
        text = text.replace(sign, written)
    return text


def _product(op, params):
    """The row of the table for a call with these parameters, None where there is none."""
    given = (params or {}).get
    if given("alpha", 0) == 1 == given("beta", 0):
        return PRODUCTS.get(f"{op.name}, alpha=beta=1")
    if given("dim", 0) is None:
        return PRODUCTS.get(f"{op.name}, dim=None")
    return PRODUCTS.get(op.name)


def _factor(text):
    return text if isinstance(ast.parse(text, mode="eval").body, (ast.Name, ast.Call, ast.Constant)) else f"({text})"


def parameters(params):
    """['dim=1', ...] of parameters that are plain values."""
    plain = (bool, int, float, str, tuple, list, type(None))
    return [f"{name}={value!r}" for name, value in (params or {}).items() if isinstance(value, plain)]


def rule_place(op, i):
    """'ops/elementwise.py:81', where the rule stands; None where there is none."""
    rule = op.joint or ((op.rules[0 if op.variadic else i]) if op.rules else None)
    if rule is None:
        return None
    code = rule.fn.__code__
    if not code.co_filename.startswith(_OPS):
        return f"{code.co_filename}:{code.co_firstlineno}"
    return f"{os.path.relpath(code.co_filename, _OPS)}:{code.co_firstlineno}".replace(os.sep, "/")


@functools.lru_cache(maxsize=2000)
def expression(function):
    """The source of the one expression that a rule is; its name and arguments where it is longer; None where unknown."""
    code = function.__code__
    if code.co_name != "<lambda>":
        return f"{function.__name__.strip('_')}({', '.join(code.co_varnames[: code.co_argcount])})"
    names = code.co_varnames[: code.co_argcount]
    found = {
        ast.unparse(_Filled(function).visit(ast.parse(ast.unparse(each.body), mode="eval")))
        for each in _lambdas(code.co_filename)
        if _spans(each, code) and tuple(a.arg for a in each.args.args) == names
    }
    # Several on the same line are told apart by what they say.
    return found.pop() if len(found) == 1 else None


def _spans(node, code):
    """Whether a lambda in the source is the one that was compiled to `code`."""
    places = [place for place in code.co_positions() if None not in place and place[1] - place[0] >= 0]
    body = node.body
    if node.lineno != code.co_firstlineno or not places:
        return False
    # Beginning and end of the body are those of some of its instructions.
    inside = [(p[0], p[2], p[1], p[3]) for p in places[1:]]
    own = (body.lineno, body.col_offset, body.end_lineno, body.end_col_offset)
    return own in inside and all(p[:2] >= own[:2] and p[2:] <= own[2:] for p in inside if p[1] or p[3])


@functools.lru_cache(maxsize=100)
def _lambdas(filename):
    """The lambdas of a file, none where it cannot be read."""
    import linecache

    source = "".join(linecache.getlines(filename))
    try:
        return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Lambda)]
    except SyntaxError:
        return []


class _Filled(ast.NodeTransformer):
    """Puts in what a rule made by a function was made with: numbers, and names of functions."""

    def __init__(self, function):
        cells = zip(function.__code__.co_freevars, function.__closure__ or ())
        self.given = {name: cell.cell_contents for name, cell in cells}

    def visit_Name(self, node):
        value = self.given.get(node.id)
        if isinstance(value, (bool, int, float, str)):
            return ast.Constant(value)
        named = getattr(value, "__name__", None) or getattr(value, "name", None)
        if isinstance(named, str) and named.isidentifier():
            return ast.Name(named, node.ctx)
        return node


def without_gradient(text):
    """The factor of `g` in an expression that is linear in it, None where that is not seen at a glance."""
    if text is None:
        return None
    factor = _factor_of(ast.parse(text, mode="eval").body)
    return None if factor is None else ast.unparse(ast.fix_missing_locations(factor))


def _factor_of(node):
    """The syntax tree of `node` at g = 1, for nodes linear in g; None for others."""
    if isinstance(node, ast.Name) and node.id == "g":
        return ast.Constant(1)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _factor_of(node.operand)
        return inner and ast.UnaryOp(ast.USub(), inner)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
        return _factor_of_product(node)
    if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "where" and len(node.args) == 3:
        return _factor_of_choice(node)
    return None


def _factor_of_product(node):
    times = isinstance(node.op, ast.Mult)
    if _has_gradient(node.left) and not _has_gradient(node.right):
        left = _factor_of(node.left)
        if times and _is_one(left):
            return node.right
        if times and isinstance(left, ast.UnaryOp) and _is_one(left.operand):
            return ast.UnaryOp(ast.USub(), node.right)
        return left and ast.BinOp(left, node.op, node.right)
    if times and _has_gradient(node.right) and not _has_gradient(node.left):
        right = _factor_of(node.right)
        return node.left if _is_one(right) else right and ast.BinOp(node.left, node.op, right)
    return None


def _factor_of_choice(node):
    condition, *choices = node.args
    if _has_gradient(condition):
        return None
    factors = [ast.Constant(0) if _is_zero(choice) else _factor_of(choice) for choice in choices]
    return None if None in factors else ast.IfExp(condition, *factors)


def _has_gradient(node):
    return any(isinstance(part, ast.Name) and part.id == "g" for part in ast.walk(node))


def _is_one(node):
    return isinstance(node, ast.Constant) and node.value == 1


def _is_zero(node):
    return isinstance(node, ast.Constant) and node.value == 0
