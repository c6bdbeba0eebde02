# cython: c_api_binop_methods=True
"""The graph: operations and their rules, the nodes they leave behind, and the tensor that carries them.

Nothing here knows an operation by name; the operators of TensorBase are given by `bind`.
"""

import numpy as np

try:
    import cython
except ImportError:
    from . import uncompiled as cython

from . import allocation, errors
from .dtypes import scalar_category
from .lines import Line
from .modes import grad_enabled, inference_enabled
from .operation import Operation, add_quietly

if not cython.compiled:
    from numpy import ndarray

    from .kernels.compare import as_tensor, differentiable, same_kind, shape_of
    from .uncompiled import give_fields, give_operators, next_sequence

# Number of function transforms (forward-mode levels, vmap) in force anywhere; zero keeps the paths below short.
_transforms = 0
# How many ever began: a tensor knows whether it was made before or within one.
_entered = 0
# Number of `with` blocks in force anywhere whose hooks pack what is saved.
_packers = 0
ADD = SUB = MUL = DIV = NEG = POW = LT = LE = GT = GE = EQ = NE = None
RSUB = RDIV = RPOW = MATMUL = GETITEM = SETITEM = DELITEM = None
_tensor_class = _parameter_class = None
_transform = _renewed = _run_inplace = _detach_batch = _leaf_made = _pack = None


class VersionCounter(Line):
    """How often a storage was written in place, and which line wrote last. Shared by views and detach()."""

    def bump(self):
        with cython.critical_section(self):
            self.n += 1
            self.mark()


@cython.freelist(64)
@cython.cclass
class View:
    """How a tensor shares the storage of another: `base` owns it; `version` is when the view's history was right."""


class Op(Operation):
    """An operation that can be called, on tensors."""

    def __call__(self, *inputs, **params):
        if not params:
            return self.called(inputs)
        if len(params) != len(self.defaults):
            for key in params:
                if key not in self.defaults:
                    raise TypeError(f"{self.name}() got an unexpected keyword argument '{key}'")
            params = {**self.defaults, **params}
        return apply(self, inputs, params)

    def called(self, inputs):
        """A call without parameters, by the kernel where it takes such inputs."""
        if self.kernel is not None and not self.is_view and self.arity == len(inputs):
            x = inputs[0]
            if self.arity == 1 and isinstance(x, TensorBase):
                return call1(self, x)
            if self.arity == 2 and isinstance(x, TensorBase) and isinstance(inputs[1], TensorBase):
                return call2(self, x, inputs[1])
        return apply(self, inputs, self.defaults)


class Packed:
    """What stands in a node for a saved tensor that hooks have packed: see saving.py."""


