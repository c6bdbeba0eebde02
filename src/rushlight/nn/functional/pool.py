"""Pooling over windows: maxima, averages, power means, and the way back from maxima."""

import math

from ... import casting
from ...allocation import checked
from ...errors import coded
from ...ops import pool as ops
from ...ops import resample
from ...ops.hidden import every
from .arguments import (
    check_constant,
    check_flags,
    check_implemented,
    check_tensor,
    ints,
    kind_of,
    remembered,
    scalar_type,
    shape_of,
    window_ints,
)

_MAX = {2: ops.max_pool2d, 3: ops.max_pool3d}
_AVERAGE = {2: ops.avg_pool2d, 3: ops.avg_pool3d}
_ADAPTIVE_MAX = {2: ops.adaptive_max_pool2d, 3: ops.adaptive_max_pool3d}
_ADAPTIVE_AVERAGE = {2: resample.adaptive_avg_pool2d, 3: resample.adaptive_avg_pool3d}
_UNPOOL = {2: ops.max_unpool2d, 3: ops.max_unpool3d}
_AXES = ("T", "H", "W")


def max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest of each window of `kernel_size` along the last dimension of (N, C, L) or (C, L).

    `stride` is kernel_size where it is None; `ceil_mode` keeps a last, incomplete window. With `return_indices`
    also where each maximum was.

    >>> import rushlight
    >>> rushlight.nn.functional.max_pool1d(rushlight.tensor([[1.0, 3.0, 2.0, 4.0]]), 2)
    tensor([[3., 4.]])
    """
    check_tensor(input, "max_pool1d")
    if type(ceil_mode) is not bool:
        check_flags("max_pool1d_with_indices" if return_indices else "max_pool1d", 6, ceil_mode=ceil_mode)
    window = _checked_line(input._array.shape, kernel_size, stride, padding, dilation, ceil_mode)
    check_implemented(input, "max_pool1d_impl" if not input.requires_grad else "max_pool2d", "fi")
    if not return_indices and not input.requires_grad:
        return ops.max_pool_values(input, **window)
    values, indices = ops.max_pool2d(input, **window)
    return (values, indices) if return_indices else values


@remembered
def _checked_line(shape, kernel_size, stride, padding, dilation, ceil_mode):
    """The checked window parameters of max_pool1d, and the resulting size."""
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError(
            "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got:{list(shape)}"
        )
    (kernel,) = window_ints(kernel_size, 1, "max_pool1d", "kernel_size")
    (stride,) = window_ints(stride, 1, "max_pool1d", "stride", 3, (kernel,))
    (padding,) = window_ints(padding, 1, "max_pool1d", "padding", 4)
    (dilation,) = window_ints(dilation, 1, "max_pool1d", "dilation", 5)
    for name, value in (("kernel_size", kernel), ("stride", stride)):
        if value <= 0:
            raise RuntimeError(f"max_pool1d() {name} must be greater than zero, but got {value}")
    if padding < 0:
        raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {padding}")
    if padding > kernel // 2:
        raise RuntimeError(
            f"max_pool1d() padding should be at most half of kernel size, but got padding={padding} and "
            f"kernel_size={kernel}"
        )
    if dilation <= 0:
        raise RuntimeError(f"max_pool1d() dilation must be greater than zero, but got {dilation}")
    count = pooled_size(shape[-1], kernel, stride, padding, dilation, ceil_mode)
    if count <= 0:
        raise RuntimeError(f"max_pool1d() Invalid computed output size: {count}")
    return {
        "kernel": (kernel,), "stride": (stride,), "padding": (padding,), "dilation": (dilation,), "size": (count,),
    }  # fmt: skip


def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest of each window of `kernel_size` over the last two dimensions of (N, C, H, W) or (C, H, W).

    See `max_pool1d`. An index counts the elements of its plane row by row.

    >>> import rushlight
    >>> x = rushlight.arange(16.0).reshape(1, 1, 4, 4)
    >>> rushlight.nn.functional.max_pool2d(x, 2)
    tensor([[[[ 5.,  7.],
              [13., 15.]]]])
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest of each window over the last three dimensions of (N, C, D, H, W) or (C, D, H, W)."""
    if casting.in_force and not return_indices:
        (input,) = casting.wide(input)
    return _max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d_with_indices(
    input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
):
    """(`max_pool1d`, the index of each maximum): two tensors of one shape, the indices int64."""
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
):
    """(`max_pool2d`, the index of each maximum): two tensors of one shape, the indices int64."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(
    input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
):
    """(`max_pool3d`, the index of each maximum): two tensors of one shape, the indices int64."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def pooled_size(n, kernel, stride, padding, dilation, ceil_mode):
    """How many windows there are along a dimension of size n."""
    free = n + 2 * padding - dilation * (kernel - 1) - 1
    count = (free + (stride - 1 if ceil_mode else 0)) // stride + 1
    # A window that would begin in the padding on the right is left out.
    return count - 1 if ceil_mode and (count - 1) * stride >= n + padding else count


