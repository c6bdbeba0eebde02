"""backward and grad: what they compute, what they refuse, and what they leave behind when something goes wrong."""

import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import rushlight as rl
from rushlight import autograd, core
from rushlight.kernels import load


def leaf(*values):
    return rl.tensor(values if len(values) > 1 else values[0], requires_grad=True)


class TestValues:
    def test_scalar(self):
        x = leaf(3.0)
        (x * x * x).backward()
        assert x.grad.item() == 27.0

    def test_gradients_accumulate_into_the_same_tensor(self):
        x = leaf(1.0, 2.0)
        (x * x).sum().backward()
        first = x.grad
        (x * x).sum().backward()
        assert x.grad is first
        assert x.grad.tolist() == [4.0, 8.0]
        assert first._version == 1

    def test_a_leaf_is_its_own_gradient(self):
        x = leaf(5.0)
        x.backward()
        assert x.grad.item() == 1.0

    def test_given_gradient_weights_the_outputs(self):
        x = leaf(1.0, 2.0)
        (x * x).backward(rl.tensor([1.0, 10.0]))
        assert x.grad.tolist() == [2.0, 40.0]

    def test_given_gradient_is_not_kept_or_written(self):
        x, g = leaf(1.0, 2.0), rl.tensor([1.0, 1.0])
        (x + 0).backward(g)
        (x + 0).backward(g)
        assert g.tolist() == [1.0, 1.0]
        assert x.grad.tolist() == [2.0, 2.0]

    def test_two_leaves_do_not_share_one_gradient(self):
        x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
        (x + y).backward(rl.tensor([1.0, 1.0]))
        x.grad[0] = 7.0
        assert y.grad.tolist() == [1.0, 1.0]

    @pytest.mark.parametrize("g", [rl.tensor([1, 10]), np.array([1.0, 10.0])])
    def test_gradients_of_another_dtype_and_arrays(self, g):
        x = leaf(1.0, 2.0)
        (x * x).backward(g)
        assert x.grad.dtype == rl.float32
        assert x.grad.tolist() == [2.0, 40.0]

    def test_several_outputs_are_summed(self):
        x = leaf(2.0)
        autograd.backward([x * x, x * 3], [None, rl.tensor(10.0)])
        assert x.grad.item() == 34.0

    def test_broadcasting_and_dtypes_are_undone(self):
        x = rl.tensor([[1.0], [2.0]], requires_grad=True)
        y = rl.tensor([1.0, 2.0, 3.0], dtype=rl.float64, requires_grad=True)
        (x * y).sum().backward()
        assert x.grad.tolist() == [[6.0], [6.0]]
        assert x.grad.dtype == rl.float32
        assert y.grad.tolist() == [3.0, 3.0, 3.0]
        assert y.grad.dtype == rl.float64

    def test_complex_gradients_follow_the_conjugate_convention(self):
        z = rl.tensor(1 + 2j, requires_grad=True)
        (z * z).backward(rl.tensor(1 + 0j))
        assert z.grad.item() == 2 - 4j

    def test_fourth_derivative(self):
        x = rl.tensor(2.0, dtype=rl.float64, requires_grad=True)
        y = x * x * x * x
        found = []
        for _ in range(4):
            (y,) = autograd.grad(y, x, create_graph=True)
            found.append(y.item())
        assert found == [32.0, 48.0, 48.0, 24.0]

    def test_backward_through_a_gradient(self):
        x = leaf(1.0, 2.0)
        (g,) = autograd.grad((x * x * x).sum(), x, create_graph=True)
        (g * g).sum().backward()
        assert x.grad.tolist() == [36.0, 288.0]

    def test_create_graph_warns_of_the_cycle(self):
        x = leaf(3.0)
        with pytest.warns(UserWarning, match="will create a reference cycle"):
            (x * x).backward(create_graph=True)
        assert x.grad.requires_grad
        x.grad = None


class TestInputs:
    def test_only_the_inputs_accumulate(self):
        x, y = leaf(2.0), leaf(3.0)
        (x * y).backward(inputs=x)
        assert x.grad.item() == 3.0
        assert y.grad is None

    def test_a_computed_tensor_among_the_inputs_accumulates(self):
        x = leaf(1.0, 2.0)
        y = x * 2
        z = (y * y).sum()
        z.backward(inputs=[y], retain_graph=True)
        z.backward(inputs=[y])
        assert y.grad.tolist() == [8.0, 16.0]
        assert x.grad is None

    def test_refusals(self):
        x = leaf(2.0)
        with pytest.raises(RuntimeError, match=r"`inputs` argument to `backward\(\)` cannot be empty."):
            (x * x).backward(inputs=[])
        with pytest.raises(RuntimeError, match="can't retain_grad on Tensor that has requires_grad=False"):
            (x * x).backward(inputs=[rl.ones(1)])
        assert x.grad is None


