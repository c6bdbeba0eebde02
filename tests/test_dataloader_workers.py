"""Workers of the DataLoader: processes and threads, what they send back, and how they end."""

import contextlib
import gc
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import rushlight
from rushlight.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info

pytestmark = [
    # From 3.12 on Python says of every fork beside threads that it may go wrong.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="written for processes as POSIX has them"),
]
WAYS = ["fork", "thread"]
PATIENCE = 20


class Numbers(Dataset):
    def __init__(self, n=10):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return index


class Each(Numbers):
    """What a function makes of each index."""

    def __init__(self, function, n=4):
        super().__init__(n)
        self.function = function

    def __getitem__(self, index):
        return self.function(index)


class Share(IterableDataset):
    """Each worker has samples of its own, as many as it is told."""

    def __init__(self, counts):
        self.counts = counts

    def __iter__(self):
        number = get_worker_info().id
        return iter([(number, k) for k in range(self.counts[number])])


def loaded(dataset, **arguments):
    return list(DataLoader(dataset, **{"num_workers": 2, "multiprocessing_context": "fork", **arguments}))


def gone(pid):
    """Whether a process has ended, be it that nobody has asked for its status."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def wait_until(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


# -- batches


@pytest.mark.parametrize("way", ["fork", "spawn", "forkserver", "thread"])
def test_batches_are_those_without_workers(way):
    dataset = TensorDataset(rushlight.arange(60.0).reshape(20, 3), rushlight.arange(20))
    results = []
    for workers in ({"num_workers": 0, "multiprocessing_context": None}, {"multiprocessing_context": way}):
        rushlight.manual_seed(0)
        results.append([(x.tolist(), y.tolist()) for x, y in loaded(dataset, batch_size=3, shuffle=True, **workers)])
    assert results[0] == results[1]
    assert len(results[0]) == 7


@pytest.mark.parametrize("way", WAYS)
def test_large_batches_arrive_whole_and_can_be_written(way):
    x = rushlight.rand(6, 50_000)
    views = Each(lambda i: (x[i], x[i].double()[::2], np.arange(i, i + 20_000)), 6)
    batches = loaded(views, batch_size=2, multiprocessing_context=way)
    for place, (whole, half, counted) in enumerate(batches):
        rows = slice(2 * place, 2 * place + 2)
        assert rushlight.equal(whole, x[rows])
        assert rushlight.equal(half, x[rows].double()[:, ::2])
        assert counted[1, -1] == 2 * place + 20_000
        whole.add_(1)
        assert not rushlight.equal(whole, x[rows])


def test_more_batches_may_be_kept_than_descriptors_are_left():
    from rushlight.utils.data import transfer

    gc.collect()

    def alive():
        return sum([kept() is not None for kept in transfer._maps])

    before = alive()
    batches = loaded(Each(lambda i: np.full(20_000, i), transfer._MOST_MAPS + 20), batch_size=None)
    assert alive() == len(transfer._maps) == transfer._MOST_MAPS
    assert [int(batch[0]) for batch in batches] == list(range(transfer._MOST_MAPS + 20))
    del batches
    gc.collect()
    assert alive() <= before


def test_nothing_is_left_open():
    def descriptors():
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("no list of descriptors")
    dataset = Each(lambda i: np.full(20_000, i), 8)
    loaded(dataset)
    before = descriptors()
    for _ in range(3):
        loaded(dataset)
        next(iter(DataLoader(dataset, num_workers=2, multiprocessing_context="fork")))
    assert descriptors() <= before


@pytest.mark.parametrize("way", WAYS)
def test_batches_come_in_the_order_of_the_indices_or_as_they_are_ready(way):
    first_may_go = threading.Event() if way == "thread" else __import__("multiprocessing").Event()

    def function(index):
        if index == 0:
            assert first_may_go.wait(PATIENCE)
        if index == 3:
            first_may_go.set()
        return index

    assert loaded(Each(function), batch_size=None, multiprocessing_context=way) == [0, 1, 2, 3]
    first_may_go.clear()
    got = loaded(Each(function), batch_size=None, multiprocessing_context=way, in_order=False)
    assert sorted(got) == [0, 1, 2, 3]
    assert got[0] == 1


@pytest.mark.parametrize("way", WAYS)
def test_iterables_are_shared_out(way):
    got = loaded(Share([3, 7]), batch_size=2, multiprocessing_context=way)
    assert [[worker.tolist(), k.tolist()] for worker, k in got] == [
        [[0, 0], [0, 1]], [[1, 1], [0, 1]], [[0], [2]], [[1, 1], [2, 3]], [[1, 1], [4, 5]], [[1], [6]],
    ]  # fmt: skip
    assert loaded(Share([0, 0]), multiprocessing_context=way) == []
    assert len(loaded(Share([3, 3]), batch_size=2, drop_last=True, multiprocessing_context=way)) == 2


def test_iterables_of_unequal_length_always_come_in_one_order():
    with pytest.warns(UserWarning, match="3 worker processes") if os.cpu_count() < 3 else contextlib.nullcontext():
        got = loaded(Share([1, 7, 4]), batch_size=None, num_workers=3)
    assert [tuple(entry) for entry in got] == [
        (0, 0), (1, 0), (2, 0), (1, 1), (2, 1), (1, 2), (2, 2), (1, 3), (2, 3), (1, 4), (1, 5), (1, 6),
    ]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_worker_may_set_up_its_copy_of_the_dataset(way):
    class Range(IterableDataset):
        begin, end = 0, 6

        def __iter__(self):
            return iter(range(self.begin, self.end))

    def divide(number):
        info = get_worker_info()
        info.dataset.begin, info.dataset.end = 3 * number, 3 * number + 3

    dataset = Range()
    assert sorted(loaded(dataset, batch_size=None, worker_init_fn=divide, multiprocessing_context=way)) == list(
        range(6)
    )
    assert (dataset.begin, dataset.end) == (0, 6)


@pytest.mark.parametrize("way", WAYS)
def test_workers_that_stay(way):
    def who(index):
        return threading.get_ident() if way == "thread" else os.getpid()

    loader = DataLoader(Each(who), num_workers=2, batch_size=None, persistent_workers=True, multiprocessing_context=way)
    first = list(loader)
    assert list(loader) == first
    # A pass that was left early has no part in the next.
    next(iter(loader))
    assert list(loader) == first
    assert len(set(first)) == 2
    del loader


def test_workers_that_stay_begin_an_iterable_anew():
    loader = DataLoader(
        Share([2, 3]), num_workers=2, batch_size=None, persistent_workers=True, multiprocessing_context="fork"
    )
    first = list(loader)
    assert len(first) == 5
    next(iter(loader))
    assert list(loader) == first


def test_few_batches_are_made_ahead():
    asked = []
    sampler = (asked.append(i) or i for i in range(100))
    iterator = iter(
        DataLoader(
            Numbers(),
            sampler=sampler,
            batch_size=None,
            num_workers=2,
            prefetch_factor=3,
            multiprocessing_context="thread",
        )
    )
    assert len(asked) == 6
    next(iterator)
    assert len(asked) == 7


# -- what a worker knows


def test_seeds_are_pytorchs():
    def drawn(index):
        info = get_worker_info()
        own = info.id, info.num_workers, info.seed, rushlight.initial_seed()
        return own, rushlight.rand(1).item(), random.random(), np.random.rand(), rushlight.get_num_threads()

    rushlight.manual_seed(3)
    before = random.getstate(), rushlight.initial_seed()
    (first, *numbers, threads), (second, *others, _), *_ = loaded(Each(drawn), batch_size=None)
    # What PyTorch 2.13 draws after manual_seed(3).
    assert first == [0, 2, 937055941807507096, 937055941807507096]
    assert second == [1, 2, 937055941807507097, 937055941807507097]
    assert numbers == [0.2876076102256775, 0.21793848432592644, 0.8794862824005928]
    assert others == [0.7470175623893738, 0.09049729754573688, 0.13554665930590137]
    assert threads == 1
    assert (random.getstate(), rushlight.initial_seed()) == before
    assert get_worker_info() is None


def test_threads_have_generators_of_their_own():
    def drawn(index):
        info = get_worker_info()
        rng = info.rng
        return (
            info.worker_method,
            info.seed,
            rng.random_generator.random(),
            rng.torch_generator.initial_seed(),
            rng.numpy_generator.random(),
        )

    rushlight.manual_seed(3)
    before = random.getstate()
    first = loaded(Each(drawn), batch_size=None, multiprocessing_context="thread")
    assert first[0][:4] == ["thread", 937055941807507096, 0.21793848432592644, 937055941807507096]
    assert len({entry[4] for entry in first}) == 4
    assert random.getstate() == before
    rushlight.manual_seed(3)
    assert loaded(Each(drawn), batch_size=None, multiprocessing_context="thread") == first


def test_the_info_cannot_be_changed():
    def change(index):
        get_worker_info().id = 5

    with pytest.raises(Exception, match="FrozenInstanceError in DataLoader worker process 0"):
        loaded(Each(change))


def test_loops_of_many_threads_run_in_a_worker_too():
    big = rushlight.rand(2_000_000)
    wanted = big.exp().sum().item()

    def work(index):
        rushlight.set_num_threads(2)
        return big.exp().sum().item()

    assert loaded(Each(work, 2), batch_size=None) == [wanted, wanted]
    assert big.exp().sum().item() == wanted


# -- what goes wrong


class Odd(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


def raising(error):
    def function(index):
        raise error

    return Each(function)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("error", "arrives"),
    [
        (ValueError("broken"), ValueError),
        (KeyError("k"), KeyError),
        (FileNotFoundError(2, "none", "file"), FileNotFoundError),
        (UnicodeDecodeError("utf8", b"a", 0, 1, "r"), RuntimeError),
        (Odd(1, 2), RuntimeError),
        (StopIteration(), RuntimeError),
    ],
    ids=lambda x: getattr(x, "__name__", type(x).__name__),
)
def test_exceptions_come_back_with_their_traceback(way, error, arrives):
    with pytest.raises(arrives) as caught:
        loaded(raising(error), multiprocessing_context=way)
    name = "RuntimeError" if isinstance(error, StopIteration) else type(error).__name__
    kind = "thread" if way == "thread" else "process"
    text = str(caught.value)
    assert text.startswith(
        f"Caught {name} in DataLoader worker {kind} 0.\nOriginal Traceback (most recent call last):\n"
    )
    assert "in function\n    raise error" in text
    assert type(error).__name__ in text.splitlines()[-1] or isinstance(error, StopIteration)


@pytest.mark.parametrize("way", WAYS)
def test_after_an_exception_the_pass_goes_on(way):
    def function(index):
        if index == 1:
            raise ValueError
        return index

    iterator = iter(DataLoader(Each(function), num_workers=2, batch_size=None, multiprocessing_context=way))
    assert next(iterator) == 0
    with pytest.raises(ValueError, match="Caught ValueError"):
        next(iterator)
    assert list(iterator) == [2, 3]


@pytest.mark.parametrize("way", WAYS)
def test_exceptions_of_the_beginning(way):
    def fail(number):
        raise ValueError(f"worker {number}")

    with pytest.raises(ValueError, match=r"Caught ValueError in DataLoader worker (process|thread) 0"):
        loaded(Numbers(), worker_init_fn=fail, multiprocessing_context=way)


def test_what_cannot_be_sent_is_an_exception():
    x = rushlight.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="Cowardly refusing to serialize non-leaf tensor which requires_grad"):
        loaded(Each(lambda i: x * 2))
    with pytest.raises(Exception, match=r"Caught .* in DataLoader worker process 0"):
        loaded(Each(lambda i: lambda: i), batch_size=None)

    class Local(Exception):
        pass

    with pytest.raises(RuntimeError, match="Caught Local in DataLoader worker process 0"):
        loaded(raising(Local("here")))


class Unreadable:
    def __reduce__(self):
        return _refuse, ()


def _refuse():
    raise ValueError("not here")


def test_what_cannot_be_read_is_an_exception_of_that_batch_alone():
    iterator = iter(
        DataLoader(
            Each(lambda i: Unreadable() if i == 0 else i),
            num_workers=2,
            batch_size=None,
            multiprocessing_context="fork",
        )
    )
    with pytest.raises(ValueError, match="while reading what DataLoader worker process 0 sent"):
        next(iterator)
    assert list(iterator) == [1, 2, 3]


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "is killed by signal: SIGKILL"),
        (lambda: os._exit(7), "exited unexpectedly with exit code 7"),
        (lambda: sys.exit(3), "exited unexpectedly with exit code 3"),
    ],
    ids=["killed", "exited", "sys.exit"],
)
def test_a_worker_that_dies_is_told_of(end, how):
    loader = DataLoader(
        Each(lambda i: end() if i == 2 else i),
        num_workers=2,
        batch_size=None,
        persistent_workers=True,
        multiprocessing_context="fork",
    )
    iterator = iter(loader)
    assert [next(iterator), next(iterator)] == [0, 1]
    processes = [each.process for each in iterator._pool._workers]
    with pytest.raises(
        RuntimeError, match=rf"DataLoader worker \(pid\(s\) {processes[0].pid}\) exited unexpectedly"
    ) as caught:
        next(iterator)
    assert how in str(caught.value.__cause__)
    assert not any(process.is_alive() for process in processes)
    # The next pass has new workers.
    assert next(iter(loader)) == 0


def test_a_thread_that_exits_does_not_end_the_program():
    with pytest.raises(RuntimeError, match="Caught SystemExit in DataLoader worker thread 0"):
        loaded(raising(SystemExit(3)), multiprocessing_context="thread")


@pytest.mark.parametrize("way", WAYS)
def test_waiting_may_have_an_end(way):
    go_on = threading.Event() if way == "thread" else __import__("multiprocessing").Event()
    iterator = iter(
        DataLoader(
            Each(lambda i: go_on.wait(PATIENCE)),
            num_workers=1,
            batch_size=None,
            timeout=0.05,
            multiprocessing_context=way,
        )
    )
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0\.05 seconds"):
        next(iterator)
    go_on.set()
    wait_until(lambda: _next_or_none(iterator) is True)


def _next_or_none(iterator):
    try:
        return next(iterator)
    except RuntimeError:
        return None


def test_workers_end_with_their_iterator():
    iterator = iter(DataLoader(Numbers(), num_workers=2, multiprocessing_context="fork"))
    next(iterator)
    pids = [each.process.pid for each in iterator._pool._workers]
    assert not any(map(gone, pids))
    del iterator
    wait_until(lambda: all(map(gone, pids)))
    iterator = iter(DataLoader(Numbers(), num_workers=2, multiprocessing_context="thread"))
    next(iterator)
    threads = iterator._pool._threads
    assert all(thread.is_alive() for thread in threads)
    del iterator
    wait_until(lambda: not any(thread.is_alive() for thread in threads))


def test_a_copy_of_the_iterator_in_a_child_leaves_the_workers_alone():
    iterator = iter(DataLoader(Numbers(), num_workers=2, batch_size=None, multiprocessing_context="fork"))
    assert next(iterator) == 0
    child = os.fork()
    if child == 0:
        iterator.__del__()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert list(iterator) == list(range(1, 10))


def test_workers_that_start_anew_mean_the_same_by_torch(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import torch
            from torch.utils.data import DataLoader

            class Ones:
                def __len__(self):
                    return 2

                def __getitem__(self, index):
                    return torch.ones(20_000)

            if __name__ == "__main__":
                for way in ("spawn", "forkserver"):
                    for batch in DataLoader(Ones(), num_workers=1, multiprocessing_context=way):
                        print(type(batch).__module__, len(batch[0]))
            """
        )
    )
    source = Path(rushlight.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-m", "rushlight", "run", str(script)],
        capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(source)},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("rushlight.tensor 20000\n" * 4, "")