@cython.trashcan(True)
@cython.cclass
class Node(Line):
    """One recorded operation: where its inputs came from, and what its rules will ask for."""

    def name(self):
        return type(self).__name__

    def edge_at(self, i):  # This and the following are for Python modules.
        return self.edge(i)

    def number_at(self, i):
        return self.number(i)

    def saved_at(self, i):
        return self.saved(i)

    def saved_out_at(self, k):
        return self.saved_out(k)

    def edge(self, i):
        """What made input i: a Node, a leaf tensor, or None for a constant."""
        if i == 0:
            return self.edge0
        if i == 1:
            return self.edge1
        return self.more[i - 2][0]

    def number(self, i):
        """Which output of edge(i) the input was."""
        if i == 0:
            return self.number0
        if i == 1:
            return self.number1
        return self.more[i - 2][1]

    def put_first(self, tensor, keep):
        """Record input 0, a tensor, and keep it where a rule asks for it."""
        if tensor.tracked():
            self.edge0, self.number0 = tensor.source(), tensor.output_nr
        if keep:
            self.saved0, self.version0 = tensor, tensor.version()
            if tensor.inference:
                raise errors.inference_saved()

    def put_second(self, tensor, keep):
        """The same for input 1."""
        if tensor.tracked():
            self.edge1, self.number1 = tensor.source(), tensor.output_nr
        if keep:
            self.saved1, self.version1 = tensor, tensor.version()
            if tensor.inference:
                raise errors.inference_saved()

    def put_input(self, i, value, keep):
        """The same for any input, which may be a number or an array of indices."""
        is_tensor = isinstance(value, TensorBase)
        if i == 0:
            if is_tensor:
                self.put_first(value, keep)
            elif keep:
                self.saved0 = value
        elif i == 1:
            if is_tensor:
                self.put_second(value, keep)
            elif keep:
                self.saved1 = value
        else:
            self.put_further(value, keep)

    def put_further(self, value, keep):
        """The next of the inputs from 2 on."""
        edge, number, version = None, 0, 0
        if isinstance(value, TensorBase):
            tensor = as_tensor(value)
            if tensor.tracked():
                edge, number = tensor.source(), tensor.output_nr
            if keep:
                version = tensor.version()
                if tensor.inference:
                    raise errors.inference_saved()
        if self.more is None:
            self.more = []
        self.more.append((edge, number, value if keep else None, version))

    def saved(self, i):
        """The value of input i as it was recorded, checked against writes since."""
        with cython.critical_section(self):
            if self.freed:
                raise errors.freed(self)
            if i == 0:
                value, version = self.saved0, self.version0
            elif i == 1:
                value, version = self.saved1, self.version1
            else:
                _, _, value, version = self.more[i - 2]
        if not isinstance(value, TensorBase):
            return value.unpacked(self.edge(i), self.number(i)) if isinstance(value, Packed) else value
        tensor = as_tensor(value)
        if tensor.version() != version:
            shown = self.op.shown
            raise errors.modified(self, tensor if shown is None else shown(self, tensor), version)
        edge = self.edge(i)
        if (tensor._grad_fn is edge or edge is tensor) if tensor.tracked() else edge is None:
            return tensor
        # The tensor was detached or written to since: what was recorded is its history of then.
        recorded = restore(tensor._array, edge, self.number(i), tensor.versions)
        recorded.tangent = tensor.tangent
        return recorded

    def saved_out(self, k):
        """Output k as it was recorded, checked against writes since."""
        with cython.critical_section(self):
            if self.freed:
                raise errors.freed(self)
            (value, counter, version), tangents = self.outs[k], self.tangents
        if isinstance(value, Packed):
            out = value.unpacked(self, k)
        elif counter.n != version:
            raise errors.modified_output(self, k, value, counter, version)
        else:
            tracked = self.outputs == 1 or value.dtype.kind in "fcV"
            out = restore(value, self if tracked else None, k, counter)
        if tangents is not None:
            out.tangent = tangents[k]
        return out

    def release(self):
        """Let go of what was kept for the rules; a second backward that asks for it is an error."""
        # Held until the end: what is freed may come back to the node.
        _first, _second, _outs, _tangents = self.saved0, self.saved1, self.outs, self.tangents
        with cython.critical_section(self):
            self.freed = True
            self.saved0 = self.saved1 = self.outs = self.tangents = None
        try:
            for i in range(0 if self.more is None else len(self.more)):
                self.more[i] = (self.edge(i + 2), self.number(i + 2), None, 0)
        except MemoryError:
            return  # Kept for as long as the node is: the pass has succeeded, and says so.


