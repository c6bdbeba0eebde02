"""watch: norms and histograms of gradients and updates, and units that are never active, while a model is trained."""

import math

import numpy as np

from .. import nn
from ..functions.complex import view_as_real
from ..optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from .learning import matplotlib_pyplot

__all__ = ["Watch", "watch"]

_COLUMNS = ("parameter", "shape", "norm", "gradient", "update", "update/norm")


def watch(model, optimizer=None, every=1, bins=40):
    """Follow how a model is trained: a Watch, whose `table()`, `plot()` and `history` say what happened to each parameter.

    It follows the steps of `optimizer`, and of those parameters that both have; without one, the steps of all optimizers
    that have parameters of the model. Numbers are taken at every `every`-th step: the norm of the gradient, of the parameter
    and of the change, and how gradients and changes are distributed over `bins` bins. Of each `nn.ReLU` and `nn.ReLU6` it
    counts the units (of dimension 1) that were zero for all samples since the last `reset()`. Use it as `with
    viz.watch(...) as seen:`, or call `close()` at the end. A step that is watched copies the parameters once, and sorts
    gradients and changes into bins; a call of a ReLU looks at its result once more.

    TypeError for a model that is no module; ValueError for `every` or `bins` below 1, and for an optimizer that has none of the
    model's parameters.

    >>> import rushlight
    >>> from rushlight import nn, optim, viz
    >>> model = nn.Linear(2, 1, bias=False)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.5)
    >>> with viz.watch(model) as seen:
    ...     model(rushlight.ones(1, 2)).sum().backward()
    ...     optimizer.step()
    >>> round(seen.history["weight"]["gradient"][0], 4), round(seen.history["weight"]["update"][0], 4)
    (1.4142, 0.7071)
    """
    return Watch(model, optimizer, every, bins)