class TestGrad:
    def test_no_grad_is_touched(self):
        x = leaf(3.0)
        assert autograd.grad(x * x, x)[0].item() == 6.0
        assert x.grad is None

    def test_of_computed_tensors_and_the_output_itself(self):
        x = leaf(3.0)
        y = x * x
        z = y * y
        gz, gy, gx = autograd.grad(z, [z, y, x])
        assert (gz.item(), gy.item(), gx.item()) == (1.0, 18.0, 108.0)

    def test_dict_of_inputs(self):
        x, y = leaf(3.0), leaf(4.0)
        found = autograd.grad(x * y, {"x": x, "y": y})
        assert {name: g.item() for name, g in found.items()} == {"x": 4.0, "y": 3.0}

    def test_unused_inputs(self):
        x, other = leaf(3.0), leaf(1.0, 2.0)
        with pytest.raises(RuntimeError, match="index 1 appears to not have been used in the graph"):
            autograd.grad(x * x, [x, other])
        assert autograd.grad(x * x, [x, other], allow_unused=True)[1] is None
        assert autograd.grad(x * x, [x, other], materialize_grads=True)[1].tolist() == [0.0, 0.0]
        with pytest.raises(ValueError, match="Expected allow_unused to be True or not passed"):
            autograd.grad(x * x, x, allow_unused=False, materialize_grads=True)

    def test_refusals(self):
        x = leaf(3.0)
        with pytest.raises(RuntimeError, match="does not require grad"):
            autograd.grad(x * x, rl.ones(1))
        with pytest.raises(RuntimeError, match=r"`inputs` argument to `grad\(\)` cannot be empty"):
            autograd.grad(x * x, [])

    def test_batched_gradients(self):
        x = leaf(1.0, 2.0)
        (rows,) = autograd.grad(x * x, x, rl.tensor([[1.0, 0.0], [0.0, 1.0]]), is_grads_batched=True)
        assert rows.tolist() == [[2.0, 0.0], [0.0, 4.0]]
        with pytest.raises(RuntimeError, match="we interpret the first dimension of each grad_output as the batch"):
            autograd.grad(x * x, x, rl.ones(2, 3), is_grads_batched=True)

    def test_edges_stand_for_tensors(self):
        x = leaf(3.0)
        y = x * x
        edge = autograd.graph.get_gradient_edge(y)
        assert autograd.grad(y * 2, edge)[0].item() == 2.0
        assert autograd.grad(x * x, autograd.graph.get_gradient_edge(x))[0].item() == 6.0


class TestRefusals:
    def test_outputs(self):
        x = leaf(1.0, 2.0)
        with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
            (x * x).backward()
        with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad and does not have"):
            rl.ones(()).backward()
        with pytest.raises(RuntimeError, match=r"only for real scalar outputs but got .*complex64"):
            (rl.tensor(1j, requires_grad=True) * 2).backward()

    def test_gradients(self):
        x = leaf(1.0, 2.0)
        with pytest.raises(TypeError, match="gradients can be either Tensors or None, but got float"):
            (x * x).backward([1.0, 1.0])
        with pytest.raises(RuntimeError, match=r"Mismatch in shape: grad_output\[0\] has a shape .*Size\(\[1, 2\]\)"):
            (x * x).backward(rl.ones(1, 2))
        with pytest.raises(RuntimeError, match="got 2 tensors and 1 gradients"):
            autograd.backward([x * x, x], [rl.ones(2)])
        with pytest.raises(RuntimeError, match="both grad_output and output are required to have the same dtype"):
            (x * x).backward(rl.tensor([1j, 1j]))
        assert x.grad is None

    def test_second_backward(self):
        x = leaf(3.0)
        y = x * x
        y.backward()
        with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
            y.backward()
        assert x.grad.item() == 6.0

    def test_second_backward_of_what_keeps_nothing(self):
        x = leaf(3.0)
        y = x + 1
        y.backward()
        y.backward()
        assert x.grad.item() == 2.0

    def test_freeing_a_shared_part(self):
        x = leaf(3.0)
        shared = x * x
        a, b = shared + 1, shared * 2
        a.backward()
        with pytest.raises(RuntimeError, match="a second time"):
            b.backward()

    def test_old_names(self):
        x = leaf(1.0, 2.0)
        with pytest.warns(FutureWarning, match="Use `grad_tensors` instead"):
            autograd.backward(x * x, grad_variables=rl.ones(2))
        assert x.grad.tolist() == [2.0, 4.0]


