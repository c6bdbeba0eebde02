"""rushlight.debug(): what is silent without it is an error that names the operation, the line and the remedy."""

import asyncio
import gc
import inspect
import subprocess
import sys
import threading
import warnings
import weakref

import numpy as np
import pytest

import rushlight as rl
from rushlight import nn, watching
from rushlight.autograd import Function, detect_anomaly, grad, set_detect_anomaly, strong_zero, verify


def told(error):
    """What an exception says, without the calls: the lines of a test among them have what it looks for."""
    return "\n".join((str(error), *[note for note in error.__notes__ if not note.startswith("Traceback")]))


def calls(error):
    """The calls of the forward."""
    return "\n".join(note for note in error.__notes__ if note.startswith("Traceback of the forward call:"))


def line_with(text):
    """'test_debug.py:number' of the first line of the calling test that has `text` in it."""
    code = sys._getframe(1).f_code
    lines, first = inspect.getsourcelines(code)
    return f"{__file__}:{first + next(i for i, line in enumerate(lines) if text in line)}"


def refused(code, program):
    """What a program under debug() says in raising an error of this code."""
    return told(refusal(code, program))


def refusal(code, program):
    with rl.debug(), pytest.raises(RuntimeError) as caught:
        program()
    assert caught.value.code == code
    return caught.value


