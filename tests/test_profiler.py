"""Profiles: which events there are, how they nest, what the tables and traces say."""

import asyncio
import gzip
import json
import subprocess
import sys
import warnings

import pytest

import rushlight as rl
from rushlight import core, profiler
from rushlight.autograd import Function
from rushlight.autograd.profiler import EventList, FunctionEvent, profile, record_function


def names(prof):
    return [event.name for event in prof.function_events]


def program(lib):
    """A forward and a backward pass whose operations both libraries call the same."""
    x = lib.linspace(-1, 1, 6).reshape(2, 3).requires_grad_()
    y = (x * x).exp()
    y.sum().backward()


@pytest.fixture
def x():
    return rl.ones(2, 3, requires_grad=True)


# -- events


def test_forward_and_backward_are_seen(x):
    with profile() as prof:
        (x * 2).exp().sum().backward()
    # What a rule calls depends on the kernels that are there.
    assert [event.name for event in prof.function_events if event.cpu_parent is None] == [
        "aten::mul", "aten::exp", "aten::sum", "SumBackward0", "ExpBackward0", "MulBackward0",
    ]  # fmt: skip


def test_nothing_is_seen_outside(x):
    y = x * 2
    with profile() as prof:
        pass
    y.sum().backward()
    assert names(prof) == [] and str(prof) == ""


def test_events_of_a_backward_with_create_graph(x):
    with profile() as prof:
        rl.autograd.grad((x * x * x).sum(), x, create_graph=True)
    node = next(event for event in prof.function_events if event.name == "MulBackward0")
    assert {child.name for child in node.cpu_children} == {"aten::mul"}
    assert all(child.cpu_parent is node for child in node.cpu_children)


def test_inplace_and_renamed_operations(x):
    y = rl.ones(2, 2)
    with profile() as prof:
        y.mul_(2)
        y += 1
        y.max(0)
        y.double()
    assert names(prof) == ["aten::mul_", "aten::add_", "aten::max", "aten::_to_copy"]


