"""Discrete Fourier transforms, as `rushlight.fft` offers them.

Each direction takes `norm`: "backward" (the default: the inverse is divided by the number of points n), "forward" (the
forward one is), or "ortho" (both, by sqrt(n)). Sums are those of Cooley and Tukey, "An algorithm for the machine
calculation of complex Fourier series" (1965), computed in the precision of the input.
"""

from ..allocation import checked, negative
from ..core import call1
from ..dtypes import default_complex, get_default_dtype
from ..dtypes import of as dtype_of
from ..ops import copying
from ..ops import fft as ops
from ..ops import shape as shapes
from ..ops.pad import constant_pad_nd
from .arguments import check_tensor, widening, wrap_dim
from .arrange import roll
from .creation import dtype_beside
from .options import check_place, finished, read_number
from .ranges import warn_of_size

# -- arguments


def _normalization(norm, function, inverse):
    """The number of a `norm=`."""
    if norm is not None and not isinstance(norm, str):
        raise TypeError(f"{function}(): argument 'norm' must be str, not {type(norm).__name__}")
    if norm == "ortho":
        return ops.BY_ROOT
    if norm in (None, "backward"):
        return ops.BY_NUMBER if inverse else ops.NONE
    if norm == "forward":
        return ops.NONE if inverse else ops.BY_NUMBER
    raise RuntimeError(f'Invalid normalization mode: "{norm}"')


def _promoted(input, wants_complex=False):
    """A tensor of floats (or complex numbers) of single or double precision."""
    dtype = dtype_of(input._array.dtype)
    if dtype.is_floating_point or dtype.is_complex:
        if dtype.itemsize < 4:
            raise RuntimeError(f"Unsupported dtype {dtype.scalar_type}")
        target = dtype.to_complex() if wants_complex and not dtype.is_complex else dtype
    else:
        target = default_complex() if wants_complex else get_default_dtype()
    return input if target is dtype else copying.to_dtype(input, dtype=target.numpy)


def _integer(value, function, name):
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{function}(): argument '{name}' must be int, not {type(value).__name__}")
    return value.__index__()


def _one_dim(input, dim, function):
    return _wrapped(_integer(dim, function, "dim"), input._array.ndim)


def _wrapped(dim, ndim):
    if not ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, ndim)


def _check_points(n):
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return n


def _resized(input, sizes):
    """The tensor with dimension d cut off or filled up with zeros to sizes[d] entries; -1 leaves it."""
    shape, pad = input._array.shape, [0] * (2 * input._array.ndim)
    index, cut = [slice(None)] * len(shape), False
    for d, n in sizes.items():
        if n == -1 or n == shape[d]:
            continue
        if n < shape[d]:
            index[d], cut = slice(n), True
        else:
            pad[2 * (len(shape) - 1 - d) + 1] = n - shape[d]
    if cut:
        input = input[tuple(index)]
    return constant_pad_nd(input, pad=tuple(pad), value=0) if any(pad) else input


def _int_list(value, function, name):
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"{function}(): argument '{name}' must be tuple of ints, not {type(value).__name__}")
    for entry in value:
        if isinstance(entry, bool) or not hasattr(entry, "__index__"):
            raise TypeError(f"{function}(): argument '{name}' must be tuple of ints, not {type(value).__name__}")
    return tuple([entry.__index__() for entry in value])


def _many(input, s, dim, function):
    """(dims, sizes) of a transform along several dimensions; a size of -1 is the tensor's own."""
    ndim, shape = input._array.ndim, input._array.shape
    if dim is not None:
        dim = tuple([_wrapped(d, ndim) for d in _int_list(dim, function, "dim")])
        if len(set(dim)) != len(dim):
            raise RuntimeError("FFT dims must be unique")
    if s is None:
        dim = tuple(range(ndim)) if dim is None else dim
        return dim, [_check_points(shape[d]) for d in dim]
    s = _int_list(s, function, "s")
    if dim is not None and len(dim) != len(s):
        raise RuntimeError("When given, dim and shape arguments must have the same length")
    if len(s) > ndim:
        raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {ndim} dimensions.")
    dim = tuple(range(ndim - len(s), ndim)) if dim is None else dim
    return dim, [_check_points(shape[d] if n == -1 else n) for d, n in zip(dim, s)]


