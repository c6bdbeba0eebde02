"""torch.profiler: profiles of chosen steps of a training loop, over autograd.profiler."""

from enum import Enum

from .autograd import profiler as _autograd
from .autograd.events import EventList, nested
from .autograd.profiler import record_function
from .missing import of_module as _of_module

__all__ = [
    "ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule", "supported_activities",
    "tensorboard_trace_handler",
]  # fmt: skip


class ProfilerActivity(Enum):
    """What to watch. Only CPU is there."""

    CPU, XPU, MTIA, CUDA, HPU, PrivateUse1 = range(6)


class ProfilerAction(Enum):
    """What a schedule wants for a step."""

    NONE, WARMUP, RECORD, RECORD_AND_SAVE = range(4)


_RECORDING = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


class profile:
    """A profile that may follow a schedule: call `step()` after each step of the loop.

    >>> import rushlight
    >>> from rushlight.profiler import profile, schedule
    >>> def report(prof):
    ...     print(prof.step_num, [event.key for event in prof.events() if event.key.startswith("aten")])
    >>> with profile(schedule=schedule(wait=1, warmup=1, active=2, repeat=1), on_trace_ready=report) as prof:
    ...     for _ in range(6):
    ...         y = rushlight.eye(2).exp()
    ...         prof.step()
    4 ['aten::exp', 'aten::exp']
    """

    def __init__(
        self, *, activities=None, schedule=None, on_trace_ready=None, record_shapes=False, profile_memory=False,
        with_stack=False, with_flops=False, with_modules=False, experimental_config=None,
        execution_trace_observer=None, acc_events=False, use_cuda=None, custom_trace_id_callback=None,
        post_processing_timeout_s=None,
    ):  # fmt: skip
        activities = {ProfilerActivity.CPU} if activities is None else set(activities)
        if not activities:
            raise AssertionError("No valid profiler activities found")
        device = next((a.name for a in activities if a is not ProfilerActivity.CPU), None)
        self._options = {
            "use_cpu": ProfilerActivity.CPU in activities, "use_device": "cuda" if use_cuda else device and device.lower(),
            "record_shapes": record_shapes, "profile_memory": profile_memory, "with_stack": with_stack,
            "with_flops": with_flops,
        }  # fmt: skip
        self.activities, self.on_trace_ready = activities, on_trace_ready
        self.acc_events, self.step_num = acc_events, 0
        self._schedule, self._before = schedule, []
        self.current_action = ProfilerAction.RECORD if schedule is None else schedule(0)
        self.profiler = self._step = None
        self._running = False

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Begin with step 0."""
        if self.current_action in _RECORDING:
            self.start_trace()
        self._name_step()

    def stop(self):
        """End; what is being recorded goes to `on_trace_ready`."""
        if self.profiler is None and self._schedule is None:
            raise AssertionError("Profiler must be initialized before stopping trace")
        self._end_step()
        if self._running:
            self.stop_trace()
            self._ready()

    def step(self):
        """The next step begins."""
        if self._schedule is None:
            self.step_num += 1
            return
        self._end_step()
        before = self.current_action
        self.step_num += 1
        self.current_action = self._schedule(self.step_num)
        goes_on = self.current_action in _RECORDING
        if self._running and (before is ProfilerAction.RECORD_AND_SAVE or not goes_on):
            self.stop_trace()
            if before is ProfilerAction.RECORD_AND_SAVE:
                self._ready()
        if goes_on and not self._running:
            self.start_trace()
        self._name_step()

    def start_trace(self):
        """Begin to record, whatever the schedule."""
        if self.acc_events and self.profiler is not None:
            self._before += self.profiler.function_events
        self.profiler = _autograd.profile(**self._options)
        self.profiler.__enter__()
        self._running = True

    def stop_trace(self):
        """Record no more."""
        if self.profiler is None:
            raise AssertionError("Profiler must be initialized before stopping trace")
        self.profiler.__exit__(None, None, None)
        self._running = False

    def events(self):
        """The events of the present cycle of the schedule; with `acc_events` of all so far."""
        return self._recorded("accessing events")

    def key_averages(self, group_by_input_shape=False, group_by_stack_n=0, group_by_overload_name=False):
        """Sums over the events of one name."""
        events = self._recorded("getting key averages")
        return events.key_averages(group_by_input_shape, group_by_stack_n, group_by_overload_name)

    def export_chrome_trace(self, path):
        """Write a trace for chrome://tracing or ui.perfetto.dev; compressed where the path ends in .gz."""
        self._recorded("exporting chrome trace").export_chrome_trace(path)

    def export_stacks(self, path, metric="self_cpu_time_total"):
        """Write the stacks for a flame graph; wants with_stack=True."""
        self._recorded("exporting stacks")
        self.profiler.export_stacks(path, metric)

    def _recorded(self, purpose):
        if self.profiler is None:
            raise AssertionError(f"Profiler must be initialized before {purpose}")
        events = self.profiler.function_events
        if not self._before:
            return events
        options = self._options
        for number, event in enumerate([*self._before, *events]):
            event.id = number
        return EventList(
            nested([*self._before, *events]),
            profile_memory=options["profile_memory"], with_flops=options["with_flops"],
        )  # fmt: skip

    def _ready(self):
        if self.on_trace_ready is not None:
            self.on_trace_ready(self)

    def _name_step(self):
        if self._schedule is not None and self._running:
            self._step = record_function(f"ProfilerStep#{self.step_num}")
            self._step.__enter__()

    def _end_step(self):
        if self._step is not None:
            self._step.__exit__()
            self._step = None


def schedule(*, wait, warmup, active, repeat=0, skip_first=0, skip_first_wait=0):
    """Which steps to record: skip some, then wait, warm up, be active, and again (`repeat` times; 0: always).

    >>> from rushlight.profiler import schedule
    >>> [schedule(wait=1, warmup=1, active=1, repeat=1)(step).name for step in range(4)]
    ['NONE', 'WARMUP', 'RECORD_AND_SAVE', 'NONE']
    """
    if wait < 0 or warmup < 0 or active <= 0 or repeat < 0 or skip_first < 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), "
            f"active={active} (need > 0), repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0)."
        )
    if warmup == 0:
        import warnings

        warnings.warn("Profiler won't be using warmup, this can skew profiler results", stacklevel=2)
    cycle = wait + warmup + active

    def action(step):
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        step -= skip_first
        if step >= 0 and skip_first_wait:
            # The first cycle does not wait.
            step += wait
        if step < 0 or (repeat and step >= repeat * cycle):
            return ProfilerAction.NONE
        step %= cycle
        if step < wait:
            return ProfilerAction.NONE
        if step < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD if step < cycle - 1 else ProfilerAction.RECORD_AND_SAVE

    return action


def supported_activities():
    """The activities that are there."""
    return {ProfilerActivity.CPU}


def tensorboard_trace_handler(dir_name, worker_name=None, use_gzip=False):
    """An `on_trace_ready` that writes each trace into a folder, under the names that TensorBoard's plugin looks for."""

    def write(prof):
        import os
        import socket
        import time

        os.makedirs(dir_name, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        name = f"{worker}.{time.time_ns()}.pt.trace.json" + (".gz" if use_gzip else "")
        prof.export_chrome_trace(os.path.join(dir_name, name))

    return write


__getattr__ = _of_module(__name__)