class TensorBase:
    """The fields of a tensor, and its operators. Python gives it names in `class Tensor(TensorBase)`."""

    def tracked(self):
        """Whether operations on this tensor are recorded (a view is as its base is)."""
        return self._requires_grad or (self.view_of is not None and self.view_of.base._requires_grad)

    def version(self):
        return 0 if self.versions is None else self.versions.n

    def counter(self):
        """The version counter of the storage, made when someone first shares or checks it."""
        with cython.critical_section(self):
            if self.versions is None:
                self.versions = new_counter()
            return self.versions

    def source(self):
        """What a graph edge to this tensor points at: its node, or itself when it is a leaf."""
        node = self._grad_fn if self.view_of is None else self.history()
        return self if node is None else node

    def history(self):
        """The node that made this tensor; a new one for a view whose storage was written since."""
        with cython.critical_section(self):
            view, before = self.view_of, self._grad_fn
            if view is None or view.version == self.versions.n or (before is None and not view.base._requires_grad):
                return before
            node = _renewed(self)
            self._grad_fn, self.output_nr, self._requires_grad = node, 0, True
            view.version = self.versions.n
            return node

    @property
    def requires_grad(self):
        """Whether operations on this tensor are recorded."""
        return self.tracked()

    @requires_grad.setter
    def requires_grad(self, on):
        if self.tracked() and self.history() is not None:
            raise errors.not_a_leaf(on)
        if on and self.inference and not inference_enabled():
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        if on and self._array.dtype.kind not in "fcV":
            raise errors.not_floating("only Tensors of floating point and complex dtype can require gradients")
        if on and _transforms != 0:
            _leaf_made()
        self._requires_grad = bool(on)

    @property
    def grad_fn(self):
        """The node that made this tensor, None for a leaf."""
        return self.history()

    @property
    def is_leaf(self):
        return self.history() is None

    @property
    def grad(self):
        """What backward accumulated here, None before."""
        with cython.critical_section(self):
            grad = self._grad
        if grad is None and self._grad_fn is not None and not errors.retains(self):
            errors.warn_non_leaf_grad()
        return grad

    @grad.setter
    def grad(self, value):
        if value is not None:
            errors.check_grad(self, value)
        with cython.critical_section(self):
            _before, self._grad = self._grad, value

    @grad.deleter
    def grad(self):
        self.grad = None

    @property
    def _version(self):
        if self.inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        return self.version()

    @property
    def _base(self):
        return None if self.view_of is None else self.view_of.base

    # Compiled, each of these also receives the reflected operation: `self` is then the number. Separate reflected
    # methods would make Python look both up by name for each operation of a subclass.
    def __add__(self, other):
        if not isinstance(self, TensorBase):
            return call2(ADD, other, self)
        return call2(ADD, self, other)

    def __sub__(self, other):
        if not isinstance(self, TensorBase):
            return RSUB(other, self) if operand(self) else NotImplemented
        return call2(SUB, self, other)

    def __mul__(self, other):
        if not isinstance(self, TensorBase):
            return call2(MUL, other, self)
        return call2(MUL, self, other)

    def __truediv__(self, other):
        if not isinstance(self, TensorBase):
            return RDIV(other, self) if operand(self) else NotImplemented
        return call2(DIV, self, other)

    def __pow__(self, other, modulo):
        if modulo is not None:
            return NotImplemented
        if not isinstance(self, TensorBase):
            return RPOW(other, self) if operand(self) else NotImplemented
        return POW(self, other)

    def __matmul__(self, other):
        return MATMUL(self, other)

    def __neg__(self):
        return call1(NEG, self)

    def __getitem__(self, index):
        return GETITEM(self, index)

    def __setitem__(self, index, value):
        SETITEM(self, index, value)

    def __delitem__(self, index):
        DELITEM(self, index)

    def __iadd__(self, other):
        if not operand(other):
            return NotImplemented
        return inplace(ADD, self, (other,), ADD.defaults)

    def __isub__(self, other):
        if not operand(other):
            return NotImplemented
        return inplace(SUB, self, (other,), SUB.defaults)

    def __imul__(self, other):
        if not operand(other):
            return NotImplemented
        return inplace(MUL, self, (other,), MUL.defaults)

    def __itruediv__(self, other):
        if not operand(other):
            return NotImplemented
        return inplace(DIV, self, (other,), DIV.defaults)

    def __lt__(self, other):
        return call2(LT, self, other)

    def __le__(self, other):
        return call2(LE, self, other)

    def __gt__(self, other):
        return call2(GT, self, other)

    def __ge__(self, other):
        return call2(GE, self, other)

    def __eq__(self, other):
        return call2(EQ, self, other)

    def __ne__(self, other):
        return call2(NE, self, other)

    def __hash__(self):
        return id(self)


def adopt(cls):
    """Make a Python class without fields of its own as quick as the compiled class that it derives from."""
    if cython.compiled:
        node = issubclass(cls, Node)
        rl_adopt(cls, Node if node else TensorBase, node, attributes_offset())
    return cls


def new_counter():
    return VersionCounter.__new__(VersionCounter)


def new_node(op):
    """A node of `op`, its line marked, its inputs still to be put."""
    cls = op.node_class
    node = cls.__new__(cls)
    node.sequence = next_sequence()
    node.op = op
    node.outputs = 1
    node.mark()
    return node


def fresh(array):
    """A tensor over an array that a kernel has just made."""
    tensor = _tensor_class.__new__(_tensor_class)
    tensor._array = array
    if inference_enabled():
        tensor.inference = True
    return tensor


def wrap(array):
    """A tensor over `array`, which is not copied."""
    tensor = fresh(array if isinstance(array, ndarray) else np.asarray(array))
    if _transforms != 0:
        tensor.born = _entered
    return tensor


