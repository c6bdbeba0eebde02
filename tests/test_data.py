"""Datasets, samplers, collating and the DataLoader without workers."""

import collections
import itertools
import warnings

import numpy as np
import pytest

import rushlight
from rushlight.utils import data
from rushlight.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    get_worker_info,
    random_split,
)
from rushlight.utils.data._utils.collate import collate, default_collate_fn_map


class Squares(Dataset):
    def __init__(self, n=10):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return index * index


class Counting(IterableDataset):
    def __init__(self, n, told=None):
        self.n = n
        self.told = n if told is None else told

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.told


def seeded(seed=0):
    return rushlight.Generator().manual_seed(seed)


def same(a, b):
    """Whether two batches are equal, in kind, dtype and value."""
    if isinstance(a, rushlight.Tensor):
        return isinstance(b, rushlight.Tensor) and a.dtype == b.dtype and rushlight.equal(a, b)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return a == b


# -- datasets


def test_a_dataset_says_what_it_lacks():
    with pytest.raises(NotImplementedError, match=r"Subclasses of Dataset should implement __getitem__\."):
        Dataset()[0]
    with pytest.raises(TypeError, match="abstract"):
        IterableDataset()
    assert Dataset[int] is not None


def test_tensors_by_index():
    dataset = TensorDataset(rushlight.arange(6).reshape(3, 2), rushlight.tensor([0.5, 1.5, 2.5]))
    x, y = dataset[1]
    assert same((x, y), (rushlight.tensor([2, 3]), rushlight.tensor(1.5)))
    assert len(dataset) == 3
    assert dataset[1:][1].tolist() == [1.5, 2.5]
    with pytest.raises(AssertionError, match="Size mismatch between tensors"):
        TensorDataset(rushlight.ones(2), rushlight.ones(3))


def test_datasets_side_by_side():
    assert StackDataset(Squares(), "abcdefghij")[3] == (9, "d")
    assert StackDataset(x=Squares(), y="abcdefghij").__getitems__([1, 2]) == [{"x": 1, "y": "b"}, {"x": 4, "y": "c"}]
    with pytest.raises(ValueError, match="At least one dataset should be passed"):
        StackDataset()
    with pytest.raises(ValueError, match="both types are given"):
        StackDataset("a", b="b")
    with pytest.raises(ValueError, match="Size mismatch between datasets"):
        StackDataset("a", "bc")


def test_a_nested_dataset_that_returns_too_little():
    class Short(Squares):
        def __getitems__(self, indices):
            return [0]

    with pytest.raises(ValueError, match="Expected 2, got 1"):
        StackDataset(Short(), Squares()).__getitems__([1, 2])


def test_datasets_one_after_the_other():
    both = Squares(3) + Squares(4)
    assert isinstance(both, ConcatDataset)
    assert [both[i] for i in range(7)] == [0, 1, 4, 0, 1, 4, 9]
    assert both[-1] == 9
    assert both.cumulative_sizes == [3, 7]
    with pytest.raises(ValueError, match="absolute value of index should not exceed dataset length"):
        both[-8]
    with pytest.raises(IndexError):
        both[7]
    with pytest.raises(AssertionError, match="datasets should not be an empty iterable"):
        ConcatDataset([])
    with pytest.raises(AssertionError, match="ConcatDataset does not support IterableDataset"):
        ConcatDataset([Counting(1)])
    with pytest.warns(FutureWarning, match="renamed to `cumulative_sizes`"):
        assert both.cummulative_sizes == [3, 7]


def test_iterables_one_after_the_other():
    chained = Counting(2) + Counting(3)
    assert isinstance(chained, ChainDataset)
    assert list(chained) == [0, 1, 0, 1, 2]
    assert len(chained) == 5
    with pytest.raises(AssertionError, match="ChainDataset only supports IterableDataset"):
        list(ChainDataset([Squares()]))


