"""autograd.Function: both styles, what is saved, what is returned, what is refused."""

import gc
import weakref

import pytest

import rushlight as rl
from rushlight import autograd
from rushlight.autograd import Function, forward_ad
from rushlight.autograd.function import once_differentiable


def leaf(*values):
    return rl.tensor(values, requires_grad=True)


def function(forward, backward=None, name="Made", **members):
    """A Function class of two plain functions."""
    members["forward"] = staticmethod(forward)
    if backward is not None:
        members["backward"] = staticmethod(backward)
    return type(name, (Function,), members)


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * x


class Scale(Function):
    @staticmethod
    def forward(x, factor=2.0):
        return x * factor

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, ctx.factor = inputs

    @staticmethod
    def backward(ctx, g):
        return g * ctx.factor, None

    @staticmethod
    def jvp(ctx, t, _):
        return t * ctx.factor


class TestBothStyles:
    def test_forward_with_a_context(self):
        x = leaf(1.0, 2.0)
        y = Cube.apply(x)
        assert y.grad_fn.name() == "CubeBackward"
        assert "grad_fn=<CubeBackward>" in repr(y)
        y.sum().backward()
        assert x.grad.tolist() == [3.0, 12.0]

    def test_setup_context_sees_defaults_and_names(self):
        for call in (lambda x: Scale.apply(x), lambda x: Scale.apply(x, factor=2.0), lambda x: Scale.apply(x, 2.0)):
            x = leaf(1.0)
            call(x).backward(rl.ones(1))
            assert x.grad.tolist() == [2.0]

    def test_differentiates_again(self):
        x = leaf(2.0)
        (g,) = autograd.grad(Cube.apply(x).sum(), x, create_graph=True)
        (h,) = autograd.grad(g.sum(), x, create_graph=True)
        (k,) = autograd.grad(h.sum(), x)
        assert (g.item(), h.item(), k.item()) == (12.0, 12.0, 6.0)

    def test_forward_mode_by_jvp(self):
        with forward_ad.dual_level():
            x = forward_ad.make_dual(rl.ones(2), rl.tensor([1.0, 10.0]))
            assert forward_ad.unpack_dual(Scale.apply(x, 3.0)).tangent.tolist() == [3.0, 30.0]
            with pytest.raises(NotImplementedError, match="You must implement the jvp function"):
                Cube.apply(x)

    def test_forward_is_not_recorded(self):
        seen = []
        made = function(lambda ctx, x: (seen.append(rl.is_grad_enabled()), x * 2)[1], lambda ctx, g: g * 7)
        x = leaf(1.0)
        made.apply(x).backward(rl.ones(1))
        assert seen == [False]
        assert x.grad.tolist() == [7.0]

    def test_nothing_to_record(self):
        assert not Cube.apply(rl.ones(2)).requires_grad
        with rl.no_grad():
            assert not Cube.apply(leaf(1.0)).requires_grad