def _max_pool(name, d, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices):
    check_tensor(input, name)
    if type(ceil_mode) is not bool:
        check_flags(f"{name}_with_indices" if return_indices else name, 6, ceil_mode=ceil_mode)
    window = _window(name, d, input, kernel_size, stride, padding, dilation, ceil_mode)
    check_implemented(input, "max_pool2d" if d == 2 else "max_pool3d_with_indices", "fi")
    if not return_indices and not input.requires_grad:
        return ops.max_pool_values(input, **window)
    values, indices = _MAX[d](input, **window)
    return (values, indices) if return_indices else values


def _named(prefix, values):
    return " ".join([f"{prefix}{axis}: {n}" for axis, n in zip(_AXES[3 - len(values) :], values)])


def _window(name, d, input, *asked):
    """The checked window parameters of pooling in d dimensions, and the resulting size."""
    return dict(_checked_window(name, d, input._array.shape, *asked))


@remembered
def _checked_window(name, d, shape, kernel_size, stride, padding, dilation, ceil_mode):
    kernel = window_ints(kernel_size, d, name, "kernel_size")
    stride = window_ints(stride, d, name, "stride", 3, kernel)
    padding = window_ints(padding, d, name, "padding", 4)
    dilation = window_ints(dilation, d, name, "dilation", 5)
    if name == "avg_pool2d" and len(shape) < 3:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-len(shape)}, {len(shape) - 1}], but got -3)"
        )
    if len(shape) not in (d + 1, d + 2):
        raise RuntimeError(f"non-empty {d + 1}D or {d + 2}D (batch mode) tensor expected for input")
    if 0 in stride:
        raise RuntimeError("stride should not be zero")
    if min(kernel) <= 0:
        raise RuntimeError(f"kernel size should be greater than zero, but got {_named('k', kernel)}")
    if min(stride) <= 0:
        raise RuntimeError(f"stride should be greater than zero, but got {_named('d', stride)}")
    if min(dilation) <= 0:
        raise RuntimeError(f"dilation should be greater than zero, but got {_named('dilation', dilation)}")
    if 0 in shape[-d - 1 :]:
        raise RuntimeError(
            f"Expected {d + 1}D or {d + 2}D (batch mode) tensor with optional 0 dim batch size for input, but "
            f"got:{list(shape)}"
        )
    for p, k, r in zip(padding, kernel, dilation):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > ((k - 1) * r + 1) // 2:
            raise RuntimeError(
                "pad should be at most half of effective kernel size, but got "
                f"pad={p}, kernel_size={k} and dilation={r}"
            )
    plane = shape[-d:]
    size = tuple([pooled_size(*sizes, ceil_mode) for sizes in zip(plane, kernel, stride, padding, dilation)])
    if min(size) < 1:
        channels = shape[-d - 1]
        raise coded(
            "RL406",
            RuntimeError(
                f"Given input size: ({'x'.join(map(str, (channels, *plane)))}). Calculated output size: "
                f"({'x'.join(map(str, (channels, *size)))}). Output size is too small"
            ),
        )
    return {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "size": size}


def avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """The mean of each window of `kernel_size` along the last dimension of (N, C, L) or (C, L).

    With `count_include_pad` the zeros of the padding count as elements.

    >>> import rushlight
    >>> rushlight.nn.functional.avg_pool1d(rushlight.tensor([[1.0, 3.0, 2.0, 4.0]]), 2)
    tensor([[2., 3.]])
    """
    check_tensor(input, "avg_pool1d")
    if type(ceil_mode) is not bool or type(count_include_pad) is not bool:
        check_flags("avg_pool1d", 5, ceil_mode=ceil_mode, count_include_pad=count_include_pad)
    (kernel,) = window_ints(kernel_size, 1, "avg_pool1d", "kernel_size")
    (stride,) = window_ints(stride, 1, "avg_pool1d", "stride", 3, (kernel,))
    (padding,) = window_ints(padding, 1, "avg_pool1d", "padding", 4)
    _check_1d(input._array.shape, "avg_pool1d")
    wide = input.unsqueeze(-2)
    return avg_pool2d(wide, (1, kernel), (1, stride), (0, padding), ceil_mode, count_include_pad).squeeze(-2)


def avg_pool2d(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    """The mean of each window of `kernel_size` over the last two dimensions of (N, C, H, W) or (C, H, W).

    `divisor_override` divides each sum by that number instead. See `avg_pool1d`.

    >>> import rushlight
    >>> rushlight.nn.functional.avg_pool2d(rushlight.ones(1, 1, 4, 4), 2)
    tensor([[[[1., 1.],
              [1., 1.]]]])
    """
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool3d(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
):
    """The mean of each window over the last three dimensions of (N, C, D, H, W) or (C, D, H, W). See `avg_pool2d`."""
    return _avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def _check_1d(shape, name):
    if len(shape) not in (2, 3):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {len(shape)}-dimensional tensor for argument #1 'self' (while "
            "checking "
            f"arguments for {name})"
        )


def _avg_pool(name, d, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor):
    check_tensor(input, name)
    if type(ceil_mode) is not bool or type(count_include_pad) is not bool:
        check_flags(name, 5, ceil_mode=ceil_mode, count_include_pad=count_include_pad)
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    window = _window(name, d, input, kernel_size, stride, padding, 1, ceil_mode)
    if input._array.dtype.kind not in "fV" and scalar_type(input) != "Long":
        check_implemented(input, "avg_pool2d" if d == 2 else "avg_pool3d_out_frame")
    del window["dilation"]
    return _AVERAGE[d](input, **window, count_include_pad=count_include_pad, divisor=divisor)