def test_a_subset_asks_for_a_batch_at_once_where_it_can():
    class Batched(Squares):
        def __getitems__(self, indices):
            return [("at once", i) for i in indices]

    assert Subset(Squares(), [3, 1])[0] == 9
    assert Subset(Squares(), [3, 1]).__getitems__([1, 0]) == [1, 9]
    assert Subset(Batched(), [3, 1]).__getitems__([1, 0]) == [("at once", 1), ("at once", 3)]
    assert list(Subset(Squares(), [3, 1])) == [9, 1]


def test_splits():
    parts = random_split(range(11), [0.5, 0.3, 0.2], seeded(1))
    assert [part.indices for part in parts] == [[0, 10, 2, 3, 7, 6], [4, 8, 1], [9, 5]]
    assert [len(part) for part in random_split(range(5), [2, 3])] == [2, 3]
    assert sorted(itertools.chain(*random_split(range(5), [2, 3]))) == [0, 1, 2, 3, 4]
    for lengths in ([2, 2], [0.5, 0.6], [0.5, 0.3]):
        with pytest.raises(ValueError, match="Sum of input lengths does not equal the length of the input dataset!"):
            random_split(range(5), lengths)
    with pytest.raises(ValueError, match="Fraction at index 0 is not between 0 and 1"):
        random_split(range(5), [-0.5, 1.5])
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        random_split(range(1), [0.5, 0.5])


# -- samplers


def test_the_order_of_random_samplers_is_pytorchs():
    assert list(RandomSampler(range(5), generator=seeded())) == [4, 0, 1, 3, 2]
    assert list(RandomSampler(range(3), num_samples=7, generator=seeded())) == [2, 0, 1, 2, 1, 0, 1]
    assert list(SubsetRandomSampler("abcde", generator=seeded())) == ["e", "a", "b", "d", "c"]
    assert list(RandomSampler(range(100), replacement=True, num_samples=4, generator=seeded())) == [44, 39, 33, 60]
    assert list(WeightedRandomSampler([0, 3, 0, 1], 4, generator=seeded())) == [3, 1, 1, 3]


