"""Anomaly detection: what is an error, what is said about it, and when it is on."""

import contextlib
import sys
import threading
import warnings

import pytest

import rushlight as rl
from rushlight import autograd
from rushlight.autograd import Function, detect_anomaly, grad, set_detect_anomaly


@pytest.fixture
def x():
    return rl.tensor([1.0, 2.0], requires_grad=True)


@contextlib.contextmanager
def watched(**options):
    """Anomaly detection without its opening warning; the warnings that come are collected."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with set_detect_anomaly(True, **options):
            yield caught


class Failing(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        raise ZeroDivisionError("in backward")


class ToNan(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * float("nan")


class Rooted(Function):
    """The root in its backward is of a number below zero, and multiplied away."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * rl.sqrt(x - 5) * 0 + g


def here(offset=0):
    """The line of the caller as tracebacks show it."""
    frame = sys._getframe(1)
    return f'File "{__file__}", line {frame.f_lineno + offset}, in {frame.f_code.co_name}'


def notes(error):
    return "\n".join(error.__notes__)


class TestErrors:
    def test_nan(self, x):
        with watched() as caught, pytest.raises(RuntimeError) as error:
            y = rl.sqrt(x - 5)
            made = here(-1)
            y.sum().backward()
        assert str(error.value) == "Function 'SqrtBackward0' returned nan values in its 0th output."
        assert f"SqrtBackward0 was recorded at {__file__}:" in notes(error.value)
        assert "y = rl.sqrt(x - 5)" in notes(error.value)
        (warning,) = caught
        text = str(warning.message)
        assert text.startswith(
            "Error detected in SqrtBackward0. Traceback of forward call that caused the error:\n  File"
        )
        assert text.endswith(f"  {made}\n    y = rl.sqrt(x - 5)\n")
        assert warning.filename == __file__
        assert x.grad is None

    def test_the_output_is_named(self, x):
        zero = rl.zeros(2, requires_grad=True)
        with watched(), pytest.raises(RuntimeError, match="'DivBackward0' returned nan values in its 1th output"):
            (x.detach() * 0 / zero).sum().backward()

    def test_the_whole_traceback_is_shown(self, x):
        def inner(x):
            return ToNan.apply(x)

        def outer(x):
            return inner(x)

        with watched() as caught, pytest.raises(RuntimeError, match="ToNanBackward"):
            outer(x).sum().backward()
        text = str(caught[0].message)
        assert text.index("in test_the_whole_traceback_is_shown") < text.index("in outer") < text.index("in inner")
        assert "/src/rushlight/" not in text

    def test_the_line_is_known_even_when_the_forward_was_not_watched(self, x):
        y = ToNan.apply(x)
        made = here(-1)
        with watched() as caught, pytest.raises(RuntimeError) as error:
            y.sum().backward()
        assert str(caught[0].message) == (
            "Error detected in ToNanBackward. Traceback of forward call that caused the error:\n"
            f"  {made}\n    y = ToNan.apply(x)\n"
        )
        assert "y = ToNan.apply(x)" in notes(error.value)

    def test_any_exception(self, x):
        with watched() as caught, pytest.raises(ZeroDivisionError, match="in backward") as error:
            y = Failing.apply(x)
            y.sum().backward()
        assert "FailingBackward was recorded at" in notes(error.value)
        assert str(caught[0].message).startswith("Error detected in FailingBackward. Traceback of forward call")

    def test_overwritten(self, x):
        with watched() as caught, pytest.raises(RuntimeError) as error:
            y = x.exp()
            y += 1
            y.sum().backward()
        assert str(error.value).endswith(
            "Hint: the backtrace further above shows the operation that failed to compute its gradient. The variable in "
            "question was changed in there or anywhere later. Good luck!"
        )
        assert "Error detected in ExpBackward0" in str(caught[0].message)
        assert "y = x.exp()" in str(caught[0].message)

    def test_complex_nan(self):
        z = rl.zeros(2, dtype=rl.complex64, requires_grad=True)
        with watched(), pytest.raises(RuntimeError, match="'MulBackward0' returned nan"):
            (z * complex(0, float("nan"))).sum().real.backward()

    def test_a_hook_that_makes_nan_is_found_where_it_arrives(self, x):
        with watched(), pytest.raises(RuntimeError, match="'ExpBackward0' returned nan"):
            y = x.exp()
            y.register_hook(lambda g: g * float("nan"))
            y.sum().backward()


class TestNoErrors:
    def test_infinity(self):
        x = rl.zeros(1, requires_grad=True)
        with watched() as caught:
            x.log().sum().backward()
        assert x.grad.tolist() == [float("inf")]
        assert caught == []

    def test_nan_given_to_a_leaf(self, x):
        with watched():
            x.backward(rl.tensor([float("nan"), 1.0]))
        assert x.grad[1] == 1

    def test_check_nan(self, x):
        with watched(check_nan=False) as caught:
            rl.sqrt(x - 5).sum().backward()
        assert x.grad.isnan().all()
        assert caught == []

    def test_only_while_it_is_on(self, x):
        with watched():
            y = rl.sqrt(x - 5)
        y.sum().backward()
        assert x.grad.isnan().all()


