"""What the loops of `optim.pyx` mean, in NumPy: one parameter per call, all arrays written in place."""

import math

import numpy as np


def sgd(param, grad, buffer, first, lr, momentum, dampening, weight_decay, nesterov, maximize):
    """A step of gradient descent; `buffer` is None without momentum, `first` says that it is still unset."""
    if maximize:
        grad = -grad
    if weight_decay:
        grad = grad + weight_decay * param
    if buffer is not None:
        if first:
            np.copyto(buffer, grad)
        else:
            buffer *= momentum
            buffer += (1 - dampening) * grad
        grad = grad + momentum * buffer if nesterov else buffer
    param -= lr * grad


def adam(param, grad, mean, square, top, step, lr, beta1, beta2, eps, weight_decay, decoupled, maximize):
    """A step of Adam; `top` (the largest second moments) is None without amsgrad. Counts `step` up."""
    step += 1
    t = step.item()
    step_size = lr / (1 - beta1**t)
    correction = math.sqrt(1 - beta2**t)
    if param.dtype.kind != "c":
        return _adam(
            param,
            grad,
            mean,
            square,
            top,
            step_size,
            correction,
            lr,
            beta1,
            beta2,
            eps,
            weight_decay,
            decoupled,
            maximize,
        )
    for part in ("real", "imag"):
        parts = [None if a is None else getattr(a, part) for a in (param, grad, mean, square, top)]
        _adam(*parts, step_size, correction, lr, beta1, beta2, eps, weight_decay, decoupled, maximize)


def _adam(
    param,
    grad,
    mean,
    square,
    top,
    step_size,
    correction,
    lr,
    beta1,
    beta2,
    eps,
    weight_decay,
    decoupled,
    maximize,
):
    if maximize:
        grad = -grad
    if decoupled:
        param *= 1 - lr * weight_decay
    elif weight_decay:
        grad = grad + weight_decay * param
    mean += (1 - beta1) * (grad - mean)
    square *= beta2
    square += (1 - beta2) * grad * grad
    if top is not None:
        np.maximum(top, square, out=top)
        square = top
    param -= step_size * mean / (np.sqrt(square) / correction + eps)
