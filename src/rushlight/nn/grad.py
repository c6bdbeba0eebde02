"""Gradients of convolutions by their input, and by their weight."""

from ..missing import of_module as _of_module
from ..ops import conv as ops
from .functional.arguments import window_ints

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]


def conv1d_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of an input of `input_size` (N, C, L), where that of conv1d's output is `grad_output`.

    >>> import rushlight
    >>> w = rushlight.tensor([[[1.0, 10.0]]])
    >>> rushlight.nn.grad.conv1d_input((1, 1, 3), w, rushlight.ones(1, 1, 2))
    tensor([[[ 1., 11., 10.]]])
    """
    return _input(1, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv1d_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of a weight of `weight_size` (O, C / groups, k), where that of conv1d's output is `grad_output`."""
    return _weight(1, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv2d_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of conv2d's input, of `input_size` (N, C, H, W). See `conv1d_input`."""
    return _input(2, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv2d_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of conv2d's weight, of `weight_size` (O, C / groups, kh, kw). See `conv1d_weight`."""
    return _weight(2, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv3d_input(input_size, weight, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of conv3d's input, of `input_size` (N, C, D, H, W). See `conv1d_input`."""
    return _input(3, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv3d_weight(input, weight_size, grad_output, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of conv3d's weight, of `weight_size` (O, C / groups, *kernel). See `conv1d_weight`."""
    return _weight(3, input, weight_size, grad_output, stride, padding, dilation, groups)


def _input(n, input_size, weight, grad_output, stride, padding, dilation, groups):
    options = _options(n, stride, padding, dilation, groups)
    _check(tuple(input_size), tuple(weight.shape), grad_output, options)
    return ops.convolution_transpose(grad_output, weight, None, size=tuple(input_size)[2:], **options)


def _weight(n, input, weight_size, grad_output, stride, padding, dilation, groups):
    options = _options(n, stride, padding, dilation, groups)
    _check(tuple(input.shape), tuple(weight_size), grad_output, options)
    return ops.convolution_weight(input, grad_output, kernel=tuple(weight_size)[2:], **options)


def _options(n, stride, padding, dilation, groups):
    sizes = {"stride": stride, "padding": padding, "dilation": dilation}
    return {name: window_ints(value, n, "convolution_backward", name) for name, value in sizes.items()} | {
        "groups": groups
    }


def _check(input_size, weight_size, grad_output, options):
    """RuntimeError where a convolution of these sizes has not an output of grad_output's shape."""
    stride, padding, dilation = options["stride"], options["padding"], options["dilation"]
    places = ops.window_count(input_size[2:], weight_size[2:], stride, padding, dilation)
    wanted = (input_size[0], weight_size[0], *places)
    if tuple(grad_output.shape) != wanted or input_size[1] != weight_size[1] * options["groups"]:
        raise RuntimeError(
            f"Given groups={options['groups']}, weight of size {list(weight_size)}, input of size {list(input_size)}: "
            f"expected a gradient of the output of size {list(wanted)}, but got {list(grad_output.shape)} instead"
        )


__getattr__ = _of_module(__name__)
