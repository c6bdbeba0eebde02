"""What graphs hold: bytes by line of the program, and the graphs that are alive."""

import gc
import threading
import warnings

import numpy as np
import pytest

import rushlight as rl
from rushlight import core
from rushlight.autograd import Function, graphs_alive, saved
from rushlight.autograd.ledger import Alive
from rushlight.autograd.profiler import profile
from rushlight.autograd.sizes import address
from rushlight.ops.declare import REGISTRY
from test_registry import differentiable, drawn, tensors


def line_of(function, offset):
    return function.__code__.co_firstlineno + offset


def nodes():
    """The ids of the nodes that there are, without asking the collector first."""
    return {id(each) for each in gc.get_objects() if issubclass(type(each), core.Node)}


def mine():
    """The graphs alive that a test of this file has made."""
    return [row for row in graphs_alive() if row.file == __file__]


CYCLE = pytest.mark.filterwarnings("ignore:Using backward.. with create_graph=True will create a reference cycle")


# -- saved


def test_bytes_by_line():
    x, w = rl.ones(100, 20), rl.ones(20, 5, requires_grad=True)
    h = x @ w
    y = h.exp()
    loss = (y * h).sum()
    held = saved(loss)
    rows = {row.line - line_of(test_bytes_by_line, 0): row for row in held.rows}
    assert sorted(rows) == [2, 3, 4]
    assert {row.file for row in held.rows} == {__file__} and {row.function for row in held.rows} == {
        "test_bytes_by_line"
    }
    assert rows[2].source == "h = x @ w" and rows[2].operations == {"MmBackward0": 1}
    # x for the gradient of w, y for exp; the product keeps y again, which is counted once, and h.
    assert [rows[i].bytes for i in (2, 3, 4)] == [100 * 20 * 4, 100 * 5 * 4, 100 * 5 * 4]
    assert rows[2].constant_bytes == 8000 and rows[3].intermediate_bytes == 2000
    assert (rows[4].nodes, rows[4].shapes) == (2, [(100, 5)])
    assert {(kept.node, kept.name) for kept in rows[4].kept} == {("MulBackward0", "self"), ("MulBackward0", "other")}
    assert held.total_bytes == sum(row.bytes for row in held.rows) == 12000
    assert (held.leaf_bytes, held.constant_bytes, held.intermediate_bytes) == (0, 8000, 4000)
    assert held.rows[0] is rows[2] and held.nodes == 4


def test_leaves_are_there_anyway():
    w = rl.ones(10, 10, requires_grad=True)
    x = rl.ones(3, 10, requires_grad=True)
    held = saved((x @ w.t()).relu().sum())
    assert held.leaf_bytes == 400 + 120
    assert held.intermediate_bytes == 120
    assert {kept.kind for row in held.rows for kept in row.kept if kept.shape == (10, 10)} == {"leaf"}


def test_shared_memory_is_counted_once():
    x = rl.ones(10, requires_grad=True)
    y = x * 2
    parts = y[:5] * y[5:] + y[::2] * y.view(2, 5)[0]
    held = saved(parts)
    assert held.total_bytes == 40
    assert sum(len(row.kept) for row in held.rows) == 4 and len({k.address for r in held.rows for k in r.kept}) == 1
    # A part keeps the whole of what it lies in.
    assert {kept.bytes for row in held.rows for kept in row.kept} == {40}
    assert saved(parts, y * y).total_bytes == 40


def test_expanded_and_strided_values():
    x = rl.ones(1, requires_grad=True)
    big = (x * 2).expand(1000)
    assert saved(big * big).total_bytes == 4
    y = (rl.ones(6, requires_grad=True) * 2).as_strided((2, 2), (1, 1))
    assert saved(y * y).total_bytes == 24