def restore(array, edge, number, counter):
    """A tensor over a kept array, with the history that it had when it was kept."""
    tensor = wrap(array)
    tensor.versions = counter
    if edge is not None:
        tensor._requires_grad = True
        tensor._grad_fn = edge if isinstance(edge, Node) else None
        tensor.output_nr = number
    return tensor


def detached(x, shares_version):
    """A tensor over the same memory, without history."""
    if _transforms != 0 and type(x._array) is not ndarray:
        return _detach_batch(x)
    tensor = wrap(x._array)
    tensor.inference, tensor.born = x.inference, x.born
    if shares_version:
        tensor.versions = x.counter()
    return tensor if plain(x) else as_subclass(tensor, type(x))


def parameter_class():
    return _parameter_class


def tensor_class():
    return _tensor_class


def array_of(value):
    """The array of a tensor; anything else as it is."""
    if isinstance(value, TensorBase):
        return as_tensor(value)._array
    return value


def add_into(total, g):
    """total += g on arrays of one dtype and shape."""
    kernel = ADD.kernel
    if kernel is None or not kernel.into2(total, g):
        add_quietly(total, g)


def operand(value):
    """Whether an operator takes `value`; where not, Python asks the other operand."""
    if isinstance(value, TensorBase) or type(value) is float or type(value) is int:
        return True
    return isinstance(value, ndarray) or scalar_category(value) is not None


def plain(x):
    """Whether results of operations on `x` are plain tensors: other subclasses hand their class on."""
    cls = type(x)
    return cls is _tensor_class or cls is _parameter_class


def call1(op, x):
    """A unary operation on a tensor."""
    kernel = op.kernel
    if kernel is None or _transforms != 0 or not plain(x):
        return apply(op, (x,), op.defaults)
    try:
        out = kernel.call1(as_tensor(x)._array)
    except MemoryError as error:
        allocation.refuse(op, error, (as_tensor(x)._array,), op.defaults)
        raise
    if out is NotImplemented:
        return apply(op, (x,), op.defaults)
    tensor = fresh(out)
    if op.differentiable and as_tensor(x).tracked() and grad_enabled():
        node = new_node(op)
        node.put_first(as_tensor(x), (op.keep1 & 1) != 0)
        node.count = 1
        node.params = op.defaults
        if op.uses_shapes:
            node.shapes = (shape_of(as_tensor(x)._array),)
        attach(node, tensor, op, 1)
    return tensor


def call2(op, x, y):
    """A binary operation; x is a tensor, y is one or a number."""
    kernel = op.kernel
    if kernel is None or _transforms != 0 or not plain(x):
        return apply2(op, x, y)
    a = as_tensor(x)._array
    needed = 1 if as_tensor(x).tracked() else 0
    b = y
    if isinstance(y, TensorBase):
        if not plain(y):
            return apply2(op, x, y)
        b = as_tensor(y)._array
        if as_tensor(y).tracked():
            needed |= 2
    try:
        out = kernel.call2(a, b)
    except (MemoryError, ValueError) as error:
        allocation.refuse(op, error, (a, b), op.defaults)
        raise
    if out is NotImplemented:
        return apply2(op, x, y)
    tensor = fresh(out)
    if needed and op.differentiable and grad_enabled():
        node = new_node(op)
        mask = op.keeps(needed)
        node.put_first(as_tensor(x), (mask & 1) != 0)
        if b is not y:
            node.put_second(as_tensor(y), (mask & 2) != 0)
        elif mask & 2:
            node.saved1 = y
        node.count = 2
        node.params = op.defaults
        if op.uses_shapes:
            node.shapes = (shape_of(a), shape_of(b))
        if not same_kind(a, out) or (b is not y and not same_kind(b, out)):
            node.fits = op.fits([a, b], out)
        attach(node, tensor, op, needed)
    return tensor


def apply2(op, x, y):
    """A binary operation the long way; NotImplemented where an operand is none, so that Python asks the other."""
    if not operand(x) or not operand(y):
        return NotImplemented
    return apply(op, (x, y), op.defaults)


def apply(op, inputs, params):
    """Any operation: on tensors, arrays and numbers, with all of its parameters."""
    if _transforms != 0:
        return _transform(op, inputs, params, False)
    return run(op, inputs, params)


