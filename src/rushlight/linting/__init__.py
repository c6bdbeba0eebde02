"""lint: watches a few training steps, and says what is wrong with them."""

from ..watching import Watcher
from .losses import Losses
from .report import Finding, Report
from .steps import Gradients, History, Modes

__all__ = ["Finding", "Report", "lint"]


class lint(Watcher):
    """Watch training steps for mistakes that raise no error: `with rushlight.lint(model, optimizer) as report:`.

    `model` is the module that is trained, or None; after it come all optimizers that train it. Run two or more steps
    of the usual loop in the block; the report is complete when the block ends. It holds findings (kind, code, line,
    message, remedy), and its text lists them. Operations take longer while they are watched; results
    are the same but for rounding.

    >>> import rushlight
    >>> model = rushlight.nn.Linear(2, 1)
    >>> optimizer = rushlight.optim.SGD(model.parameters(), lr=0.1)
    >>> with rushlight.lint(model, optimizer) as report:
    ...     for _ in range(3):
    ...         loss = model(rushlight.ones(4, 2)).mean()
    ...         loss.backward()
    ...         optimizer.step()
    >>> [(finding.kind, finding.code) for finding in report]
    [('step-without-zero_grad', 'RL601')]
    """

    def __init__(self, model=None, *optimizers):
        self.model = model
        self.optimizers = [optimizer for optimizer in optimizers if optimizer is not None]

    def __enter__(self):
        report = self.report = Report()
        self.losses = Losses(report)
        self.history = History(report)
        self.modes = Modes(report, self.model)
        self.gradients = Gradients(report, self.model, self.optimizers)
        self.steps = [_WatchedSteps(self, optimizer) for optimizer in self.optimizers]
        super().__enter__()
        return report

    def __exit__(self, *raised):
        super().__exit__(*raised)
        for part in (*self.steps, self.gradients, self.modes):
            part.finish()

    def called(self, op, inputs, params, in_place, proceed):
        before = self.history.before(inputs)
        result = proceed()
        self.history.called(op, inputs, before, in_place, result)
        self.losses.called(op, inputs, result)
        return result

    def pulled(self, node, g, proceed):
        for part in (self.losses, self.history):
            part.pulled(node)
        self.modes.pulled()
        if not self.optimizers:
            self.history.end_period()
        return proceed()

    def noted(self, kind, source, result):
        self.history.noted(kind, source, result)
        self.gradients.noted(kind, source)

    def stepped(self, optimizer):
        """optimizer.step() has ended."""
        self.report.steps += 1
        self.gradients.stepped(optimizer)
        for part in (self.losses, self.history, self.modes):
            part.stepped()


class _WatchedSteps:
    """The hook behind an optimizer's steps, as long as a lint lasts.

    It comes after the step, since a step with a closure runs backward itself.
    """

    def __init__(self, watching, optimizer):
        self.optimizer = optimizer
        self.was_watched = "_step_watched" in optimizer.__dict__
        self.handle = optimizer.register_step_post_hook(lambda *_: watching.stepped(optimizer))

    def finish(self):
        self.handle.remove()
        if not self.was_watched:
            for name in ("step", "_step_watched"):
                self.optimizer.__dict__.pop(name, None)
