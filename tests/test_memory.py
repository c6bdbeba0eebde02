"""Memory of large arrays: counted, kept for the next of its size, given back; and what a backward pass holds of it."""

import os
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

import rushlight as rl
from rushlight import core
from rushlight.kernels import load

MB = 1 << 20
counted = pytest.mark.skipif(load("buffers") is None, reason="kernels count it")
compiled = pytest.mark.skipif(core.__file__.endswith(".py"), reason="reference counts are asked by compiled code")
linux = pytest.mark.skipif(sys.platform != "linux", reason="the size of a process is read from Linux' /proc")


def now(name):
    return rl.memory_stats()[name]


def array(megabytes):
    """A tensor of so many MiB, made by a kernel."""
    return rl.ones(int(megabytes * MB) // 4)


@pytest.fixture(autouse=True)
def nothing_kept():
    rl.empty_cache()
    rl.reset_peak_memory_stats()


def test_all_counts_are_there_and_none_is_negative():
    stats = rl.memory_stats()
    assert list(stats) == sorted(stats)
    assert all(type(value) is int and value >= 0 for value in stats.values())
    for name in ("allocation", "allocated_bytes", "reserved_bytes"):
        assert stats[f"{name}.all.allocated"] - stats[f"{name}.all.freed"] == stats[f"{name}.all.current"]


def test_without_kernels_all_is_zero():
    program = "import rushlight as rl; rl.empty_cache(); rl.reset_peak_memory_stats(); x = rl.ones(10**6).exp(); "
    program += "assert set(rl.memory_stats().values()) == {0}, rl.memory_stats(); print(rl.memory_summary())"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "RUSHLIGHT_PURE": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "arrays" in done.stdout


@counted
class TestCounts:
    def test_an_array_is_counted_while_it_is_there(self):
        before = rl.memory_stats()
        x = array(4)
        stats = rl.memory_stats()
        assert stats["allocation.all.current"] == before["allocation.all.current"] + 1
        used = stats["allocated_bytes.all.current"] - before["allocated_bytes.all.current"]
        assert 4 * MB <= used <= 4.5 * MB
        del x
        stats = rl.memory_stats()
        assert stats["allocation.all.current"] == before["allocation.all.current"]
        assert stats["allocated_bytes.all.current"] == before["allocated_bytes.all.current"]
        assert stats["cached_bytes.all.current"] == used
        assert stats["reserved_bytes.all.current"] == stats["allocated_bytes.all.current"] + used

    def test_small_arrays_are_not(self):
        before = now("allocation.all.allocated")
        keep = [rl.ones(1000).exp() for _ in range(10)]
        assert now("allocation.all.allocated") == before
        assert keep

    def test_arrays_too_large_to_be_kept_are_counted(self):
        x = array(80)
        assert now("allocated_bytes.all.current") >= 80 * MB
        del x
        assert now("cached_bytes.all.current") == 0

    def test_a_buffer_serves_the_next_array_of_its_size(self):
        x = array(4)
        place, hits, misses = x.data_ptr(), now("num_hits"), now("num_misses")
        del x
        y = array(4)
        assert y.data_ptr() == place
        assert (now("num_hits"), now("num_misses")) == (hits + 1, misses)

    def test_the_peak(self):
        before = now("allocated_bytes.all.current")
        x, y = array(4), array(4)
        del x, y
        assert now("allocated_bytes.all.peak") == before + 8 * MB
        rl.reset_peak_memory_stats()
        assert now("allocated_bytes.all.peak") == before
        assert now("reserved_bytes.all.peak") == before + 8 * MB
        rl.empty_cache()
        rl.reset_peak_memory_stats()
        assert now("reserved_bytes.all.peak") == before

    def test_a_resized_array_is_counted_at_its_new_size(self):
        before = now("allocated_bytes.all.current")
        a = array(2).numpy()
        a[-1] = 7
        a.resize(MB, refcheck=False)
        assert a[MB // 2 - 1] == 7
        assert now("allocated_bytes.all.current") == before + 4 * MB
        a.resize(10, refcheck=False)
        assert a.tolist() == [1] * 10
        del a
        assert now("allocated_bytes.all.current") == before

    def test_the_summary_tells_them(self):
        x = array(4)
        summary = rl.memory_summary()
        assert "MiB" in summary and "hits" in summary
        assert x is not None


@counted
class TestWhatIsKept:
    def test_it_is_bounded(self):
        arrays = [array(30) for _ in range(8)]
        released = now("num_releases")
        del arrays
        assert now("cached_bytes.all.current") <= 128 * MB
        assert now("num_releases") >= released + 4

    def test_many_small_ones_are(self):
        arrays = [array(0.125) for _ in range(300)]
        del arrays
        assert now("cached_bytes.all.current") <= 256 * MB // 8

    def test_empty_cache_gives_all_back(self):
        x = array(4)
        del x
        assert now("cached_bytes.all.current") > 0
        assert rl.empty_cache() is None
        assert now("cached_bytes.all.current") == 0

    def test_other_sizes_take_its_place(self):
        """What is kept makes the process at most a little larger than arrays ever made it."""
        program = """
            import rushlight as rl
            x = rl.ones(10 << 20)
            del x
            for k in range(40):
                rl.ones((5 << 20) + k * 100_000)
            stats = rl.memory_stats()
            print(stats["reserved_bytes.all.peak"] - stats["allocated_bytes.all.peak"])
        """
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) <= 8 * MB

    @linux
    def test_what_is_given_back_leaves_the_process(self):
        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096

        arrays = [array(1) for _ in range(100)]
        del arrays
        before = resident()
        rl.empty_cache()
        assert before - resident() > 90 * MB


@counted
def test_threads_count_together():
    before = rl.memory_stats()

    def work(k):
        for i in range(200):
            x = rl.ones((1 + (i + k) % 3) << 16)
            del x

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stats = rl.memory_stats()
    assert stats["allocation.all.allocated"] == before["allocation.all.allocated"] + 800
    assert stats["allocation.all.current"] == before["allocation.all.current"]
    assert stats["allocated_bytes.all.current"] == before["allocated_bytes.all.current"]


@counted
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_has_a_cache_of_its_own():
    x = array(4)
    del x
    kept = now("cached_bytes.all.current")
    child = os.fork()
    if not child:
        rl.empty_cache()
        y = array(4)
        os._exit(0 if now("cached_bytes.all.current") == 0 and y[-1] == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert now("cached_bytes.all.current") == kept


@counted
@linux
@pytest.mark.parametrize("made", ["rl.ones(20 << 20)", "rl.from_numpy(small).repeat(20 << 10)"])
def test_what_is_kept_helps_where_the_system_has_no_more(made):
    program = f"""
        import resource
        import numpy as np
        import rushlight as rl
        small = np.ones(1 << 10, np.float32)
        {made.replace("<< 20", "<< 4").replace("<< 10)", "<< 2)")}
        arrays = [rl.ones(5 << 20) for _ in range(5)]
        del arrays
        with open("/proc/self/statm") as file:
            size = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + (10 << 20), resource.RLIM_INFINITY))
        x = {made}
        stats = rl.memory_stats()
        assert x.sum() == 20 << 20
        print(stats["num_releases"], stats["num_ooms"])
        try:
            rl.ones(200 << 20)
        except rl.OutOfMemoryError:
            print(rl.memory_stats()["num_ooms"])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    released, failed, then = map(int, done.stdout.split())
    assert released >= 4
    assert failed == 0 < then


class Stop(Exception):
    pass


def stop(g):
    raise Stop


class Double(rl.autograd.Function):
    """Keeps what it is given."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 2


@counted
class TestBackward:
    @pytest.mark.parametrize("step", [rl.sin, rl.exp, Double.apply], ids=["input", "output", "function"])
    def test_what_was_kept_for_rules_goes_as_they_are_passed(self, step):
        x = array(4).requires_grad_()
        y = x
        for _ in range(20):
            y = step(y)
        loss = y.sum()
        del y
        forward = now("allocated_bytes.all.current")
        assert forward >= 20 * 4 * MB
        held = []
        x.register_hook(lambda g: held.append(now("allocated_bytes.all.current")))
        rl.reset_peak_memory_stats()
        loss.backward()
        assert held[0] <= 4 * 4 * MB + forward - 80 * MB
        assert now("allocated_bytes.all.peak") <= forward + 4 * 4 * MB

    @compiled
    def test_a_leaf_takes_its_gradient_without_a_copy(self):
        layer, x = rl.nn.Linear(512, 512), rl.ones(64, 512)
        before = now("allocation.all.current")
        layer(x).sum().backward()
        # A weight has its gradient through a transpose.
        assert now("allocation.all.current") == before + 1
        assert layer.weight.grad.is_contiguous()
        assert not layer.weight.grad._is_view()
        np.testing.assert_array_equal(layer.weight.grad.numpy(), 64)

    @compiled
    def test_gradients_are_added_in_place_where_nobody_else_has_them(self):
        x = array(4).requires_grad_()
        loss = (x * 2).sum() + (x * 3).sum() + (x * 4).sum()
        rl.reset_peak_memory_stats()
        before = now("allocated_bytes.all.current")
        loss.backward()
        # What the sum sends, what has come so far, and what is added to it.
        assert now("allocated_bytes.all.peak") <= before + 3 * 4 * MB
        assert x.grad[0] == 9


@pytest.mark.parametrize(("megabytes", "again"), [(1, True), (8, False)])
def test_a_pass_that_failed_can_be_tried_again_where_little_was_passed(megabytes, again):
    x = array(megabytes).requires_grad_()
    y = x.sin()
    hook = y.register_hook(stop)
    loss = y.sin().sin().sin().sum()
    with pytest.raises(Stop):
        loss.backward()
    assert x.grad is None
    hook.remove()
    if again:
        loss.backward()
        assert x.grad is not None
        return
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        loss.backward()
    assert x.grad is None


def test_a_graph_that_is_retained_can_always_be_tried_again():
    x = array(8).requires_grad_()
    y = x.sin()
    hook = y.register_hook(stop)
    loss = y.sin().sin().sin().sum()
    with pytest.raises(Stop):
        loss.backward(retain_graph=True)
    hook.remove()
    loss.backward()
    assert x.grad is not None
