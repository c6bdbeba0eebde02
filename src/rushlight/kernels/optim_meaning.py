"""What the loops of `optim.pyx` mean: the formulas of the optimizers, each written once.

A formula takes a namespace `xp` (NumPy, or rushlight for steps that are recorded), the arrays (parameter, gradient,
states; None for a state that its options leave out), the numbers kept beside them (the count of steps so far, first)
and the options. It returns new arrays and new numbers, in the order in which it was given them, the gradient left out.
"""

import numpy as np


def stepped(formula, arrays, numbers, options):
    """[(array, what it is to become)] of one step of a parameter; real and imaginary parts are parameters of their own."""
    counts = [float(number) for number in numbers]
    after, pairs = counts, []
    with np.errstate(all="ignore"):
        for part in ("real", "imag") if arrays[0].dtype.kind == "c" else ("real",):
            seen = [None if a is None else getattr(a, part) for a in arrays]
            new, after = formula(np, seen, counts, *options)
            for old, value in zip((seen[0], *seen[2:]), new, strict=True):
                if old is not None:
                    pairs.append((old, np.asarray(value, old.dtype)))
    pairs += [(number, np.asarray(value, number.dtype)) for number, value in zip(numbers, after, strict=True)]
    return pairs


def _slope(p, g, weight_decay, maximize):
    """The gradient to descend by, with the weight decay's part."""
    if maximize:
        g = -g
    return g + weight_decay * p if weight_decay else g


def _slope_and_decayed(p, g, lr, weight_decay, decoupled, maximize):
    if not decoupled:
        return _slope(p, g, weight_decay, maximize), p
    return -g if maximize else g, p * (1 - lr * weight_decay)


def _toward(mean, value, weight):
    return mean + weight * (value - mean)


def sgd(xp, arrays, numbers, lr, momentum, dampening, weight_decay, nesterov, maximize, first):
    p, g, buffer = arrays
    d = _slope(p, g, weight_decay, maximize)
    if momentum:
        # A copy: the gradient itself may be changed later.
        buffer = d * 1 if first else momentum * buffer + (1 - dampening) * d
        d = d + momentum * buffer if nesterov else buffer
    return (p - lr * d, buffer), numbers


def adam(xp, arrays, numbers, lr, beta1, beta2, eps, weight_decay, decoupled, maximize):
    p, g, mean, square, top = arrays
    t = numbers[0] + 1
    d, p = _slope_and_decayed(p, g, lr, weight_decay, decoupled, maximize)
    mean, square = _toward(mean, d, 1 - beta1), beta2 * square + (1 - beta2) * d * d
    largest = square
    if top is not None:
        largest = top = xp.maximum(top, square)
    size, root = lr / (1 - beta1**t), (1 - beta2**t) ** 0.5
    return (p - size * mean / (xp.sqrt(largest) / root + eps), mean, square, top), (t,)


def adamax(xp, arrays, numbers, lr, beta1, beta2, eps, weight_decay, maximize):
    p, g, mean, largest = arrays
    t = numbers[0] + 1
    d = _slope(p, g, weight_decay, maximize)
    mean, largest = _toward(mean, d, 1 - beta1), xp.maximum(beta2 * largest, xp.abs(d) + eps)
    return (p - lr / (1 - beta1**t) * mean / largest, mean, largest), (t,)


def nadam(xp, arrays, numbers, lr, beta1, beta2, eps, weight_decay, momentum_decay, decoupled, maximize):
    p, g, mean, square = arrays
    t = numbers[0] + 1
    now, soon = (beta1 * (1 - 0.5 * 0.96 ** (u * momentum_decay)) for u in (t, t + 1))
    product = numbers[1] * now
    d, p = _slope_and_decayed(p, g, lr, weight_decay, decoupled, maximize)
    mean, square = _toward(mean, d, 1 - beta1), beta2 * square + (1 - beta2) * d * d
    root = xp.sqrt(square / (1 - beta2**t)) + eps
    p = p - lr * (1 - now) / (1 - product) * d / root - lr * soon / (1 - product * soon) * mean / root
    return (p, mean, square), (t, product)


def radam(xp, arrays, numbers, lr, beta1, beta2, eps, weight_decay, decoupled, maximize):
    p, g, mean, square = arrays
    t = numbers[0] + 1
    d, p = _slope_and_decayed(p, g, lr, weight_decay, decoupled, maximize)
    mean, square = _toward(mean, d, 1 - beta1), beta2 * square + (1 - beta2) * d * d
    move = lr / (1 - beta1**t) * mean
    end = 2 / (1 - beta2) - 1
    length = end - 2 * t * beta2**t / (1 - beta2**t)
    if length > 5:
        rectified = (length - 4) * (length - 2) * end / ((end - 4) * (end - 2) * length)
        move = move * (rectified * (1 - beta2**t)) ** 0.5 / (xp.sqrt(square) + eps)
    return (p - move, mean, square), (t,)


def adagrad(xp, arrays, numbers, lr, lr_decay, weight_decay, eps, maximize):
    p, g, total = arrays
    t = numbers[0] + 1
    d = _slope(p, g, weight_decay, maximize)
    total = total + d * d
    return (p - lr / (1 + (t - 1) * lr_decay) * d / (xp.sqrt(total) + eps), total), (t,)