def test_arrays_in_parameters_and_functions_count():
    class Masked(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mask = x > 0
            ctx.save_for_backward(x, None)
            return x * ctx.mask

        @staticmethod
        def backward(ctx, g):
            return g * ctx.mask

    x = rl.ones(100, requires_grad=True) * 1
    held = saved(Masked.apply(x))
    assert {(k.name, k.bytes, k.kind) for row in held.rows for k in row.kept} == {
        ("mask", 100, "constant"), ("saved_tensors", 400, "intermediate"),
    }  # fmt: skip
    index = rl.tensor([1, 2, 3])
    assert saved(x[index]).constant_bytes == index._array.nbytes


def test_several_outputs_and_many_inputs():
    x = rl.ones(4, 3, requires_grad=True) * 1
    values, _ = x.max(1)
    assert saved(values).constant_bytes + saved(values).intermediate_bytes >= 32
    a, b, c = x.unbind(1)
    assert saved(rl.cat([a.sin(), b.sin(), c.sin()])).intermediate_bytes == 48
    assert saved(rl.where(x > 0, x, -x)).total_bytes == 12
    assert saved(rl.addcmul(x, x, x)).intermediate_bytes == 48


def test_after_backward_it_is_freed():
    x = rl.ones(10, requires_grad=True)
    loss = (x * 2).exp().sum()
    assert saved(loss).freed == 0 and "have been freed" not in str(saved(loss))
    loss.backward(retain_graph=True)
    assert saved(loss).freed == 0 and saved(loss).total_bytes == 40
    loss.backward()
    held = saved(loss)
    assert (held.freed, held.nodes, held.total_bytes) == (3, 3, 0)
    assert "The nodes have been freed by backward" in str(held)
    again = loss * x.exp().sum()
    assert saved(again).freed == 3 and "3 of the nodes have been freed" in str(saved(again))


def test_the_table():
    x = rl.ones(1000, 2, requires_grad=True)
    y = (x * 3).exp()
    text = str(saved(y.sum()))
    assert "y = (x * 3).exp()" in text and "7.81 KB" in text
    assert "ExpBackward0 result (1000, 2)" in text
    assert f"test_ledger.py:{line_of(test_the_table, 2)} in test_the_table" in text
    assert "3 nodes keep 7.81 KB: 7.81 KB of intermediate values, 0 B without history, 0 B of leaves" in text
    assert repr(saved(y)) == str(saved(y))
    assert "... and 1 more lines" in saved(y.sum()).table(row_limit=1)


def test_times_come_from_a_profile():
    x = rl.ones(50, requires_grad=True)
    with profile() as prof:
        for _ in range(3):
            loss = x.exp().sum()
            loss.backward()
    held = saved(loss)
    (row,) = held.rows
    # Only the operations of this graph, the last of three, count.
    events = prof.function_events[-len(prof.function_events) // 3 :]
    by_name = {event.name: event.cpu_time_total for event in events}
    assert row.forward_us == pytest.approx(by_name["aten::exp"] + by_name["aten::sum"])
    assert row.backward_us == pytest.approx(by_name["ExpBackward0"] + by_name["SumBackward0"])
    assert "forward" in str(held) and "backward" in str(held)
    other = saved(x.exp().sum())
    assert other.rows[0].forward_us is None and "backward" not in str(other).splitlines()[0]
    with profile():
        seen = x.exp()
        assert saved(seen).rows[0].forward_us > 0
        assert saved(seen).rows[0].backward_us == 0


def test_what_has_no_history():
    with pytest.raises(RuntimeError, match=r"^element 0 of tensors does not require grad and does not have a grad_fn$"):
        saved(rl.ones(2))
    with pytest.raises(TypeError, match="ndarray"):
        saved(np.ones(2))
    held = saved(rl.ones(2, requires_grad=True))
    assert held.rows == [] and held.total_bytes == 0 and str(held)


def test_values_that_hooks_have_packed():
    x = rl.ones(100, requires_grad=True)
    with rl.autograd.graph.saved_tensors_hooks(lambda t: t.half(), lambda t: t.float()):
        y = (x * 2).exp()
    assert saved(y).total_bytes == 200
    with rl.autograd.graph.saved_tensors_hooks(lambda t: "elsewhere", lambda _: y.detach()):
        z = (x * 2).exp()
    assert saved(z).total_bytes == 0


def test_values_under_vmap():
    seen = []

    def body(row):
        y = row.exp()
        seen.append(saved(y.sum()).total_bytes)
        return y

    rl.func.vmap(body)(rl.ones(3, 4, requires_grad=True) * 1)
    assert seen == [48]
    rl.func.vmap(rl.func.grad(lambda row: body(row).sum()))(rl.ones(3, 4))
    assert seen == [48, 48]


def test_a_node_is_taken_too():
    y = rl.ones(2, requires_grad=True).exp()
    assert saved(y.grad_fn).total_bytes == saved(y).total_bytes == 8


def test_a_long_chain(compiled):
    x = y = rl.ones(1, requires_grad=True)
    for _ in range(50_000 if compiled else 5_000):
        y = y * 1.5
    assert saved(y).nodes == (50_000 if compiled else 5_000)
    (row,) = mine()
    assert row.nodes == saved(y).nodes and x.is_leaf


# -- graphs_alive


def test_a_list_of_losses_is_found_by_its_line():
    w = rl.ones(100, requires_grad=True)
    losses = []
    for step in range(20):
        loss = (w * step).exp().sum()
        losses.append(loss)
    small = w.sum()
    found = graphs_alive()
    row, other = [each for each in found if each.file == __file__]
    assert (row.file, row.line, row.function) == (
        __file__, line_of(test_a_list_of_losses_is_found_by_its_line, 4), "test_a_list_of_losses_is_found_by_its_line",
    )  # fmt: skip
    assert row.source == "loss = (w * step).exp().sum()"
    assert (row.count, row.nodes, row.bytes) == (20, 60, 20 * 400)
    assert row.operations == {"SumBackward0": 20} and row.shapes == [()] * 20
    assert (other.count, other.nodes, other.shapes) == (1, 1, [()])
    assert found.rows.index(row) < found.rows.index(other) and len(found) == len(found.rows)
    assert f"test_ledger.py:{row.line} in {row.function}" in str(found)
    assert str(found).endswith(f"{found.nodes} nodes are alive.") and found.nodes >= 61
    del losses, loss
    assert [each.line for each in mine()] == [small.grad_fn.line()[1]]


def test_a_running_total_is_found_by_its_line():
    w = rl.ones(3, requires_grad=True)
    total = 0.0
    for _ in range(30):
        loss = (w * w).sum()
        loss.backward(retain_graph=True)
        total += loss
    del loss
    (row,) = mine()
    assert row.line == line_of(test_a_running_total_is_found_by_its_line, 6)
    assert (row.count, row.nodes, row.source) == (1, 90, "total += loss")
    assert row.shapes == [()] and total.requires_grad


def test_total_of_numbers_keeps_nothing():
    w = rl.ones(3, requires_grad=True)
    total = 0.0
    for _ in range(30):
        loss = (w * w).sum()
        loss.backward()
        total += loss.item()
    del loss
    assert mine() == [] and str(Alive([], 0)) == "No graph is alive."


def test_a_graph_held_by_its_node_alone():
    node = rl.ones(3, requires_grad=True).exp().grad_fn
    (row,) = mine()
    assert row.shapes == [] and row.nodes == 1 and row.operations == {node.name(): 1}


def test_graphs_of_other_threads_are_found():
    held = []
    thread = threading.Thread(target=lambda: held.append(rl.ones(3, requires_grad=True).exp()))
    thread.start()
    thread.join()
    assert [row.nodes for row in mine()] == [1]


@CYCLE
def test_garbage_is_collected_first():
    w = rl.ones(3, requires_grad=True)
    (w * w * w).sum().backward(create_graph=True)
    gc.disable()
    try:
        del w
        assert [row for row in graphs_alive(collect=False) if row.file == __file__]
    finally:
        gc.enable()
    assert mine() == []


# -- create_graph=True never leaks


def steps(count, body):
    """How many nodes are alive after `count` steps of `body`, before and after the collector has run."""
    gc.collect()
    others = nodes()
    gc.disable()
    try:
        for step in range(count):
            body(step)
        before = nodes() - others
    finally:
        gc.enable()
    gc.collect()
    return len(before), len(nodes() - others)


def network():
    generator = rl.Generator().manual_seed(0)
    return [rl.randn(8, 8, generator=generator, requires_grad=True) for _ in range(3)]


def output(weights, x):
    for w in weights:
        x = (x @ w).tanh()
    return x.pow(2).sum()


def test_a_gradient_penalty_leaves_nothing():
    weights, x = network(), rl.ones(4, 8)

    def body(_):
        loss = output(weights, x)
        grads = rl.autograd.grad(loss, weights, create_graph=True)
        penalty = sum((g * g).sum() for g in grads)
        (loss + penalty).backward()
        for w in weights:
            w.grad = None

    assert steps(200, body) == (0, 0)


def test_grad_with_create_graph_leaves_nothing():
    weights, x = network(), rl.ones(4, 8, requires_grad=True)

    def body(_):
        (g,) = rl.autograd.grad(output(weights, x), x, create_graph=True)
        (h,) = rl.autograd.grad(g.sum(), x, create_graph=True)
        h.sum()

    assert steps(200, body) == (0, 0)


@CYCLE
def test_backward_with_create_graph_leaves_nothing():
    weights, x = network(), rl.ones(4, 8)

    def body(_):
        output(weights, x).backward(create_graph=True)
        for w in weights:
            w.grad = None

    assert steps(200, body) == (0, 0)


@CYCLE
def test_a_cycle_of_leaf_and_gradient_is_collected():
    x = rl.ones(4, 8)

    def body(_):
        # Each weight holds its gradient, whose history holds the weight.
        output(network(), x).backward(create_graph=True)

    before, after = steps(200, body)
    assert before > 0 and after == 0


def test_functions_hooks_and_views_leave_nothing():
    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            y = x * x * x
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx, g):
            x, _ = ctx.saved_tensors
            return g * 3 * x * x

    w = rl.ones(5, requires_grad=True)

    def body(_):
        y = Cube.apply(w)
        z = y.clone()
        z[1:3] = z[2:4] * 2
        z.register_hook(lambda g: g * 2)
        (g,) = rl.autograd.grad(z.sum(), w, create_graph=True)
        g.sum().backward()
        w.grad = None

    _, after = steps(200, body)
    assert after == 0


def test_a_failed_pass_leaves_nothing():
    w = rl.ones(5, requires_grad=True)

    def body(_):
        y = w * w

        def fail(g):
            raise KeyError

        y.register_hook(fail)
        with pytest.raises(KeyError):
            rl.autograd.grad(y.exp().sum(), w, create_graph=True)

    _, after = steps(200, body)
    assert after == 0


# -- every operation


@pytest.mark.parametrize("row", differentiable, ids=repr)
def test_whatever_an_operation_keeps_is_listed(row):
    inputs, at = drawn(row)
    op = REGISTRY[row.op]
    with profile() as prof, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = op(*tensors(inputs, at), **row.params)
    outputs = [x for x in (out if isinstance(out, tuple) else (out,)) if x.requires_grad]
    if not outputs:
        pytest.skip("nothing is recorded")
    node = outputs[0].grad_fn
    held = saved(*outputs)
    listed = [kept for each in held.rows for kept in each.kept]
    asked = [node.saved_at(i) for i in range(node.count)] + [node.saved_out_at(k) for k in range(len(node.outs or ()))]
    for value in asked:
        if isinstance(value, rl.Tensor) and value.numel():
            assert address(value._array) in {kept.address for kept in listed}
    assert held.total_bytes == sum({kept.address: kept.bytes for kept in listed}.values())
    assert node.name() in str(held) or not held.total_bytes
    # The profile has seen it, and knows its node.
    assert node.sequence in {event.sequence_nr for event in prof.function_events}


def test_a_checkpoint_keeps_its_inputs():
    from rushlight.utils.checkpoint import checkpoint

    x, data = rl.ones(10, requires_grad=True), rl.ones(10)
    loss = checkpoint(lambda a, b: (a.sin() * b).exp(), x + 1, data, use_reentrant=False).sum()
    held = saved(loss)
    assert (held.total_bytes, held.intermediate_bytes, held.constant_bytes) == (80, 40, 40)
    assert {kept.name for row in held.rows for kept in row.kept} == {"input of its checkpoint"}
    assert saved(checkpoint(lambda a: a.sin(), x, use_reentrant=False)).leaf_bytes == 40
    loss.backward()
    assert saved(loss).total_bytes == 0