class Watch:
    """What `watch` has seen.

    `steps` are the numbers of the steps looked at; `history[name]` has lists "norm", "gradient", "update" and "ratio" for
    them; `histograms[name]` the last (counts, edges) of "gradient" and "update"; `dead()` the units never active, by module.
    """

    def __init__(self, model, optimizer, every, bins):
        _check(model, every, bins)
        self.every, self.bins, self.count, self.steps = every, bins, 0, []
        self.parameters = dict(model.named_parameters())
        if optimizer is not None:
            self.parameters = {name: p for name, p in self.parameters.items() if id(p) in _held(optimizer)}
            if not self.parameters:
                raise ValueError("watch(): the optimizer has none of the model's parameters")
        self.history = {name: {"norm": [], "gradient": [], "update": [], "ratio": []} for name in self.parameters}
        self.histograms, self._before, self._active = {}, None, {}
        if optimizer is None:
            self._hooks = [register_optimizer_step_pre_hook(self._begin), register_optimizer_step_post_hook(self._end)]
        else:
            self._hooks = [optimizer.register_step_pre_hook(self._begin), optimizer.register_step_post_hook(self._end)]
        for name, module in model.named_modules():
            if isinstance(module, (nn.ReLU, nn.ReLU6)):
                self._hooks.append(module.register_forward_hook(self._activity(name)))

    def _activity(self, name):
        def hook(module, args, out):
            values = out.detach().numpy() > 0
            active = values.any(axis=tuple([i for i in range(values.ndim) if i != 1 or values.ndim == 1]))
            before = self._active.get(name)
            self._active[name] = active if before is None or before.shape != active.shape else before | active

        return hook

    def _begin(self, optimizer, args, kwargs):
        self._before = None
        if _held(optimizer).isdisjoint(map(id, self.parameters.values())):
            return
        self.count += 1
        if (self.count - 1) % self.every == 0:
            self._before = {name: _numbers(p).copy() for name, p in self.parameters.items()}

    def _end(self, optimizer, args, kwargs):
        if self._before is None:
            return
        self.steps.append(self.count)
        for name, p in self.parameters.items():
            gradient = None if p.grad is None else _numbers(p.grad)
            self._note(name, self._before[name], gradient, _numbers(p) - self._before[name])
        self._before = None

    def _note(self, name, before, gradient, change):
        norm, update = _norm(before), _norm(change)
        numbers = {
            "norm": norm,
            "gradient": math.nan if gradient is None else _norm(gradient),
            "update": update,
            "ratio": update / norm if norm else math.nan,
        }
        for key, number in numbers.items():
            self.history[name][key].append(number)
        parts = {"gradient": gradient, "update": change}
        self.histograms[name] = {key: self._histogram(part) for key, part in parts.items() if part is not None}

    def _histogram(self, values):
        """(counts, edges) of what is finite, as np.histogram has them, in a third of its time."""
        finite = values[np.isfinite(values)].astype(np.float64)
        low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
        # Values that are all but equal still have bins of some width.
        wide = 1e-6 * max(abs(low), abs(high), 1e-30)
        edges = np.linspace(low - wide, high + wide, self.bins + 1)
        finite -= edges[0]
        finite *= self.bins / (edges[-1] - edges[0])
        # The widths of bins are rounded: what is in the last may come out behind it.
        place = np.minimum(finite.astype(np.intp), self.bins - 1)
        return np.bincount(place, minlength=self.bins), edges

    def dead(self):
        """{module: (units that were never active, units)} of the ReLUs."""
        return {name: (int((~active).sum()), int(active.size)) for name, active in self._active.items()}

    def reset(self):
        """Forget which units were active."""
        self._active.clear()

    def table(self):
        """The numbers of the last step that was looked at, as text."""
        rows = [_COLUMNS]
        for name, p in self.parameters.items():
            if not self.steps:
                break
            last = {key: numbers[-1] for key, numbers in self.history[name].items()}
            numbers = [f"{last[key]:.3g}" for key in ("norm", "gradient", "update", "ratio")]
            rows.append((name, str(tuple(p.shape)), *numbers))
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join([cell.ljust(n) for cell, n in zip(row, widths)]).rstrip() for row in rows]
        for name, (none, units) in self.dead().items():
            lines.append(f"{name or 'the ReLU'}: {none} of {units} units never active")
        return "\n".join(lines)

    __str__ = table

    def plot(self):
        """A figure of matplotlib: norms of gradients, ratios of updates to parameters, the last gradients' histograms."""
        figure, (norms, ratios, parts) = matplotlib_pyplot().subplots(1, 3, figsize=(15, 4), layout="constrained")
        for name, numbers in self.history.items():
            norms.plot(self.steps, numbers["gradient"], label=name)
            ratios.plot(self.steps, numbers["ratio"], label=name)
            if "gradient" in self.histograms.get(name, ()):
                counts, edges = self.histograms[name]["gradient"]
                parts.stairs(counts / max(counts.sum(), 1), edges, label=name)
        # Where Adam and others learn well it is about a thousandth.
        ratios.axhline(1e-3, color="grey", linestyle=":")
        for axes, title in (
            (norms, "norm of the gradient"),
            (ratios, "update / parameter"),
            (parts, "gradients, last"),
        ):
            axes.set_title(title)
            if axes is not parts:
                axes.set_yscale("log")
                axes.set_xlabel("step")
        if len(self.parameters) <= 12:
            norms.legend(fontsize="small")
        return figure

    def close(self):
        """Stop watching; what was seen stays."""
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _check(model, every, bins):
    if not isinstance(model, nn.Module):
        raise TypeError(f"watch(): argument 'model' must be Module, not {type(model).__name__}")
    for name, number in (("every", every), ("bins", bins)):
        if number < 1:
            raise ValueError(f"watch(): {name} must be at least 1, got {number}")


def _held(optimizer):
    """The ids of an optimizer's parameters."""
    return {id(p) for group in optimizer.param_groups for p in group["params"]}


def _numbers(tensor):
    """The numbers of a tensor; complex ones as pairs, and those of 16 bits in float32, in which a norm has room."""
    tensor = tensor.detach()
    if tensor.is_complex():
        tensor = view_as_real(tensor)
    return (tensor.float() if tensor.element_size() < 4 else tensor).numpy()


def _norm(values):
    return float(np.linalg.norm(values.ravel()))
