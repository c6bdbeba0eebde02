"""Random numbers: new tensors of them, in-place fills, and the seeds they follow from."""

from math import prod

import numpy as np

from .. import watching
from ..core import TensorBase, inplace, transforms_entered, wrap
from ..dtypes import int64
from ..errors import coded
from ..generator import Generator, default_generator
from ..ops import batching
from ..ops import random as ops
from ..ops.compare import lt
from ..ops.copying import expand, to_dtype
from ..ops.hidden import Batched
from ..ops.join import stack
from ..spelling import spell
from .arguments import accepts_out, check_flags, check_number, check_tensor
from .broadcasting import common_shape
from .creation import dtype_beside, empty_as
from .options import allocate, check_place, finished, listed_size, numpy_dtype, read_number, read_size

# -- seeds


def manual_seed(seed):
    """Start the random numbers from `seed`, which gives the same ones again as PyTorch does; returns the generator.

    >>> import rushlight
    >>> _ = rushlight.manual_seed(0)
    >>> rushlight.rand(2)
    tensor([0.4963, 0.7682])
    """
    return default_generator.manual_seed(int(seed))


def seed():
    """Start the random numbers from a seed of the operating system's, which is returned."""
    return default_generator.seed()


def initial_seed():
    """The seed that the random numbers started from."""
    return default_generator.initial_seed()