class TestDoubleBackward:
    def test_of_the_first(self, x):
        with watched() as caught, pytest.raises(RuntimeError, match="'RootedBackward' returned nan"):
            grad(Rooted.apply(x).sum(), x, create_graph=True)
        assert len(caught) == 1

    def test_of_the_second_names_both(self, x):
        with watched(check_nan=False):
            y = Rooted.apply(x).sum()
            made = here(-1)
            (g,) = grad(y, x, create_graph=True)
            asked = here(-1)
        with watched() as caught, pytest.raises(RuntimeError, match="'SqrtBackward0' returned nan") as error:
            g.sum().backward()
        assert "in backward: return g * rl.sqrt(x - 5) * 0 + g" in notes(error.value)
        first, second = [str(warning.message) for warning in caught]
        assert first.startswith("Error detected in SqrtBackward0.")
        assert asked in first
        assert first.endswith("in backward\n    return g * rl.sqrt(x - 5) * 0 + g\n")
        assert second.startswith(
            "\n\nPrevious calculation was induced by RootedBackward. Traceback of forward call that induced the previous "
            "calculation:\n"
        )
        assert second.endswith(f"{made}\n    y = Rooted.apply(x).sum()\n")

    def test_nodes_tell_it_too(self, x):
        with watched():
            y = (x * x).sum()
            (g,) = grad(y, x, create_graph=True)
        assert "y = (x * x).sum()" in y.grad_fn.metadata["traceback_"][-1]
        assert y.grad_fn.metadata["parent_"] is None
        assert g.grad_fn.next_functions[0][0].metadata["parent_"].name() == "MulBackward0"


class TestSwitch:
    def states(self):
        return rl.is_anomaly_enabled(), rl.is_anomaly_check_nan_enabled()

    def test_nested(self):
        seen = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with detect_anomaly():
                seen.append(self.states())
                with detect_anomaly(check_nan=False):
                    seen.append(self.states())
                    with set_detect_anomaly(False):
                        seen.append(self.states())
                    seen.append(self.states())
                seen.append(self.states())
        seen.append(self.states())
        assert seen == [(True, True), (True, False), (False, True), (True, False), (True, True), (False, True)]

    def test_one_object_twice(self):
        with pytest.warns(UserWarning, match="Anomaly Detection has been enabled. This mode will increase the runtime"):
            mode = detect_anomaly()
        assert not rl.is_anomaly_enabled()
        with mode, mode:
            assert rl.is_anomaly_enabled()
        assert not rl.is_anomaly_enabled()

    def test_as_a_call(self, x):
        set_detect_anomaly(True)
        try:
            with pytest.warns(UserWarning, match="Error detected"), pytest.raises(RuntimeError, match="nan values"):
                ToNan.apply(x).sum().backward()
        finally:
            set_detect_anomaly(False)
        assert "traceback_" not in (x * 2).grad_fn.metadata
        assert not rl.watching.in_force

    def test_of_another_thread(self):
        seen = []
        with watched():
            thread = threading.Thread(target=lambda: seen.append(rl.is_anomaly_enabled()))
            thread.start()
            thread.join()
        assert seen == [False]

    def test_after_an_error_it_is_as_before(self, x):
        with pytest.raises(KeyError), watched():
            raise KeyError
        assert self.states() == (False, True)

    def test_arguments(self):
        with pytest.raises(
            TypeError, match=r"set_anomaly_enabled\(\): argument 'enabled' \(position 1\) must be bool, not int"
        ):
            set_detect_anomaly(1)
        with pytest.raises(TypeError, match=r"argument 'check_nan' \(position 2\) must be bool, not int"):
            set_detect_anomaly(True, check_nan=3)
        assert not rl.is_anomaly_enabled()


def plain(text):
    return text.replace("rushlight.", "torch.")


def told(t, autograd, program):
    """The error and the warnings of a program, as far as both libraries can agree on them."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with autograd.set_detect_anomaly(True):
            try:
                program(t)
                error = None
            except RuntimeError as raised:
                error = plain(f"{type(raised).__name__}: {raised}")
    return error, [plain(str(w.message).split("\n  File")[0]) for w in caught if "Anomaly" not in str(w.message)]


PROGRAMS = {
    "root": lambda t: t.sqrt(t.tensor([-1.0], requires_grad=True)).sum().backward(),
    "division": lambda t: (t.zeros(2) / t.zeros(2, requires_grad=True)).sum().backward(),
    "second order": lambda t: second_order(t),
    "overwritten": lambda t: overwritten(t),
    "given": lambda t: (t.ones(2, requires_grad=True) * 2).backward(t.tensor([float("nan"), 1.0])),
    "nothing": lambda t: t.zeros(2, requires_grad=True).log().sum().backward(),
}


def second_order(t):
    x = t.ones(2, requires_grad=True)
    (g,) = t.autograd.grad((x * x * x).sum(), x, create_graph=True)
    t.sqrt(g - 4).sum().backward()


def overwritten(t):
    y = t.ones(2, requires_grad=True).exp()
    y.add_(1)
    y.sum().backward()


@pytest.mark.parity
@pytest.mark.parametrize("name", PROGRAMS)
def test_parity(name):
    torch = pytest.importorskip("torch")
    assert told(rl, autograd, PROGRAMS[name]) == told(torch, torch.autograd, PROGRAMS[name])
