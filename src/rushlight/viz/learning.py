"""curves: pictures of what a training wrote down."""

import numpy as np

__all__ = ["curves"]

_HELD_OUT, _TRAINED = ("val_", "valid_", "validation_", "test_"), ("train_", "training_")


def curves(history, smooth=0.0, log=False):
    """A figure of matplotlib with the curves of a training: one panel for each quantity, training and validation in one.

    `history` is a dictionary of lists, such as `history_` of the estimators, or a list of dictionaries, one an epoch;
    "val_loss", "validation_loss" and "test_loss" are drawn beside "loss", dashed. `smooth` from 0 to below 1 draws means
    that fade by that factor each step over the pale curve; `log` makes the scale logarithmic.

    >>> from rushlight import viz
    >>> figure = viz.curves({"loss": [1.0, 0.5], "val_loss": [1.1, 0.7], "accuracy": [0.5, 0.8]})
    >>> [axes.get_title() for axes in figure.axes]
    ['loss', 'accuracy']
    """
    if not 0 <= smooth < 1:
        raise ValueError(f"smooth must be at least 0 and less than 1, got {smooth}")
    lists = _lists(history)
    if not lists:
        raise ValueError("the history holds no numbers")
    panels = {}
    for name in lists:
        panels.setdefault(_quantity(name), []).append(name)
    figure, axes = matplotlib_pyplot().subplots(
        1, len(panels), figsize=(5 * len(panels), 3.5), squeeze=False, layout="constrained"
    )
    for place, (title, names) in zip(axes[0], panels.items()):
        for name in names:
            _draw(place, name, lists[name], smooth)
        place.set_title(title)
        place.set_xlabel("epoch")
        if log:
            place.set_yscale("log")
        if len(names) > 1:
            place.legend()
    return figure


def _lists(history):
    """{name: (places, numbers)}; what is missing in an epoch leaves a gap in no curve."""
    if isinstance(history, dict):
        return {
            name: (np.arange(1, len(values) + 1), np.asarray(values, float))
            for name, values in history.items()
            if len(values)
        }
    found = {}
    for epoch, entry in enumerate(history, 1):
        for name, value in entry.items():
            places, numbers = found.setdefault(name, ([], []))
            places.append(epoch)
            numbers.append(float(value))
    return {name: (np.array(places), np.array(numbers)) for name, (places, numbers) in found.items()}


def _quantity(name):
    for prefix in (*_HELD_OUT, *_TRAINED):
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def _draw(axes, name, curve, smooth):
    places, numbers = curve
    style = "--" if name.startswith(_HELD_OUT) else "-"
    if not smooth:
        axes.plot(places, numbers, style, label=name)
        return
    (pale,) = axes.plot(places, numbers, style, alpha=0.25)
    axes.plot(places, faded(numbers, smooth), style, label=name, color=pale.get_color())


def faded(numbers, factor):
    """Means of all numbers so far, of which each counts `factor` times as much as the one after it.

    >>> faded([1.0, 3.0], 0.5).round(4).tolist()
    [1.0, 2.3333]
    """
    total = weight = 0.0
    means = []
    for number in numbers:
        total, weight = total * factor + number, weight * factor + 1
        means.append(total / weight)
    return np.array(means)


def matplotlib_pyplot():
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError(
            "pictures of rushlight.viz need matplotlib, which is not installed: pip install rushlight[demo]"
        ) from None
    return pyplot