def get_rng_state():
    """The state of the random numbers, a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state):
    """Go on from a state that get_rng_state gave."""
    default_generator.set_state(new_state)


def _source(generator, function):
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise TypeError(
            f"{function}(): argument 'generator' must be {spell('Generator')}, not {type(generator).__name__}"
        )
    return generator


# -- new tensors


def _new(function, draw, args, size, out, dtype, layout, device, pin_memory, requires_grad):
    size = read_size(args, size, function)
    check_place(function, device, layout, pin_memory)
    target = dtype_beside(out, dtype, function)
    allocate(_nothing, size, target)
    result = finished(sampled(lambda shape: draw(shape, target), size), requires_grad, function, out)
    return _told(function, result)


def _told(function, result):
    if watching.in_force:
        watching.drawn(function, result)
    return result


def _nothing(size, dtype):
    """Stands in for an allocation of which only the checks are wanted."""


def rand(
    *args, size=None, generator=None, out=None, dtype=None, layout=None, device=None, requires_grad=False,
    pin_memory=False,
):  # fmt: skip
    """Uniform random numbers from [0, 1) in a tensor of the given size."""
    draw = _source(generator, "rand").uniform
    return _new("rand", draw, args, size, out, dtype, layout, device, pin_memory, requires_grad)


def randn(
    *args, size=None, generator=None, out=None, dtype=None, layout=None, device=None, requires_grad=False,
    pin_memory=False,
):  # fmt: skip
    """Normal random numbers of mean 0 and deviation 1 in a tensor of the given size."""
    draw = _source(generator, "randn").normal
    return _new("randn", draw, args, size, out, dtype, layout, device, pin_memory, requires_grad)


def randint(
    *args, low=None, high=None, size=None, generator=None, out=None, dtype=None, layout=None, device=None,
    requires_grad=False, pin_memory=False,
):  # fmt: skip
    """Random integers from [low, high): `randint(high, size)` or `randint(low, high, size)`.

    Raises RuntimeError where low is not less than high.

    >>> import rushlight
    >>> rushlight.randint(1, 2, (3,))
    tensor([1, 1, 1])
    """
    given = list(args)
    if given and size is None and isinstance(given[-1], (tuple, list)):
        size = given.pop()
    if len(given) == 2:
        low, high = given
    elif len(given) == 1:
        low, high = (given[0], high) if high is not None else (low, given[0])
    if high is None or size is None:
        raise TypeError(
            "randint() received an invalid combination of arguments - got "
            f"({', '.join(type(a).__name__ for a in args)}), "
            "but expected one of:\n * (int high, tuple of ints size)\n * (int low, int high, tuple of ints size)\n"
        )
    low = 0 if low is None else read_number(low, "randint", "low", 1)
    high = read_number(high, "randint", "high", 2)
    size = listed_size(size, "randint")
    check_place("randint", device, layout, pin_memory)
    target = int64.numpy if dtype is None and out is None else dtype_beside(out, dtype, "randint")
    allocate(_nothing, size, target)
    source = _source(generator, "randint")
    sample = sampled(lambda shape: source.randint(low, high, shape, target), size)
    return _told("randint", finished(sample, requires_grad, "randint", out))


def randperm(
    n, *, generator=None, out=None, dtype=int64, layout=None, device=None, requires_grad=False, pin_memory=False
):  # fmt: skip
    """A random permutation of the integers from 0 to n - 1: (n,), int64 unless `dtype` says otherwise."""
    check_place("randperm", device, layout, pin_memory)
    target = out._array.dtype if out is not None else numpy_dtype(dtype, "randperm")
    source = _source(generator, "randperm")

    def draw(shape):
        rows = [source.randperm(n, target) for _ in range(prod(shape[:-1]))]
        return np.stack(rows).reshape(shape) if shape != (n,) else rows[0]

    return _told("randperm", finished(sampled(draw, (n,)), requires_grad, "randperm", out))


def _like(function, draw, input, dtype, layout, device, memory_format, requires_grad):
    check_tensor(input, function)
    check_place(function, device, layout, False)
    target = numpy_dtype(dtype, function, input._array.dtype)
    model = empty_as(input._array, target, memory_format)
    return _told(function, finished(_drawn_in_order(model, lambda shape: draw(shape, target)), requires_grad, function))


def rand_like(
    input, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None
):  # fmt: skip
    """Uniform random numbers from [0, 1) in the shape and dtype of `input`."""
    draw = _source(generator, "rand_like").uniform
    return _like("rand_like", draw, input, dtype, layout, device, memory_format, requires_grad)


def randn_like(
    input, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None
):  # fmt: skip
    """Normal random numbers in the shape and dtype of `input`."""
    draw = _source(generator, "randn_like").normal
    return _like("randn_like", draw, input, dtype, layout, device, memory_format, requires_grad)


def randint_like(
    input, low=None, high=None, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False,
    memory_format=None,
):  # fmt: skip
    """Random integers from [low, high), or [0, low) without a high, in the shape and dtype of `input`."""
    if high is None:
        low, high = 0, low
    if low is None:
        low = 0
    if high is None:
        raise TypeError('randint_like() missing 1 required positional arguments: "high"')
    low, high = read_number(low, "randint_like", "low", 2), read_number(high, "randint_like", "high", 3)

    def draw(shape, dtype):
        return _source(generator, "randint_like").randint(low, high, shape, dtype)

    return _like("randint_like", draw, input, dtype, layout, device, memory_format, requires_grad)


def normal(
    mean=0.0, std=1.0, size=None, *, generator=None, out=None, dtype=None, layout=None, device=None,
    requires_grad=False, pin_memory=False,
):  # fmt: skip
    """Normal random numbers: of the given size for two numbers, else one for each element of the tensors.

    Raises RuntimeError for a negative deviation and where mean and std do not broadcast.
    """
    source = _source(generator, "normal")
    tensors = [x for x in (mean, std) if isinstance(x, TensorBase)]
    if not tensors:
        if size is None:
            raise TypeError("normal() received an invalid combination of arguments: numbers need a size")
        check_place("normal", device, layout, pin_memory)
        size = listed_size(size, "normal")
        target = dtype_beside(out, dtype, "normal")
        allocate(_nothing, size, target)
        sample = sampled(lambda shape: source.normal(shape, target, _real(mean), _real(std)), size)
        return finished(sample, requires_grad, "normal", out)
    return _normal_of_tensors(mean, std, tensors, source, out=out)


def _real(value):
    return value if isinstance(value, (int, float)) else float(value)


@accepts_out
def _normal_of_tensors(mean, std, tensors, source):
    if isinstance(std, TensorBase):
        if std._array.dtype.kind == "c":
            raise RuntimeError("normal expects standard deviation to be non-complex")
        if std._array.size and type(std._array) is not Batched and not (std._array >= 0).all():
            raise RuntimeError("normal expects all elements of std >= 0.0")
    elif not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    shape = common_shape(tensors)
    noise = sampled(lambda size: source.normal(size, tensors[0]._array.dtype), shape)
    if len(tensors) == 2:
        return ops.normal(mean, std, noise)
    return ops.normal_about(mean, std, noise) if tensors[0] is mean else ops.normal_scaled(mean, std, noise)


@accepts_out
def bernoulli(input, p=None, *, generator=None):
    """Ones and zeros in the shape and dtype of `input`: each one with the probability that it holds there, or p for all.

    Raises RuntimeError for probabilities outside of [0, 1].
    """
    check_tensor(input, "bernoulli")
    if p is not None and not isinstance(p, TensorBase):
        check_number(p, "bernoulli", 2, "p", "float")
    source, array = _source(generator, "bernoulli"), input._array
    if p is not None:
        sample = sampled(lambda shape: source.bernoulli(p, shape, array.dtype), array.shape)
    elif transforms_entered(0):
        # With chances that differ between samples, or numbers that do.
        uniform = sampled(lambda shape: source.uniform(shape, array.dtype), array.shape)
        sample = to_dtype(lt(uniform, input.detach()), dtype=array.dtype)
    else:
        sample = wrap(source.bernoulli(array))
    return ops.bernoulli(input, sample)


def multinomial(input, num_samples, replacement=False, *, generator=None, out=None):
    """Indices drawn with chances in proportion to the entries of `input`, row by row: (m,) or (n, m) floats give int64
    of (num_samples,) or (n, num_samples).

    Raises RuntimeError for negative or all-zero entries, and for more samples than categories without replacement.
    """
    check_tensor(input, "multinomial")
    check_flags("multinomial", 3, replacement=replacement)
    if out is not None and out._array.dtype != int64.numpy:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {out.dtype.scalar_type}")
    source = _source(generator, "multinomial")
    picked = batching.rows_drawn(lambda rows: source.multinomial(rows, num_samples, replacement), input)
    return _told("multinomial", finished(picked, False, "multinomial", out))


def poisson(input, generator=None):
    """Counts of events whose rates are the elements of `input`, in its shape and dtype. The derivative is zero.

    Raises RuntimeError for a rate that is negative, nan or inf.

    >>> import rushlight
    >>> _ = rushlight.manual_seed(0)
    >>> rushlight.poisson(rushlight.tensor([1.0, 100.0]))
    tensor([  2., 117.])
    """
    check_tensor(input, "poisson")
    source = _source(generator, "poisson")
    rates = input.detach().reshape(input.shape or (1,))
    return ops.poisson(input, batching.rows_drawn(source.poisson, rates).reshape(input.shape))


def binomial(count, prob, generator=None):
    """How many of `count` trials with the chances `prob` succeed: floating tensors of one dtype, which are broadcast.

    A chance below 0 or above 1 counts as 0 or 1; where one of both is nan the result is. It has no history.

    >>> import rushlight
    >>> _ = rushlight.manual_seed(0)
    >>> rushlight.binomial(rushlight.tensor([10.0, 1000.0]), rushlight.tensor([0.5, 0.25]))
    tensor([  7., 253.])
    """
    check_tensor(count, "binomial", 1, "count")
    check_tensor(prob, "binomial", 2, "prob")
    source = _source(generator, "binomial")
    for name, x in (("count", count), ("prob", prob)):
        if not x.dtype.is_floating_point:
            raise ValueError(f"binomial only supports floating-point dtypes for {name}, got: {x.dtype.scalar_type}")
    if count._array.itemsize == 2:
        raise coded("RL322", NotImplementedError(f"\"binomial_cpu\" not implemented for '{count.dtype.scalar_type}'"))
    if count._array.dtype != prob._array.dtype:
        raise RuntimeError(f"Found dtype {prob.dtype.scalar_type} but expected {count.dtype.scalar_type}")
    shape = common_shape((count, prob))
    # Side by side, so that a batch of either draws for each of its samples.
    pairs = stack(*[expand(x.detach(), shape=shape) for x in (count, prob)], dim=len(shape))
    drawn = batching.rows_drawn(lambda rows: source.binomial(rows[..., :1], rows[..., 1:]), pairs)
    return drawn.reshape(shape)


# -- in place


def sampled(draw, shape):
    """A tensor of random numbers; under vmap one draw for each sample or for all, as it was asked to."""
    return batching.sampled(draw, shape) if transforms_entered(0) else wrap(draw(shape))


def _drawn_in_order(array, draw):
    """draw(shape) as a tensor, as if numbers were written into `array` in the order of its memory."""
    if array.flags.c_contiguous or transforms_entered(0):
        return sampled(draw, array.shape)
    order = sorted(range(array.ndim), key=lambda d: -abs(array.strides[d]))
    back = sorted(range(array.ndim), key=order.__getitem__)
    return wrap(draw(tuple([array.shape[d] for d in order])).transpose(back))


def _fill(input, kind, draw):
    array = input._array
    sample = _drawn_in_order(array, lambda shape: draw(shape, array.dtype))
    return inplace(ops.fills[kind], input, (sample,), {})


def uniform_(input, *args, generator=None, **named):
    """Fill with uniform numbers from [from, to), by default [0, 1)."""
    low, high = _bounds("uniform_", args, named, 0.0, 1.0)
    source = _source(generator, "uniform_")
    return _fill(input, "Uniform", lambda shape, dtype: source.uniform(shape, dtype, low, high))


def _bounds(function, args, named, low, high):
    """The arguments `from` and `to`, of which one is a keyword of Python's."""
    if set(named) - {"from", "to"} or len(args) > 2:
        raise TypeError(f"{function}() received an invalid combination of arguments")
    low = args[0] if args else named.get("from", low)
    return low, args[1] if len(args) > 1 else named.get("to", high)