class TestContext:
    def test_any_attribute_may_be_set(self):
        def forward(ctx, x):
            ctx.shapes, ctx.count, ctx.op, ctx.params, ctx.offset = x.shape, "count", 1.5, [1], "offset"
            return x * 2

        made = function(forward, lambda ctx, g: g * ctx.op)
        x = leaf(1.0)
        y = made.apply(x)
        assert y.grad_fn.next_functions[0][0].variable is x
        y.backward(rl.ones(1))
        assert x.grad.tolist() == [1.5]

    def test_needs_input_grad(self):
        seen = []
        made = function(lambda ctx, x, k, y: seen.append(ctx.needs_input_grad) or x * k, lambda ctx, g: (g, None, None))
        made.apply(leaf(1.0), 3, rl.ones(1))
        assert seen == [(True, False, False)]

    def test_node_shows_the_context(self):
        y = Cube.apply(leaf(2.0))
        assert y.grad_fn.saved_tensors[0].tolist() == [2.0]
        assert y.grad_fn.needs_input_grad == (True,)
        with pytest.raises(AttributeError):
            _ = y.grad_fn.no_such_thing

    def test_saved_none_and_saved_output(self):
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(None, y)
            return y

        def backward(ctx, g):
            nothing, y = ctx.saved_tensors
            assert nothing is None
            return g * y

        x = leaf(0.0)
        y = function(forward, backward).apply(x)
        (g,) = autograd.grad(y.sum(), x, create_graph=True)
        (h,) = autograd.grad(g.sum(), x)
        assert (g.tolist(), h.tolist()) == ([1.0], [1.0])

    def test_a_saved_output_makes_no_cycle(self):
        def forward(ctx, x):
            y = x * 2
            ctx.save_for_backward(y)
            return y

        gc.collect()
        gc.disable()
        try:
            y = function(forward, lambda ctx, g: g).apply(leaf(1.0))
            gone = weakref.ref(y.grad_fn)
            del y
            assert gone() is None
        finally:
            gc.enable()

    def test_saved_values_are_checked_and_freed(self):
        x = leaf(1.0)
        a = x * 1
        y = Cube.apply(a).sum()
        a.mul_(2)
        with pytest.raises(RuntimeError, match="which is output 0 of Mul, is at version 1; expected version 0"):
            y.backward()
        y = Cube.apply(x).sum()
        y.backward()
        with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
            y.backward()

    def test_what_saves_nothing_runs_twice(self):
        x = leaf(1.0)
        y = Scale.apply(x).sum()
        y.backward()
        y.backward()
        assert x.grad.tolist() == [4.0]

    def test_only_tensors_are_saved(self):
        made = function(lambda ctx, x: ctx.save_for_backward(3))
        with pytest.raises(TypeError, match="save_for_backward can only save variables, but argument 0 is of type int"):
            made.apply(leaf(1.0))


class TestOutputs:
    def test_several_and_some_that_are_no_tensors(self):
        got = []

        def backward(ctx, *gs):
            got.append([None if g is None else g.tolist() for g in gs])
            return gs[0] * 2

        made = function(lambda ctx, x: (x * 2, 5, x * 3), backward)
        x = leaf(1.0)
        first, five, _ = made.apply(x)
        assert five == 5
        first.backward(rl.ones(1))
        assert got == [[[1.0], None, [0.0]]]

    def test_unused_gradients_may_stay_none(self):
        got = []

        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        made = function(forward, lambda ctx, a, b: got.append(b) or a * 2)
        made.apply(leaf(1.0))[0].backward(rl.ones(1))
        assert got == [None]

    def test_non_differentiable(self):
        def forward(ctx, x):
            index = x.argmax()
            y = x * 2
            ctx.mark_non_differentiable(y)
            return x * 3, y, index

        made = function(forward, lambda ctx, a, b, c: a * 3)
        x = leaf(1.0)
        z, y, index = made.apply(x)
        assert (z.requires_grad, y.requires_grad, index.requires_grad) == (True, False, False)
        z.backward(rl.ones(1))
        assert x.grad.tolist() == [3.0]

    def test_an_input_returned_as_it_is(self):
        x = leaf(1.0)
        y = function(lambda ctx, x: x, lambda ctx, g: g * 5).apply(x)
        assert y is not x
        assert y._base is x
        y.backward(rl.ones(1))
        assert x.grad.tolist() == [5.0]

    @pytest.mark.parametrize("forward", [lambda ctx, x: x, lambda ctx, x: x[:1]])
    def test_views_may_not_be_written(self, forward):
        y = function(forward, lambda ctx, g: g).apply(leaf(1.0, 2.0) * 1)
        with pytest.raises(RuntimeError, match="Output 0 of Made is a view and is being modified inplace"):
            y.mul_(2)

    def test_dirty_inputs(self):
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        double = function(forward, lambda ctx, g: g * 2)
        x = leaf(1.0, 2.0)
        y = x * 3
        assert double.apply(y) is y
        assert y.grad_fn.name() == "MadeBackward"
        y.sum().backward()
        assert x.grad.tolist() == [6.0, 6.0]
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad has been used in an in-place"):
            double.apply(x)

    def test_a_dirty_view(self):
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        x = leaf(1.0, 2.0, 3.0)
        y = x * 1
        function(forward, lambda ctx, g: g * 2).apply(y[:2])
        assert y.tolist() == [2.0, 4.0, 3.0]
        y.sum().backward()
        assert x.grad.tolist() == [2.0, 2.0, 1.0]

    def test_dirty_but_not_returned(self):
        made = function(lambda ctx, x: (ctx.mark_dirty(x), x * 2)[1], lambda ctx, g: g)
        with pytest.raises(RuntimeError, match="Some elements marked as dirty during the forward method were not"):
            made.apply(leaf(1.0) * 1)