# -- the end of the program


def program(text, *arguments):
    """Start a program that prints the pids of its workers; returns it and them."""
    source = Path(rushlight.__file__).parent.parent
    begun = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(text), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(source)},
    )  # fmt: skip
    line = begun.stdout.readline()
    assert line, begun.stderr.read()
    return begun, [int(pid) for pid in line.split()]


WORKING = """
    import sys, time
    import numpy as np
    from rushlight.utils.data import DataLoader

    class Endless:
        def __len__(self):
            return 10**6

        def __getitem__(self, index):
            if "stuck" in sys.argv and index > 1:
                time.sleep(1000)
            return np.zeros(20_000)

    if __name__ == "__main__":
        stays = "stays" in sys.argv
        iterator = iter(DataLoader(Endless(), num_workers=2, multiprocessing_context="fork", persistent_workers=stays))
        next(iterator)
        print(*[each.process.pid for each in iterator._pool._workers], flush=True)
        for batch in iterator:
            pass
"""


@pytest.mark.parametrize("how", ["busy", "stuck", "stays"])
def test_ctrl_c_leaves_no_orphans(how):
    begun, pids = program(WORKING, how)
    os.killpg(begun.pid, signal.SIGINT)
    _, said = begun.communicate(timeout=PATIENCE)
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert said.count("Traceback") == 1
    assert "resource_tracker" not in said
    wait_until(lambda: all(map(gone, pids)))


def test_letting_a_batch_go_runs_no_python_code():
    """Python ignores what is raised there, and the interrupt of somebody who presses Ctrl-C would be lost."""
    called = []
    loader = DataLoader([np.zeros(20_000)] * 4, batch_size=2, num_workers=1, multiprocessing_context="fork")
    iterator = iter(loader)
    batch = next(iterator)
    assert not batch._array.flags.owndata
    sys.setprofile(lambda frame, event, _: called.append(frame.f_code.co_name) if event == "call" else None)
    try:
        del batch
    finally:
        sys.setprofile(None)
    assert called == []


@pytest.mark.parametrize("how", ["busy", "stuck"])
def test_workers_do_not_outlive_a_parent_that_is_killed(how):
    begun, pids = program(WORKING, how)
    begun.kill()
    begun.communicate(timeout=PATIENCE)
    wait_until(lambda: all(map(gone, pids)))


def test_a_program_may_end_in_the_middle_of_a_pass():
    begun, pids = program(WORKING.replace("for batch in iterator:\n            pass", "sys.exit(4)"), "stays")
    _, said = begun.communicate(timeout=PATIENCE)
    assert (begun.returncode, said) == (4, "")
    wait_until(lambda: all(map(gone, pids)))
