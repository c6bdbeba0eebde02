"""What a profile has seen: events, their averages, and the ways to show them."""

from ..lines import line_number
from .sizes import format_bytes, format_time

_TIME_WIDTH = 12
_TOP_LEVEL = "This report only display top-level ops statistics"


class Interval:
    """From start to end, in microseconds."""

    __slots__ = ("end", "start")

    def __init__(self, start, end):
        self.start, self.end = start, end

    def elapsed_us(self):
        return self.end - self.start

    def __repr__(self):
        return f"Interval(start={self.start}, end={self.end})"


class _Times:
    """What an event and an average have in common."""

    __slots__ = ()

    # There is one device.
    use_device = None
    device_time = device_time_total = self_device_time_total = device_memory_usage = self_device_memory_usage = 0
    is_async = is_remote = is_legacy = False
    node_id = -1
    overload_name = ""

    @property
    def cpu_time(self):
        """The average time of a call, in microseconds."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def cpu_time_str(self):
        return format_time(self.cpu_time)

    @property
    def cpu_time_total_str(self):
        return format_time(self.cpu_time_total)

    @property
    def self_cpu_time_total_str(self):
        return format_time(self.self_cpu_time_total)


class FunctionEvent(_Times):
    """One operation, backward node or `record_function` block: when it ran, and what ran inside of it.

    `sequence_nr` is the number of the graph's node that the operation made, or that ran; -1 where there is none.
    """

    __slots__ = (
        "backward", "cpu_children", "cpu_memory_usage", "cpu_parent", "end_ns", "flops", "id", "input_shapes",
        "is_user_annotation", "name", "place", "sequence_nr", "stack", "start_ns", "thread", "trace_name",
    )  # fmt: skip

    count = 1

    def __init__(self, id, name, thread, start_ns):
        self.id, self.trace_name, self.thread = id, name, thread
        self.name = "ProfilerStep*" if name.startswith("ProfilerStep#") else name
        self.start_ns = self.end_ns = start_ns
        self.input_shapes, self.stack = [], []
        self.cpu_children, self.cpu_parent = [], None
        self.cpu_memory_usage = self.flops = 0
        self.sequence_nr = -1
        self.backward = self.is_user_annotation = False
        self.place = None

    @property
    def key(self):
        """The name that averages go by."""
        return self.name

    @property
    def time_range(self):
        return Interval(self.start_ns / 1e3, self.end_ns / 1e3)

    @property
    def cpu_time_total(self):
        """The time it took, in microseconds."""
        return (self.end_ns - self.start_ns) / 1e3

    @property
    def self_cpu_time_total(self):
        """The same without what ran inside of it."""
        return (self.end_ns - self.start_ns - sum(c.end_ns - c.start_ns for c in self.cpu_children)) / 1e3

    @property
    def self_cpu_memory_usage(self):
        return self.cpu_memory_usage - sum(child.cpu_memory_usage for child in self.cpu_children)

    @property
    def line(self):
        """(file, line, function) of the program: of the call, or for a backward node of what recorded it."""
        return None if self.place is None else self.place.line()

    def __repr__(self):
        return (
            f"<FunctionEvent id={self.id} name={self.name} cpu_time={self.cpu_time_str} "
            f"start_us={self.start_ns / 1e3:.3f} end_us={self.end_ns / 1e3:.3f} "
            f"cpu_children={[child.id for child in self.cpu_children]} thread={self.thread} "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage} seq_nr={self.sequence_nr}>"
        )


class FunctionEventAvg(_Times):
    """The sum of events of one name."""

    def __init__(self, key=None):
        self.key = key
        self.count = 0
        self.input_shapes, self.stack = [], []
        self.cpu_time_total = self.self_cpu_time_total = 0
        self.cpu_memory_usage = self.self_cpu_memory_usage = self.flops = 0
        self.cpu_parent = None
        self.is_user_annotation = False

    def add(self, other):
        """Count an event, or another average, in."""
        if self.count == 0:
            self.key = self.key or other.key
            self.input_shapes, self.stack = other.input_shapes, other.stack
            self.cpu_parent, self.is_user_annotation = other.cpu_parent, other.is_user_annotation
        self.count += other.count
        self.cpu_time_total += other.cpu_time_total
        self.self_cpu_time_total += other.self_cpu_time_total
        self.cpu_memory_usage += other.cpu_memory_usage
        self.self_cpu_memory_usage += other.self_cpu_memory_usage
        self.flops += other.flops
        return self

    __iadd__ = add

    def __repr__(self):
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total_str} "
            f"cpu_time={self.cpu_time_str} count={self.count} input_shapes={self.input_shapes} "
            f"cpu_memory_usage={self.cpu_memory_usage}>"
        )


class EventList(list):
    """Events in the order of their start, or averages of events."""

    def __init__(self, events=(), *, profile_memory=False, with_flops=False):
        super().__init__(events)
        self._profile_memory, self._with_flops = profile_memory, with_flops

    def __str__(self):
        return self.table()

    @property
    def self_cpu_time_total(self):
        """The time of all events, each moment counted once, in microseconds."""
        return sum(event.self_cpu_time_total for event in self)

    def key_averages(self, group_by_input_shape=False, group_by_stack_n=0, group_by_overload_name=False):
        """Sums of the events of one name; on demand of one name and one set of input shapes, or innermost n lines."""
        found = {}
        for event in self:
            shapes = str(event.input_shapes) if group_by_input_shape else ""
            group = event.key, shapes, tuple(event.stack[:group_by_stack_n])
            found.setdefault(group, FunctionEventAvg()).add(event)
        for average in found.values():
            if not group_by_input_shape:
                average.input_shapes = ""
            average.stack = average.stack[:group_by_stack_n]
        return EventList(found.values(), profile_memory=self._profile_memory, with_flops=self._with_flops)

    def total_average(self):
        """All events in one average."""
        total = FunctionEventAvg("Total")
        for event in self:
            total.add(event)
        return total

    def table(
        self, sort_by=None, row_limit=100, max_src_column_width=75, max_name_column_width=55,
        max_shapes_column_width=80, header=None, top_level_events_only=False,
    ):  # fmt: skip
        """The events as text, sorted by an attribute such as "self_cpu_time_total", "cpu_time_total" or "count"."""
        if not self:
            return ""
        events = list(self)
        if sort_by is not None:
            attribute = sort_by.replace("cuda", "device")
            events.sort(key=lambda event: getattr(event, attribute), reverse=True)
        if top_level_events_only:
            events = [event for event in events if event.cpu_parent is None]
        events = events[: row_limit if row_limit >= 0 else None]
        widest = (max_name_column_width, max_shapes_column_width, max_src_column_width)
        head, cells, widths = self._cells(events, *widest)
        ruler = "".join("-" * width + "  " for width in widths)
        lines = []
        if header is not None:
            lines += ["=" * len(ruler), header]
        if top_level_events_only:
            lines += ["=" * len(ruler), _TOP_LEVEL]
        lines += [ruler, _row(head, widths), ruler, *[_row(row, widths) for row in cells], ruler]
        lines.append(f"Self CPU time total: {format_time(self.self_cpu_time_total)}")
        return "\n".join(lines) + "\n"

    def _cells(self, events, name_width, shapes_width, source_width):
        """The head of the table, its rows, and the width of each column."""
        whole = self.self_cpu_time_total
        shapes, stacks = any(event.input_shapes for event in self), any(event.stack for event in self)
        head = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg"]
        head += ["CPU Mem", "Self CPU Mem"] if self._profile_memory else []
        head += ["# of Calls"]
        widths = [_width([event.key for event in self], name_width)] + [_TIME_WIDTH] * (len(head) - 1)
        if shapes:
            head.append("Input Shapes")
            widths.append(_width([str(event.input_shapes) for event in self], shapes_width))
        if stacks:
            head.append("Source Location")
            widths.append(_width([line for event in self for line in event.stack], source_width))
        if self._with_flops:
            head.append("Total FLOPs")
            widths.append(_TIME_WIDTH)
        rows = []
        for event in events:
            row = [_shortened(event.key, widths[0]), _share(event.self_cpu_time_total, whole)]
            row += [event.self_cpu_time_total_str, _share(event.cpu_time_total, whole), event.cpu_time_total_str]
            row.append(event.cpu_time_str)
            if self._profile_memory:
                row += [format_bytes(event.cpu_memory_usage), format_bytes(event.self_cpu_memory_usage)]
            row.append(str(event.count))
            if shapes:
                row.append(str(event.input_shapes)[:shapes_width])
            if stacks:
                row.append("".join(event.stack[:1])[-source_width:])
            if self._with_flops:
                row.append(f"{event.flops:.3f}" if event.flops else "--")
            rows.append(row)
            rows += [
                [line[-source_width:] if title == "Source Location" else "" for title in head]
                for line in event.stack[1:]
            ]
        return head, rows, widths

    def export_chrome_trace(self, path):
        """Write the events as JSON for chrome://tracing or ui.perfetto.dev; compressed where the path ends in .gz."""
        import json
        import os

        text = json.dumps({"schemaVersion": 1, "displayTimeUnit": "ms", "traceEvents": list(_trace(self, os.getpid()))})
        if os.fspath(path).endswith(".gz"):
            import gzip

            with gzip.open(path, "wt") as file:
                file.write(text)
            return
        with open(path, "w") as file:
            file.write(text)

    def export_stacks(self, path, metric="self_cpu_time_total"):
        """Write 'outer;inner number' lines, which tools for flame graphs read; wants with_stack=True."""
        lines = []
        for event in self:
            amount = int(getattr(event, metric))
            if event.stack and amount > 0:
                frames = [line.translate(str.maketrans(" ;\t\n", "____")) for line in reversed(event.stack)]
                lines.append(f"{';'.join(frames)} {amount}\n")
        with open(path, "w") as file:
            file.writelines(lines)


