"""no_grad, enable_grad, set_grad_enabled, inference_mode: blocks, decorators, nesting, exceptions."""

import asyncio
import contextlib

import pytest

import rushlight as rl


@pytest.fixture
def x():
    return rl.tensor([1.0, 2.0], requires_grad=True)


class TestBlocks:
    def test_no_grad(self, x):
        with rl.no_grad():
            assert not rl.is_grad_enabled()
            y = x * 2
        assert rl.is_grad_enabled()
        assert not y.requires_grad
        assert y.is_leaf

    def test_a_factory_still_makes_a_leaf(self):
        with rl.no_grad():
            assert rl.ones(2, requires_grad=True).requires_grad

    def test_enable_grad_within(self, x):
        with rl.no_grad(), rl.enable_grad():
            y = x * 2
        assert y.requires_grad

    def test_one_object_entered_twice(self):
        mode = rl.no_grad()
        with mode:
            with rl.enable_grad():
                with mode:
                    assert not rl.is_grad_enabled()
                assert rl.is_grad_enabled()
            assert not rl.is_grad_enabled()
        assert rl.is_grad_enabled()

    def test_an_exception_restores(self):
        with pytest.raises(ValueError, match="within"), rl.no_grad():
            raise ValueError("within")
        assert rl.is_grad_enabled()

    def test_only_the_own_mode_is_restored(self):
        try:
            with rl.no_grad():
                rl.autograd.set_detect_anomaly(True)
            assert rl.is_anomaly_enabled()
        finally:
            rl.autograd.set_detect_anomaly(False)


class TestSetGradEnabled:
    def test_as_a_function(self):
        try:
            rl.set_grad_enabled(False)
            assert not rl.is_grad_enabled()
        finally:
            rl.set_grad_enabled(True)
        assert rl.is_grad_enabled()

    def test_as_a_block_restores_what_was_before_the_call(self):
        with rl.set_grad_enabled(False):
            assert not rl.is_grad_enabled()
        assert rl.is_grad_enabled()

    def test_as_a_decorator(self):
        @rl.set_grad_enabled(False)
        def f():
            return rl.is_grad_enabled()

        assert rl.is_grad_enabled()
        assert f() is False
        assert rl.is_grad_enabled()

    def test_wants_a_truth_value(self):
        with pytest.raises(TypeError, match=r"argument 'enabled' \(position 1\) must be bool, not int"):
            rl.set_grad_enabled(1)
        assert rl.is_grad_enabled()


class TestDecorators:
    @pytest.mark.parametrize("mode", [rl.no_grad, rl.no_grad(), rl.inference_mode, rl.inference_mode()])
    def test_with_and_without_parentheses(self, mode):
        @mode
        def f(a, b=2):
            """Doc."""
            return a + b, rl.is_grad_enabled()

        assert f(1, b=5) == (6, False)
        assert f.__name__ == "f"
        assert f.__doc__ == "Doc."
        assert rl.is_grad_enabled()

    def test_methods_and_recursion(self):
        class Counter:
            @rl.no_grad()
            def count(self, n):
                return [rl.is_grad_enabled(), *(self.count(n - 1) if n else [])]

        assert Counter().count(2) == [False, False, False]
        assert rl.is_grad_enabled()

    def test_an_exception_restores(self):
        @rl.no_grad()
        def f():
            raise ValueError("within")

        with pytest.raises(ValueError, match="within"):
            f()
        assert rl.is_grad_enabled()

    def test_a_generator_computes_under_the_mode_and_yields_outside(self):
        @rl.no_grad()
        def numbers():
            got = yield rl.is_grad_enabled()
            try:
                yield got, rl.is_grad_enabled()
            except ValueError:
                yield "caught", rl.is_grad_enabled()
            return "end"

        generator = numbers()
        assert next(generator) is False
        assert rl.is_grad_enabled()
        assert generator.send("x") == ("x", False)
        assert rl.is_grad_enabled()
        assert generator.throw(ValueError) == ("caught", False)
        assert rl.is_grad_enabled()
        with pytest.raises(StopIteration) as stop:
            next(generator)
        assert stop.value.value == "end"

    def test_a_block_around_a_yield_holds_for_the_consumer(self):
        def unrecorded():
            with rl.no_grad():
                yield rl.is_grad_enabled()

        values = unrecorded()
        assert next(values) is False
        assert not rl.is_grad_enabled()
        assert list(values) == []
        assert rl.is_grad_enabled()
        with contextlib.contextmanager(unrecorded)():
            assert not rl.is_grad_enabled()
        assert rl.is_grad_enabled()

    def test_closing_a_generator(self):
        closed = []

        @rl.no_grad()
        def numbers():
            try:
                yield 1
            finally:
                closed.append(rl.is_grad_enabled())

        generator = numbers()
        next(generator)
        generator.close()
        assert closed == [False]
        assert rl.is_grad_enabled()

    def test_classes_are_deprecated(self):
        with pytest.warns(FutureWarning, match="Decorating classes is deprecated"):

            @rl.no_grad()
            class Thing:
                def __init__(self):
                    self.recorded = rl.is_grad_enabled()

        assert Thing().recorded is False


class TestInferenceMode:
    def test_results_never_join_a_graph(self, x):
        with rl.inference_mode():
            assert rl.is_inference_mode_enabled()
            y = x * 2
        assert not rl.is_inference_mode_enabled()
        assert y.is_inference()
        assert not y.requires_grad
        with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
            x * y

    def test_switched_off_within(self):
        with rl.inference_mode():
            with rl.inference_mode(False):
                assert rl.is_grad_enabled()
                assert not rl.is_inference_mode_enabled()
            assert rl.is_inference_mode_enabled()
            assert not rl.is_grad_enabled()
        assert rl.is_grad_enabled()

    def test_no_grad_outside_is_restored(self):
        with rl.no_grad():
            with rl.inference_mode():
                pass
            assert not rl.is_grad_enabled()


def test_tasks_have_modes_of_their_own():
    seen = []

    async def worker(mode):
        with rl.set_grad_enabled(mode):
            await asyncio.sleep(0)
            seen.append(rl.is_grad_enabled() is mode)

    async def main():
        await asyncio.gather(worker(False), worker(True), worker(False))

    asyncio.run(main())
    assert seen == [True, True, True]
