"""What stands between a node and the tensors that it saves: hooks that pack and unpack them.

Pack hooks see a tensor without history; what unpack hooks give gets the history that the saved tensor had. Hooks are
in force for the thread or task that entered them.
"""

from contextvars import ContextVar

from numpy import ndarray

from . import core, errors, modes
from .core import Node, Packed, TensorBase, VersionCounter
from .hooks import extras_of

_in_force = ContextVar("rushlight_saved_tensors_hooks", default=())
# The message that entering hooks is refused with; None where it is allowed.
_refused = ContextVar("rushlight_saved_tensors_refused", default=None)
# The backward pass whose node is at work, and what was unpacked for this node already.
_at_work = ContextVar("rushlight_saved_tensors_at_work", default=None)
_alias = None


def current():
    """The innermost (pack, unpack) in force, None where there is none."""
    found = _in_force.get()
    return found[-1] if found else None


def enter(pack, unpack):
    """Put hooks in force."""
    if _refused.get() is not None:
        raise RuntimeError(_refused.get())
    check_callable(pack, unpack)
    _in_force.set((*_in_force.get(), (pack, unpack)))
    core.packers_entered(1)


def leave():
    """Take out the innermost hooks."""
    _in_force.set(_in_force.get()[:-1])
    core.packers_entered(-1)


def refuse(message):
    """Refuse hooks with this message from now on; returns what to give to `allow` afterwards."""
    if _in_force.get():
        raise RuntimeError(message)
    before = _refused.get()
    _refused.set(message)
    return before


def allow(before):
    """Refuse only what was refused before."""
    _refused.set(before)


def check_callable(pack, unpack):
    for hook in (pack, unpack):
        if not callable(hook):
            raise TypeError(f"hooks of saved tensors must be callable, not {type(hook).__name__}")


class PackedTensor(Packed):
    """What a pack hook made of a tensor, and how it becomes a tensor again."""

    def __init__(self, hooks, tensor):
        pack, self.unpack = hooks
        self.tangent = tensor.tangent
        self.value = _packed(pack, tensor)

    def unpacked(self, edge, number):
        """The tensor again, with output `number` of `edge` as its history; made once for each visit of a node."""
        at_work = _at_work.get()
        if at_work is None:
            return self._unpacked(edge, number)
        found = at_work[1].get(self)
        if found is None:
            found = at_work[1][self] = self._unpacked(edge, number)
        return found

    def _unpacked(self, edge, number):
        tensor = self.unpack(self.value)
        if not isinstance(tensor, TensorBase):
            raise TypeError(
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
                f"{type(tensor).__name__}"
            )
        if edge is None and not tensor.requires_grad and not self.tangent:
            return tensor
        tensor = core.detached(tensor, True)
        tensor.tangent = self.tangent
        return tensor if edge is None else _with_history(tensor, edge, number)


def _packed(pack, tensor):
    given = core.detached(tensor, True)
    version = given._version
    before = modes.flags()
    try:
        modes.put_grad(False)
        value = pack(given)
    finally:
        modes.put_grad(before & 1)
    if given._version != version:
        raise RuntimeError(
            "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook cannot be "
            "modified by in-place operations as this can lead to unexpected side-effects. Please open an issue if you need "
            "to perform in-place operations on the input to a pack hook."
        )
    return value


def _with_history(tensor, edge, number):
    """The tensor as output `number` of a node; or as an alias of a leaf, which it cannot be itself."""
    if not isinstance(edge, Node):
        node = core.new_node(_alias)
        node.edge0, node.count, node.params = edge, 1, {}
        edge, number = node, 0
    tensor._grad_fn, tensor._requires_grad, tensor.output_nr = edge, True, number
    return tensor


class Unwritten:
    """A tensor that must be asked for before it is written to."""

    def __init__(self, tensor):
        # A counter is a Line, and the one whose mark Python can ask for.
        self._place = VersionCounter()
        self._place.bump()
        self._tensor = tensor
        self._version = tensor._version

    def is_as_it_was(self):
        return self._tensor._version == self._version

    def tensor(self):
        """The tensor; RuntimeError, as of any saved tensor, where it was written to since."""
        if not self.is_as_it_was():
            raise errors.modified(self, self._tensor, self._version)
        return self._tensor

    def replace(self, tensor):
        """Stand for a tensor of the same values from now on."""
        self._tensor, self._version = tensor, tensor._version

    def name(self):
        return "An operation"

    def describe(self):
        return self._place.describe()


