"""Trees of tuples, lists, dicts and their kin."""

from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest

from rushlight import pytree

Point = namedtuple("Point", ("x", "y"))
TREES = [
    5,
    None,
    (),
    (1, 2),
    [1, (2, None), {}],
    {"b": 1, "a": [2, 3]},
    OrderedDict(b=1, a=2),
    Point(1, (2, 3)),
    deque([1, 2], maxlen=3),
    (Point([1], {"k": 2}), [[]]),
]


@pytest.mark.parametrize("tree", TREES, ids=repr)
def test_a_tree_comes_back(tree):
    leaves, spec = pytree.flatten(tree)
    again = pytree.unflatten(leaves, spec)
    assert again == tree and type(again) is type(tree)
    assert pytree.flatten(again)[1] == spec and spec.count == len(leaves)
    assert pytree.tree_map(lambda leaf: leaf, tree) == tree


def test_leaves_are_in_order():
    assert pytree.flatten({"b": 1, "a": (2, None, [3])})[0] == [1, 2, None, 3]


def test_a_default_dict_keeps_its_factory():
    tree = defaultdict(list, a=1)
    assert pytree.tree_map(str, tree).default_factory is list


def test_a_subclass_of_dict_is_a_leaf():
    class Table(dict):
        pass

    table = Table(a=1)
    assert pytree.flatten(table)[0] == [table] and pytree.is_leaf(table)


def test_specs_differ():
    specs = [pytree.flatten(tree)[1] for tree in ((1, 2), [1, 2], (1, (2,)), {"a": 1, "b": 2}, {"a": 1, "c": 2}, 1)]
    assert all((a == b) == (i == j) for i, a in enumerate(specs) for j, b in enumerate(specs))


def test_a_wrong_number_of_leaves_is_refused():
    _, spec = pytree.flatten((1, 2))
    with pytest.raises(ValueError, match="holds 2 items"):
        pytree.unflatten([1], spec)


@pytest.mark.parametrize(
    ("prefix", "tree", "found"),
    [
        (0, (1, [2, 3]), [0, 0, 0]),
        ((0, None), (1, [2, 3]), [0, None, None]),
        ((0, [1, None]), (1, [2, 3]), [0, 1, None]),
        ({"a": 0, "b": 1}, {"a": (1, 2), "b": 3}, [0, 0, 1]),
        ([0, 1], (1, 2), None),
        ((0, 1, 2), (1, 2), None),
        ((0, (1,)), (1, 2), None),
        (None, (1, 2), [None, None]),
    ],
)
def test_prefixes(prefix, tree, found):
    assert pytree.broadcast_prefix(prefix, tree) == found


@pytest.mark.parity
@pytest.mark.parametrize("tree", TREES, ids=repr)
def test_leaves_are_those_of_pytorch(tree):
    torch = pytest.importorskip("torch")
    leaves, spec = torch.utils._pytree.tree_flatten(tree)
    assert pytree.flatten(tree)[0] == leaves
    if not isinstance(tree, tuple) or not any(isinstance(part, Point) for part in (tree, *tree)):
        assert repr(pytree.flatten(tree)[1]) == " ".join(repr(spec).split())
