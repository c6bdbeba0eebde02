"""Hooks of tensors, leaves and nodes; retained gradients."""

import gc
import weakref

import pytest

import rushlight as rl
from rushlight import autograd


def leaf(*values):
    return rl.tensor(values, requires_grad=True)


class TestTensorHooks:
    def test_run_in_order_and_replace(self):
        x = leaf(1.0, 1.0)
        y = x * 2
        seen = []

        def first(g):
            seen.append(("first", g.tolist()))
            return g * 2

        y.register_hook(first)
        y.register_hook(lambda g: seen.append(("second", g.tolist())))
        y.sum().backward()
        assert seen == [("first", [1.0, 1.0]), ("second", [2.0, 2.0])]
        assert x.grad.tolist() == [4.0, 4.0]

    def test_of_a_leaf_sees_the_whole_gradient_once_per_backward(self):
        x = leaf(1.0, 1.0)
        seen = []
        x.register_hook(lambda g: seen.append(g.tolist()))
        (x * 2 + x * 3).sum().backward()
        (x * 2).sum().backward()
        assert seen == [[5.0, 5.0], [2.0, 2.0]]
        assert x.grad.tolist() == [7.0, 7.0]

    def test_removal(self):
        x = leaf(1.0)
        handle = x.register_hook(lambda g: g * 100)
        handle.remove()
        handle.remove()
        with x.register_hook(lambda g: g * 100):
            pass
        (x * 2).sum().backward()
        assert x.grad.tolist() == [2.0]

    def test_of_one_output_of_several(self):
        x = leaf(1.0, 1.0, 1.0, 1.0)
        a, b = x.split(2)
        b.register_hook(lambda g: g * 10)
        (a.sum() + b.sum() * 2).backward()
        assert x.grad.tolist() == [1.0, 1.0, 20.0, 20.0]

    def test_with_grad(self):
        x = leaf(1.0)
        y = x * 2
        y.register_hook(lambda g: g * 5)
        assert autograd.grad((y * 3).sum(), [y, x])[1].tolist() == [30.0]
        assert x.grad is None

    def test_under_create_graph(self):
        x = leaf(1.0)
        y = x * 2
        y.register_hook(lambda g: g * g)
        (g,) = autograd.grad((y * y).sum(), x, create_graph=True)
        assert g.tolist() == [32.0]
        # g = 2 (2 y)^2 has slope 32 in y, which the hook squares on its second way through y.
        assert autograd.grad(g.sum(), x)[0].tolist() == [2048.0]

    def test_an_in_place_write_leaves_hooks_with_the_old_value(self):
        x = leaf(1.0)
        y = x * 2
        seen = []
        y.register_hook(lambda g: seen.append(("old", g.tolist())))
        y.mul_(3)
        y.register_hook(lambda g: seen.append(("new", g.tolist())))
        y.sum().backward()
        assert seen == [("new", [1.0]), ("old", [3.0])]

    @pytest.mark.parametrize(
        ("returned", "error", "message"),
        [
            (3, TypeError, "expected Variable, but hook returned 'int'"),
            (rl.ones(3), RuntimeError, "hook '<lambda>' has changed the size of value"),
            (rl.ones(2, dtype=rl.float64), RuntimeError, "hook '<lambda>' has changed the type of value"),
        ],
    )
    def test_what_they_return_is_checked(self, returned, error, message):
        x = leaf(1.0, 1.0)
        y = x * 2
        y.register_hook(lambda g: returned)
        with pytest.raises(error, match=message):
            y.sum().backward()
        assert x.grad is None

    def test_refused_without_a_gradient(self):
        with pytest.raises(RuntimeError, match="cannot register a hook on a tensor that doesn't require gradient"):
            rl.ones(2).register_hook(lambda g: g)


class TestLeafHooks:
    def test_order(self):
        x = leaf(1.0)
        seen = []
        x.register_hook(lambda g: seen.append("tensor"))
        y = x * 2
        end = y.grad_fn.next_functions[0][0]
        end.register_prehook(lambda gs: seen.append("before"))
        end.register_hook(lambda inputs, outputs: seen.append(("after", inputs, outputs[0].tolist())))
        x.register_post_accumulate_grad_hook(lambda p: seen.append(("accumulated", p.grad.tolist())))
        y.sum().backward()
        assert seen == ["tensor", "before", ("accumulated", [2.0]), ("after", (), [2.0])]

    def test_post_accumulate_may_clear(self):
        x = leaf(1.0)

        def step(p):
            p.grad = None

        x.register_post_accumulate_grad_hook(step)
        (x * 2).sum().backward()
        assert x.grad is None

    def test_post_accumulate_is_not_called_by_grad(self):
        x = leaf(1.0)
        seen = []
        x.register_post_accumulate_grad_hook(seen.append)
        autograd.grad((x * 2).sum(), x)
        assert seen == []

    def test_refusals(self):
        with pytest.raises(RuntimeError, match="cannot register a hook on a tensor that doesn't require gradient"):
            rl.ones(2).register_post_accumulate_grad_hook(print)
        with pytest.raises(RuntimeError, match="cannot be registered on non-leaf tensors"):
            (leaf(1.0) * 2).register_post_accumulate_grad_hook(print)