def normal_(input, mean=0.0, std=1.0, *, generator=None):
    """Fill with normal numbers."""
    source, contiguous = _source(generator, "normal_"), input._array.flags.c_contiguous
    return _fill(input, "Normal", lambda shape, dtype: source.normal(shape, dtype, mean, std, contiguous))


def log_normal_(input, mean=1.0, std=2.0, *, generator=None):
    """Fill with numbers whose logarithms are normal."""
    source = _source(generator, "log_normal_")
    return _fill(input, "LogNormal", lambda shape, dtype: source.log_normal(shape, dtype, mean, std))


def exponential_(input, lambd=1.0, *, generator=None):
    """Fill with exponential numbers of the rate `lambd`."""
    source = _source(generator, "exponential_")
    return _fill(input, "Exponential", lambda shape, dtype: source.exponential(shape, dtype, lambd))


def cauchy_(input, median=0.0, sigma=1.0, *, generator=None):
    """Fill with numbers from a Cauchy distribution."""
    source = _source(generator, "cauchy_")
    return _fill(input, "Cauchy", lambda shape, dtype: source.cauchy(shape, dtype, median, sigma))


def geometric_(input, p, *, generator=None):
    """Fill a tensor of any shape with how many trials of probability p the first success takes: 1, 2 and so on."""
    source = _source(generator, "geometric_")
    return _fill(input, "Geometric", lambda shape, dtype: source.geometric(p, shape, dtype))