class Square(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        return g * 2 * ctx.saved_tensors[0]


class SquareByAttribute(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return x * x

    @staticmethod
    def backward(ctx, g):
        return g * 2 * ctx.x


# Each makes of a leaf of two numbers (the result, the array to be written to behind autograd's back).
KEEPERS = {
    "input 'self' of MulBackward0": lambda x: (x * x, x._array),
    "input 'exponent' of PowBackward": lambda x: (rl.pow(x.detach(), x), x._array),
    "output 0 of ExpBackward0": lambda x: (lambda y: (y, y._array))(x.exp()),
    "input 'self' of CosBackward0": lambda x: (x.cos(), x._array),
    "input 'mat2' of MmBackward0": lambda x: (x[None] @ x[:, None], x._array),
    "saved tensor 0 of SquareBackward": lambda x: (Square.apply(x), x._array),
    "input 'self' of SinBackward0": lambda x: (rl.sin(x.expand(3, 2)), x._array),
    "input 'weight' of LerpBackward1": lambda x: (lambda w: (rl.lerp(x, x.detach(), w), w._array))(rl.ones(2)),
}


class TestKeptValues:
    @pytest.mark.parametrize("name", KEEPERS)
    def test_a_write_that_is_not_counted(self, name):
        x = rl.tensor([1.0, 2.0], requires_grad=True)

        def program():
            y, array = KEEPERS[name](x)
            array[1] = 5
            y.sum().backward()

        said = refused("RL137", program)
        assert "modified without being noticed by autograd: [rushlight.FloatTensor" in said
        kind, _, node = name.partition(" of ")
        assert f"{kind.split()[0]} " in said and f"of {node}" in said
        assert "Remedy: Write after backward" in said
        assert x.grad is None

    def test_without_debug_it_is_silent(self):
        x = rl.tensor([1.0, 2.0], requires_grad=True)
        y = (x * x).sum()
        x.data.mul_(3)
        y.backward()
        assert x.grad.tolist() == [6, 12]

    def test_the_lines_are_named(self):
        x = rl.tensor([1.0, 2.0], requires_grad=True)

        def program():
            y = x.exp() * x
            held = x.data
            held.mul_(3)
            y.sum().backward()

        error = refusal("RL137", program)
        said = told(error)
        assert f"MulBackward0 was recorded at {line_with('y = x.exp() * x')}, in program: y = x.exp() * x" in said
        assert f"handed out by: .data at {line_with('held = x.data')}, in program: held = x.data" in said
        assert "in test_the_lines_are_named" in calls(error) and calls(error).endswith("y = x.exp() * x")

    def test_memory_of_numpy(self):
        array = np.array([1.0, 2.0])
        weight = rl.ones(2, dtype=rl.float64, requires_grad=True)

        def program():
            y = (weight * rl.from_numpy(array)).sum()
            array[:] = array[::-1].copy()
            y.backward()

        assert "input 'other' of MulBackward0" in refused("RL137", program)

    def test_memory_handed_out_as_numpy(self):
        x = rl.tensor([1.0, 2.0], requires_grad=True)

        def program():
            y = (x * x).sum()
            x.detach().numpy()[0] = 7
            y.backward()

        said = refused("RL137", program)
        assert f".numpy at {line_with('numpy()[0] = 7')}" in said

    def test_another_library(self):
        x = rl.tensor([1.0, 2.0], requires_grad=True)

        def program():
            y = (x * x).sum()
            np.from_dlpack(x.detach())[0] = 3
            y.backward()

        refused("RL137", program)

    def test_data_that_is_replaced(self):
        x = rl.tensor([1.0, 2.0], requires_grad=True)

        def program():
            y = (x * x).sum()
            x.data = rl.tensor([5.0, 6.0])
            y.backward()

        refused("RL137", program)

    def test_the_second_of_two_passes(self):
        x = rl.tensor([1.0, 2.0], requires_grad=True)

        def program():
            y = (x * x).sum()
            y.backward(retain_graph=True)
            x.data.add_(1)
            y.backward()

        refused("RL137", program)
        assert x.grad.tolist() == [2, 4]

    def test_values_that_a_context_holds(self):
        x = rl.tensor([1.0, 2.0], requires_grad=True)

        def program():
            with pytest.warns(UserWarning, match="kept ctx.x"):
                y = SquareByAttribute.apply(x).sum()
            with rl.no_grad():
                x.mul_(2)
            y.backward()

        assert "ctx.x of SquareByAttributeBackward" in refused("RL137", program)

    def test_a_write_that_is_counted_is_told_as_ever(self):
        x = rl.tensor([1.0, 2.0], requires_grad=True)

        def program():
            y = x.exp()
            y += 1
            y.sum().backward()

        assert "is at version 1; expected version 0" in refused("RL102", program)

    @pytest.mark.parametrize("layout", ["transposed", "strided", "reversed", "expanded", "scalar", "empty", "bfloat16"])
    def test_no_layout_is_an_alarm(self, layout):
        x = rl.arange(12.0).reshape(3, 4).requires_grad_()
        make = {
            "transposed": lambda: x.t(), "strided": lambda: x[::2, 1::2], "reversed": lambda: x.flip(1),
            "expanded": lambda: x[:, :1].expand(3, 5), "scalar": lambda: x[1, 1], "empty": lambda: x[:0],
            "bfloat16": lambda: x.bfloat16(),
        }  # fmt: skip
        with rl.debug():
            y = make[layout]()
            (y * y).sum().backward()
        inside, x.grad = x.grad, None
        y = make[layout]()
        (y * y).sum().backward()
        assert rl.equal(inside, x.grad)

    def test_values_that_hooks_have_packed_are_theirs(self):
        x = rl.tensor([1.0, 2.0], requires_grad=True)
        with rl.debug(), rl.autograd.graph.saved_tensors_hooks(lambda t: t.numpy() + 1, lambda a: rl.from_numpy(a - 1)):
            y = x * x
            z = (y * x.square().sqrt()).sum()
            x.data.mul_(3)
            y.data.mul_(3)
            z.backward()
        assert x.grad.tolist() == [3, 12]


class TestForwardOrigin:
    def test_of_the_value_that_is_differentiated(self):
        x = rl.tensor([2.0, -1.0], requires_grad=True)

        def program():
            harmless = (x - 5).sqrt()
            y = x.log()
            (y * 2 + harmless.isnan()).sum().backward()

        said = refused("RL138", program)
        assert "backward of nan: the tensor that is differentiated, made by SumBackward0, is not finite" in said
        assert f"nan was first made by log at {line_with('y = x.log()')}, in program: y = x.log()" in said
        assert "sqrt" not in said
        assert x.grad is None

    def test_of_an_infinity_and_the_nan_made_of_it(self):
        x = rl.tensor([200.0], requires_grad=True)

        def program():
            large = x.exp()
            (large - large).sum().backward()

        said = refused("RL138", program)
        assert f"nan was first made by sub at {line_with('(large - large)')}" in said
        assert f"inf was first made by exp at {line_with('large = x.exp()')}" in said

    def test_of_an_infinite_loss(self):
        x = rl.tensor([0.0], requires_grad=True)
        said = refused("RL138", lambda: x.reciprocal().sum().backward())
        assert "backward of inf" in said and "inf was first made by reciprocal" in said

    def test_that_came_in_with_the_data(self):
        weight, data = rl.ones(2, requires_grad=True), rl.tensor([1.0, float("nan")])

        def program():
            (weight * data).sum().backward()

        said = refused("RL138", program)
        assert f"nan was in input 1 of mul at {line_with('(weight * data)')}" in said

    def test_that_came_in_as_a_number(self):
        x = rl.ones(2, requires_grad=True)
        said = refused("RL138", lambda: (x * float("nan")).sum().backward())
        assert "nan was given to mul at" in said

    def test_within_a_function(self):
        class Log(Function):
            @staticmethod
            def forward(ctx, x):
                return x.log() * 1

            @staticmethod
            def backward(ctx, g):
                return g

        x = rl.tensor([-1.0], requires_grad=True)

        def program():
            Log.apply(x).sum().backward()

        said = refused("RL138", program)
        assert f"made by log at {line_with('return x.log() * 1')}" in said
        assert f"within the forward of Log ({line_with('Log.apply(x)')}" in said

    def test_of_an_in_place_write(self):
        x = rl.tensor([1.0, -1.0], requires_grad=True)

        def program():
            y = x * 2
            y[1:].log_()
            y.sum().backward()

        assert f"nan was first made by log at {line_with('log_()')}" in refused("RL138", program)

    def test_the_first_of_two(self):
        x = rl.tensor([-1.0], requires_grad=True)

        def program():
            earlier = x.sqrt()
            later = x.log()
            (later + earlier).sum().backward()

        said = refused("RL138", program)
        assert f"nan was first made by sqrt at {line_with('earlier = x.sqrt()')}" in said and "log" not in said

    def test_where_the_gradient_is_zero_it_is_no_error(self):
        x = rl.tensor([2.0, -1.0], requires_grad=True)
        with rl.debug():
            x.log().backward(rl.tensor([1.0, 0.0]))
        assert x.grad.tolist() == [0.5, 0]

    def test_only_what_backward_begins_with_must_be_finite(self):
        """A straight-through estimator may pass a gradient to an infinite value."""

        class Clipped(Function):
            @staticmethod
            def forward(ctx, x):
                return x.clamp_max(3)

            @staticmethod
            def backward(ctx, g):
                return g

        x = rl.tensor([0.0], requires_grad=True)
        with rl.debug():
            Clipped.apply(x.reciprocal()).sum().backward()
            assert x.grad.item() == -float("inf")
            with pytest.raises(RuntimeError, match="backward of inf"):
                x.reciprocal().sum().backward()

    def test_what_is_thrown_away_is_no_error(self):
        x = rl.tensor([1.0, -1.0], requires_grad=True)
        with rl.debug() as report:
            rl.where(x > 0, x.log(), 0.0).sum().backward()
        assert x.grad.tolist() == [1, 0]
        assert [(origin.kind, origin.operation) for origin in report.forward] == [("nan", "log")]

    def test_a_mask_is_no_origin(self):
        scores = rl.zeros(2, 2, requires_grad=True)
        with rl.debug() as report:
            masked = scores.masked_fill(rl.tensor([[False, True], [False, False]]), float("-inf"))
            (masked.softmax(-1) * rl.ones(2)).sum().backward()
            rl.empty(1000), rl.empty_like(scores)
        assert report.forward == report.backward == []
        assert str(report) == "no value was made that is not finite"

    def test_unrecorded_operations_are_reported(self):
        with rl.debug() as report, rl.no_grad():
            rl.zeros(2) / rl.zeros(2)
        (origin,) = report.forward
        assert origin[:2] == ("nan", "div")
        assert origin.place.startswith(line_with("rl.zeros(2) / rl.zeros(2)"))
        assert str(report) == f"forward: nan was first made by div at {origin.place}"

    def test_check_nan(self):
        x = rl.tensor([-1.0], requires_grad=True)
        with rl.debug(check_nan=False):
            x.sqrt().sum().backward()
        assert x.grad.isnan().all()


class TestBackwardOrigin:
    def test_the_first_node(self):
        x = rl.tensor([4.0, 0.0], requires_grad=True)

        def program():
            root = x.sqrt()
            y = root * rl.tensor([1.0, 0.0])
            (y * 2).sum().backward()

        said = refused("RL127", program)
        assert "Function 'SqrtBackward0' returned nan values in its 0th output." in said
        assert f"SqrtBackward0 was recorded at {line_with('root = x.sqrt()')}, in program: root = x.sqrt()" in said
        assert "the first of this backward to make nan" in said

    def test_an_infinity_before_it(self):
        x = rl.tensor([1.0, 0.0], requires_grad=True)

        def program():
            y = x * 0
            y.sqrt().sum().backward()

        said = refused("RL127", program)
        assert "'MulBackward0' returned nan" in said
        assert "The gradient that it received was infinite: inf was first made by SqrtBackward0 at" in said

    def test_a_hook(self):
        x = rl.tensor([1.0], requires_grad=True)

        def program():
            y = x.exp()
            y.register_hook(lambda g: g * float("nan"))
            y.sum().backward()

        assert "held nan already: from gradient=, or from a hook" in refused("RL127", program)

    def test_it_is_in_the_report(self):
        x = rl.tensor([0.0], requires_grad=True)
        with rl.debug() as report:
            x.sqrt().sum().backward()
        (origin,) = report.backward
        assert origin[:2] == ("inf", "SqrtBackward0")

    def test_no_warning_is_needed(self):
        x = rl.tensor([0.0], requires_grad=True)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            refused("RL127", lambda: (x.sqrt() * 0).sum().backward())
        assert caught == []

    def test_the_backward_that_recorded_it_is_named(self):
        x = rl.tensor([-1.0], requires_grad=True)

        class Rooted(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x * 2

            @staticmethod
            def backward(ctx, g):
                return g * (ctx.saved_tensors[0] + 1).sqrt()

        def program():
            y = Rooted.apply(x).sum()
            (slope,) = grad(y, x, create_graph=True)
            (slope * 0).sum().backward()

        said = refused("RL127", program)
        assert "'SqrtBackward0' returned nan" in said
        assert "recorded in the backward of RootedBackward, whose forward call was:" in said
        assert "y = Rooted.apply(x).sum()" in said

    def test_strong_zero_is_asked_first(self):
        x = rl.tensor([4.0, 0.0], requires_grad=True)
        with rl.debug(), strong_zero():
            rl.where(x > 0, x.sqrt(), 0.0).sum().backward()
        assert x.grad.tolist() == [0.25, 0]

    def test_an_exception_of_ones_own(self):
        class Failing(Square):
            @staticmethod
            def backward(ctx, g):
                raise KeyError("mine")

        x = rl.ones(2, requires_grad=True)
        with rl.debug(), pytest.raises(KeyError, match="mine") as caught:
            y = Failing.apply(x)
            y.sum().backward()
        assert f"FailingBackward was recorded at {line_with('y = Failing.apply(x)')}" in told(caught.value)
        assert calls(caught.value).endswith("y = Failing.apply(x)")


def applied(forward, backward=lambda ctx, g: g, leaf=False):
    """A program that applies a Function of these and runs backward."""
    custom = type("Custom", (Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})
    custom.__module__ = __name__

    def program():
        x = rl.ones(2, requires_grad=True)
        custom.apply(x if leaf else x * 1).sum().backward()

    return program


def doubled(ctx, x):
    x.mul_(2)
    return x.clone()


def doubled_by_numpy(ctx, x):
    x.numpy()[:] = 2
    return x * 1


class TestFunctions:
    def test_a_write_without_mark_dirty(self):
        said = refused("RL212", applied(doubled))
        assert "Custom: forward modified argument 0 in place, but did not call ctx.mark_dirty() with it" in said
        _, first = inspect.getsourcelines(doubled)
        assert f"It was written to at {__file__}:{first + 1}, in doubled: x.mul_(2)" in said

    def test_a_write_that_is_not_counted(self):
        assert "It was written to at ?" in refused("RL212", applied(doubled_by_numpy))

    def test_without_debug_neither_is_noticed(self):
        applied(doubled, leaf=True)()
        applied(doubled_by_numpy)()

    def test_a_write_with_mark_dirty(self):
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        with rl.debug():
            applied(forward)()

    def test_a_counted_write_to_a_buffer(self):
        """As running averages are kept."""
        buffer = rl.zeros(2)

        class Averaged(Function):
            @staticmethod
            def forward(ctx, x, buffer):
                buffer.add_(x)
                return x * 1

            @staticmethod
            def backward(ctx, g):
                return g, None

        with rl.debug():
            Averaged.apply(rl.ones(2, requires_grad=True), buffer).sum().backward()

    def test_backward_writes_to_its_gradient(self):
        said = refused("RL213", applied(lambda ctx, x: x * 1, lambda ctx, g: g.mul_(2)))
        assert "CustomBackward: backward modified the gradient that it received in place" in said
        assert "CustomBackward was recorded at" in said

    def test_an_argument_returned_as_it_is(self):
        with rl.debug(), pytest.warns(UserWarning, match="Custom: forward returned argument 0 as it is\nRL214"):
            applied(lambda ctx, x: x)()

    def test_a_tensor_kept_past_save_for_backward(self):
        with (
            rl.debug(),
            pytest.warns(UserWarning, match=r"forward kept ctx\.x, an argument or output.*\nRL215") as caught,
        ):
            SquareByAttribute.apply(rl.ones(2, requires_grad=True))
        assert caught[0].filename == __file__

    def test_other_attributes_are_welcome(self):
        def forward(ctx, x):
            ctx.scale, ctx.mask = 2, rl.ones(2)
            return x * 2

        with rl.debug():
            applied(forward)()

    @pytest.mark.parametrize(
        "code, result", [("RL204", lambda g: (g, g)), ("RL205", lambda g: rl.ones(3)), ("RL207", lambda g: "g")]
    )
    @pytest.mark.parametrize("mode", [False, True])
    def test_what_backward_returns(self, code, result, mode):
        """With debug() and without, the line of apply is named."""
        with rl.debug(mode), pytest.raises(RuntimeError) as caught:
            applied(lambda ctx, x: x * 1, lambda ctx, g: result(g))()
        assert caught.value.code == code
        assert f"CustomBackward was recorded at {__file__}:" in told(caught.value)
        assert bool(calls(caught.value)) == mode

    def test_backward_that_is_missing_or_raises(self):
        class Forward(Function):
            @staticmethod
            def forward(ctx, x):
                return x * 1

        with pytest.raises(NotImplementedError, match="You must implement either the backward or vjp") as caught:
            y = Forward.apply(rl.ones(2, requires_grad=True))
            y.sum().backward()
        assert f"ForwardBackward was recorded at {line_with('y = Forward.apply')}" in told(caught.value)

    def test_module_hooks_are_no_fault(self):
        model = nn.Linear(2, 1)
        model.register_full_backward_hook(lambda module, grads, given: None)
        with rl.debug():
            model(rl.ones(1, 2, requires_grad=True)).sum().backward()

    def test_it_works_within_vmap(self):
        class Generated(Square):
            generate_vmap_rule = True

        x = rl.arange(3.0)
        with rl.debug():
            slopes = rl.vmap(rl.func.grad(lambda x: Generated.apply(x)))(x)
        assert slopes.tolist() == [0, 2, 4]

    def test_inside_of_another_watcher(self):
        with verify(), rl.debug(), pytest.raises(RuntimeError) as caught:
            applied(doubled_by_numpy, leaf=True)()
        assert caught.value.code in ("RL137", "RL212")


def trained():
    """The weights after a few steps."""
    rl.manual_seed(3)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
    optimizer = rl.optim.Adam(model.parameters(), lr=0.01)
    x, y = rl.randn(16, 4), rl.randint(0, 3, (16,))
    for _ in range(4):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return [p.detach().clone() for p in model.parameters()]


class TestSwitch:
    def states(self):
        return rl.is_anomaly_enabled(), rl.is_anomaly_check_nan_enabled(), len(watching.in_force)

    def test_a_training_is_the_same(self):
        without = trained()
        with rl.debug() as report:
            inside = trained()
        for a, b in zip(without, inside):
            np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-5, 1e-7)
        assert report.forward == report.backward == []

    def test_nested(self):
        seen = [self.states()]
        with rl.debug():
            seen.append(self.states())
            with rl.debug(check_nan=False):
                seen.append(self.states())
                with rl.debug(False):
                    seen.append(self.states())
                seen.append(self.states())
            seen.append(self.states())
        seen.append(self.states())
        off, on, passes = (False, True, 0), (True, True, 1), (True, False, 1)
        assert seen == [off, on, passes, off, passes, on, off]

    def test_what_an_outer_block_recorded_is_known_within(self):
        x = rl.ones(2, requires_grad=True)
        with rl.debug() as outer:
            y = (x * x).sum()
            x.data.add_(1)
            with rl.debug(False):
                y.backward(retain_graph=True)
            with rl.debug() as inner, pytest.raises(RuntimeError, match="without being noticed"):
                y.backward()
        assert inner is outer

    def test_as_a_call(self):
        x = rl.ones(2, requires_grad=True)
        rl.debug(True)
        try:
            y = (x * x).sum()
            x.data.add_(1)
            with pytest.raises(RuntimeError, match="without being noticed"):
                y.backward()
        finally:
            rl.debug(False)
        assert self.states() == (False, True, 0)

    def test_anomaly_detection_within_and_around(self):
        with set_detect_anomaly(True):
            with rl.debug():
                assert self.states() == (True, True, 2)
            assert self.states() == (True, True, 1)
        with rl.debug():
            with set_detect_anomaly(False):
                assert self.states() == (False, True, 1)
            with pytest.warns(UserWarning, match="Anomaly Detection"), detect_anomaly():
                assert self.states() == (True, True, 2)
                assert "traceback_" in (rl.ones(1, requires_grad=True) * 2).grad_fn.metadata
            assert self.states() == (True, True, 1)
        assert self.states() == (False, True, 0)

    def test_after_an_error_it_is_as_before(self):
        with pytest.raises(KeyError), rl.debug():
            raise KeyError
        assert self.states() == (False, True, 0)

    def test_of_another_thread(self):
        seen = []

        def other():
            x = rl.ones(2, requires_grad=True)
            y = (x * x).sum()
            x.data.add_(1)
            y.backward()
            seen.append((rl.is_anomaly_enabled(), x.grad.tolist()))

        with rl.debug():
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
        assert seen == [(False, [4, 4])]

    def test_of_another_task(self):
        seen = {}

        async def task(name, mode, first, second):
            with rl.debug(mode):
                first.set()
                await second.wait()
                seen[name] = rl.is_anomaly_enabled()

        async def both():
            a, b = asyncio.Event(), asyncio.Event()
            await asyncio.gather(task("on", True, a, b), task("off", False, b, a))

        asyncio.run(both())
        assert seen == {"on": True, "off": False}

    def test_arguments(self):
        with pytest.raises(TypeError, match=r"debug\(\): argument 'mode' must be bool, not int"):
            rl.debug(1)
        with pytest.raises(TypeError, match=r"debug\(\): argument 'check_nan' must be bool, not str"):
            rl.debug(check_nan="yes")
        assert self.states() == (False, True, 0)

    def test_nothing_is_kept_alive(self):
        with rl.debug():
            x = rl.ones(2, requires_grad=True)
            y = (Square.apply(x) * x.exp()).sum()
            held = x.data
            node, array = weakref.ref(y.grad_fn), weakref.ref(x._array)
            y.backward()
            del x, y, held
            gc.collect()
            assert node() is None and array() is None

    def test_a_long_chain(self):
        x = rl.ones(1, requires_grad=True)
        with rl.debug():
            y = x
            for _ in range(3000):
                y = y * 1.0
            y.backward()
            del y
        assert x.grad.item() == 1

    def test_it_is_imported_when_it_is_asked_for(self):
        program = (
            "import sys, rushlight; assert 'rushlight.autograd.debugging' not in sys.modules; "
            "rushlight.debug; assert 'rushlight.autograd.debugging' in sys.modules"
        )
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
