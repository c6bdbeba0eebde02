"""Activations in ONNX."""

import math

import numpy as np

from .elementwise import clamp_numbers, maps


@maps("hardtanh")
def hardtanh(graph, call, min_val, max_val):
    return clamp_numbers(graph, call, min_val, max_val)


@maps("hardsigmoid")
def hardsigmoid(graph, call):
    return graph("HardSigmoid", call.inputs[0], alpha=1 / 6, beta=0.5)


@maps("leaky_relu")
def leaky_relu(graph, call, negative_slope):
    return graph("LeakyRelu", call.inputs[0], alpha=float(negative_slope))


@maps("prelu")
def prelu(graph, call):
    return graph("PRelu", *call.inputs)


@maps("silu")
def silu(graph, call):
    return graph("Mul", call.inputs[0], graph("Sigmoid", call.inputs[0]))


@maps("mish")
def mish(graph, call):
    return graph("Mul", call.inputs[0], graph("Tanh", graph("Softplus", call.inputs[0])))


@maps("logsigmoid")
def logsigmoid(graph, call):
    return graph("Neg", graph("Softplus", graph("Neg", call.inputs[0])))


@maps("softplus")
def softplus(graph, call, beta, threshold):
    x, dtype = call.inputs[0], call.outputs[0].dtype
    scaled = graph("Mul", x, beta, like=dtype)
    smooth = graph("Div", graph("Softplus", scaled), beta, like=dtype)
    return graph("Where", graph("Greater", scaled, threshold, like=dtype), x, smooth)


@maps("gelu")
def gelu(graph, call, approximate):
    x, dtype = call.inputs[0], call.outputs[0].dtype

    def times(x, number):
        return graph("Mul", x, number, like=dtype)

    if approximate == "tanh":
        cube = times(graph("Mul", graph("Mul", x, x), x), 0.044715)
        inner = graph("Tanh", times(graph("Add", x, cube), math.sqrt(2 / math.pi)))
    else:
        inner = graph("Erf", times(x, math.sqrt(0.5)))
    return graph("Mul", times(x, 0.5), graph("Add", inner, 1, like=dtype))


@maps("elu", "celu")
def elu(graph, call, alpha, scale=1.0, input_scale=1.0):
    x, dtype = call.inputs[0], call.outputs[0].dtype
    if call.op == "celu":
        input_scale = 1 / alpha
    below = graph(
        "Sub", graph("Exp", graph("Mul", graph("Min", x, 0, like=dtype), input_scale, like=dtype)), 1, like=dtype
    )
    below = graph("Mul", below, alpha * scale, like=dtype)
    return graph("Where", graph("Greater", x, 0, like=dtype), graph("Mul", x, scale, like=dtype), below)


@maps("softshrink", "hardshrink")
def shrink(graph, call, lambd):
    return graph("Shrink", call.inputs[0], lambd=float(lambd), bias=float(lambd) if call.op[0] == "s" else 0.0)


@maps("threshold")
def threshold(graph, call, threshold, value):
    x, dtype = call.inputs[0], call.outputs[0].dtype
    return graph("Where", graph("Greater", x, threshold, like=dtype), x, np.asarray(value, dtype))


@maps("glu")
def glu(graph, call, dim):
    first, second = graph.split(call.inputs[0], 2, dim)
    return graph("Mul", first, graph("Sigmoid", second))