def bernoulli_(input, p=0.5, *, generator=None):
    """Fill with ones of probability p, a number or a tensor, and zeros."""
    source = _source(generator, "bernoulli_")
    if not isinstance(p, TensorBase):
        return _fill(input, "Bernoulli", lambda shape, dtype: source.bernoulli(p, shape, dtype))
    array = input._array
    if transforms_entered(0):
        sample = to_dtype(lt(sampled(source.uniform, array.shape), p), dtype=array.dtype)
    else:
        sample = wrap(source.bernoulli(p._array, array.shape, array.dtype))
    return inplace(ops.fills["BernoulliOf"], input, (sample,), {})


def random_(input, *args, generator=None, **named):
    """Fill with integers from [from, to), from [0, to), or from all that the dtype holds exactly."""
    source = _source(generator, "random_")
    if not args and not named:
        return _fill(input, "Random", lambda shape, dtype: source.random_(shape, dtype))
    if len(args) == 1 and not named:
        args = (0, args[0])
    low, high = _bounds("random_", args, named, 0, None)
    return _fill(input, "Random", lambda shape, dtype: source.randint(low, high, shape, dtype))


FUNCTIONS = (
    "bernoulli", "binomial", "default_generator", "get_rng_state", "initial_seed", "manual_seed", "multinomial", "normal",
    "poisson", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "randperm", "seed", "set_rng_state",
)  # fmt: skip
METHODS = ("bernoulli", "multinomial")
INPLACE = {
    "bernoulli_": bernoulli_, "cauchy_": cauchy_, "exponential_": exponential_, "geometric_": geometric_,
    "log_normal_": log_normal_, "normal_": normal_, "random_": random_, "uniform_": uniform_,
}  # fmt: skip
