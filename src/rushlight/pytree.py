"""Trees: tuples, named tuples, lists, deques and dicts, nested at will. Everything else is a leaf, None as well."""

from collections import OrderedDict, defaultdict, deque


class Spec:
    """The shape of a tree without its leaves: the type of each node, what else makes one up, and its children."""

    __slots__ = ("children", "count", "detail", "kind")

    def __init__(self, kind, detail, children):
        self.kind, self.detail, self.children = kind, detail, children
        self.count = sum([child.count for child in children]) if kind is not None else 1

    def __eq__(self, other):
        if self is other:
            return True
        return (
            isinstance(other, Spec)
            and self.kind is other.kind
            and self.detail == other.detail
            and self.children == other.children
        )

    def __hash__(self):
        return hash((self.kind, self.count))

    def __repr__(self):
        if self.kind is None:
            return "*"
        detail = self.kind.__name__ if hasattr(self.kind, "_fields") else self.detail
        return f"TreeSpec({_named(self.kind)}, {detail}, [{', '.join(map(repr, self.children))}])"


def _named(kind):
    return "namedtuple" if hasattr(kind, "_fields") else kind.__name__


LEAF = Spec(None, None, ())


def is_leaf(tree):
    """Whether `tree` is no container that is known here."""
    return _kind(type(tree)) is None


def _kind(cls):
    """How to take apart and make an instance of a class; None for a leaf."""
    known = _KINDS.get(cls)
    if known is None and issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _NAMED
    return known


def _parts(tree):
    """(class, detail, children) of a node; None for a leaf."""
    cls = type(tree)
    kind = _kind(cls)
    if kind is None:
        return None
    detail, children = kind[0](tree)
    return cls, detail, children


def flatten(tree):
    """(leaves, spec): the leaves in order, and what `unflatten` needs to put them back.

    >>> from rushlight import pytree
    >>> leaves, spec = pytree.flatten({"a": 1, "b": (2, [3, None])})
    >>> leaves
    [1, 2, 3, None]
    >>> pytree.unflatten([leaf and -leaf for leaf in leaves], spec)
    {'a': -1, 'b': (-2, [-3, None])}
    """
    leaves = []
    return leaves, _flatten(tree, leaves)


def _flatten(tree, leaves):
    parts = _parts(tree)
    if parts is None:
        leaves.append(tree)
        return LEAF
    cls, detail, children = parts
    return Spec(cls, detail, [_flatten(child, leaves) for child in children])


def unflatten(leaves, spec):
    """The tree of a spec with these leaves; ValueError for a wrong number of them."""
    leaves = list(leaves)
    if len(leaves) != spec.count:
        raise ValueError(
            f"tree_unflatten(leaves, treespec): `leaves` has length {len(leaves)} but the spec refers to a pytree "
            f"that holds {spec.count} items ({spec!r})."
        )
    return _unflatten(iter(leaves), spec)


def _unflatten(leaves, spec):
    if spec.kind is None:
        return next(leaves)
    return _kind(spec.kind)[1](spec.kind, spec.detail, [_unflatten(leaves, child) for child in spec.children])


def tree_map(function, tree):
    """The tree with function(leaf) in the place of each leaf."""
    parts = _parts(tree)
    if parts is None:
        return function(tree)
    cls, detail, children = parts
    return _kind(cls)[1](cls, detail, [tree_map(function, child) for child in children])


def broadcast_prefix(prefix, tree):
    """A list with one entry for each leaf of `tree`: the leaf of `prefix` that stands there or above it.

    `tree` may be given as its spec. None where the prefix does not fit.

    >>> from rushlight import pytree
    >>> pytree.broadcast_prefix((0, None), (1, {"a": 2, "b": 3}))
    [0, None, None]
    """
    spec = tree if isinstance(tree, Spec) else flatten(tree)[1]
    found = []
    return found if _spread(prefix, spec, found) else None


def _spread(prefix, spec, found):
    parts = _parts(prefix)
    if parts is None:
        found += [prefix] * spec.count
        return True
    cls, detail, children = parts
    if cls is not spec.kind or detail != spec.detail or len(children) != len(spec.children):
        return False
    return all([_spread(child, below, found) for child, below in zip(children, spec.children)])


# For each class: instance -> (detail, children), and (class, detail, children) -> instance.
_NAMED = (lambda tree: (None, list(tree)), lambda cls, detail, children: cls(*children))
_SEQUENCE = (lambda tree: (None, list(tree)), lambda cls, detail, children: cls(children))
_MAPPING = (lambda tree: (list(tree), list(tree.values())), lambda cls, detail, children: cls(zip(detail, children)))
_KINDS = {
    tuple: _SEQUENCE,
    list: _SEQUENCE,
    dict: _MAPPING,
    OrderedDict: _MAPPING,
    defaultdict: (
        lambda tree: ([tree.default_factory, list(tree)], list(tree.values())),
        lambda cls, detail, children: cls(detail[0], zip(detail[1], children)),
    ),
    deque: (
        lambda tree: (tree.maxlen, list(tree)),
        lambda cls, detail, children: cls(children, detail),
    ),
}