def adadelta(xp, arrays, numbers, lr, rho, eps, weight_decay, maximize):
    p, g, square, moved = arrays
    d = _slope(p, g, weight_decay, maximize)
    square = rho * square + (1 - rho) * d * d
    move = xp.sqrt(moved + eps) / xp.sqrt(square + eps) * d
    return (p - lr * move, square, rho * moved + (1 - rho) * move * move), (numbers[0] + 1,)


def rmsprop(xp, arrays, numbers, lr, alpha, eps, weight_decay, momentum, maximize):
    p, g, square, buffer, mean = arrays
    d = _slope(p, g, weight_decay, maximize)
    square = spread = alpha * square + (1 - alpha) * d * d
    if mean is not None:
        mean = _toward(mean, d, 1 - alpha)
        spread = square - mean * mean
    move = d / (xp.sqrt(spread) + eps)
    if buffer is not None:
        move = buffer = momentum * buffer + move
    return (p - lr * move, square, buffer, mean), (numbers[0] + 1,)


def rprop(xp, arrays, numbers, down, up, least, most, maximize):
    p, g, before, size = arrays
    d = -g if maximize else g
    turned = d * before
    size = xp.clip(xp.where(turned > 0, size * up, xp.where(turned < 0, size * down, size)), least, most)
    d = xp.where(turned < 0, 0 * d, d)
    return (p - xp.sign(d) * size, d, size), (numbers[0] + 1,)


def asgd(xp, arrays, numbers, lr, lambd, alpha, t0, weight_decay, maximize):
    p, g, mean = arrays
    t, eta, mu = numbers
    t = t + 1
    d = _slope(p, g, weight_decay, maximize)
    p = p * (1 - lambd * eta) - eta * d
    mean = p * 1 if mu == 1 else _toward(mean, p, mu)
    return (p, mean), (t, lr / (1 + lambd * lr * t) ** alpha, 1 / max(1, t - t0))


def adafactor(p, g, moments, t, lr, beta2_decay, eps1, eps2, d, weight_decay):
    """A step of Adafactor, written in place: `moments` are a row and a column for matrices, else the mean square."""
    weight = t**beta2_decay
    size = max(eps2, _root_mean_square(p)) * min(lr, 1 / t**0.5)
    if weight_decay:
        p *= 1 - lr * weight_decay
    # One array besides those that are kept: first the squares, then their means, at last the move.
    work = np.asarray(g * g)
    if len(moments) == 1:
        work -= moments[0]
        work *= weight
        moments[0] += work
        np.maximum(moments[0], eps1 * eps1, out=work)
    else:
        for axis, moment in zip((-1, -2), moments, strict=True):
            moment += weight * (work.mean(axis, keepdims=True) - moment)
        rows, columns = moments
        np.multiply(rows / np.maximum(rows.mean(-2, keepdims=True), eps1), columns, out=work)
        np.maximum(work, eps1 * eps1, out=work)
    np.sqrt(work, out=work)
    np.divide(g, work, out=work)
    work *= size / max(1.0, _root_mean_square(work) / d)
    p -= work


def _root_mean_square(x):
    flat = x.reshape(-1)
    if not flat.size:
        return 0.0
    # A product overflows in halves.
    total = np.dot(flat, flat) if flat.dtype.itemsize >= 4 else np.square(flat, dtype=np.float32).sum()
    return float(total / flat.size) ** 0.5


def muon(p, g, buffer, lr, momentum, nesterov, weight_decay, coefficients, eps, steps, scale):
    """A step of Muon, written in place."""
    buffer += (1 - momentum) * (g - buffer)
    move = orthogonal(_toward(g, buffer, momentum) if nesterov else buffer, coefficients, eps, steps)
    p *= 1 - lr * weight_decay
    p -= (lr * scale) * move.astype(p.dtype)


def orthogonal(x, coefficients, eps, steps):
    """The nearest matrix whose singular values are about one, by Newton and Schulz; every product rounded to bfloat16."""
    a, b, c = coefficients
    turned = x.shape[0] > x.shape[1]
    x = _bfloat16(x.T if turned else x)
    norm = np.sqrt(np.square(x, dtype=np.float64).sum())
    x = _bfloat16(x / max(_bfloat16(norm), _bfloat16(eps)))
    for _ in range(steps):
        square = _bfloat16(x @ x.T)
        x = _bfloat16(a * x + _bfloat16(b * square + c * (square @ square)) @ x)
    return x.T if turned else x


def _bfloat16(x):
    """float32 numbers of which only the upper half is used: rounded to nearest, ties to even; nan stays."""
    bits = np.array(x, np.float32, ndmin=1, order="C").view(np.uint32)
    upper = (bits + (((bits >> 16) & 1) + np.uint32(0x7FFF))) & np.uint32(0xFFFF0000)
    nans = (bits & np.uint32(0x7FFFFFFF)) > 0x7F800000
    return np.where(nans, bits, upper).view(np.float32).reshape(np.shape(x))