def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The `norm_type`-norm of each window along the last dimension of (N, C, L) or (C, L)."""
    return _lp_pool(avg_pool1d, 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The `norm_type`-norm of each window over the last two dimensions."""
    return _lp_pool(avg_pool2d, 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The `norm_type`-norm of each window over the last three dimensions."""
    return _lp_pool(avg_pool3d, 3, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(average, d, input, norm_type, kernel_size, stride, ceil_mode):
    kernel = window_ints(kernel_size, d, f"avg_pool{d}d", "kernel_size")
    out = average(input.pow(norm_type), kernel, stride, 0, ceil_mode)
    return (out.sign() * out.abs().relu()).mul(math.prod(kernel)).pow(1.0 / norm_type)


def adaptive_avg_pool1d(input, output_size):
    """The means of `output_size` windows of nearly equal length along the last dimension of (N, C, L) or (C, L).

    >>> import rushlight
    >>> rushlight.nn.functional.adaptive_avg_pool1d(rushlight.tensor([[1.0, 3.0, 2.0, 4.0]]), 2)
    tensor([[2., 3.]])
    """
    check_tensor(input, "adaptive_avg_pool1d")
    return _average_of(2, input, _adaptive_line(input._array.shape, output_size))


def adaptive_avg_pool2d(input, output_size):
    """The means of output_size = (H', W') windows over the last two dimensions; None keeps a dimension's size."""
    return _adaptive_avg_pool(2, input, output_size)


def adaptive_avg_pool3d(input, output_size):
    """The means of output_size = (D', H', W') windows over the last three dimensions; None keeps a size."""
    if casting.in_force:
        (input,) = casting.wide(input)
    return _adaptive_avg_pool(3, input, output_size)


def _sizes_or_same(output_size, shape, d):
    """The wanted sizes, those of the input where they are None."""
    if isinstance(output_size, (tuple, list)):
        if len(output_size) >= len(shape):
            raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
        kept = shape[len(shape) - len(output_size) :]
        return tuple([n if want is None else want for n, want in zip(kept, output_size)])
    return (output_size,) * d


def _check_not_empty(shape, d, name):
    for axis in range(len(shape) - d, len(shape)):
        if shape[axis] == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes "
                f"{list(shape)} with dimension {axis} being empty"
            )


@remembered
def _adaptive_line(shape, output_size):
    """The checked size of adaptive averages along one dimension; sentences are those of two, the first of size 1."""
    _check_1d(shape, "adaptive_avg_pool1d")
    size = window_ints(output_size, 1, "adaptive_avg_pool1d", "output_size")
    return _adaptive_average_size(2, (*shape[:-1], 1, shape[-1]), (1, *size))[1:]


@remembered
def _adaptive_average_size(d, shape, output_size):
    name = f"adaptive_avg_pool{d}d"
    size = ints(_sizes_or_same(output_size, shape, d), name, "output_size")
    if len(size) != d:
        raise RuntimeError(f"{name}: output_size must be {d}")
    if min(size) < 0:
        listed = ", ".join(map(str, size)) if d == 2 else f"{size[0]}, {size[1]},{size[2]}"
        raise RuntimeError(
            f"{name}: elements of output_size must be greater than or equal to 0 but received {{{listed}}}"
        )
    if len(shape) not in (d + 1, d + 2):
        raise RuntimeError(f"{name}(): Expected {d + 1}D or {d + 2}D tensor, but got {list(shape)}")
    _check_not_empty(shape, d, name)
    checked(size, 8)
    return size


def _adaptive_avg_pool(d, input, output_size):
    check_tensor(input, f"adaptive_avg_pool{d}d")
    return _average_of(d, input, _adaptive_average_size(d, input._array.shape, output_size))


def _average_of(d, input, size):
    if set(size) == {1} and kind_of(input) in "fc":
        return input.mean(tuple(range(-len(size), 0)), True)
    check_implemented(input, "adaptive_avg_pool2d" if d == 2 else "adaptive_avg_pool3d_cpu")
    if 0 in size:
        return _no_windows(input, size)
    return _ADAPTIVE_AVERAGE[d](input, size=size, mode="adaptive", scales=(1.0,) * len(size))


def _no_windows(input, size):
    """No element of input, with the shape and the history that the result of pooling it has."""
    lead = input._array.ndim - len(size)
    return input.flatten(lead)[..., :0].reshape(*input._array.shape[:lead], *size)


def adaptive_max_pool1d(input, output_size, return_indices=False):
    """The largest of `output_size` windows of nearly equal length along the last dimension of (N, C, L) or (C, L)."""
    check_tensor(input, "adaptive_max_pool1d")
    _check_1d(input._array.shape, "adaptive_max_pool1d")
    (size,) = window_ints(output_size, 1, "adaptive_max_pool1d", "output_size")
    _check_not_empty(input._array.shape, 1, "adaptive_max_pool1d")
    values, indices = _adaptive_max_pool(2, input.unsqueeze(-2), (1, size))
    return (values.squeeze(-2), indices.squeeze(-2)) if return_indices else values.squeeze(-2)