class TestAfterAnException:
    """An exception during backward changes no .grad, and the same graph can be run again."""

    def failing_once(self, error):
        state = {"failed": False}

        def hook(g):
            if not state["failed"]:
                state["failed"] = True
                raise error

        return hook

    @pytest.mark.parametrize("error", [ValueError("once"), KeyboardInterrupt()])
    def test_in_a_hook_on_the_way(self, error):
        x, y = leaf(2.0), leaf(3.0)
        product = x * y
        product.register_hook(self.failing_once(error))
        z = product * product
        with pytest.raises(type(error)):
            z.backward()
        assert x.grad is None
        assert y.grad is None
        z.backward()
        assert (x.grad.item(), y.grad.item()) == (36.0, 24.0)

    def test_in_the_hook_of_one_leaf(self):
        x, y = leaf(2.0), leaf(3.0)
        (x * y).backward()
        y.register_hook(self.failing_once(ValueError("once")))
        z = x * y
        with pytest.raises(ValueError, match="once"):
            z.backward()
        assert (x.grad.item(), y.grad.item()) == (3.0, 2.0)
        z.backward()
        assert (x.grad.item(), y.grad.item()) == (6.0, 4.0)

    def test_retained_gradients_wait_too(self):
        x = leaf(2.0)
        y = x * 3
        z = y * 2
        y.retain_grad()
        z.retain_grad()
        y.register_hook(self.failing_once(ValueError("once")))
        with pytest.raises(ValueError, match="once"):
            z.backward()
        z.backward()
        assert (z.grad.item(), y.grad.item(), x.grad.item()) == (1.0, 2.0, 6.0)

    def test_modes_are_restored(self):
        x = leaf(2.0)
        y = x * x
        y.register_hook(self.failing_once(ValueError("once")))
        with pytest.raises(ValueError, match="once"):
            y.backward()
        assert rl.is_grad_enabled()


class TestReentrance:
    def test_backward_of_another_graph_within_a_hook(self):
        x, w = leaf(2.0), leaf(5.0)

        @rl.enable_grad()
        def hook(g):
            (w * w).backward()
            return g * w.grad

        y = x * 3
        y.register_hook(hook)
        y.backward()
        assert w.grad.item() == 10.0
        assert x.grad.item() == 30.0

    def test_backward_of_the_same_graph_within_a_hook(self):
        x = leaf(2.0)
        y = x * x
        z = y * y
        entered, seen = [], []

        def hook(g):
            if not entered:
                entered.append(True)
                seen.append(autograd.grad(z, x, retain_graph=True)[0].item())

        y.register_hook(hook)
        z.backward()
        assert seen == [32.0]
        assert x.grad.item() == 32.0


class TestThreads:
    def run(self, count, work):
        errors = []

        def guarded(k):
            try:
                work(k)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=guarded, args=(k,)) for k in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert errors == []

    def test_eight_threads_into_one_leaf(self):
        x = rl.zeros(1000, dtype=rl.float64, requires_grad=True)

        def work(k):
            for _ in range(50):
                (x * float(k + 1)).sum().backward()

        self.run(8, work)
        assert x.grad.tolist() == [50.0 * 36] * 1000

    def test_two_threads_over_one_graph(self):
        x = rl.ones(50, dtype=rl.float64, requires_grad=True)
        y = x
        for _ in range(200):
            y = y + x * 0.5
        z = y.sum()
        found = {}

        def work(k):
            found[k] = [autograd.grad(z, x, retain_graph=True)[0][0].item() for _ in range(20)]

        self.run(2, work)
        assert found == {0: [101.0] * 20, 1: [101.0] * 20}

    def test_modes_belong_to_a_thread(self):
        seen = []
        with rl.no_grad():
            self.run(1, lambda k: seen.append(rl.is_grad_enabled()))
        assert seen == [True]