def test_a_function_is_an_event_by_its_own_name(x):
    class Twice(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    with profile() as prof:
        Twice.apply(x).sum().backward()
    assert names(prof)[0] == "Twice" and "TwiceBackward" in names(prof)


def test_self_time_leaves_out_what_runs_inside(x):
    with profile() as prof, record_function("outer"), record_function("inner"):
        (x * x).sum()
    outer, inner, mul, total = prof.function_events
    assert outer.cpu_children == [inner] and inner.cpu_children == [mul, total]
    assert outer.self_cpu_time_total == pytest.approx(outer.cpu_time_total - inner.cpu_time_total)
    assert inner.self_cpu_time_total == pytest.approx(inner.cpu_time_total - mul.cpu_time_total - total.cpu_time_total)
    assert prof.self_cpu_time_total == pytest.approx(outer.cpu_time_total)
    assert outer.time_range.start <= inner.time_range.start <= inner.time_range.end <= outer.time_range.end
    assert outer.time_range.elapsed_us() == pytest.approx(outer.cpu_time_total)


def test_lines_of_events(x):
    with profile() as prof:
        loss = (x * x).sum()
        rl.autograd.grad(loss, x, create_graph=True)
    first = test_lines_of_events.__code__.co_firstlineno
    node = next(event for event in prof.function_events if event.name == "MulBackward0")
    # A backward node is at the line that recorded it, what its rule calls at the line of the backward pass.
    assert node.line == (__file__, first + 2, "test_lines_of_events")
    assert [child.line[1] for child in node.cpu_children] == [first + 3] * 2
    assert prof.function_events[0].line[1] == first + 2


def test_an_operation_that_raises_is_an_event():
    with profile() as prof, pytest.raises(RuntimeError):
        rl.ones(2) * rl.ones(3)
    assert "aten::mul" in names(prof)


def test_events_hold_no_graph(x):
    import gc
    import weakref

    with profile() as prof:
        y = x * x
    node = weakref.ref(y.grad_fn)
    del y
    assert node() is None and names(prof) == ["aten::mul"]
    assert not any(isinstance(found, core.Node) for found in gc.get_referents(*prof.function_events))


def test_shapes_memory_and_flops():
    a, b = rl.ones(10, 20, requires_grad=True), rl.ones(20, 5)
    with profile(record_shapes=True, profile_memory=True, with_flops=True) as prof, record_function("all"):
        c = a @ b
        d = c.t()
        d.mul_(2)
        e = c + 1
    block, product, view, write, plus = prof.function_events
    assert product.input_shapes == [[10, 20], [20, 5]] and plus.input_shapes == [[10, 5], []]
    assert [event.flops for event in (product, view, write, plus)] == [2000, 0, 50, 50]
    assert [event.cpu_memory_usage for event in (product, view, write, plus)] == [200, 0, 0, 200]
    assert block.cpu_memory_usage == 400 and block.self_cpu_memory_usage == 0
    del e
    with profile() as prof:
        a @ b
    assert prof.function_events[0].input_shapes == [] and prof.function_events[0].cpu_memory_usage == 0


def test_flops_of_a_convolution():
    x, w = rl.ones(1, 3, 8, 8), rl.ones(4, 3, 3, 3)
    with profile(with_flops=True) as prof:
        rl.conv2d(x, w)
    assert sum(event.flops for event in prof.function_events) == 2 * (4 * 6 * 6) * (3 * 3 * 3)


def test_stacks(x):
    def inner():
        return x * x

    with profile(with_stack=True) as prof:
        inner()
        inner()
    stack = prof.function_events[0].stack
    assert stack[0].startswith(__file__) and stack[0].endswith(": inner")
    assert stack[1].endswith(": test_stacks")
    assert not any("rushlight/watching" in line for line in stack)
    assert len(prof.key_averages()) == 1
    assert len(prof.key_averages(group_by_stack_n=1)) == 1
    assert len(prof.key_averages(group_by_stack_n=2)) == 2
    table = prof.key_averages(group_by_stack_n=2).table(max_src_column_width=200)
    assert "Source Location" in table and stack[0] in table and stack[1] in table


def test_two_profiles_at_once(x):
    with profile() as outer:
        x * 1
        with profile() as inner:
            x.exp()
    assert names(outer) == ["aten::mul", "aten::exp"] and names(inner) == ["aten::exp"]


def test_a_profile_that_is_not_enabled(x):
    with profile(enabled=False) as prof:
        x * x
    assert list(prof.function_events) == []


def test_a_profile_is_used_once(x):
    prof = profile()
    assert str(prof) == "<unfinished torch.autograd.profile>"
    with prof:
        x * x
        assert names(prof) == ["aten::mul"]
    with pytest.raises(RuntimeError, match=r"^Profiler context manager is not reentrant$"), prof:
        pass


def test_devices_that_are_not_there():
    with pytest.warns(UserWarning, match="^XPU is not available, disabling XPU profiling$"):
        profile(use_device="xpu")
    with pytest.warns() as caught:
        profile(use_cuda=True)
    assert [each.category for each in caught] == [FutureWarning, UserWarning]
    with pytest.raises(AssertionError, match="No activities specified"):
        profile(use_cpu=False)


def test_the_profile_ends_with_an_exception(x):
    with pytest.raises(KeyError), profile() as prof:
        x * x
        raise KeyError
    x * x
    assert names(prof) == ["aten::mul"]


def test_record_function_decorates(x):
    @record_function("scaled")
    def scaled(value, by=2):
        """Doc."""
        return value * by

    assert scaled.__name__ == "scaled" and scaled.__doc__ == "Doc."
    with profile() as prof:
        scaled(x, by=3)
        scaled(x)
    assert names(prof) == ["scaled", "aten::mul"] * 2
    assert scaled(x).shape == (2, 3)


def test_blocks_of_tasks_that_overlap_do_not_nest():
    async def block(name, first, second):
        with record_function(name):
            first.set()
            await second.wait()

    async def both():
        one, two = asyncio.Event(), asyncio.Event()
        a = asyncio.create_task(block("a", one, two))
        b = asyncio.create_task(block("b", two, one))
        await a
        await b

    with profile() as prof:
        asyncio.run(both())
    assert sorted(names(prof)) == ["a", "b"]
    assert all(event.self_cpu_time_total >= 0 for event in prof.function_events)


# -- averages and tables


def made(name, start, end, shapes=(), children=()):
    event = FunctionEvent(0, name, 1, start)
    event.end_ns, event.input_shapes, event.cpu_children = end, list(shapes), list(children)
    return event


def test_averages():
    child = made("b", 1000, 3000, [[2]])
    events = EventList([made("a", 0, 5000, [[2]], [child]), child, made("b", 6000, 9000, [[3]])])
    a, b = events.key_averages()
    assert (a.key, a.count, a.cpu_time_total, a.self_cpu_time_total) == ("a", 1, 5.0, 3.0)
    assert (b.key, b.count, b.cpu_time_total, b.cpu_time) == ("b", 2, 5.0, 2.5)
    assert [each.input_shapes for each in events.key_averages(group_by_input_shape=True)] == [[[2]], [[2]], [[3]]]
    assert events.self_cpu_time_total == 8.0
    total = events.total_average()
    assert (total.key, total.count, total.self_cpu_time_total) == ("Total", 3, 8.0)


def test_a_table():
    events = EventList([made("aten::mul", 0, 2_500_000), made("aten::add", 0, 7_500_000)])
    assert events.key_averages().table(sort_by="cpu_time_total").splitlines() == [
        "-------------  " + "------------  " * 6,
        "         Name    Self CPU %      Self CPU   CPU total %     CPU total  CPU time avg    # of Calls  ",
        "-------------  " + "------------  " * 6,
        "    aten::add        75.00%       7.500ms        75.00%       7.500ms       7.500ms             1  ",
        "    aten::mul        25.00%       2.500ms        25.00%       2.500ms       2.500ms             1  ",
        "-------------  " + "------------  " * 6,
        "Self CPU time total: 10.000ms",
    ]


def test_options_of_a_table():
    events = EventList([made("a" * 90, 0, 10), made("b", 20, 25), made("c", 30, 31)])
    table = events.table(row_limit=2, header="HEAD", max_name_column_width=20)
    assert "HEAD" in table and "a" * 17 + "...  " in table and "  b  " in table and "  c  " not in table
    events[1].cpu_parent = events[0]
    table = events.table(top_level_events_only=True)
    assert "This report only display top-level ops statistics" in table
    assert "  c  " in table and "  b  " not in table
    assert EventList().table() == "" and "  c  " in events.table(sort_by="cuda_time_total")
    with pytest.raises(AttributeError):
        events.table(sort_by="nope")


@pytest.mark.parity
def test_names_of_operations_are_pytorchs():
    torch = pytest.importorskip("torch")
    from rushlight.autograd.profiler import _NAMES
    from rushlight.ops.declare import REGISTRY

    assert [name for name in _NAMES if name not in REGISTRY] == []
    assert [name for name in _NAMES.values() if not hasattr(torch.ops.aten, name)] == []


@pytest.mark.parity
@pytest.mark.parametrize("options", [{}, {"record_shapes": True}, {"profile_memory": True}, {"with_flops": True}])
def test_columns_of_tables_are_pytorchs(options):
    torch = pytest.importorskip("torch")
    tables = []
    for lib in (torch, rl):
        with lib.autograd.profiler.profile(**options) as prof:
            program(lib)
        averages = prof.key_averages(group_by_input_shape="record_shapes" in options)
        assert {"aten::mul", "aten::exp", "MulBackward0", "ExpBackward0"} <= {event.key for event in averages}
        tables.append(averages.table(sort_by="self_cpu_time_total", row_limit=4).splitlines())
    theirs, ours = tables
    assert ours[1].split("  ")[-1] == theirs[1].split("  ")[-1]
    assert ours[1].split() == theirs[1].split()
    assert len(ours) == len(theirs)
    assert ours[-1].split(":")[0] == theirs[-1].split(":")[0]


# -- traces


def test_a_trace_nests(x, tmp_path):
    path = tmp_path / "trace.json"
    with profile(record_shapes=True) as prof, record_function("step"):
        rl.autograd.grad((x * x * x).sum(), x, create_graph=True)
    prof.export_chrome_trace(path)
    trace = json.loads(path.read_text())["traceEvents"]
    spans = [each for each in trace if each["ph"] == "X"]
    assert [each["name"] for each in spans] == names(prof)
    assert spans[0]["cat"] == "user_annotation" and spans[1]["cat"] == "cpu_op"
    assert spans[1]["args"]["Input Dims"] == [[2, 3], [2, 3]]
    assert spans[1]["args"]["Line"].startswith(f"{__file__}:")
    assert len({(each["pid"], each["tid"]) for each in spans}) == 1
    # Each two spans lie one in the other or apart: what a viewer draws as a tree.
    edges = [(each["ts"], each["ts"] + each["dur"]) for each in spans]
    slack = 2e-3
    for i, (start, end) in enumerate(edges):
        for other, last in edges[i + 1 :]:
            assert other >= end - slack or last <= end + slack
            assert start <= other + slack
    inside = [i for i, (start, end) in enumerate(edges) if start >= edges[0][0] and end <= edges[0][1] + slack]
    assert len(inside) == len(spans)
    # An arrow from what recorded a node to the node.
    starts = {each["id"]: each["ts"] for each in trace if each["ph"] == "s"}
    ends = {each["id"]: each["ts"] for each in trace if each["ph"] == "f"}
    assert starts.keys() == ends.keys() and len(starts) == 3
    assert all(starts[key] < ends[key] for key in starts)


def test_compressed_traces_and_stacks(x, tmp_path):
    with profile(with_stack=True) as prof:
        x * x
    prof.export_chrome_trace(tmp_path / "trace.json.gz")
    with gzip.open(tmp_path / "trace.json.gz", "rt") as file:
        assert "aten::mul" in file.read()
    prof.export_stacks(tmp_path / "stacks")
    frames, amount = (tmp_path / "stacks").read_text().splitlines()[0].rsplit(" ", 1)
    assert frames.split(";")[-1].endswith("test_compressed_traces_and_stacks") and int(amount) > 0
    with profile() as prof:
        x * x
    with pytest.raises(AssertionError, match=r"^export_stacks\(\) requires with_stack=True$"):
        prof.export_stacks(tmp_path / "stacks")


# -- torch.profiler


def actions(lib, **arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        action = lib.profiler.schedule(**arguments)
    return [action(step).name for step in range(14)]


@pytest.mark.parity
@pytest.mark.parametrize("wait, warmup, active", [(0, 0, 1), (1, 0, 2), (1, 1, 1), (2, 1, 2)])
@pytest.mark.parametrize("repeat", [0, 2])
@pytest.mark.parametrize("skips", [(0, 0), (3, 0), (1, 1)])
def test_schedules_are_pytorchs(wait, warmup, active, repeat, skips):
    torch = pytest.importorskip("torch")
    arguments = {"wait": wait, "warmup": warmup, "active": active, "repeat": repeat}
    arguments |= {"skip_first": skips[0], "skip_first_wait": skips[1]}
    assert actions(rl, **arguments) == actions(torch, **arguments)


def test_wrong_schedules():
    with pytest.raises(AssertionError, match=r"^Invalid profiler schedule arguments. Got wait=-1 \(need >= 0\)"):
        profiler.schedule(wait=-1, warmup=1, active=1)
    with pytest.warns(UserWarning, match="won't be using warmup"):
        profiler.schedule(wait=1, warmup=0, active=1)


def test_a_scheduled_profile(tmp_path):
    seen = []

    def ready(prof):
        seen.append((prof.step_num, [event.key for event in prof.events()]))
        profiler.tensorboard_trace_handler(str(tmp_path / "log"), "me")(prof)

    x = rl.ones(2)
    with profiler.profile(
        schedule=profiler.schedule(wait=1, warmup=1, active=2, repeat=2, skip_first=1), on_trace_ready=ready
    ) as prof:
        for _ in range(12):
            x.exp()
            prof.step()
    cycle = ["ProfilerStep*", "aten::exp"] * 2
    assert seen == [(5, cycle), (9, cycle)]
    paths = sorted((tmp_path / "log").iterdir())
    assert len(paths) == 2 and all(p.name.startswith("me.") and p.name.endswith(".pt.trace.json") for p in paths)
    steps = [each["name"] for each in json.loads(paths[0].read_text())["traceEvents"] if each["ph"] == "X"]
    assert steps == ["ProfilerStep#3", "aten::exp", "ProfilerStep#4", "aten::exp"]
    assert prof.key_averages()[0].count == 2 and "ProfilerStep*" in prof.key_averages().table()


def test_a_profile_that_keeps_all_cycles():
    x = rl.ones(2)
    plan = profiler.schedule(wait=0, warmup=1, active=1, repeat=3)
    with profiler.profile(schedule=plan, acc_events=True) as prof:
        for _ in range(6):
            x.exp()
            prof.step()
    assert [event.count for event in prof.key_averages() if event.key == "aten::exp"] == [3]


def test_a_profile_without_a_schedule(x):
    ready = []
    with profiler.profile(record_shapes=True, on_trace_ready=ready.append) as prof:
        (x * x).sum().backward()
        prof.step()
    assert ready == [prof]
    assert prof.key_averages(group_by_input_shape=True)[0].input_shapes == [[2, 3], [2, 3]]
    with pytest.raises(AssertionError, match=r"^Profiler must be initialized before getting key averages$"):
        profiler.profile().key_averages()
    with pytest.raises(AssertionError, match=r"^No valid profiler activities found$"):
        profiler.profile(activities=[])
    both = [profiler.ProfilerActivity.CPU, profiler.ProfilerActivity.CUDA]
    with pytest.warns(UserWarning, match="^CUDA is not available"), profiler.profile(activities=both):
        pass
    assert profiler.supported_activities() == {profiler.ProfilerActivity.CPU}


# -- what it costs


def test_no_cost_where_it_is_not_used(x):
    program = "import sys, rushlight; print([m for m in sys.modules if 'profiler' in m or 'ledger' in m])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr
    # While a profile is in force operations take the long way; afterwards the short one again.
    before = core.transforms_entered(0)
    with profile():
        assert core.transforms_entered(0) != before
    assert core.transforms_entered(0) == before
