"""Convolutions, transposed convolutions, and windows as columns."""

import warnings

from ... import casting
from ...core import TensorBase
from ...errors import coded
from ...ops import conv as ops
from ...ops.pad import constant_pad_nd
from .arguments import check_tensor, check_tensors, ints, is_int, remembered, scalar_type, shape_of, type_name

_SIGNATURES = (
    " * (Tensor input, Tensor weight, Tensor bias = None, tuple of ints stride = 1, tuple of ints padding = 0, "
    "tuple of ints dilation = 1, int groups = 1)\n"
    ' * (Tensor input, Tensor weight, Tensor bias = None, tuple of ints stride = 1, str padding = "valid", '
    "tuple of ints dilation = 1, int groups = 1)\n"
)


def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Slide `weight` (O, C / groups, k) along `input` (N, C, L) or (C, L).

    `padding` is a size, "valid" (none) or "same" (as much as keeps the length, for stride 1).
    RuntimeError for shapes that do not fit.

    >>> import rushlight
    >>> rushlight.nn.functional.conv1d(rushlight.ones(1, 1, 4), rushlight.ones(1, 1, 2))
    tensor([[[2., 2., 2.]]])
    """
    return _convolved("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Slide `weight` (O, C / groups, kh, kw) over `input` (N, C, H, W) or (C, H, W). See `conv1d`.

    >>> import rushlight
    >>> rushlight.nn.functional.conv2d(rushlight.ones(1, 3, 8, 8), rushlight.ones(4, 3, 3, 3), padding=1).shape
    rushlight.Size([1, 4, 8, 8])
    """
    return _convolved("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Slide `weight` (O, C / groups, *kernel) through `input` (N, C, D, H, W) or (C, D, H, W). See `conv1d`."""
    return _convolved("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The adjoint of conv1d in its input: `weight` is (C, O / groups, k); `output_padding` lengthens the result."""
    return _transposed("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The adjoint of conv2d in its input: `weight` is (C, O / groups, kh, kw).

    >>> import rushlight
    >>> F = rushlight.nn.functional
    >>> F.conv_transpose2d(rushlight.ones(1, 3, 4, 4), rushlight.ones(3, 2, 2, 2), stride=2).shape
    rushlight.Size([1, 2, 8, 8])
    """
    return _transposed("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """The adjoint of conv3d in its input: `weight` is (C, O / groups, *kernel)."""
    return _transposed("conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation)


def _convolved(name, d, input, weight, bias, stride, padding, dilation, groups):
    _check_types(name, input, weight, bias, stride, padding, dilation, groups)
    input, batched = _batched(name, d, input)
    dims = weight.ndim - 2
    stride, dilation = _sizes(stride, dims, "stride"), _sizes(dilation, dims, "dilation")
    if isinstance(padding, str):
        input, padding = _padding_by_name(padding, input, weight, stride, dilation)
    else:
        padding = _sizes(padding, dims, "padding")
    _check_numbers(stride, padding, dilation, groups)
    _check_shapes(input, weight, bias, groups, False)
    reach = [n + 2 * p for n, p in zip(input.shape[2:], padding)]
    kernel = [r * (k - 1) + 1 for r, k in zip(dilation, weight.shape[2:])]
    if any(k > n for k, n in zip(kernel, reach)):
        raise coded(
            "RL406",
            RuntimeError(
                f"Calculated padded input size per channel: ({_times(reach)}). Kernel size: ({_times(kernel)}). "
                "Kernel size can't be greater than actual input size"
            ),
        )
    _check_dtypes(input, weight, bias, False)
    out = ops.convolution(input, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)
    return out if batched else out.squeeze(0)


def _transposed(name, d, input, weight, bias, stride, padding, output_padding, groups, dilation):
    _check_types(name, input, weight, bias, stride, padding, dilation, groups)
    input, batched = _batched(name, d, input)
    dims = weight.ndim - 2
    stride, padding = _sizes(stride, dims, "stride"), _sizes(padding, dims, "padding")
    dilation, extra = _sizes(dilation, dims, "dilation"), _sizes(output_padding, dims, "output_padding")
    if any(p < 0 for p in extra):
        raise RuntimeError("negative output_padding is not supported")
    _check_numbers(stride, padding, dilation, groups)
    _check_shapes(input, weight, bias, groups, True)
    if any(e >= s and e >= r for e, s, r in zip(extra, stride, dilation)):
        raise RuntimeError(
            f"output padding must be smaller than either stride or dilation, but got {_listed(extra, stride, dilation)}"
        )
    size = tuple(
        [
            (n - 1) * s - 2 * p + r * (k - 1) + e + 1
            for n, s, p, r, k, e in zip(input.shape[2:], stride, padding, dilation, weight.shape[2:], extra)
        ]
    )
    if any(n < 0 for n in size):
        raise RuntimeError(
            f"Given input size per channel: ({_times(input.shape[2:])}). Calculated output size per channel: "
            f"({_times(size)}). Output size is too small"
        )
    _check_dtypes(input, weight, bias, True)
    out = ops.convolution_transpose(
        input, weight, bias, size=size, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    return out if batched else out.squeeze(0)


def _check_types(name, input, weight, bias, stride, padding, dilation, groups):
    right = isinstance(input, TensorBase) and isinstance(weight, TensorBase)
    right = right and (bias is None or isinstance(bias, TensorBase)) and is_int(groups)
    for sizes in (stride, dilation, 0 if isinstance(padding, str) else padding):
        right = right and (is_int(sizes) or (isinstance(sizes, (tuple, list)) and all([is_int(n) for n in sizes])))
    if right:
        return
    got = ", ".join([type_name(value) for value in (input, weight, bias, stride, padding, dilation, groups)])
    raise TypeError(
        f"{name}() received an invalid combination of arguments - got ({got}), but expected one of:\n{_SIGNATURES}"
    )


def _batched(name, d, input):
    """The input with a batch dimension, and whether it had one."""
    if input.ndim == d + 2:
        return input, True
    if input.ndim == d + 1:
        return input.unsqueeze(0), False
    raise RuntimeError(
        f"Expected {d + 1}D (unbatched) or {d + 2}D (batched) input to {name}, but got input of size: {shape_of(input)}"
    )


def _sizes(value, d, name):
    given = ints(value, "conv", name)
    if len(given) == 1:
        return given * d
    if len(given) != d:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {d} values to match the convolution "
            "dimensions, "
            f"but got {name}={list(given)}"
        )
    return given


def _padding_by_name(padding, input, weight, stride, dilation):
    """Sizes for "same" and "valid"; where an odd one is left, the input comes back padded by it."""
    d = len(stride)
    if padding == "valid":
        return input, (0,) * d
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    total = [r * (k - 1) for r, k in zip(dilation, weight.shape[2:])]
    if any(t % 2 for t in total):
        warnings.warn(
            "Using padding='same' with even kernel lengths and odd dilation may require a zero-padded copy of the "
            "input "
            "be created",
            UserWarning,
            stacklevel=4,
        )
        sides = []
        for t in reversed(total):
            sides += [0, t % 2]
        input = constant_pad_nd(input, pad=tuple(sides), value=0)
    return input, tuple([t // 2 for t in total])


def _check_numbers(stride, padding, dilation, groups):
    if any(p < 0 for p in padding):
        raise RuntimeError("negative padding is not supported")
    if any(s <= 0 for s in stride):
        raise RuntimeError("non-positive stride is not supported")
    if any(r <= 0 for r in dilation):
        raise RuntimeError(f"dilation should be greater than zero, but got {list(dilation)}")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")


def _check_shapes(input, weight, bias, groups, transposed):
    size = shape_of(weight)
    if weight.ndim != input.ndim:
        raise RuntimeError(
            f"Expected {weight.ndim}-dimensional input for {weight.ndim}-dimensional weight {size}, but got "
            f"{input.ndim}-dimensional input of size {shape_of(input)} instead"
        )
    if size[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size "
            f"{size} "
            "instead"
        )
    if size[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of "
            "size "
            f"[{size}] instead"
        )
    given = f"transposed={groups}" if transposed else f"groups={groups}"
    channels = size[0] if transposed else size[1] * groups
    if input.shape[1] != channels:
        raise coded(
            "RL405",
            RuntimeError(
                f"Given {given}, weight of size {size}, expected input{shape_of(input)} to have {channels} channels, "
                "but got "
                f"{input.shape[1]} channels instead"
            ),
        )
    out = size[1] * groups if transposed else size[0]
    if bias is not None and shape_of(bias) != [out]:
        given = f"Given {given}, weight" if transposed else "Given weight"
        raise RuntimeError(
            f"{given} of size {size}, expected bias to be 1-dimensional with {out} elements, but got bias of size "
            f"{shape_of(bias)} instead"
        )


_C_NAMES = {
    "Float": "float", "Double": "double", "Half": "c10::Half", "BFloat16": "c10::BFloat16", "Long": "long int",
    "Int": "int", "Short": "short int", "Char": "signed char", "Byte": "unsigned char", "ComplexFloat": "c10::complex<float>",
    "ComplexDouble": "c10::complex<double>",
}  # fmt: skip


def _check_dtypes(input, weight, bias, transposed):
    if input._array.dtype.kind == "b":
        raise NotImplementedError("\"slow_conv2d_cpu\" not implemented for 'Bool'")
    if input.dtype == weight.dtype and (bias is None or bias.dtype == input.dtype):
        return
    input, weight, bias = casting.low(input, weight, bias)
    other_bias = bias is not None and bias.dtype != input.dtype
    if input.dtype != weight.dtype and (transposed or not other_bias):
        raise RuntimeError(f"expected scalar type {scalar_type(input)} but found {scalar_type(weight)}")
    if other_bias:
        given, other = [_C_NAMES.get(scalar_type(x), scalar_type(x)) for x in (input, bias)]
        raise RuntimeError(f"Input type ({given}) and bias type ({other}) should be the same")


def _times(sizes):
    return " x ".join([str(n) for n in sizes])


def _listed(extra, stride, dilation):
    names = ("depth", "height", "width")[-len(extra) :]
    groups = (("output_padding", extra), ("stride", stride), ("dilation", dilation))
    return " ".join([f"{group}_{name}: {n}" for group, sizes in groups for name, n in zip(names, sizes)])


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """The windows of `input` (N, C, H, W) or (C, H, W) as columns (N, C * kh * kw, positions).

    >>> import rushlight
    >>> rushlight.nn.functional.unfold(rushlight.zeros(1, 2, 4, 4), 2).shape
    rushlight.Size([1, 8, 9])
    """
    check_tensor(input, "im2col")
    kernel, dilation, padding, stride = _blocks("im2col", kernel_size, dilation, padding, stride)
    if input.ndim not in (3, 4) or 0 in input.shape[-3:]:
        if input.ndim < 3:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-input.ndim}, {input.ndim - 1}], but got 2)"
            )
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for "
            "input, but "
            f"got: {shape_of(input)}"
        )
    counts = ops.window_count(input.shape[-2:], kernel, stride, padding, dilation)
    if min(counts) < 1:
        raise RuntimeError(
            f"Given input with spatial size {tuple(input.shape[-2:])}, kernel_size={kernel}, dilation={dilation}, "
            f"padding={padding}, calculated shape of the array of sliding blocks as {counts}, but its components "
            "must be at "
            "least one."
        )
    batched = input if input.ndim == 4 else input.unsqueeze(0)
    out = ops.im2col(batched, kernel=kernel, dilation=dilation, padding=padding, stride=stride)
    return out if input.ndim == 4 else out.squeeze(0)


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """Add up columns (N, C * kh * kw, positions) where `unfold` would have read them: (N, C, *output_size).

    >>> import rushlight
    >>> rushlight.nn.functional.fold(rushlight.ones(1, 4, 4), 3, 2)
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    check_tensor(input, "col2im")
    size = _pair("col2im", "output_size", output_size)
    kernel, dilation, padding, stride = _blocks("col2im", kernel_size, dilation, padding, stride)
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            "input, "
            f"but got: {shape_of(input)}"
        )
    if input.shape[-2] % (kernel[0] * kernel[1]):
        raise RuntimeError(
            f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={input.shape[-2]} and kernel_size={kernel}."
        )
    counts = ops.window_count(size, kernel, stride, padding, dilation)
    given = f"Given output_size={size}, kernel_size={kernel}, dilation={dilation}, padding={padding}, stride={stride}, "
    if counts[0] * counts[1] != input.shape[-1]:
        raise RuntimeError(
            f"{given}expected size of input's dimension 2 to match the calculated number of sliding blocks "
            f"{counts[0]} * {counts[1]} = {counts[0] * counts[1]}, but got input.size(2)={input.shape[-1]}."
        )
    if min(counts) < 1:
        raise RuntimeError(
            f"{given}calculated shape of the array of sliding blocks as {counts}, which is too small (non-positive)"
        )
    batched = input if input.ndim == 3 else input.unsqueeze(0)
    out = ops.col2im(batched, size=size, kernel=kernel, dilation=dilation, padding=padding, stride=stride)
    return out if input.ndim == 3 else out.squeeze(0)


@remembered
def _pair(function, name, value):
    given = ints(value, function, name)
    if len(given) == 1:
        given *= 2
    if len(given) != 2:
        raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(given)}")
    return given


@remembered
def _blocks(function, kernel_size, dilation, padding, stride):
    kernel, dilation = _pair(function, "kernel_size", kernel_size), _pair(function, "dilation", dilation)
    padding, stride = _pair(function, "padding", padding), _pair(function, "stride", stride)
    for name, sizes in (("kernel", kernel), ("dilation", dilation), ("padding", padding), ("stride", stride)):
        if min(sizes) < (name != "padding"):
            want = "non-negative" if name == "padding" else "greater than zero"
            raise RuntimeError(f"{name} should be {want}, but got {name}_height: {sizes[0]} {name}_width: {sizes[1]}")
    return kernel, dilation, padding, stride


def conv_tbc(input, weight, bias, pad=0):
    """A convolution along the first dimension: input (T, B, C), weight (K, C, O), bias (O,): (T + 2 pad - K + 1, B, O).

    >>> import rushlight
    >>> ones = rushlight.ones(3, 1, 1)
    >>> rushlight.nn.functional.conv_tbc(ones, ones, rushlight.zeros(1)).flatten()
    tensor([3.])
    """
    check_tensors("conv_tbc", input=input, weight=weight, bias=bias)
    if input.ndim != 3:
        raise RuntimeError("Input must have 3 dims: time, batch, in_channel")
    if weight.ndim != 3:
        raise RuntimeError("Weight tensor must have 3 dims: kernel_width, in_channels, out_channels.")
    if bias.ndim != 1:
        raise RuntimeError("Bias must be 1-D")
    if input.shape[2] != weight.shape[1]:
        raise RuntimeError("Input dim 2 (input channels) is not == dim 1 in the weight tensor")
    if weight.shape[2] != bias.shape[0]:
        raise RuntimeError("Bias size must equal dim 2 in the weight tensor (output channels).")
    return conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad).permute(2, 0, 1)
