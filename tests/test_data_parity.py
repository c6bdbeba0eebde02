"""Datasets, samplers and the DataLoader beside PyTorch: orders, batches, seeds, errors, warnings, signatures."""

import collections
import inspect
import os
import random
import traceback

import numpy as np
import pytest

import rushlight
import rushlight.utils.data
from beside import outcome

torch = pytest.importorskip("torch")
import torch.utils.data  # noqa: E402, F811

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="written for processes as POSIX has them"),
]
BOTH = (rushlight, torch)


def plain(value):
    """Tensors as what they hold, with their dtype and whether they have a history."""
    if hasattr(value, "requires_grad"):
        return str(value.dtype).split(".")[1], tuple(value.shape), value.tolist(), value.requires_grad
    if isinstance(value, dict):
        return type(value).__name__, {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(entry) for entry in value]
    return value


def let_go(error):
    """Free what the frames of an exception hold: PyTorch's iterators wait for seconds when they are found later."""
    traceback.clear_frames(error.__traceback__)


def agree(program):
    """A program of a module comes to the same with both."""

    def run(m):
        try:
            return plain(program(m, m.utils.data))
        except Exception as error:
            let_go(error)
            raise

    ours, theirs = (outcome(m, run) for m in BOTH)
    assert ours == theirs
    return ours


def dataset(d, n=10):
    class Squares(d.Dataset):
        def __len__(self):
            return n

        def __getitem__(self, index):
            return index * index

    return Squares()


def iterable(d, n=10, told=None):
    class Counting(d.IterableDataset):
        def __iter__(self):
            return iter(range(n))

        def __repr__(self):
            return "Counting()"

    if told is not None:
        Counting.__len__ = lambda self: told
    return Counting()


# -- orders


@pytest.mark.parametrize("generator", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda d, g: d.RandomSampler(range(50), generator=g),
        lambda d, g: d.RandomSampler(range(10), num_samples=25, generator=g),
        lambda d, g: d.RandomSampler(range(10), num_samples=20, generator=g),
        lambda d, g: d.RandomSampler(range(10), num_samples=3, generator=g),
        lambda d, g: d.RandomSampler(range(7), replacement=True, num_samples=100, generator=g),
        lambda d, g: d.RandomSampler(range(7), replacement=True, num_samples=64, generator=g),
        lambda d, g: d.SubsetRandomSampler(list(range(100, 140)), generator=g),
        lambda d, g: d.WeightedRandomSampler([0.1, 3, 0.5, 1], 30, generator=g),
        lambda d, g: d.WeightedRandomSampler([0.1, 3, 0.5, 1], 3, replacement=False, generator=g),
        lambda d, g: d.BatchSampler(d.RandomSampler(range(10), generator=g), 3, False),
        lambda d, g: d.random_split(range(30), [0.5, 0.3, 0.2], g or d.dataset.default_generator)[1],
        lambda d, g: d.DistributedSampler(range(23), 4, 3, seed=5),
    ],
)
def test_orders_and_what_is_drawn_for_them(make, generator):
    def program(m, d):
        m.manual_seed(11)
        g = m.Generator().manual_seed(7) if generator else None
        sampler = make(d, g)
        # What is drawn next tells where the streams stand.
        return list(sampler), list(sampler), len(sampler), m.rand(1), m.rand(1, generator=g) if g else None

    agree(program)