def adaptive_max_pool2d(input, output_size, return_indices=False):
    """The largest of output_size = (H', W') windows over the last two dimensions; None keeps a dimension's size."""
    values, indices = _adaptive_max_pool(2, input, output_size)
    return (values, indices) if return_indices else values


def adaptive_max_pool3d(input, output_size, return_indices=False):
    """The largest of output_size = (D', H', W') windows over the last three dimensions."""
    values, indices = _adaptive_max_pool(3, input, output_size)
    return (values, indices) if return_indices else values


def adaptive_max_pool1d_with_indices(input, output_size, return_indices=False):
    """(values, indices) of `adaptive_max_pool1d`: the largest elements, and where they are in each plane of the input."""
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(input, output_size, return_indices=False):
    """(values, indices) of `adaptive_max_pool2d`: the largest elements, and where they are in each plane of the input."""
    return adaptive_max_pool2d(input, output_size, True)


def adaptive_max_pool3d_with_indices(input, output_size, return_indices=False):
    """(values, indices) of `adaptive_max_pool3d`: the largest elements, and where they are in each plane of the input."""
    return adaptive_max_pool3d(input, output_size, True)


def _adaptive_max_pool(d, input, output_size):
    name = f"adaptive_max_pool{d}d"
    check_tensor(input, name)
    size = _adaptive_max_size(d, input._array.shape, output_size)
    check_implemented(input, name)
    if 0 in size:
        values = _no_windows(input, size)
        return values, values.detach().long()
    return _ADAPTIVE_MAX[d](input, size=size)


@remembered
def _adaptive_max_size(d, shape, output_size):
    name = f"adaptive_max_pool{d}d"
    size = ints(_sizes_or_same(output_size, shape, d), name, "output_size")
    if len(shape) not in (d + 1, d + 2):
        raise RuntimeError(f"{name}(): Expected {d + 1}D or {d + 2}D tensor, but got: {list(shape)}")
    _check_not_empty(shape, d, name)
    if len(size) != d:
        raise RuntimeError(f"{name}(): internal error: output_size.size() must be {d}")
    checked((*shape[: len(shape) - d], *size), 8)
    return size


def max_unpool1d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Zeros with the maxima of max_pool1d put back at `indices`. See `max_unpool2d`."""
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Zeros with the maxima of max_pool2d put back at `indices`; `output_size` where it is not the least one."""
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """Zeros with the maxima of max_pool3d put back at `indices`."""
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)


def _max_unpool(d, input, indices, kernel_size, stride, padding, output_size):
    check_tensor(input, f"max_unpooling{max(d, 2)}d")
    kernel = window_ints(kernel_size, d, "max_unpool", "kernel_size")
    stride = window_ints(stride, d, "max_unpool", "stride", omitted=kernel)
    padding = window_ints(padding, d, "max_unpool", "padding")
    size = _unpooled_size(input, kernel, stride, padding, output_size)
    if scalar_type(indices) != "Long":
        raise RuntimeError(f"elements in indices should be type int64 but got: {scalar_type(indices)}")
    check_implemented(input, f"max_unpool{max(d, 2)}d", "fi")
    if d == 1:
        if input.ndim not in (2, 3):
            _wrong_unpool(2, input.ndim + 1 if input.ndim else 2)
        wide, where = input.unsqueeze(-2), indices.unsqueeze(-2)
        return _unpool_checked(2, wide, where, (1, *size), (1, *stride)).squeeze(-2)
    if input.ndim not in (d + 1, d + 2):
        _wrong_unpool(d, input.ndim)
    return _unpool_checked(d, input, indices, size, stride)


def _wrong_unpool(d, ndim):
    raise RuntimeError(
        f"Input to max_unpooling{d}d should be a {d + 1}d or {d + 2}d Tensor, but got a tensor with {ndim} dimensions."
    )