class TestGradients:
    @pytest.mark.parametrize(
        ("backward", "message"),
        [
            (lambda ctx, g: (g, g, g), r"incorrect number of gradients \(expected 2, got 3\)"),
            (lambda ctx, g: g, r"incorrect number of gradients \(expected 2, got 1\)"),
            (lambda ctx, g: (g, g), "different than None at position 2, but the corresponding forward input was not"),
            (lambda ctx, g: (3, None), r"expected Variable or None \(got int\)"),
            (
                lambda ctx, g: (rl.ones(2), None),
                r"Function MadeBackward returned an invalid gradient at index 0 - got \[2\] but expected shape "
                r"compatible with \[3\]",
            ),
            (lambda ctx, g: (rl.ones(3, dtype=rl.complex64), None), "returned an invalid gradient at index 0"),
        ],
    )
    def test_refused(self, backward, message):
        x = rl.ones(3, requires_grad=True)
        y = function(lambda ctx, x, k: x * k, backward).apply(x, 2)
        with pytest.raises(RuntimeError, match=message):
            y.sum().backward()
        assert x.grad is None

    def test_brought_to_shape_and_dtype(self):
        x = rl.ones(3, requires_grad=True)
        made = function(lambda ctx, x: x * 2, lambda ctx, g: (rl.ones(2, 3, dtype=rl.float64), None))
        made.apply(x).sum().backward()
        assert x.grad.tolist() == [2.0, 2.0, 2.0]
        assert x.grad.dtype == rl.float32

    def test_none_is_no_gradient(self):
        x = leaf(1.0)
        function(lambda ctx, x: x * 2, lambda ctx, g: None).apply(x).sum().backward()
        assert x.grad is None

    def test_what_is_not_implemented(self):
        with pytest.raises(NotImplementedError, match="You must implement the forward function"):
            type("Empty", (Function,), {}).apply(leaf(1.0))
        with pytest.raises(NotImplementedError, match="You must implement either the backward or vjp method"):
            function(lambda ctx, x: x * 2).apply(leaf(1.0)).sum().backward()
        with pytest.raises(RuntimeError, match="Implementing both 'backward' and 'vjp'"):
            both = function(lambda ctx, x: x * 2, lambda ctx, g: g, vjp=staticmethod(lambda ctx, g: g))
            both.apply(leaf(1.0)).sum().backward()

    def test_once_differentiable(self):
        made = function(lambda ctx, x: x * 2, once_differentiable(lambda ctx, g: g * 2))
        x = leaf(1.0)
        y = made.apply(x)
        (g,) = autograd.grad((y * y).sum(), x, create_graph=True)
        assert g.tolist() == [8.0]
        with pytest.raises(RuntimeError, match="differentiate twice a function that was marked with @once"):
            g.sum().backward()

    def test_retry_after_an_exception(self):
        failures = [ValueError("once")]

        def backward(ctx, g):
            if failures:
                raise failures.pop()
            return g * 2

        x = leaf(1.0)
        y = function(lambda ctx, x: x * 2, backward).apply(x).sum()
        with pytest.raises(ValueError, match="once"):
            y.backward()
        y.backward()
        assert x.grad.tolist() == [2.0]

    def test_instances_are_refused(self):
        with pytest.warns(DeprecationWarning, match="should not be instantiated"):
            made = Cube()
        with pytest.raises(RuntimeError, match="Legacy autograd function with non-static forward method is deprecated"):
            made(leaf(1.0))


@pytest.mark.parity
def test_a_function_of_two_agrees_with_pytorch():
    torch = pytest.importorskip("torch")
    results = []
    for m in (rl, torch):

        class Product(m.autograd.Function):
            @staticmethod
            def forward(ctx, x, y):
                ctx.save_for_backward(x, y)
                return x * y, x + y

            @staticmethod
            def backward(ctx, a, b):
                x, y = ctx.saved_tensors
                return a * y + b, a * x + b

        x, y = m.tensor([1.0, 2.0], requires_grad=True), m.tensor([3.0], requires_grad=True)
        p, s = Product.apply(x, y)
        (p * p * s).sum().backward()
        results.append((p.tolist(), s.tolist(), x.grad.tolist(), y.grad.tolist()))
    assert results[0] == results[1]