def run(op, inputs, params):
    """Compute the operation and record it, without regard to function transforms."""
    if op.is_view and not op.multiple and len(inputs) == 1 and plain(inputs[0]):
        return run_view(op, inputs[0], params)
    inputs = tuple([wrap(x) if isinstance(x, ndarray) else x for x in inputs])
    arrays = arrays_for(op, inputs)
    out = op.compute(arrays, params)
    outs = out if op.multiple else (out,)
    tensors = [wrap(o) for o in outs]
    record(op, inputs, params, tensors)
    for x in inputs:
        if isinstance(x, TensorBase) and not plain(x):
            tensors = [as_subclass(tensor, type(x)) for tensor in tensors]
            break
    return tuple(tensors) if op.multiple else tensors[0]


def record(op, inputs, params, tensors):
    """Make the call the history of its results, where one of the inputs has a history."""
    if op.is_view:
        link_views(op, inputs[0], tensors)
    needed = needed_of(inputs)
    if needed != 0 and op.differentiable and grad_enabled() and tensors:
        node = recorded(op, inputs, params, tensors[0]._array, needed)
        attach_all(node, tensors, op, needed)


def run_view(op, x, params):
    """The same for the common kind of view, in fewer steps."""
    return viewed(op, x, op.compute((x._array,), params), params)


def indexed(op, x, index):
    """The view x[index] for an operation whose only parameter is a basic index, with nothing called in Python."""
    if _transforms != 0 or not plain(x):
        return apply(op, (x,), {"index": index})
    return viewed(op, x, as_tensor(x)._array[index], {"index": index})


def view_by(op, x, first=None, second=None):
    """A view operation of up to two parameters, given in order."""
    names = op.params
    if len(names) == 1:
        params = {names[0]: first}
    elif len(names) == 0:
        params = op.defaults
    else:
        params = {names[0]: first, names[1]: second}
    if _transforms != 0 or not plain(x):
        return apply(op, (x,), params)
    array = op.view(as_tensor(x)._array, params)
    if array is NotImplemented:
        return apply(op, (x,), params)
    return viewed(op, x, array, params)


def viewed(op, x, array, params):
    """A tensor over `array`, which lies in the memory of x, with its history."""
    tensor = wrap(array)
    if not op.differentiable:
        # The bits of x, seen as something else: the version is all that they share.
        tensor.versions = x.counter()
        return tensor
    recording = grad_enabled()
    view = View.__new__(View)
    view.base = x if x.view_of is None else x.view_of.base
    tensor.versions = x.counter()
    view.version = tensor.versions.n
    view.creation = creation_of(x, "" if recording else own_creation())
    tensor.inference = x.inference
    if recording and x.tracked():
        node = new_node(op)
        node.put_first(x, (op.keep1 & 1) != 0)
        node.count = 1
        node.params = params
        if op.uses_shapes:
            node.shapes = (shape_of(x._array),)
        attach(node, tensor, op, 1)
    tensor.view_of = view
    return tensor


def as_subclass(tensor, cls):
    """The same tensor as an instance of a subclass of Tensor."""
    result = cls.__new__(cls)
    result._array, result.inference = tensor._array, tensor.inference
    result._grad_fn, result.output_nr, result._requires_grad = tensor._grad_fn, tensor.output_nr, tensor._requires_grad
    result.versions, result.view_of = tensor.versions, tensor.view_of
    return result


def arrays_for(op, inputs):
    """The arrays of the inputs, brought to one dtype where the operation wants that."""
    return op.prepared([array_of(x) for x in inputs])


def needed_of(inputs):
    """The inputs that want a gradient, as a bit set (for more than 60 inputs: all or none)."""
    needed = 0
    for i, x in enumerate(inputs):
        if isinstance(x, TensorBase) and as_tensor(x).tracked():
            if i > 60:
                return -1
            needed |= 1 << i
    return needed


def recorded(op, inputs, params, out, needed):
    """The node of an operation, without outputs yet; None where its result is not of a differentiable dtype."""
    node = new_node(op)
    mask = op.keeps(needed)
    for i, x in enumerate(inputs):
        node.put_input(i, x, (mask & 1) != 0 if op.variadic else (mask >> i & 1) != 0)
    node.count = len(inputs)
    node.params = params
    arrays = [array_of(x) for x in inputs]
    if op.uses_shapes:
        node.shapes = tuple([shape_of(a) for a in arrays])
    node.fits = op.fits(arrays, out)
    node.conjugate = op.holomorphic and out.dtype.kind == "c"
    return node