class TestNodeHooks:
    def test_before_and_after(self):
        x = leaf(1.0, 1.0)
        y = x * 2
        seen = []

        def before(outputs):
            seen.append([g.tolist() for g in outputs])
            return (outputs[0] * 2,)

        def after(inputs, outputs):
            seen.append(([g if g is None else g.tolist() for g in inputs], [g.tolist() for g in outputs]))
            return (inputs[0] * 10, None)

        y.grad_fn.register_prehook(before)
        y.grad_fn.register_hook(after)
        y.register_hook(lambda g: g + 1)
        y.sum().backward()
        assert seen == [[[2.0, 2.0]], ([[8.0, 8.0], None], [[4.0, 4.0]])]
        assert x.grad.tolist() == [80.0, 80.0]

    def test_unused_outputs_are_none(self):
        x = leaf(1.0, 1.0)
        a, _ = x.split(1)
        seen = []
        a.grad_fn.register_prehook(lambda gs: seen.append([g is None for g in gs]))
        a.sum().backward()
        assert seen == [[False, True]]

    def test_wrong_results(self):
        x = leaf(1.0)
        y = x * 2
        handle = y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0],))
        with pytest.raises(RuntimeError, match=r"incorrect number of values \(got 1, but expected 2\)"):
            y.sum().backward(retain_graph=True)
        handle.remove()
        y.grad_fn.register_prehook(lambda outputs: 3)
        with pytest.raises(TypeError, match="expected tuple, but hook returned 'int'"):
            y.sum().backward()

    def test_metadata_and_names(self):
        x = leaf(1.0)
        node = (x * 2).grad_fn
        node.metadata["note"] = 1
        assert node.metadata == {"note": 1}
        assert node.name() == "MulBackward0"
        assert node.next_functions[0][0].variable is x
        assert node.next_functions[0][0] is (x + 1).grad_fn.next_functions[0][0]
        assert node.next_functions[1] == (None, 0)


class TestRetainGrad:
    def test_keeps_the_gradient_after_all_hooks(self):
        x = leaf(1.0)
        y = x * 2
        y.retain_grad()
        y.retain_grad()
        y.register_hook(lambda g: g * 2)
        (y * 3).sum().backward()
        assert y.retains_grad
        assert y.grad.tolist() == [6.0]
        assert x.grad.tolist() == [12.0]

    def test_accumulates(self):
        y = leaf(1.0) * 2
        y.retain_grad()
        z = y.sum()
        z.backward(retain_graph=True)
        z.backward()
        assert y.grad.tolist() == [2.0]

    def test_is_a_copy(self):
        y = leaf(1.0) + 1
        y.retain_grad()
        z = y + 1
        z.register_hook(lambda g: None)
        z.backward(rl.ones(1))
        y.grad.zero_()
        assert y.grad.tolist() == [0.0]

    def test_follows_an_in_place_write(self):
        y = leaf(1.0) * 2
        y.retain_grad()
        y.mul_(3)
        y.sum().backward()
        assert y.grad.tolist() == [1.0]

    def test_of_a_leaf_and_of_a_constant(self):
        x = leaf(1.0)
        x.retain_grad()
        assert not x.retains_grad
        with pytest.raises(RuntimeError, match="can't retain_grad on Tensor that has requires_grad=False"):
            rl.ones(1).retain_grad()

    def test_without_it_reading_grad_warns(self):
        y = leaf(1.0) * 2
        with pytest.warns(UserWarning, match="that is not a leaf Tensor is being accessed"):
            assert y.grad is None

    def test_does_not_keep_the_tensor(self):
        x = leaf(1.0)
        y = x * 2
        y.retain_grad()
        z = y.sum()
        gone = weakref.ref(y)
        del y
        gc.collect()
        assert gone() is None
        z.backward()
        assert x.grad.tolist() == [2.0]