def _check_out(out, function, complex_result):
    if out is None:
        return
    dtype = dtype_of(out._array.dtype)
    if complex_result and not dtype.is_complex:
        raise RuntimeError(f"{function} expects a complex output tensor, but got {dtype.scalar_type}")
    if not complex_result and not dtype.is_floating_point:
        raise RuntimeError(f"{function} expects a floating point output tensor, but got {dtype.scalar_type}")


def _conj(x):
    return call1(copying.conj, x)


# -- the transforms, by what they make of what


@widening
def _c2c(input, n, dim, norm, function, inverse):
    """Along one dimension, of complex or real numbers."""
    check_tensor(input, f"fft_{function}")
    is_complex = input._array.dtype.kind == "c"
    input = _promoted(input)
    dim = _one_dim(input, dim, f"fft_{function}")
    points = input._array.shape[dim] if n is None else _integer(n, f"fft_{function}", "n")
    input = _resized(input, {dim: _check_points(points)})
    normalization = _normalization(norm, f"fft_{function}", inverse)
    if is_complex:
        return ops.fft_c2c(input, dim=(dim,), normalization=normalization, forward=not inverse)
    out = ops.fft_r2c(input, dim=(dim,), normalization=normalization, onesided=False)
    return _conj(out) if inverse else out


@widening
def _r2c(input, n, dim, norm, function, inverse):
    """One side of the transform of real numbers along one dimension."""
    check_tensor(input, f"fft_{function}")
    if input._array.dtype.kind == "c":
        raise RuntimeError(
            f"{function} expects a real input tensor, but got {dtype_of(input._array.dtype).scalar_type}"
        )
    input = _promoted(input)
    dim = _one_dim(input, dim, f"fft_{function}")
    points = input._array.shape[dim] if n is None else _integer(n, f"fft_{function}", "n")
    input = _resized(input, {dim: _check_points(points)})
    out = ops.fft_r2c(input, dim=(dim,), normalization=_normalization(norm, f"fft_{function}", inverse))
    return _conj(out) if inverse else out