def chain(n):
    x = rl.tensor(1.0, dtype=rl.float64, requires_grad=True)
    y = x
    for _ in range(n):
        y = y + x
    return x, y


class TestSize:
    def test_a_million_nodes(self, compiled):
        length = 1_000_000 if compiled else 100_000
        x, y = chain(length)
        y.backward()
        assert x.grad.item() == length + 1
        del y

    def test_a_million_nodes_freed_unused(self, compiled):
        x, y = chain(1_000_000 if compiled else 100_000)
        del x, y

    def test_a_long_chain_on_a_small_stack(self, compiled):
        length = 300_000 if compiled else 50_000
        done = []

        def work():
            x, y = chain(length)
            y.backward()
            del y
            done.append(x.grad.item())
            x, y = chain(length)
            del x, y
            done.append(True)

        before = threading.stack_size(256 * 1024)
        try:
            thread = threading.Thread(target=work)
            thread.start()
        finally:
            threading.stack_size(before)
        thread.join(120)
        assert done == [length + 1, True]


class TestMemory:
    def test_reference_counting_alone_frees_a_graph(self):
        gc.collect()
        gc.disable()
        try:
            x = leaf(1.0, 2.0)
            y = x * x
            node = weakref.ref(y.grad_fn)
            values = weakref.ref(y)
            z = (y * y).sum()
            z.backward()
            del y, z
            assert node() is None
            assert values() is None
        finally:
            gc.enable()

    def test_a_graph_never_run_is_freed_too(self):
        gc.collect()
        gc.disable()
        try:
            x = leaf(1.0, 2.0)
            y = x.exp() * x
            node = weakref.ref(y.grad_fn)
            del y
            assert node() is None
        finally:
            gc.enable()

    def test_create_graph_leaves_nothing_behind(self):
        x = leaf(1.0, 2.0)
        (g,) = autograd.grad((x * x * x).sum(), x, create_graph=True)
        node = weakref.ref(g.grad_fn)
        del g
        gc.collect()
        assert node() is None

    def test_the_cycle_of_create_graph_is_collected(self):
        x = leaf(1.0, 2.0)
        with pytest.warns(UserWarning, match="reference cycle"):
            (x * x * x).sum().backward(create_graph=True)
        node = weakref.ref(x.grad.grad_fn)
        del x
        gc.collect()
        assert node() is None

    def test_steps_do_not_grow(self):
        w = leaf(1.0, 2.0)

        def steps(n):
            for _ in range(n):
                loss = ((w * 2 + 1) * w).sum()
                loss.backward()
                w.grad = None

        steps(2000)
        gc.collect()
        gc.disable()
        tracemalloc.start()
        try:
            steps(100)
            before = tracemalloc.get_traced_memory()[0]
            steps(5000)
            after = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
            gc.enable()
        assert after - before < 20_000


compiled = pytest.mark.skipif(core.__file__.endswith(".py"), reason="reference counts are asked by compiled code")
kernels_on = pytest.mark.skipif(load("matrix") is None, reason="NumPy lays the product out in another order")


class TestOwnership:
    """A gradient becomes .grad, or is added to, as it is where nobody else has it; else it is copied."""

    @compiled
    @pytest.mark.parametrize(
        "function",
        [
            lambda x: x.sin(),
            lambda x: x * x,
            # A view, all of whose memory nobody else has.
            pytest.param(lambda x: rl.nn.functional.linear(rl.ones(4, 5), x), marks=kernels_on),
        ],
    )
    def test_a_leaf_takes_its_gradient_without_a_copy(self, function):
        x, places = rl.ones(3, 5, requires_grad=True), []
        x.register_hook(lambda g: places.append(g.data_ptr()))
        function(x).sum().backward()
        assert places == [x.grad.data_ptr()]
        assert x.grad.is_contiguous() and not x.grad._is_view()

    @pytest.mark.parametrize("held", [lambda g: g, lambda g: g.numpy(), lambda g: g[1:], lambda g: g.t().detach()])
    def test_what_a_hook_holds_is_not_taken(self, held):
        x, kept = rl.ones(2, 2, requires_grad=True), []
        x.register_hook(lambda g: kept.append(held(g)))
        x.sin().sum().backward()
        before = np.array(kept[0])
        x.grad.zero_()
        np.testing.assert_array_equal(np.array(kept[0]), before)

    def test_one_gradient_of_two_leaves_is_taken_by_one(self):
        x, y = rl.ones(2, requires_grad=True), rl.ones(2, requires_grad=True)
        (x + y).backward(rl.ones(2))
        x.grad.zero_()
        assert y.grad.tolist() == [1.0, 1.0]

    def test_what_is_given_to_backward_is_not_taken(self):
        x, g = rl.ones(2, requires_grad=True), rl.ones(2)
        (x + 0).backward(g)
        x.grad.zero_()
        assert g.tolist() == [1.0, 1.0]

    def test_nothing_is_added_to_what_somebody_holds(self):
        x = rl.ones(3, requires_grad=True)
        y, seen = x * 1, []
        y.register_hook(seen.append)
        z = y + 0
        z.register_hook(seen.append)
        (z.sum() + (x * 3).sum() + (z * 5).sum()).backward()
        assert [g.tolist() for g in seen] == [[6.0] * 3] * 2
        assert x.grad.tolist() == [9.0] * 3
        x.grad.add_(1)
        assert [g.tolist() for g in seen] == [[6.0] * 3] * 2


