"""Arguments of another kind: PyTorch's TypeError, never what Python or NumPy says of them from within."""

import inspect
import warnings

import numpy as np
import pytest

import rushlight as rl
from faults.refusing import as_tests, collector

PROGRAMS = []
refused = collector(PROGRAMS)

# -- arguments of another kind


@refused(TypeError, "sum(): argument 'keepdim' (position 3) must be bool, not str")
def keepdim_of_sum(m):
    yield ()
    m.sum(m.ones(2, 2), 0, "a")


@refused(TypeError, "amax(): argument 'keepdim' (position 3) must be bool, not int")
def keepdim_of_amax(m):
    yield ()
    m.amax(m.ones(2, 2), 0, 1)


@refused(TypeError, "median(): argument 'keepdim' (position 3) must be bool, not int")
def keepdim_of_median(m):
    yield ()
    m.median(m.ones(2, 2), 0, 1)


@refused(TypeError, "linalg_vector_norm(): argument 'keepdim' (position 4) must be bool, not list")
def keepdim_of_a_norm(m):
    yield ()
    m.linalg.vector_norm(m.ones(2, 2), 2, 0, [])


@refused(TypeError, "where(): argument 'condition' (position 1) must be Tensor, not NoneType")
def where_of_none(m):
    yield ()
    m.where(None)


@refused(TypeError, "linear(): argument 'bias' (position 3) must be Tensor, not str")
def bias_of_linear(m):
    yield ()
    m.nn.functional.linear(m.ones(2, 2), m.ones(2, 2), "a")


@refused(TypeError, "cross_entropy_loss(): argument 'weight' (position 3) must be Tensor, not str")
def weight_of_cross_entropy(m):
    yield ()
    m.nn.functional.cross_entropy(m.ones(2, 2), m.tensor([0, 1]), "a")


@refused(TypeError, "empty_like(): argument 'input' (position 1) must be Tensor, not NoneType")
def logits_of_gumbel_softmax(m):
    yield ()
    m.nn.functional.gumbel_softmax(None)


@refused(TypeError, "batch_norm(): argument 'running_mean' (position 4) must be Tensor, not int")
def statistics_of_batch_norm(m):
    yield ()
    m.nn.functional.batch_norm(m.ones(2, 2), 1, 1)


@refused(TypeError, "scaled_dot_product_attention(): argument 'key' (position 2) must be Tensor, not int")
def key_of_attention(m):
    yield ()
    m.nn.functional.scaled_dot_product_attention(m.ones(2, 2), 1, 1)


@refused(TypeError, "leaky_relu(): argument 'negative_slope' (position 2) must be Number, not str")
def slope_of_leaky_relu(m):
    yield ()
    m.nn.functional.leaky_relu(m.ones(2), "a")


@refused(TypeError, "softplus(): argument 'beta' (position 2) must be Number, not str")
def beta_of_softplus(m):
    yield ()
    m.nn.functional.softplus(m.ones(2), "a")


@refused(TypeError, "histc(): argument 'bins' (position 2) must be int, not float")
def bins_of_histc(m):
    yield ()
    m.histc(m.ones(2), float("nan"))


@refused(TypeError, "acos_(): argument 'input' (position 1) must be Tensor, not NoneType")
def write_on_none(m):
    yield ()
    m.acos_(None)


@refused(TypeError, "detach(): argument 'input' (position 1) must be Tensor, not NoneType")
def detach_of_none(m):
    yield ()
    m.detach(None)


@refused(
    RuntimeError, "unsupported operation: more than one element of the written-to tensor refers to a single memory"
)
def cat_into_an_expanded_tensor(m):
    out = m.ones(1).expand(4)
    yield (out,)
    m.cat([m.ones(2), m.zeros(2)], out=out)


# -- integers beyond what counts dimensions and elements


@refused(ValueError, "Overflow when unpacking long long")
def index_beyond_int64(m):
    yield ()
    m.ones(3)[2**63]


@refused(ValueError, "Overflow when unpacking long long")
def index_beyond_int64_of_a_write(m):
    x = m.ones(3)
    yield (x,)
    x[2**63] = 1.0


@refused(ValueError, "Overflow when unpacking long long")
def dimension_beyond_int64_of_unsqueeze(m):
    yield ()
    m.ones(2, 3).unsqueeze(2**63)


@refused(IndexError, "Dimension out of range (expected to be in range of [-2, 1], but got 4611686018427387904)")
def huge_dimension_of_transpose(m):
    yield ()
    m.ones(2, 3).transpose(2**62, 0)


@refused(IndexError, "Dimension out of range (expected to be in range of [-2, 1], but got 4611686018427387904)")
def huge_dimension_of_permute(m):
    yield ()
    m.ones(2, 3).permute(2**62, 0)


@refused(ValueError, "Overflow when unpacking long long")
def dimension_beyond_int64_of_sum(m):
    yield ()
    m.ones(2, 3).sum(2**63)


test_refused, test_as_in_pytorch = as_tests(PROGRAMS)


# -- every function, with what is no tensor in the place of each of its arguments

NO_TENSORS = (None, "a", 1, [], {})
# What Python and NumPy say of values that nobody looked at. (That None is not iterable is a TypeError of PyTorch's too.)
FROM_WITHIN = (
    "has no attribute", "not subscriptable", "ufunc", "could not convert", "invalid literal", "tuple index", "unhashable",
    "operands could not be broadcast together with shapes", "arrays used as indices", "AxisError", "setting an array",
    "NotImplementedType",
)  # fmt: skip
# Settings are not called at random.
SETTINGS = ("manual_seed", "seed", "load", "save", "debug", "lint", "explain", "vmap", "as_torch", "offer")
# Written in Python in PyTorch too, where they raise AttributeError and AssertionError as these do.
PYTHONS = (
    "frombuffer", "from_numpy", "linear_cross_entropy", "lobpcg", "log_softmax", "max_unpool3d",
    "multi_head_attention_forward", "pca_lowrank", "softmax", "softmin", "svd_lowrank",
)  # fmt: skip


def offered(m):
    """The functions of a module of which an argument may be a tensor."""
    for name in sorted(m.__all__):
        function = getattr(m, name)
        if name.startswith(("set_", "is_", "use_")) or name in SETTINGS + PYTHONS or not inspect.isfunction(function):
            continue
        yield name, function


def from_within(error):
    """Whether an error is no refusal, but tells of what went wrong beneath."""
    if not isinstance(error, (TypeError, RuntimeError, ValueError, IndexError)):
        return True
    return isinstance(error, np._core._exceptions.UFuncTypeError) or any(words in str(error) for words in FROM_WITHIN)


def answers(function):
    """What a function raises with each of NO_TENSORS in the place of each argument that it demands."""
    demanded = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty and p.kind in (0, 1)]
    for place, parameter in enumerate(demanded):
        for value in NO_TENSORS:
            for shape in ((3, 3), (1, 3, 3)):
                args = [rl.ones(shape) for _ in demanded]
                args[place] = value
                try:
                    function(*args)
                except Exception as error:
                    yield f"{parameter.name}={value!r}", error


@pytest.mark.parametrize("module", ["", "nn.functional", "linalg", "special", "fft"])
def test_no_function_fails_within(module):
    m = rl
    for name in module.split(".") if module else ():
        m = getattr(m, name)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, function in offered(m):
            found += [f"{name}({argument}): {error!r}" for argument, error in answers(function) if from_within(error)]
    assert not found, "\n".join(found)