@pytest.mark.parametrize("persistent", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("generator", [False, True])
def test_what_a_pass_draws_and_when(workers, generator, persistent):
    if persistent and not workers:
        pytest.skip("there is nobody to stay")

    def program(m, d):
        m.manual_seed(11)
        g = m.Generator().manual_seed(7) if generator else None
        loader = d.DataLoader(
            dataset(d, 12), batch_size=2, shuffle=True, num_workers=workers, generator=g,
            persistent_workers=persistent, multiprocessing_context="fork" if workers else None,
        )  # fmt: skip
        seen = []

        def look():
            seen.append(m.rand(1).item())
            if g is not None:
                seen.append(m.rand(1, generator=g).item())

        for _ in range(2):
            iterator = iter(loader)
            look()
            for batch in iterator:
                seen.append(batch.tolist())
                look()
        return seen

    agree(program)


@pytest.mark.parametrize("arguments", [{}, {"drop_last": True}, {"batch_size": 7}, {"batch_size": None}])
@pytest.mark.parametrize("below", ["tensors", "subset", "stack", "concat"])
def test_shuffled_batches(arguments, below):
    def program(m, d):
        m.manual_seed(0)
        tensors = d.TensorDataset(m.rand(30, 2), m.arange(30), m.rand(30) > 0.5)
        made = {
            "tensors": lambda: tensors,
            "subset": lambda: d.random_split(tensors, [20, 10])[0],
            "stack": lambda: d.StackDataset(x=tensors, y=range(30)),
            "concat": lambda: tensors + tensors,
        }[below]()
        return list(d.DataLoader(made, **{"batch_size": 4, "shuffle": True, **arguments}))

    agree(program)


# -- collating


Point = collections.namedtuple("Point", "x y")
BATCHES = [
    [1.0, 2.0], [1, 2], [True, False], [1, 2.5], [2.5, 1], [True, 2], [1j, 2.0], ["a", "b"], [b"a"], [2**63],
    [np.zeros(2), np.ones(2)], [np.float32(1), np.float32(2)], [np.array(1), np.array(2)], [np.int32(1)], [np.bool_(True)],
    [np.array(["a"])], [np.array([None])], [np.str_("a")], [np.float16(1)], [np.complex64(1)],
    [np.ones(2), np.ones(3)], [np.arange(3)[::-1]] * 2,
    [(1, 2.0), (3, 4.0)], [[1, 2], [3, 4]], [(1, 2), (3,)], [(), ()], ((1, 2), (3, 4)), [range(3), range(3)],
    [{"a": 1, "b": [1, 2]}, {"a": 2, "b": [3, 4]}], [{"a": 1}, {"b": 2}], [{"a": 1}, {"a": 2, "c": 3}],
    [Point(1, "a"), Point(3, "b")], [collections.OrderedDict(a=1)], [collections.defaultdict(int, a=1)],
    [None, None], [{1}], [], ["a", 1], [bytearray(b"ab"), bytearray(b"cd")], [np.datetime64("2020-01-01")],
]  # fmt: skip


@pytest.mark.parametrize("batch", BATCHES, ids=lambda b: str(b)[:40])
def test_batches_of_samples(batch):
    agree(lambda m, d: d.default_collate(batch))


@pytest.mark.parametrize("batch", [b for b in BATCHES if b != [np.datetime64("2020-01-01")]], ids=lambda b: str(b)[:40])
def test_converted_samples(batch):
    def program(m, d):
        return [entry if isinstance(entry, np.ndarray) else plain(entry) for entry in d.default_convert(batch)]

    agree(lambda m, d: repr(program(m, d)))


@pytest.mark.parametrize(
    "make",
    [
        lambda m: [m.ones(2), m.zeros(2)],
        lambda m: [m.tensor(1), m.tensor(2)],
        lambda m: [m.ones(2), m.zeros(2, dtype=m.int64)],
        lambda m: [m.ones(2), m.zeros(3)],
        lambda m: [m.ones(1), 1],
        lambda m: [m.ones(2, requires_grad=True)] * 2,
        lambda m: [m.nn.Parameter(m.ones(1))] * 2,
        lambda m: [m.ones(3, 2).t(), m.zeros(2, 3)],
        lambda m: [m.ones(0), m.ones(0)],
        lambda m: [m.ones(2, 3)[:, 1], m.ones(2)],
        lambda m: [{"x": m.ones(1), "y": (m.ones(2), "a")}] * 3,
    ],
)
def test_batches_of_tensors(make):
    agree(lambda m, d: d.default_collate(make(m)))


# -- errors and warnings


@pytest.mark.parametrize(
    "arguments",
    [
        {"num_workers": -1}, {"timeout": -1}, {"prefetch_factor": 2}, {"num_workers": 1, "prefetch_factor": -1},
        {"persistent_workers": True}, {"shuffle": True, "sampler": [1]}, {"batch_sampler": [[1]], "batch_size": 2},
        {"batch_sampler": [[1]], "drop_last": True}, {"batch_sampler": [[1]], "shuffle": True},
        {"batch_size": None, "drop_last": True}, {"batch_size": 0}, {"batch_size": 2.5}, {"batch_size": True},
        {"num_workers": 1, "multiprocessing_context": "nope"}, {"num_workers": 1, "multiprocessing_context": 3},
        {"multiprocessing_context": "fork"}, {"num_workers": 1000}, {"num_workers": "3"}, {"sampler": [20]},
        {"pin_memory": True, "batch_size": 5}, {"pin_memory": True, "pin_memory_device": "cuda", "batch_size": 5},
        {"num_workers": 1, "worker_init_fn": 3}, {"num_workers": 1, "prefetch_factor": 0},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_arguments(arguments):
    if arguments.get("num_workers") == 1000:
        agree(lambda m, d: len(d.DataLoader(dataset(d), **arguments)))
    else:
        agree(lambda m, d: list(d.DataLoader(dataset(d), **arguments)))


@pytest.mark.parametrize(
    "arguments",
    [{"shuffle": True}, {"shuffle": 1}, {"shuffle": False}, {"sampler": [1]}, {"batch_sampler": [[1]]}],
    ids=str,
)
def test_arguments_beside_an_iterable(arguments):
    agree(lambda m, d: list(d.DataLoader(iterable(d), **arguments)))


@pytest.mark.parametrize("told", [None, 3, 10])
@pytest.mark.parametrize(
    "arguments",
    [{}, {"batch_size": 4}, {"batch_size": 4, "drop_last": True}, {"batch_size": None}, {"num_workers": 2}],
    ids=str,
)
def test_lengths_of_iterables(arguments, told):
    def program(m, d):
        loader = d.DataLoader(iterable(d, told=told), **arguments)
        return len(loader), list(loader)

    agree(program)


def test_what_cannot_be_set():
    def program(m, d):
        refused = []
        for name in sorted(inspect.signature(torch.utils.data.DataLoader).parameters):
            try:
                setattr(d.DataLoader(dataset(d)), name, None)
            except ValueError as error:
                refused.append(str(error))
        return refused

    assert len(agree(program)[0][1][1]) == 6


@pytest.mark.parametrize(
    "program",
    [
        lambda m, d: d.RandomSampler(range(3), replacement=1),
        lambda m, d: d.RandomSampler([]),
        lambda m, d: d.RandomSampler(range(3), num_samples=-1),
        lambda m, d: d.RandomSampler(range(3), num_samples=2.5),
        lambda m, d: d.WeightedRandomSampler([1, 2], 0),
        lambda m, d: d.WeightedRandomSampler([1, 2], True),
        lambda m, d: d.WeightedRandomSampler([1, 2], 1, replacement=1),
        lambda m, d: d.WeightedRandomSampler([[1, 2]], 1),
        lambda m, d: list(d.WeightedRandomSampler([1, 2], 5, replacement=False)),
        lambda m, d: list(d.WeightedRandomSampler([1, -2], 5)),
        lambda m, d: d.BatchSampler([1, 2], 0, True),
        lambda m, d: d.BatchSampler([1, 2], 1, 1),
        lambda m, d: len(d.BatchSampler(iter([1]), 1, True)),
        lambda m, d: len(d.Sampler()),
        lambda m, d: iter(d.Sampler()),
        lambda m, d: d.Sampler([1]),
        lambda m, d: d.DistributedSampler(range(3)),
        lambda m, d: d.DistributedSampler(range(3), 2, 2),
        lambda m, d: d.TensorDataset(m.ones(3), m.ones(4)),
        lambda m, d: d.TensorDataset([1, 2]),
        lambda m, d: len(d.TensorDataset()),
        lambda m, d: d.TensorDataset(m.ones(3))[5],
        lambda m, d: next(iter(d.DataLoader(d.TensorDataset(m.ones(3)), sampler=[5]))),
        lambda m, d: d.StackDataset(),
        lambda m, d: d.StackDataset("ab", a="ab"),
        lambda m, d: d.StackDataset(a="ab", b="abc"),
        lambda m, d: d.ConcatDataset([]),
        lambda m, d: d.ConcatDataset([iterable(d)]),
        lambda m, d: d.ConcatDataset(["ab", "cd"])[-5],
        lambda m, d: d.ConcatDataset(["ab", "cd"])[4],
        lambda m, d: d.ConcatDataset(["ab", "cd"]).cummulative_sizes,
        lambda m, d: list(d.ChainDataset(["ab"])),
        lambda m, d: len(d.ChainDataset([iterable(d)])),
        lambda m, d: d.random_split(range(5), [2, 2]),
        lambda m, d: d.random_split(range(5), [-0.5, 1.5]),
        lambda m, d: [len(part) for part in d.random_split(range(1), [0.5, 0.5])],
        lambda m, d: d.Dataset()[0],
        lambda m, d: len(d.Dataset()),
        lambda m, d: d.DataLoader(d.Dataset(), shuffle=True),
        lambda m, d: list(d.DataLoader(d.Dataset())),
    ],
)
def test_refusals(program):
    agree(program)


# -- workers


def test_seeds_of_workers():
    def program(m, d):
        class Drawn(dict):
            def __getitem__(self, index):
                info = d.get_worker_info()
                own = info.id, info.num_workers, info.seed, m.initial_seed(), m.get_num_threads()
                return own, m.rand(1).item(), m.randperm(5).tolist(), random.random(), np.random.rand()

        m.manual_seed(3)
        made = Drawn.fromkeys(range(8))
        once = list(d.DataLoader(made, num_workers=2, batch_size=None))
        again = list(d.DataLoader(made, num_workers=1, batch_size=None, generator=m.Generator().manual_seed(4)))
        return once, again

    agree(program)


@pytest.mark.parametrize("counts", [[3, 7], [0, 2], [5, 1]])
@pytest.mark.parametrize(
    "arguments", [{"batch_size": 2}, {"batch_size": None}, {"batch_size": 2, "drop_last": True}], ids=str
)
def test_iterables_are_shared_out(counts, arguments):
    def program(m, d):
        class Share(d.IterableDataset):
            def __iter__(self):
                number = d.get_worker_info().id
                return iter([(number, k) for k in range(counts[number])])

        return list(d.DataLoader(Share(), num_workers=2, **arguments))

    agree(program)


class Odd(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad"), KeyError("k"), Odd(1, 2), FileNotFoundError(2, "no", "file"),
        UnicodeDecodeError("utf8", b"a", 0, 1, "r"), SystemExit(3),
    ],
    ids=lambda e: type(e).__name__,
)  # fmt: skip
def test_exceptions_of_workers(error):
    def program(m, d):
        class Raising(dict):
            def __getitem__(self, index):
                raise error

        try:
            list(d.DataLoader(Raising.fromkeys(range(4)), num_workers=1))
        except Exception as caught:
            let_go(caught)
            lines = str(caught).rstrip().splitlines()
            pids = [word for word in lines[0].split() if not word.strip("()").isdigit()]
            return type(caught).__name__, " ".join(pids), lines[1:2], lines[-1] if lines[1:] else None
        return None

    agree(program)


# -- the surface


def test_signatures():
    theirs = torch.utils.data
    for name in rushlight.utils.data.__all__:
        ours = getattr(rushlight.utils.data, name)
        if name.startswith("_"):
            continue
        wanted, got = (inspect.signature(f).parameters.values() for f in (getattr(theirs, name), ours))
        assert [(p.name, p.kind) for p in got] == [(p.name, p.kind) for p in wanted], name
        defaults = [[p.default for p in side if p.name != "generator"] for side in (got, wanted)]
        assert defaults[0] == defaults[1], name


def test_states_of_samplers_and_loaders():
    def program(m, d):
        made = [
            d.RandomSampler(range(3)), d.SubsetRandomSampler([1]), d.BatchSampler([1], 2, True),
            d.DistributedSampler(range(5), 2, 1), d.SequentialSampler(range(3)), d.WeightedRandomSampler([1, 2], 5),
        ]  # fmt: skip
        loaders = [
            d.DataLoader(range(4)),
            d.DataLoader(range(4), num_workers=2),
            d.DataLoader(range(4), batch_size=None),
        ]
        told = (
            "num_workers", "prefetch_factor", "pin_memory", "timeout", "worker_init_fn", "in_order", "batch_size",
            "drop_last", "generator", "persistent_workers", "multiprocessing_context", "_dataset_kind",
        )  # fmt: skip
        kinds = [(type(x.sampler).__name__, type(x.batch_sampler).__name__, x.collate_fn.__name__) for x in loaders]
        return [vars(x) for x in made], [{name: getattr(x, name) for name in told} for x in loaders], kinds

    agree(program)