def test_each_pass_takes_a_seed_from_the_default_generator():
    sampler = RandomSampler(range(20))
    rushlight.manual_seed(5)
    first, second = list(sampler), list(sampler)
    rushlight.manual_seed(5)
    assert list(sampler) == first != second
    assert len(sampler) == 20


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: RandomSampler(range(3), replacement=1), TypeError, "replacement should be a boolean value"),
        (
            lambda: RandomSampler([]),
            ValueError,
            "num_samples should be a positive integer value, but got num_samples=0",
        ),
        (lambda: RandomSampler([1], num_samples=2.5), ValueError, "but got num_samples=2.5"),
        (lambda: WeightedRandomSampler([1.0], True), ValueError, "but got num_samples=True"),
        (lambda: WeightedRandomSampler([1.0], 1, replacement=1), ValueError, "replacement should be a boolean"),
        (lambda: WeightedRandomSampler([[1.0]], 1), ValueError, r"but given weights have shape \(1, 1\)"),
        (lambda: BatchSampler([1], 0, True), ValueError, "batch_size should be a positive integer value"),
        (lambda: BatchSampler([1], True, True), ValueError, "but got batch_size=True"),
        (lambda: BatchSampler([1], 1, 1), ValueError, "drop_last should be a boolean value, but got drop_last=1"),
        (lambda: DistributedSampler([1]), ValueError, "Default process group has not been initialized"),
        (lambda: DistributedSampler([1], 2, 2), ValueError, r"Invalid rank 2, rank should be in the interval \[0, 1\]"),
        (lambda: iter(Sampler()), NotImplementedError, "^$"),
    ],
)
def test_what_samplers_refuse(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make()


def test_a_distributed_sampler_without_processes_says_what_to_give():
    with pytest.raises(ValueError, match="process group") as caught:
        DistributedSampler([1], num_replicas=2)
    assert "give num_replicas and rank" in caught.value.__notes__[0]


def test_batches_of_indices():
    assert list(BatchSampler(SequentialSampler("abcde"), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(BatchSampler("abcde", 2, True)) == [["a", "b"], ["c", "d"]]
    assert [len(BatchSampler(range(n), 2, drop)) for n in (4, 5) for drop in (False, True)] == [2, 2, 3, 2]


def test_parts_of_several_processes():
    parts = [list(DistributedSampler(range(11), 3, rank)) for rank in range(3)]
    assert parts[1] == [0, 5, 1, 6]
    assert sorted(itertools.chain(*parts))[:2] != [0, 1] or set(itertools.chain(*parts)) == set(range(11))
    assert list(DistributedSampler(range(11), 3, 1, drop_last=True)) == [0, 5, 1]
    assert list(DistributedSampler(range(2), 5, 4)) == [0]
    sampler = DistributedSampler(range(11), 3, 1)
    sampler.set_epoch(3)
    assert list(sampler) == [0, 4, 8, 7]
    assert len(sampler) == 4


# -- collating


Point = collections.namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("batch", "wanted"),
    [
        ([1.5, 2.5], rushlight.tensor([1.5, 2.5], dtype=rushlight.float64)),
        ([1, 2], rushlight.tensor([1, 2])),
        ([True, False], rushlight.tensor([True, False])),
        ([1, 2.5], rushlight.tensor([1.0, 2.5])),
        ([2.5, 1], rushlight.tensor([2.5, 1.0], dtype=rushlight.float64)),
        ([np.float32(1), np.float32(2)], rushlight.tensor([1.0, 2.0])),
        ([np.ones(2), np.zeros(2)], rushlight.tensor([[1.0, 1.0], [0.0, 0.0]], dtype=rushlight.float64)),
        ([rushlight.ones(2), rushlight.zeros(2)], rushlight.tensor([[1.0, 1.0], [0.0, 0.0]])),
        ([rushlight.tensor(1), rushlight.tensor(2)], rushlight.tensor([1, 2])),
        (["a", "b"], ["a", "b"]),
        ([(1, "a"), (2, "b")], [rushlight.tensor([1, 2]), ("a", "b")]),
        ([Point(1, 2), Point(3, 4)], Point(rushlight.tensor([1, 3]), rushlight.tensor([2, 4]))),
        ([(), ()], []),
    ],
)
def test_batches_of_samples(batch, wanted):
    assert same(default_collate(batch), wanted)


def test_containers_keep_their_class():
    class Words(list):
        pass

    class Named(dict):
        pass

    assert type(default_collate([Words([1]), Words([2])])) is Words
    named = default_collate([Named(a=1), Named(a=2, b=3)])
    assert type(named) is Named
    assert list(named) == ["a"]
    assert type(default_collate([range(2), range(2)])) is list
    assert default_collate([collections.defaultdict(int, a=1)]).default_factory is int


@pytest.mark.parametrize(
    ("batch", "error", "sentence"),
    [
        (
            [None],
            TypeError,
            "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found",
        ),
        ([np.array(["a"])], TypeError, "found <U1"),
        ([rushlight.ones(2), rushlight.ones(3)], RuntimeError, r"got \[2\] at entry 0 and \[3\] at entry 1"),
        ([(1, 2), (3,)], RuntimeError, "each element in list of batch should be of equal size"),
        ([{"a": 1}, {"b": 1}], KeyError, "a"),
        ([2**63], ValueError, "Overflow"),
        ([], IndexError, "list index out of range"),
    ],
)
def test_what_cannot_be_a_batch(batch, error, sentence):
    with pytest.raises(error, match=sentence):
        default_collate(batch)


def test_converting():
    converted = default_convert({"a": np.ones(1, np.float32), "b": (np.int64(3), "x"), "c": Point(np.ones(1), None)})
    assert same(converted["a"], rushlight.ones(1))
    assert same(converted["b"], [rushlight.tensor(3), "x"])
    assert type(converted["c"]) is Point
    words = np.array(["a"])
    assert default_convert(words) is words


def test_a_map_of_ones_own():
    def joined(batch, *, collate_fn_map=None):
        return "+".join(str(entry) for entry in batch)

    assert collate([Point(1, "a"), Point(2, "b")], collate_fn_map={int: joined, str: joined}) == ("1+2", "a+b")
    assert collate([True, False], collate_fn_map={int: joined}) == "True+False"


def test_a_map_that_is_extended_is_asked_for_tensors_too(monkeypatch):
    dataset = TensorDataset(rushlight.arange(4))
    monkeypatch.setitem(default_collate_fn_map, rushlight.Tensor, lambda batch, **_: ("mine", len(batch)))
    assert list(DataLoader(dataset, batch_size=2)) == [[("mine", 2)], [("mine", 2)]]


def test_the_gradient_goes_through_a_batch():
    x = rushlight.ones(3, requires_grad=True)
    (batch,) = next(iter(DataLoader(TensorDataset(x), batch_size=2)))
    batch.sum().backward()
    assert x.grad.tolist() == [1, 1, 0]


# -- the loader


def test_batches_in_order():
    batches = list(DataLoader(Squares(5), batch_size=2))
    assert same(batches, [rushlight.tensor([0, 1]), rushlight.tensor([4, 9]), rushlight.tensor([16])])
    assert len(list(DataLoader(Squares(5), batch_size=2, drop_last=True))) == 2
    assert list(DataLoader(Squares(3), batch_size=None)) == [0, 1, 4]
    assert get_worker_info() is None


def test_shuffled_batches_are_pytorchs():
    rushlight.manual_seed(0)
    loader = DataLoader(TensorDataset(rushlight.arange(7)), batch_size=3, shuffle=True)
    assert [batch.tolist() for (batch,) in loader] == [[0, 4, 1], [5, 2, 6], [3]]
    loader = DataLoader(range(5), batch_size=5, shuffle=True, generator=seeded())
    assert next(iter(loader)).tolist() != next(iter(loader)).tolist()


class Plain(TensorDataset):
    """A TensorDataset that no shortcut is taken for."""


@pytest.mark.parametrize(
    "below", [lambda d: d, lambda d: Subset(d, range(8, 0, -1)), lambda d: Subset(Subset(d, range(9)), [5, 2, 7])]
)
def test_the_shortcut_for_tensors_changes_nothing(below):
    tensors = (
        rushlight.arange(20.0).reshape(10, 2),
        rushlight.arange(10),
        rushlight.arange(30.0).reshape(3, 10).t(),
        rushlight.ones(10, 0),
    )
    quick, plain = below(TensorDataset(*tensors)), below(Plain(*tensors))
    for order in ({}, {"drop_last": True}, {"batch_size": 3}):
        ours, wanted = (list(DataLoader(d, **{"batch_size": 4, **order})) for d in (quick, plain))
        assert same(ours, wanted)
        assert all(x.is_contiguous() for batch in ours for x in batch)
    batch = next(iter(DataLoader(quick, batch_size=2)))
    batch[0].zero_()
    assert tensors[0].sum() == 190


@pytest.mark.parametrize(
    "indices", [[[0, 12]], [[-1, 0]], [[True, False]], [[0.5]], [[rushlight.tensor(1), 2]], [["a"]]]
)
def test_the_shortcut_for_tensors_refuses_the_same(indices):
    results = []
    for made in (TensorDataset, Plain):
        try:
            results.append(list(DataLoader(made(rushlight.arange(10.0)), batch_sampler=indices)))
        except Exception as error:
            results.append([type(error), str(error)])
    assert same(*results)


def test_a_dataset_that_gives_batches_itself():
    class Batched(Squares):
        def __getitems__(self, indices):
            return [-i for i in indices]

    assert next(iter(DataLoader(Batched(), batch_size=3))).tolist() == [0, -1, -2]


def test_iterables():
    assert [b.tolist() for b in DataLoader(Counting(5), batch_size=2)] == [[0, 1], [2, 3], [4]]
    assert [b.tolist() for b in DataLoader(Counting(5), batch_size=2, drop_last=True)] == [[0, 1], [2, 3]]
    assert list(DataLoader(Counting(3), batch_size=None)) == [0, 1, 2]
    assert len(DataLoader(Counting(5), batch_size=2)) == 3
    assert len(DataLoader(Counting(5), batch_size=2, drop_last=True)) == 2


def test_an_iterable_that_is_longer_than_it_said():
    loader = DataLoader(Counting(3, told=2))
    list(loader)
    assert len(loader) == 2
    with pytest.warns(UserWarning, match=r"was reported to be 2\(when accessing len\(dataloader\)\), but 3 samples"):
        list(loader)


def test_a_stop_iteration_within_a_dataset_does_not_end_the_pass():
    class Stopping(Squares):
        def __getitem__(self, index):
            raise StopIteration

    with pytest.raises(RuntimeError, match="the dataset raised StopIteration"):
        list(DataLoader(Stopping()))


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"num_workers": -1}, ValueError, "num_workers option should be non-negative"),
        ({"timeout": -1}, ValueError, "timeout option should be non-negative"),
        ({"prefetch_factor": 2}, ValueError, "prefetch_factor option could only be specified in multiprocessing"),
        ({"prefetch_factor": -1, "num_workers": 1}, ValueError, "prefetch_factor option should be non-negative"),
        ({"persistent_workers": True}, ValueError, "persistent_workers option needs num_workers > 0"),
        ({"sampler": [1], "shuffle": True}, ValueError, "sampler option is mutually exclusive with shuffle"),
        ({"batch_sampler": [[1]], "batch_size": 2}, ValueError, "batch_sampler option is mutually exclusive"),
        ({"batch_size": None, "drop_last": True}, ValueError, "batch_size=None option disables auto-batching"),
        ({"batch_size": 0}, ValueError, "batch_size should be a positive integer value, but got batch_size=0"),
        ({"multiprocessing_context": "fork"}, ValueError, "can only be used with multi-process loading"),
        ({"multiprocessing_context": "x", "num_workers": 1}, ValueError, "should specify a valid start method in"),
        ({"multiprocessing_context": 3, "num_workers": 1}, TypeError, "should be a valid context object or a string"),
    ],
)
def test_arguments_that_contradict_each_other(arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        DataLoader(Squares(), **arguments)


@pytest.mark.parametrize("given", [{"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}])
def test_an_iterable_has_its_own_order(given):
    with pytest.raises(
        ValueError, match=f"DataLoader with IterableDataset: expected unspecified {next(iter(given))} option"
    ):
        DataLoader(Counting(3), **given)
    DataLoader(Counting(3), shuffle=False)


def test_what_cannot_be_changed_later():
    loader = DataLoader(Squares())
    for name in ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"):
        with pytest.raises(ValueError, match=f"{name} attribute should not be set after DataLoader is initialized"):
            setattr(loader, name, None)
    loader.collate_fn = tuple
    assert list(loader) == [(i * i,) for i in range(10)]


def test_pinning_says_that_it_has_no_effect():
    with pytest.warns(UserWarning, match="'pin_memory' argument is set as true but no accelerator is found"):
        assert len(list(DataLoader(Squares(), pin_memory=True))) == 10


def test_more_workers_than_processors_are_warned_of():
    with pytest.warns(UserWarning, match="This DataLoader will create 1000 worker processes in total"):
        DataLoader(Squares(), num_workers=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DataLoader(Squares(), num_workers=1000, multiprocessing_context="thread")


def test_a_progress_bar():
    tqdm = pytest.importorskip("tqdm")
    with tqdm.tqdm(DataLoader(Squares(), batch_size=4), disable=False, leave=False) as bar:
        assert len(list(bar)) == bar.total == 3
    with tqdm.tqdm(DataLoader(Counting(4)), leave=False) as bar:
        assert len(list(bar)) == bar.total == 4


def test_names_that_are_not_there_say_why():
    with pytest.raises(AttributeError, match="data pipes"):
        data.IterDataPipe  # noqa: B018
    from rushlight.utils.data.dataloader import default_collate as again
    from rushlight.utils.data.distributed import DistributedSampler as sampler
    from rushlight.utils.data.sampler import Sampler as base

    assert again is default_collate
    assert issubclass(sampler, base)