def pack(node):
    """Pack what a node has just saved, where hooks are in force here."""
    hooks = current()
    if hooks is None:
        return
    for place in range(node.count):
        _pack_at(node, place, hooks)
    for k in range(len(node.outs or ())):
        _pack_at(node, -1 - k, hooks)


def _pack_at(node, place, hooks):
    value = kept(node, place)
    # A batched tensor may have history outside of its vmap, which unpacking could not give back: it stays as it is.
    if isinstance(value, TensorBase) and type(value._array) is ndarray:
        put(node, place, packed(node, hooks, value))


def packed(node, hooks, tensor):
    """A tensor that the node saves, packed; the node knows from now on that it has such."""
    result = PackedTensor(hooks, tensor)
    extras_of(node).packs = True
    return result


def kept(node, place):
    """What the node keeps of input `place`, or of output -1 - place: a tensor, a Packed, or anything else."""
    if place < 0:
        value, counter, _ = node.outs[-1 - place]
        return value if isinstance(value, Packed) else core.restore(value, None, 0, counter)
    if place < 2:
        return (node.saved0, node.saved1)[place]
    return node.more[place - 2][2]


def put(node, place, value):
    """Keep `value` instead."""
    if place < 0:
        outs = list(node.outs)
        outs[-1 - place] = (value, *outs[-1 - place][1:])
        node.outs = tuple(outs)
    elif place == 0:
        node.saved0 = value
    elif place == 1:
        node.saved1 = value
    else:
        edge, number, _, version = node.more[place - 2]
        node.more[place - 2] = (edge, number, value, version)


def unpacking(run, results, node, g):
    """results(node, g) with hooks knowing the backward pass, and each saved tensor unpacked once."""
    before = _at_work.get()
    try:
        _at_work.set((run, {}))
        return results(node, g)
    finally:
        _at_work.set(before)


def current_run():
    """The backward pass that asks for a saved tensor, None where something else does."""
    at_work = _at_work.get()
    return None if at_work is None else at_work[0]


class SavedTensor:
    """A tensor that a node has saved, as `node._raw_saved_<name>` shows it: hooks may be put on it alone."""

    def __init__(self, node, place):
        self._node = node
        self._place = place

    @property
    def data(self):
        """What is kept: the tensor, or what a pack hook made of it."""
        value = kept(self._node, self._place)
        return value.value if isinstance(value, PackedTensor) else value

    @property
    def unpack_hook(self):
        """The hook that makes it a tensor again, None where there is none."""
        value = kept(self._node, self._place)
        return value.unpack if isinstance(value, PackedTensor) else None

    def unpack(self):
        """The tensor as it was recorded; RuntimeError where it was written to since."""
        return self._node.saved_at(self._place) if self._place >= 0 else self._node.saved_out_at(-1 - self._place)

    def register_hooks(self, pack_hook, unpack_hook):
        """Pack the tensor now with pack_hook, and unpack it with unpack_hook when it is asked for."""
        check_callable(pack_hook, unpack_hook)
        if self._node.freed:
            raise RuntimeError(
                "Calling register_hooks on a saved tensor after it has been freed. Saved intermediate values of the graph "
                "are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward "
                "through the graph a second time or if you need to access saved variables after calling backward."
            )
        value = kept(self._node, self._place)
        if isinstance(value, Packed):
            raise RuntimeError(
                "Calling register_hooks on a saved tensor whose hooks have already been set. Hint: only one pair of "
                "hooks is allowed at a time."
            )
        if not isinstance(value, TensorBase):
            raise RuntimeError("Calling register_hooks on a saved tensor with value None is forbidden")
        put(self._node, self._place, packed(self._node, (pack_hook, unpack_hook), value))


def bind(alias):
    """Give this module the operation that a saved leaf is unpacked as."""
    global _alias
    _alias = alias


core.bind(pack=pack)