def nested(events):
    """The events in the order of their start, each knowing what ran inside of it on its thread."""
    events = sorted(events, key=lambda event: event.id)
    open_of = {}
    for event in events:
        event.cpu_children, event.cpu_parent = [], None
        around = open_of.setdefault(event.thread, [])
        # Blocks of asyncio tasks may overlap without one lying in the other.
        while around and (around[-1].end_ns <= event.start_ns or around[-1].end_ns < event.end_ns):
            around.pop()
        if around:
            event.cpu_parent = around[-1]
            around[-1].cpu_children.append(event)
        around.append(event)
    for event in reversed(events):
        if event.is_user_annotation:
            event.cpu_memory_usage = sum(child.cpu_memory_usage for child in event.cpu_children)
    return events


def stack_of(frame, inside):
    """'file(line): function' of the frames from `frame` outwards, those in files beginning with `inside` left out."""
    found = []
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(inside):
            found.append(f"{code.co_filename}({line_number(code, frame.f_lasti)}): {code.co_name}")
        frame = frame.f_back
    return found


def _trace(events, process):
    """The events as dicts in the format of Chrome's trace viewer."""
    yield {"ph": "M", "name": "process_name", "pid": process, "tid": 0, "args": {"name": "python"}}
    for thread in sorted({event.thread for event in events}):
        yield {"ph": "M", "name": "thread_name", "pid": process, "tid": thread, "args": {"name": f"thread {thread}"}}
    made = {event.sequence_nr: event for event in events if event.sequence_nr >= 0 and not event.backward}
    for event in events:
        where = {"pid": process, "tid": event.thread}
        details = {"Ev Idx": event.id}
        if event.sequence_nr >= 0:
            details["Sequence number"] = event.sequence_nr
        if event.input_shapes:
            details["Input Dims"] = event.input_shapes
        if event.line is not None:
            details["Line"] = "{}:{}, in {}".format(*event.line)
        kind = "user_annotation" if event.is_user_annotation else "cpu_op"
        times = {"ts": event.start_ns / 1e3, "dur": event.cpu_time_total}
        yield {"ph": "X", "cat": kind, "name": event.trace_name, **where, **times, "args": details}
        forward = made.get(event.sequence_nr) if event.backward else None
        if forward is not None:
            flow = {"id": event.sequence_nr, "cat": "fwdbwd", "name": "fwdbwd", "pid": process}
            yield {"ph": "s", **flow, "tid": forward.thread, "ts": forward.start_ns / 1e3}
            yield {"ph": "f", "bp": "e", **flow, "tid": event.thread, "ts": event.start_ns / 1e3}


def _row(cells, widths):
    return "".join(cell.rjust(width) + "  " for cell, width in zip(cells, widths))


def _width(texts, most):
    return min(max((len(text) for text in texts), default=0) + 4, most)


def _shortened(text, width):
    return text if len(text) <= width else text[: width - 3] + "..."


def _share(part, whole):
    return f"{part * 100 / whole:.2f}%" if whole else "NaN"
