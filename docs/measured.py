"""What functions and layers of the reference take and give, found by calling them as their examples do, in every dtype."""

import ast
import contextlib
import copy
import doctest
import inspect
import io
import re
import warnings

_DTYPES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64", "complex128",
]  # fmt: skip
# Elsewhere calls do more than compute: they draw, write, switch.
_PLACES = re.compile(r"rushlight\.(functions|nn|linalg|fft|special)\b")


class _Recorded(ast.NodeTransformer):
    """Every call f(...) outside of functions and classes becomes _recorded_(f, ...)."""

    def visit_Call(self, node):
        self.generic_visit(node)
        return ast.Call(ast.Name("_recorded_", ast.Load()), [node.func, *node.args], node.keywords)

    def visit_Lambda(self, node):
        return node

    visit_FunctionDef = visit_ClassDef = visit_Lambda


def measured(value, example):
    """A paragraph for a page: shapes in the example, and what comes out in each dtype; empty where nothing is to tell."""
    if not _PLACES.match(str(getattr(value, "__module__", ""))) or getattr(value, "__name__", "_").endswith("_"):
        return ""
    call = first_call(value, example)
    out = outcome(call) if call else None
    if not isinstance(out, list):
        return ""
    shapes = f"{', '.join(map(shape, given(call)))} → {', '.join(map(shape, out))}"
    results = {}
    for name in tried(value, call):
        results.setdefault(told(outcome(call, name), name), []).append(name)
    dtypes = "; ".join(f"{runs(names)} {result}" for result, names in results.items())
    return f"Shapes of the example: {shapes}." + (f" Dtypes: {dtypes}." if dtypes else "") + "\n"


def first_call(value, example):
    """(what was called, args, kwargs) where an example first calls `value` or an instance of it with tensors; else None."""
    import rushlight

    found = []

    def recorded(called, *args, **kwargs):
        call = called, args, kwargs
        if not found and is_of(called, value) and given(call):
            found.append(call)
        return called(*args, **kwargs)

    names = {"rushlight": rushlight, "_recorded_": recorded}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")
        for step in doctest.DocTestParser().get_examples(inspect.cleandoc(example)):
            tree = ast.fix_missing_locations(_Recorded().visit(ast.parse(step.source)))
            exec(compile(tree, "example", "exec"), names)
    return found[0] if found else None


def is_of(called, value):
    if inspect.isclass(value):
        return type(called) is value
    return called is value or getattr(called, "__name__", "") == getattr(value, "__name__", None)


def runs(names):
    """Names of dtypes as text, three and more that follow each other as `first` to `last`."""
    found = []
    for name in names:
        if found and _DTYPES.index(name) == _DTYPES.index(found[-1][-1]) + 1:
            found[-1].append(name)
        else:
            found.append([name])
    return ", ".join(
        f"`{run[0]}` to `{run[-1]}`" if len(run) > 2 else ", ".join(f"`{name}`" for name in run) for run in found
    )


def tried(value, call):
    """The dtypes that a call is tried in."""
    parameters = signature(value)
    if not kinds(call) or (parameters & {"index", "indices", "boundaries"} and integers(call)):
        return []
    # Truth values beside a number become what the number is.
    with_number = "other" in parameters and any(isinstance(arg, (int, float)) for arg in call[1])
    return _DTYPES[1:] if with_number else _DTYPES


def signature(value):
    try:
        return set(inspect.signature(value).parameters)
    except (TypeError, ValueError):
        return set()


def given(call):
    """The tensors of a call, with the one whose method it is."""
    called, args, kwargs = call
    return flat((getattr(called, "__self__", None), args, *kwargs.values()))


def flat(value):
    """The tensors in tuples and lists of them."""
    if isinstance(value, (tuple, list)):
        return [tensor for part in value for tensor in flat(part)]
    return [value] if is_tensor(value) else []


def is_tensor(value):
    import rushlight

    return isinstance(value, rushlight.Tensor)


def kinds(call):
    """The dtypes of the tensors that are converted: floating ones, or integers where there are no others."""
    found = {tensor.dtype for tensor in given(call)}
    floating = {dtype for dtype in found if dtype.is_floating_point or dtype.is_complex}
    return floating or (found if integers(call) else set())


def integers(call):
    """Whether all tensors of a call are integers of one dtype."""
    found = {str(tensor.dtype).rpartition(".")[2] for tensor in given(call)}
    return len(found) == 1 and next(iter(found)).startswith(("int", "uint"))


def outcome(call, name=None):
    """The tensors that the call gives, in another dtype where one is named; the exception where it raises."""
    import rushlight

    dtypes = kinds(call)

    def put(value):
        if isinstance(value, (tuple, list)) and flat(value):
            return [put(part) for part in value]
        if not name or not is_tensor(value) or value.dtype not in dtypes:
            return value
        return value.detach().to(getattr(rushlight, name))

    called, args, kwargs = call
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if is_tensor(getattr(called, "__self__", None)):
                called = getattr(put(called.__self__), called.__name__)
            elif name and isinstance(called, rushlight.nn.Module) and name.startswith(("float", "bfloat", "complex")):
                called = copy.deepcopy(called).to(getattr(rushlight, name))
            return flat(called(*map(put, args), **{key: put(value) for key, value in kwargs.items()})) or None
    except Exception as error:
        return error


def shape(tensor):
    return f"`{tuple(tensor.shape)}`"


def told(out, name):
    """What to say of a result: its dtypes, or its exception."""
    if not isinstance(out, list):
        return f"raise {type(out).__name__}"
    names = [str(tensor.dtype).rpartition(".")[2] for tensor in out]
    if set(names) == {name}:
        return "→ the same"
    return "→ " + ", ".join("the same" if found == name else f"`{found}`" for found in names)