@pytest.mark.parity
def test_refusals_say_what_pytorch_says():
    torch = pytest.importorskip("torch")

    def refusals(m):
        def x():
            return m.ones(3, requires_grad=True)

        return [
            lambda: (x() * 2).backward(),
            lambda: m.ones(()).backward(),
            lambda: (x() * 2).backward([1.0]),
            lambda: m.autograd.backward([x() * 2, x() * 3], [m.ones(3)]),
            lambda: m.autograd.backward("a"),
            lambda: x().sum().backward(inputs=[]),
            lambda: x().sum().backward(inputs=["a"]),
            lambda: m.autograd.grad(x().sum(), x()),
            lambda: m.autograd.grad(x().sum(), m.ones(3)),
            lambda: m.autograd.grad(x().sum(), []),
            lambda: m.autograd.grad(x().sum(), x(), materialize_grads=True, allow_unused=False),
            lambda: (m.ones((), requires_grad=True, dtype=m.complex64) * 2).backward(),
        ]

    for ours, theirs in zip(refusals(rl), refusals(torch)):
        with pytest.raises(Exception) as wanted:
            theirs()
        with pytest.raises(wanted.type) as found:
            ours()
        assert str(found.value).replace("rushlight.", "torch.") == str(wanted.value)


def test_a_failed_pass_leaves_nothing_with_its_leaves():
    x = rl.ones(2, requires_grad=True)
    y = x * 2
    fails = y.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        (y + x).sum().backward()
    # What the run had staged for the leaf would stay alive with it.
    assert x.slot is None
    fails.remove()
    (y + x).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("flag", ["retain_graph", "create_graph"])
def test_flags_are_flags_or_integers(flag):
    x = leaf(1.0, 2.0)
    for ask in (lambda **k: x.sum().backward(**k), lambda **k: autograd.grad(x.sum(), x, **k)):
        with pytest.raises(TypeError, match="'str' object cannot be interpreted as an integer"):
            ask(**{flag: "no"})
    assert x.grad is None
    (slope,) = autograd.grad((x * x).sum(), x, **{flag: 1})
    assert slope.requires_grad == (flag == "create_graph")


@pytest.mark.parametrize("value", [1, "no", None])
def test_recording_is_switched_by_booleans(value):
    x = rl.ones(2)
    name = type(value).__name__
    with pytest.raises(
        TypeError, match=rf"requires_grad_\(\): argument 'requires_grad' \(position 1\) must be bool, not {name}"
    ):
        x.requires_grad_(value)
    with pytest.raises(TypeError, match=rf"numpy\(\): argument 'force' must be bool, not {name}"):
        x.numpy(force=value)
    assert not x.requires_grad


def test_what_keeps_numbers_only_can_be_differentiated_twice():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    for out in (rl.lerp(x, y, 0.25).sum(), x.lerp(y, 0.25).sum(), (x + 0).lerp_(y, 0.25).sum()):
        x.grad = y.grad = None
        out.backward()
        out.backward()
        assert (x.grad.tolist(), y.grad.tolist()) == ([1.5, 1.5], [0.5, 0.5])


def test_nothing_is_held_by_a_graph_that_was_passed():
    x = leaf(1.0, 2.0)
    loss = (x * x).sum()
    (g,) = autograd.grad(loss, x)
    array = weakref.ref(g)
    del g
    assert array() is None
    assert loss.grad_fn is not None
