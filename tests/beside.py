"""Programs run by PyTorch and by us, and what of their results, errors and warnings has to agree.

A program is a function of the module. What it returns is compared: tensors by values, dtype, shape,
requires_grad and the name of their node; exceptions by type and first sentence, warnings by category and first sentence.
"""

import re
import warnings

import numpy as np


def collect(programs):
    """A decorator that adds a function to `programs`."""

    def add(program):
        programs.append(program)
        return program

    return add


def outcome(m, program):
    """What the program came to in module `m`, in plain values."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = ("returned", shown(m, program(m)))
        except Exception as error:
            result = ("raised", type(error).__name__, first_sentence(str(error)))
    said = [(w.category.__name__, first_sentence(str(w.message))) for w in caught if about_gradients(w)]
    return result, said


def about_gradients(warning):
    """PyTorch warns of its own deprecations too, and of some things once in a process."""
    once = "Using backward() with create_graph=True"
    return issubclass(warning.category, (UserWarning, FutureWarning)) and once not in str(warning.message)


def attempt(run):
    """What `run` returns, or its error as text: for programs that go on after a refusal."""
    try:
        return run()
    except Exception as error:
        return f"{type(error).__name__}: {first_sentence(str(error))}"


def first_sentence(text):
    """Up to the first full stop, without the library's name and addresses."""
    text = text.replace("rushlight", "torch").replace("\n", " ")
    text = re.sub(r"0x[0-9a-f]+| \(Triggered internally at [^)]*\)", "", text)
    return re.split(r"\.(?: |$)", text)[0].strip()


def shown(m, value):
    """A value as plain data."""
    if isinstance(value, m.Tensor):
        kept = value.detach()
        node = attempt(lambda: None if value.grad_fn is None else value.grad_fn.name())
        kind = str(value.dtype).rpartition(".")[2]
        return ("tensor", kind, tuple(value.shape), value.requires_grad, node, Values(kept))
    if isinstance(value, (list, tuple)):
        return [shown(m, part) for part in value]
    if isinstance(value, dict):
        return {key: shown(m, part) for key, part in value.items()}
    if isinstance(value, str):
        return value.replace("rushlight", "torch")
    if value is None or isinstance(value, (bool, int, float, complex)):
        return value
    return type(value).__name__


class Values:
    """The elements of a tensor; equal to others that are close."""

    def __init__(self, tensor):
        self.array = np.array(tensor.tolist())

    def __eq__(self, other):
        return self.array.shape == other.array.shape and np.allclose(self.array, other.array, 1e-5, 1e-6, True)

    __hash__ = None

    def __repr__(self):
        return repr(np.round(self.array, 5).tolist())


def leaf(m, *values):
    """A tensor of float64 that requires a gradient."""
    return m.tensor(values or (1.0, 2.0), dtype=m.float64, requires_grad=True)


def plain(value):
    """Tensors within tuples and lists as numbers within lists."""
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    return value.tolist() if hasattr(value, "tolist") else value


def made(m, forward, backward=None, name="Made", **members):
    # A Function class of plain functions.
    members = {
        key: staticmethod(value) if callable(value) and key != "generate_vmap_rule" else value
        for key, value in members.items()
    }
    members["forward"] = staticmethod(forward)
    if backward is not None:
        members["backward"] = staticmethod(backward)
    return type(name, (m.autograd.Function,), members)


def cube(m):
    """The Function of x**3."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    return made(m, forward, lambda ctx, g: g * 3 * ctx.saved_tensors[0] ** 2, "Cube")


# -- for programs


def leaf_of_shape(m, *shape, dtype=None):
    """A leaf of the given shape: quarters, counted from one."""
    n = 1
    for s in shape:
        n *= s
    return (m.arange(1.0, n + 1, dtype=dtype or m.float64).reshape(*shape) / 4).requires_grad_()


def grads(m, out, *inputs):
    w = m.arange(1.0, out.numel() + 1, dtype=m.float64).reshape(out.shape)
    found = m.autograd.grad((out * w).sum(), inputs, allow_unused=True, retain_graph=True)
    return values(found)


def values(found):
    return [g if g is None else g.clone() for g in found]