@widening
def _c2r(input, n, dim, norm, function, inverse):
    """Real numbers of one side of their transform along one dimension."""
    check_tensor(input, f"fft_{function}")
    input = _promoted(input, wants_complex=True)
    dim = _one_dim(input, dim, f"fft_{function}")
    given = input._array.shape[dim]
    points = _check_points(2 * (given - 1) if n is None else _integer(n, f"fft_{function}", "n"))
    input = _resized(input, {dim: points // 2 + 1})
    normalization = _normalization(norm, f"fft_{function}", inverse)
    if not inverse:
        input = _conj(input)
    return ops.fft_c2r(input, dim=(dim,), normalization=normalization, last_dim_size=points)


@widening
def _c2cn(input, s, dim, norm, function, inverse):
    check_tensor(input, f"fft_{function}")
    dim, points = _many(input, s, dim, f"fft_{function}")
    input = _promoted(input, wants_complex=True)
    normalization = _normalization(norm, f"fft_{function}", inverse)
    input = _resized(input, dict(zip(dim, points)))
    return ops.fft_c2c(input, dim=dim, normalization=normalization, forward=not inverse)


def _some_dims(dim, function):
    if not dim:
        raise RuntimeError(f"{function} must transform at least one axis")


@widening
def _r2cn(input, s, dim, norm, function, inverse):
    check_tensor(input, f"fft_{function}")
    is_complex = input._array.dtype.kind == "c"
    if is_complex and not inverse:
        raise RuntimeError(
            f"rfftn expects a real-valued input tensor, but got {dtype_of(input._array.dtype).scalar_type}"
        )
    dim, points = _many(input, s, dim, f"fft_{function}")
    _some_dims(dim, "ihfftn" if inverse else "rfftn")
    normalization = _normalization(norm, f"fft_{function}", inverse)
    if is_complex:
        raise RuntimeError(
            f"Only supports floating-point dtypes, but found: {dtype_of(input._array.dtype).scalar_type}"
        )
    input = _resized(_promoted(input), dict(zip(dim, points)))
    if not inverse:
        return ops.fft_r2c(input, dim=dim, normalization=normalization)
    out = _conj(ops.fft_r2c(input, dim=dim[-1:], normalization=normalization))
    return ops.fft_c2c(out, dim=dim[:-1], normalization=normalization, forward=False) if len(dim) > 1 else out


@widening
def _c2rn(input, s, dim, norm, function, inverse):
    check_tensor(input, f"fft_{function}")
    dims, points = _many(input, s, dim, f"fft_{function}")
    _some_dims(dims, "irfftn" if inverse else "hfftn")
    last = -1 if s is None else _int_list(s, function, "s")[-1]
    points[-1] = _check_points(2 * (input._array.shape[dims[-1]] - 1) if last == -1 else last)
    input = _promoted(input, wants_complex=True)
    input = _resized(input, dict(zip(dims, [*points[:-1], points[-1] // 2 + 1])))
    normalization = _normalization(norm, f"fft_{function}", inverse)
    if inverse:
        return ops.fft_c2r(input, dim=dims, normalization=normalization, last_dim_size=points[-1])
    if len(dims) > 1:
        input = ops.fft_c2c(input, dim=dims[:-1], normalization=normalization, forward=True)
    return ops.fft_c2r(_conj(input), dim=dims[-1:], normalization=normalization, last_dim_size=points[-1])


for _function in (_c2c, _r2c, _c2r, _c2cn, _r2cn, _c2rn):
    _function.__wrapped__.__name__ = "fft" + _function.__name__[:4]


# -- along one dimension


def fft(input, n=None, dim=-1, norm=None, *, out=None):
    """The Fourier transform along a dimension, cut off or filled up with zeros to `n` entries: complex, of that size.

    >>> import rushlight
    >>> rushlight.fft.fft(rushlight.tensor([1.0, 2.0, 1.0, 0.0]))
    tensor([4.+0.j, 0.-2.j, 0.+0.j, 0.+2.j])
    """
    _check_out(out, "fft", True)
    return _c2c(input, n, dim, norm, "fft", False, out=out)


def ifft(input, n=None, dim=-1, norm=None, *, out=None):
    """The inverse Fourier transform along a dimension, cut off or filled up with zeros to `n` entries.

    >>> import rushlight
    >>> rushlight.fft.ifft(rushlight.tensor([4.0 + 0j, 0j, 0j, 0j]))
    tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])
    """
    _check_out(out, "ifft", True)
    return _c2c(input, n, dim, norm, "ifft", True, out=out)


def rfft(input, n=None, dim=-1, norm=None, *, out=None):
    """The first n // 2 + 1 entries of the transform of `n` real numbers; the rest are their conjugates.

    RuntimeError for a complex tensor.

    >>> import rushlight
    >>> rushlight.fft.rfft(rushlight.tensor([1.0, 2.0, 1.0, 0.0]))
    tensor([4.+0.j, 0.-2.j, 0.+0.j])
    """
    _check_out(out, "rfft", True)
    return _r2c(input, n, dim, norm, "rfft", False, out=out)


def irfft(input, n=None, dim=-1, norm=None, *, out=None):
    """The `n` real numbers, 2 * (size - 1) unless given, whose rfft this is.

    >>> import rushlight
    >>> rushlight.fft.irfft(rushlight.tensor([4.0 + 0j, -2j, 0j]))
    tensor([1., 2., 1., 0.])
    """
    _check_out(out, "irfft", False)
    return _c2r(input, n, dim, norm, "irfft", True, out=out)


def hfft(input, n=None, dim=-1, norm=None, *, out=None):
    """The real transform, of size `n`, of a signal with Hermitian symmetry, of which this is the first half.

    >>> import rushlight
    >>> rushlight.fft.hfft(rushlight.tensor([1.0, 1.0]))
    tensor([2., 0.])
    """
    _check_out(out, "hfft", False)
    return _c2r(input, n, dim, norm, "hfft", False, out=out)


def ihfft(input, n=None, dim=-1, norm=None, *, out=None):
    """The first half of the signal with Hermitian symmetry whose hfft these real numbers are.

    >>> import rushlight
    >>> rushlight.fft.ihfft(rushlight.tensor([2.0, 0.0]))
    tensor([1.-0.j, 1.-0.j])
    """
    _check_out(out, "ihfft", True)
    return _r2c(input, n, dim, norm, "ihfft", True, out=out)


# -- along two or more


def fftn(input, s=None, dim=None, norm=None, *, out=None):
    """The Fourier transform along each of `dim` (all; the last ones for `s`), cut off or filled up to the sizes `s`.

    >>> import rushlight
    >>> rushlight.fft.fftn(rushlight.tensor([[1.0, 2.0], [0.0, 1.0]]))
    tensor([[ 4.+0.j, -2.+0.j],
            [ 2.+0.j,  0.+0.j]])
    """
    _check_out(out, "fftn", True)
    return _c2cn(input, s, dim, norm, "fftn", False, out=out)


def ifftn(input, s=None, dim=None, norm=None, *, out=None):
    """The inverse of `fftn`: complex, in the shape of `input` or of `s`."""
    _check_out(out, "fftn", True)
    return _c2cn(input, s, dim, norm, "ifftn", True, out=out)


def rfftn(input, s=None, dim=None, norm=None, *, out=None):
    """The transform of real numbers along each of `dim`, of the last of them only n // 2 + 1 entries."""
    _check_out(out, "rfftn", True)
    return _r2cn(input, s, dim, norm, "rfftn", False, out=out)


def irfftn(input, s=None, dim=None, norm=None, *, out=None):
    """The real numbers, of sizes `s` along `dim`, whose rfftn this is."""
    _check_out(out, "irfftn", False)
    return _c2rn(input, s, dim, norm, "irfftn", True, out=out)


def hfftn(input, s=None, dim=None, norm=None, *, out=None):
    """The real transform of a signal with Hermitian symmetry, of which this is the first half along the last of `dim`."""
    _check_out(out, "hfftn", False)
    return _c2rn(input, s, dim, norm, "hfftn", False, out=out)


def ihfftn(input, s=None, dim=None, norm=None, *, out=None):
    """The inverse of `hfftn`: real input, of whose last dimension n // 2 + 1 complex entries come out."""
    _check_out(out, "ihfftn", True)
    return _r2cn(input, s, dim, norm, "ihfftn", True, out=out)


def fft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """`fftn` along two dimensions.

    >>> import rushlight
    >>> rushlight.fft.fft2(rushlight.ones(2, 2))
    tensor([[4.+0.j, 0.+0.j],
            [0.+0.j, 0.+0.j]])
    """
    _check_out(out, "fftn", True)
    return _c2cn(input, s, dim, norm, "fft2", False, out=out)


def ifft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """`ifftn` along two dimensions."""
    _check_out(out, "fftn", True)
    return _c2cn(input, s, dim, norm, "ifft2", True, out=out)


def rfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """`rfftn` along two dimensions."""
    _check_out(out, "rfftn", True)
    return _r2cn(input, s, dim, norm, "rfft2", False, out=out)


def irfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """`irfftn` along two dimensions."""
    _check_out(out, "irfftn", False)
    return _c2rn(input, s, dim, norm, "irfft2", True, out=out)


def hfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """`hfftn` along two dimensions."""
    _check_out(out, "hfftn", False)
    return _c2rn(input, s, dim, norm, "hfft2", False, out=out)


def ihfft2(input, s=None, dim=(-2, -1), norm=None, *, out=None):
    """`ihfftn` along two dimensions."""
    _check_out(out, "ihfftn", True)
    return _r2cn(input, s, dim, norm, "ihfft2", True, out=out)


# -- what the entries stand for


def _spacing(n, d, function, dtype, device, layout, pin_memory, out):
    """(n, 1 / (n * d), dtype)."""
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"fft_{function}(): argument 'n' (position 1) must be int, not {type(n).__name__}")
    d = read_number(d, f"fft_{function}", "d", 2)
    if isinstance(d, complex):
        raise TypeError(f"fft_{function}(): argument 'd' (position 2) must be float, not complex")
    check_place(f"fft_{function}", device, layout, pin_memory)
    target = dtype_beside(out, dtype, f"fft_{function}")
    if not (dtype_of(target).is_floating_point or dtype_of(target).is_complex):
        raise RuntimeError("fftfreq requires a floating point or complex dtype")
    if target.kind == "c":
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{dtype_of(target).scalar_type}'")
    if n < 0:
        raise negative((n,), n)
    checked((n,), 8)
    return n.__index__(), (1 / (n * d) if n * d else float("inf")), target


def _frequencies(counts, step, target):
    import numpy as np

    with np.errstate(all="ignore"):
        return (counts.astype(np.float64 if target.itemsize == 8 else np.float32) * step).astype(target)


def _finished(numbers, requires_grad, function, out):
    if out is not None:
        warn_of_size(out, numbers)
    return finished(numbers, requires_grad, function, out)


def fftfreq(
    n, d=1.0, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
):  # fmt: skip
    """The frequencies of the entries of an fft of `n` numbers `d` apart, in cycles per unit of d; the negative ones last.

    >>> import rushlight
    >>> rushlight.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    import numpy as np

    n, step, target = _spacing(n, d, "fftfreq", dtype, device, layout, pin_memory, out)
    counts = np.arange(n)
    counts[(n + 1) // 2 :] -= n
    return _finished(_frequencies(counts, step, target), requires_grad, "fft_fftfreq", out)


def rfftfreq(
    n, d=1.0, *, out=None, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False
):  # fmt: skip
    """The frequencies of the n // 2 + 1 entries of an rfft of `n` numbers `d` apart.

    >>> import rushlight
    >>> rushlight.fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    import numpy as np

    n, step, target = _spacing(n, d, "rfftfreq", dtype, device, layout, pin_memory, out)
    return _finished(_frequencies(np.arange(n // 2 + 1), step, target), requires_grad, "fft_rfftfreq", out)


def _shifted(input, dim, function, odd):
    """Each dimension rolled by half of it; `odd` is 1 where that is rounded up."""
    check_tensor(input, function)
    shape = input._array.shape
    if dim is None:
        dims = tuple(range(len(shape)))
    else:
        dims = tuple([wrap_dim(d, len(shape)) for d in _int_list(dim, function, "dim")])
    shifts = tuple([(shape[d] + odd) // 2 for d in dims])
    if not dims or not input._array.size:
        return roll(input, shifts, dims)
    return shapes.roll(input, shifts=shifts, dims=dims)


def fftshift(input, dim=None):
    """The entries of an fft in the order of their frequencies: zero in the middle, along `dim` or all dimensions.

    >>> import rushlight
    >>> rushlight.fft.fftshift(rushlight.fft.fftfreq(4))
    tensor([-0.5000, -0.2500,  0.0000,  0.2500])
    """
    return _shifted(input, dim, "fft_fftshift", 0)


def ifftshift(input, dim=None):
    """What undoes `fftshift`.

    >>> import rushlight
    >>> rushlight.fft.ifftshift(rushlight.tensor([-2, -1, 0, 1]))
    tensor([ 0,  1, -2, -1])
    """
    return _shifted(input, dim, "fft_ifftshift", 1)