def _unpooled_size(input, kernel, stride, padding, output_size):
    d = len(kernel)
    if input.ndim < d:
        raise IndexError("tuple index out of range")
    least = [(n - 1) * s + k - 2 * p for n, k, s, p in zip(input.shape[-d:], kernel, stride, padding)]
    if output_size is None:
        return tuple(least)
    if len(output_size) == d + 2:
        output_size = output_size[2:]
    if len(output_size) != d:
        raise ValueError(
            f"output_size should be a sequence containing {d} or {d + 2} elements, but it has a length of "
            f"'{len(output_size)}'"
        )
    for axis in range(d):
        low, high = least[axis] - stride[axis], least[axis] + stride[axis]
        if not low < output_size[axis] < high:
            raise ValueError(f'invalid output_size "{output_size}" (dim {axis} must be between {low} and {high})')
    return tuple(output_size)


def _unpool_checked(d, input, indices, size, stride):
    if input.shape != indices.shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({shape_of(input)}) but got indices "
            "tensor "
            f"with shape: {shape_of(indices)}"
        )
    if d == 3 and min(stride) <= 0:
        raise RuntimeError(f"strides should be greater than zero, but got stride: {list(stride)}")
    where = every(indices._array)
    wrong = where[(where < 0) | (where >= math.prod(size))]
    if wrong.size:
        volumes = "x".join(map(str, size))
        raise RuntimeError(f"Found an invalid max index: {wrong[0]} (output volumes are of size {volumes})")
    return _UNPOOL[d](input, indices, size=size)


def fractional_max_pool2d(
    input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None
):
    """The largest of windows at pseudo-random places of (N, C, H, W): `output_size` of them, or a ratio of the size."""
    values, indices = _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)
    return (values, indices) if return_indices else values


def fractional_max_pool3d(
    input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None
):
    """The largest of windows at pseudo-random places of (N, C, D, H, W). See `fractional_max_pool2d`."""
    values, indices = _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)
    return (values, indices) if return_indices else values


def fractional_max_pool2d_with_indices(
    input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None
):
    """(values, indices) of `fractional_max_pool2d`: the largest elements, and where they are in each plane of the input."""
    return fractional_max_pool2d(input, kernel_size, output_size, output_ratio, True, _random_samples)


def fractional_max_pool3d_with_indices(
    input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None
):
    """(values, indices) of `fractional_max_pool3d`: the largest elements, and where they are in each plane of the input."""
    return fractional_max_pool3d(input, kernel_size, output_size, output_ratio, True, _random_samples)


def _fractional(d, input, kernel_size, output_size, output_ratio, samples):
    name = f"fractional_max_pool{d}d"
    check_tensor(input, name)
    check_constant(samples, name, "random_samples")
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    kernel = window_ints(kernel_size, d, name, "kernel_size")
    if output_size is None:
        ratio = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * d
        output_size = tuple([int(n * r) for n, r in zip(input.shape[-d:], ratio)])
    size = window_ints(output_size, d, name, "output_size")
    if input.ndim not in (d + 1, d + 2):
        raise RuntimeError(f"{name}(): Expected {d + 1}D or {d + 2}D tensor, but got: {shape_of(input)}")
    for axis, n, o, k in zip(_AXES[3 - d :], input.shape[-d:], size, kernel):
        if o + k - 1 > n:
            what = {"T": "time", "H": "height", "W": "width"}[axis]
            raise RuntimeError(f"{name}(): pool {what} {k} too large relative to input {what} {n}")
    batched = input if input.ndim == d + 2 else input.unsqueeze(0)
    if samples is None:
        from ...functions.random import rand

        samples = rand(*batched.shape[:2], d, dtype=input.dtype)
    op = ops.fractional_max_pool2d if d == 2 else ops.fractional_max_pool3d
    values, indices = op(batched, samples, kernel=kernel, size=size)
    return (values, indices) if input.ndim == d + 2 else (values.squeeze(0), indices.squeeze(0))