def attach(node, tensor, op, needed):
    """Make `node` the history of its single output."""
    tensor._grad_fn = node
    tensor._requires_grad = True
    if (op.out_mask & needed) != 0:
        counter = tensor.counter()
        node.outs = ((tensor._array, counter, counter.n),)
    if _packers != 0:
        _pack(node)


def attach_all(node, tensors, op, needed):
    """Make `node` the history of those outputs that can have a gradient."""
    node.outputs = len(tensors)
    for k, tensor in enumerate(tensors):
        if differentiable(tensor._array):
            tensor._grad_fn = node
            tensor._requires_grad = True
            tensor.output_nr = k
    if (op.out_mask & needed) != 0:
        node.outs = tuple([(array_of(t), as_tensor(t).counter(), as_tensor(t).version()) for t in tensors])
    if _packers != 0:
        _pack(node)


def own_creation():
    """How a view that is not recorded comes to be."""
    return "inference" if inference_enabled() else "no_grad"


def creation_of(x, own):
    """How a view of x came to be, which forbids some writes: in its own way, or as the view x did."""
    before = "" if x.view_of is None else x.view_of.creation
    return own if own and before != "inference" else before


def link_views(op, x, tensors):
    """Tell tensors that share the storage of x so."""
    base = x if x.view_of is None else x.view_of.base
    counter = x.counter()
    creation = creation_of(x, own_creation() if not grad_enabled() else "multiple" if op.multiple else "")
    for tensor in tensors:
        view = View.__new__(View)
        view.base = base
        view.version = counter.n
        view.creation = creation
        tensor.view_of = view
        tensor.versions = counter
        tensor.inference = x.inference


def inplace(op, x, rest, params):
    """The in-place form of an operation: the result is written over x, and x's history goes on from it."""
    if not isinstance(x, TensorBase):
        raise errors.not_tensor(x, f"{op.name}_")
    if _transforms != 0:
        return _transform(op, (x, *rest), params, True)
    return _run_inplace(op, x, rest, params)


def written(x):
    """Count an in-place write to the storage of x, and remember its line."""
    x.counter().bump()


def transforms_entered(change):
    """A function transform begins (1) or ends (-1)."""
    global _transforms, _entered
    with cython.critical_section(Op):
        _transforms += change
        _entered += change > 0
    return _transforms


def packers_entered(change):
    """Hooks of saved tensors begin (1) or end (-1) to be in force somewhere."""
    global _packers
    with cython.critical_section(Op):
        _packers += change
    return _packers


def entered():
    """What `born` of the tensors is that are made from now on, until the next function transform begins."""
    return _entered


def bind(**names):
    """Give the core the operators, classes and hooks that it uses and may not import."""
    global _tensor_class, _parameter_class, _transform, _renewed, _run_inplace, _detach_batch, _leaf_made, _pack
    global ADD, SUB, MUL, DIV, NEG, POW, LT, LE, GT, GE, EQ, NE, RSUB, RDIV, RPOW, MATMUL, GETITEM, SETITEM, DELITEM
    given = names.get
    _tensor_class, _parameter_class = given("tensor_class", _tensor_class), given("parameter_class", _parameter_class)
    _transform, _renewed = given("transform", _transform), given("renewed", _renewed)
    _run_inplace, _pack = given("run_inplace", _run_inplace), given("pack", _pack)
    _detach_batch, _leaf_made = given("detach_batch", _detach_batch), given("leaf_made", _leaf_made)
    ADD, SUB, MUL, DIV = given("add", ADD), given("sub", SUB), given("mul", MUL), given("div", DIV)
    NEG, POW, RSUB, RDIV = given("neg", NEG), given("pow", POW), given("rsub", RSUB), given("rdiv", RDIV)
    LT, LE, GT, GE, RPOW = given("lt", LT), given("le", LE), given("gt", GT), given("ge", GE), given("rpow", RPOW)
    EQ, NE, MATMUL, GETITEM = given("eq", EQ), given("ne", NE), given("matmul", MATMUL), given("getitem", GETITEM)
    SETITEM, DELITEM = given("setitem", SETITEM), given("delitem", DELITEM)


if not cython.compiled:
    give_operators(TensorBase)
    give_fields(VersionCounter, View, Node, TensorBase)
