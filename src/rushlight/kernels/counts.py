"""Counts drawn one after the other, each from as many uniform numbers as it takes: Poisson and binomial.

What the loops of these names in `random.pyx` mean, in Python. `uniform` returns the next number of the stream, in
[0, 1) and of 53 bits.

Large ones are drawn by transformed rejection: W. Hörmann, "The transformed rejection method for generating Poisson
random variables", 1993, and "The generation of binomial random variates", 1993.
"""

import math


def poisson(rate, uniform):
    """How many events of a process of that rate happen in a unit of time."""
    if rate >= 10:
        return _poisson_by_rejection(rate, uniform)
    if rate == 0:
        return 0.0
    least, product, count = math.exp(-rate), 1.0, 0
    while True:
        product *= uniform()
        if not product > least:
            return float(count)
        count += 1


def _poisson_by_rejection(rate, uniform):
    root, log_rate = math.sqrt(rate), math.log(rate)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    quick = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = uniform() - 0.5
        v = uniform()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + rate + 0.43) if us > 0 else -1
        if us >= 0.07 and v <= quick:
            return float(k)
        if k < 0 or (us < 0.013 and v > us):
            continue
        height = _log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b)
        if height <= -rate + k * log_rate - math.lgamma(k + 1):
            return float(k)


def _log(x):
    return math.log(x) if x > 0 else -math.inf


def binomial(count, prob, uniform):
    """How many of `count` trials of that probability succeed."""
    if count != count or prob != prob:
        return math.nan
    if count <= 0 or prob <= 0:
        return 0.0
    if prob >= 1 or count == math.inf:
        return count
    if prob > 0.5:
        return count - _fewer(count, 1.0 - prob, uniform)
    return _fewer(count, prob, uniform)


def _fewer(count, prob, uniform):
    """The same for a probability of at most a half."""
    if count * prob >= 10:
        return _binomial_by_rejection(count, prob, uniform)
    # One success after the other, by the trials that each takes.
    trials, successes, log_failure = 0.0, 0, math.log1p(-prob)
    while True:
        trials += math.ceil(_log(uniform()) / log_failure)
        if trials > count:
            return float(successes)
        successes += 1


# The rest of Stirling's formula for the logarithm of k!, k from 0 to 9.
_STIRLING = (
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
    0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287,
)  # fmt: skip


def _stirling(k):
    if k <= 9:
        return _STIRLING[int(k)]
    square = (k + 1) * (k + 1)
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)


def _binomial_by_rejection(count, prob, uniform):
    deviation = math.sqrt(count * prob * (1 - prob))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    centre = count * prob + 0.5
    quick = 0.92 - 4.2 / b
    odds = prob / (1 - prob)
    alpha = (2.83 + 5.1 / b) * deviation
    mode = math.floor((count + 1) * prob)
    while True:
        u = uniform() - 0.5
        v = uniform()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + centre) if us > 0 else -1
        if us >= 0.07 and v <= quick:
            return float(k)
        if k < 0 or k > count:
            continue
        height = _log(v * alpha / (a / (us * us) + b))
        bound = (
            (mode + 0.5) * math.log((mode + 1) / (odds * (count - mode + 1)))
            + (count + 1) * math.log((count - mode + 1) / (count - k + 1))
            + (k + 0.5) * math.log(odds * (count - k + 1) / (k + 1))
            + _stirling(mode)
            + _stirling(count - mode)
            - _stirling(k)
            - _stirling(count - k)
        )
        if height <= bound:
            return float(k)
