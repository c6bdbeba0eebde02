"""The backward pass: from outputs to leaves, in the reverse order of recording.

A node's sequence number is larger than those of all nodes it came from, so the pending node with the largest number
has received all of its gradient. Leaf gradients are staged and committed together when all went well.
"""

import os
from _thread import RLock
from functools import partial

import numpy as np

try:
    import cython
except ImportError:
    from . import uncompiled as cython

from . import allocation, errors
from .core import Node, TensorBase, add_into, array_of, transforms_entered, wrap
from .hooks import call_gathered, retained_totals
from .modes import anomaly_enabled, check_nan_enabled, enter_backward, leave_backward
from .saving import unpacking
from .watching import current as current_watchers
from .watching import in_force, pulled

if not cython.compiled:
    from .kernels.compare import (
        alone,
        as_tensor,
        bytes_of,
        check_signals,
        one_like,
        one_number,
        plain,
        same_kind,
        sole_owner,
    )
    from .uncompiled import set_fields, slots_used

CONJ = SUM_TO = TO_DTYPE = COPY_GRAD = None
# See operation.py.
_SHAPE, _OUT, _PARAM, _NEEDS = 1000, 2000, 3000, 4000
# The part of the count of transforms that is not watchers: see watching.py.
_TRANSFORMS = (1 << 20) - 1
# A pass that failed can be tried again until so much of what it has passed would be kept for that: see `let_go`.
KEPT_FOR_A_RETRY = 1 << 23
# Whoever forks waits until no gradient is half committed, so a child never inherits the lock held by another thread.
# It is one that the same thread may take again: a signal handler or destructor may come between, and run backward.
_commit = RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_commit.acquire, after_in_parent=_commit.release, after_in_child=_commit.release)


@cython.freelist(64)
@cython.cclass
class Pending:
    """A node (or leaf) that has received gradient, and how much of it so far."""


class Run:
    """One backward pass."""

    def begin(self, keep_graph, create_graph):
        self.keep_graph = keep_graph
        self.create_graph = create_graph
        # Rules run as kernels on arrays where nobody asks for the history or the tangents of what they give.
        self.on_arrays = not create_graph and not transforms_entered(0) & _TRANSFORMS
        self.anomaly = anomaly_enabled()
        self.watchers = current_watchers() if in_force else None
        # The pending node of the largest order, and the others.
        self.top = None
        self.heap = []
        self.elsewhere = None
        self.leaves = []
        self.passed = []
        self.passed_bytes = 0
        self.stopped = None
        self.retained = []
        self.needed = None
        self.wanted = None
        self.captured = None
        # What hooks for several tensors have received: see hooks.Gathering.
        self.gathered = None

    def restrict(self, roots, targets):
        """Visit only what leads to `targets`, a list of (node or leaf, number), and capture their gradients."""
        self.captured = [None] * len(targets)
        self.wanted = {}
        for position, (edge, number) in enumerate(targets):
            self.wanted.setdefault(edge, []).append((number, position))
        self.needed = leading_to([edge for edge, _, _ in roots], self.wanted)

    def visits(self, edge):
        """Whether the run goes to this node or leaf, None for a constant."""
        if edge is None or self.needed is None or edge in self.needed:
            return edge is not None
        # What was put between two nodes since the run began leads where the node behind it did.
        return isinstance(edge, Node) and edge.sequence & 7 != 0 and self.leads_on(edge)

    def leads_on(self, node):
        for i in range(node.count):
            if self.visits(node.edge(i)):
                return True
        return False

    def send(self, edge, number, g):
        """Add `g` to what output `number` of `edge`, which is to be visited, has received."""
        if isinstance(edge, TensorBase):
            pending = self.claim_leaf(edge)
        else:
            pending = self.claim(edge)
            if pending.grads is not None:
                before = pending.grads[number]
                pending.grads[number] = g if before is None else before + g
                return
        if pending.grad is None:
            pending.grad = g
            return
        if self.on_arrays and (pending.owned or sole_owner(pending)) and same_kind(pending.grad._array, g._array):
            add_into(pending.grad._array, g._array)
            return
        if self.on_arrays and alone(g) and same_kind(pending.grad._array, g._array):
            add_into(g._array, pending.grad._array)
            pending.grad = g
            return
        pending.grad = pending.grad + g
        pending.owned = True

    def claim_leaf(self, leaf):
        """The entry of a leaf in this run, made when the run first meets it."""
        pending = leaf.slot
        if pending is not None and pending.run is self:
            return pending
        if self.elsewhere is not None:
            pending = self.elsewhere.get(leaf)
            if pending is not None:
                return pending
        pending = Pending.__new__(Pending)
        pending.run = self
        pending.leaf = leaf
        if slots_used and leaf.slot is None:
            leaf.slot = pending
        else:
            self.set_aside(leaf, pending)
        self.leaves.append(pending)
        return pending

    def set_aside(self, edge, pending):
        """Keep the entry in the run: another run, of another thread or around this one, is at this node or leaf too.

        Uncompiled, or where the interpreter has no lock, it is always kept here, since between looking at a slot and taking
        it another thread may come in.
        """
        if self.elsewhere is None:
            self.elsewhere = {}
        self.elsewhere[edge] = pending

    def claim(self, node):
        """The entry of a node in this run, made when the run first meets it."""
        pending = node.slot
        if pending is not None and pending.run is self:
            return pending
        if self.elsewhere is not None:
            pending = self.elsewhere.get(node)
            if pending is not None:
                return pending
        pending = Pending.__new__(Pending)
        pending.run = self
        pending.node = node
        pending.order = node.sequence
        if node.outputs != 1:
            pending.grads = [None] * node.outputs
        if slots_used and node.slot is None:
            node.slot = pending
        else:
            self.set_aside(node, pending)
        self.wait(pending)
        return pending

    def wait(self, pending):
        """Keep a node until it is its turn."""
        if self.top is None:
            self.top = pending
        elif pending.order > self.top.order:
            push(self.heap, self.top)
            self.top = pending
        else:
            push(self.heap, pending)

    def walk(self):
        """Process pending nodes until none is left."""
        pending = None
        try:
            while self.top is not None:
                check_signals()
                pending = self.top
                self.top = pop(self.heap) if self.heap else None
                self.forget(pending)
                self.visit(pending.node, pending.grad if pending.grads is None else pending.grads)
        except MemoryError as error:
            if pending is not None:
                allocation.refuse_backward(error, pending.node)
            raise

    def forget(self, pending):
        """Let the node of `pending` know nothing of this run any more."""
        if pending.node.slot is pending:
            pending.node.slot = None
        elif self.elsewhere is not None:
            self.elsewhere.pop(pending.node, None)

    def forget_leaves(self):
        """Let the leaves know nothing of this run any more; nor may the run and its entries hold each other."""
        for pending in self.leaves:
            if pending.leaf.slot is pending:
                pending.leaf.slot = None
        # After `commit` nothing may fail, and a new list might.
        self.leaves = self.retained = self.elsewhere = self.needed = self.wanted = None

    def visit(self, node, g):
        """Run the hooks and rules of a node, and send on what they give. `g` is a list for several outputs."""
        if self.seen(node):
            g = self.whole(g)
        if node.extras is not None:
            g = node.extras.known(g, self)
            if node.extras.retained:
                self.retained += node.extras.retained_now(g)
        if self.wanted is not None and not self.capture(node, g):
            return
        if node.extras is not None:
            g = node.extras.before(g)
            if g is None and node.op.custom is None:
                return
        if not self.keep_graph:
            # In this order: a node that is claimed is among those that `abandon` gives back.
            self.passed.append(node)
            with cython.critical_section(node):
                if node.claimer is not None and node.claimer is not self and node.op.keeps_anything:
                    raise errors.freed(node)
                _before, node.claimer = node.claimer, self
        if self.anomaly or self.watchers is not None or (node.extras is not None and node.extras.watched()):
            self.visit_watched(node, g)
        elif node.op.joint is None and node.op.custom is None:
            self.pull(node, g)
        else:
            self.send_all(node, self.joint_results(node, g))
        if not self.keep_graph:
            self.passed_bytes += kept_bytes(node)
            if self.passed_bytes > KEPT_FOR_A_RETRY:
                self.let_go()

    def seen(self, node):
        """Whether others than the rules of one output see the gradient of a node."""
        if node.extras is not None or node.outputs != 1 or node.op.custom is not None:
            return True
        return self.wanted is not None or self.watchers is not None

    def let_go(self):
        """Free what the nodes passed had kept, before the pass has succeeded: it is too much to keep for a retry."""
        passed, self.passed = self.passed, []
        for node in passed:
            node.release()

    def visit_watched(self, node, g):
        """The same with all results at hand, for hooks, watchers and anomaly detection."""
        compute = self.results
        if node.extras is not None and node.extras.packs:
            compute = partial(unpacking, self, compute)
        try:
            results = pulled(self.watchers, node, g, compute)
        except Exception as error:
            if self.anomaly:
                errors.note_forward(error, node)
            raise
        if self.anomaly and check_nan_enabled():
            errors.check_nan(node, results)
        if node.extras is not None:
            results = node.extras.after(results, g)
        self.send_all(node, results)

    def capture(self, node, g):
        """Note the gradients asked for at this node; whether anything beyond it is needed."""
        asked = self.wanted.get(node)
        if asked is None:
            return True
        for number, position in asked:
            self.captured[position] = g if node.outputs == 1 else g[number]
        return self.leads_on(node)

    def pull(self, node, g):
        """Send each input its gradient, one rule after the other."""
        op = node.op
        if op.commutes and self.on_arrays and node.edge0 is node.edge1 and node.number0 == node.number1:
            self.pull_square(node, g)
            return
        for i in range(node.count):
            edge = node.edge(i)
            if not self.visits(edge):
                continue
            gi = self.result(node, op, i, g)
            if gi is not None:
                self.send(edge, node.number(i), gi)

    def pull_square(self, node, g):
        """The same on arrays for the product of a tensor and itself, whose two gradients are the same."""
        if not self.visits(node.edge0):
            return
        half = self.result(node, node.op, 0, g)
        if alone(half) and not self.has_received(node.edge0, node.number0):
            add_into(half._array, half._array)
        else:
            self.send(node.edge0, node.number0, half)
        self.send(node.edge0, node.number0, half)

    def whole(self, g):
        """A gradient, or a list of several, with memory for each of its elements: rules and users may want that."""
        if not self.on_arrays:
            return g
        if isinstance(g, list):
            return [self.whole(part) for part in g]
        return wrap(allocation.dense(g._array)) if g is not None and one_number(g._array) else g

    def has_received(self, edge, number):
        """Whether output `number` of `edge` has received anything yet."""
        pending = self.claim_leaf(edge) if isinstance(edge, TensorBase) else self.claim(edge)
        return (pending.grad if pending.grads is None else pending.grads[number]) is not None

    def result(self, node, op, i, g):
        """The gradient of input i, in the shape and dtype of the input."""
        if i >= len(op.rules):
            raise errors.not_differentiable(op)
        rule = op.rules[i]
        if rule is None:
            return None
        out = NotImplemented
        if self.on_arrays and not rule.passes:
            out = call_rule_kernel(rule, node, g)
            if out is NotImplemented and node.outputs == 1 and one_number(g._array):
                g = self.whole(g)
                out = call_rule_kernel(rule, node, g)
        if out is not NotImplemented:
            gi = wrap(out)
        elif node.conjugate:
            gi = conj(call_rule(rule, node, conj(g)))
        else:
            gi = call_rule(rule, node, g)
        return gi if node.fits is None else fit(gi, node.fits[i])

    def results(self, node, g):
        """The gradients of all inputs, None where there is none."""
        if node.op.joint is not None or node.op.custom is not None:
            return self.joint_results(node, g)
        results = []
        for i in range(node.count):
            edge = node.edge(i)
            results.append(self.result(node, node.op, i, g) if self.visits(edge) else None)
        return results

    def joint_results(self, node, g):
        """The same for rules that compute the gradients of all inputs at once."""
        op = node.op
        if op.custom is not None:
            return op.custom(node, g)
        rule = op.joint
        results = NotImplemented
        g = self.whole(g)
        if self.on_arrays:
            results = call_rule_kernel(rule, node, g)
            if results is not NotImplemented:
                results = [None if r is None else wrap(r) for r in results]
        if results is NotImplemented:
            results = call_rule(rule, node, conj(g)) if node.conjugate else call_rule(rule, node, g)
            if node.conjugate:
                results = [conj(r) for r in results]
        if node.fits is None:
            return results
        return [fit(r, f) for r, f in zip(results, node.fits)]

    def send_all(self, node, results):
        for i in range(node.count):
            edge = node.edge(i)
            if results[i] is not None and self.visits(edge):
                self.send(edge, node.number(i), results[i])

    def finish_leaves(self, accumulate):
        """Run the hooks of the leaves and note what is captured; a hook that raises leaves all .grad as they were."""
        for pending in self.leaves:
            check_signals()
            leaf = pending.leaf
            hooks = leaf.hooks
            if hooks is not None or self.wanted is not None:
                pending.grad = self.whole(pending.grad)
            if hooks is not None:
                pending.grad = hooks.known(pending.grad, self)
            if self.wanted is not None:
                for _, position in self.wanted.get(leaf, ()):
                    self.captured[position] = pending.grad
            if hooks is not None and accumulate:
                pending.grad = hooks.before(pending.grad)
        if self.gathered is not None:
            call_gathered(self)

    def release(self):
        """Free what the nodes passed had kept, and return what was captured: the pass has succeeded.

        They still know it, so it forgets them.
        """
        self.forget_leaves()
        for node in self.passed:
            node.release()
        captured = self.captured
        self.passed = self.captured = self.gathered = None
        return captured

    def abandon(self, error):
        """Leave no trace of this run in the graph, so that it can be run again; those that were freed know why."""
        if self.top is not None:
            self.forget(self.top)
        for pending in self.heap:
            self.forget(pending)
        self.top, self.heap = None, []
        self.forget_leaves()
        for node in self.passed:
            with cython.critical_section(node):
                if node.claimer is self:
                    node.claimer = None
        self.passed = self.captured = self.gathered = None
        self.stopped = type(error).__name__

    def commit(self):
        """Put the staged gradients into .grad: all of them, since nothing here can fail once it has begun."""
        ready = []
        # NumPy lets other threads run while it copies. No signal comes between the lock and what it guards: not after
        # `with`, nor after a call in compiled code, whose own `with` crashes where a traceback finds no memory.
        if cython.compiled:
            _commit.acquire()
            try:
                self.prepare_and_put(ready)
            finally:
                _commit.release()
        else:
            with _commit:
                self.prepare_and_put(ready)
        for pending in ready:
            leaf = pending.leaf
            if leaf.hooks is not None:
                leaf.hooks.accumulated(leaf)

    def prepare_and_put(self, ready):
        """Prepare and write the gradients of all leaves, which are added to `ready`."""
        for pending in self.leaves:
            check_signals()
            leaf = pending.leaf
            if leaf._requires_grad and pending.grad is not None:
                if leaf.source() is not leaf:
                    raise RuntimeError("leaf variable has been moved into the graph interior")
                if not same_kind(leaf._array, pending.grad._array):
                    errors.check_grad_size(leaf, pending.grad)
                pending.new = self.prepared(leaf, pending)
                ready.append(pending)
        self.put_gradients(ready)

    def put_gradients(self, ready):
        """Write what was prepared. One line of the user's wrote them all, so it is looked up once."""
        first = None
        if not cython.compiled:
            put_at_once(ready, self.retained)
            return
        self.put_retained()
        for pending in ready:
            leaf = pending.leaf
            if pending.new is not None:
                put_grad(leaf, pending.new)
                continue
            add_into(pending.total._array, pending.grad._array)
            counter = pending.total.counter()
            if first is None:
                counter.bump()
                first = counter
            else:
                with cython.critical_section(counter):
                    counter.n += 1
                counter.copy_line(first)

    def put_retained(self):
        """Write the gradients that tensors retain, for which no memory is asked."""
        for i in range(len(self.retained)):
            pair = self.retained[i]
            put_grad(pair[0], pair[1])

    def prepared(self, leaf, pending):
        """The tensor to become leaf.grad; None where the gradient is to be added in place."""
        with cython.critical_section(leaf):
            before = leaf._grad
        if self.create_graph:
            return COPY_GRAD(pending.grad) if before is None else before + pending.grad
        if before is not None:
            if not same_kind(before._array, pending.grad._array):
                return before + pending.grad
            if not plain(before._array):
                errors.check_memory(before._array)
            # Made here where there is none, so that what writes asks for no memory.
            as_tensor(before).counter()
            pending.total = before
            return None
        if self.on_arrays:
            # A new tensor of the same memory; the old one goes, with what it is a view of, unless somebody holds it.
            pending.grad = wrap(pending.grad._array)
            if sole_owner(pending):
                return pending.grad
        # It lets go of what another leaf may then take.
        pending.grad = wrap(allocation.dense(pending.grad._array))
        return pending.grad


def put_grad(tensor, g):
    """tensor.grad = g, unchecked."""
    with cython.critical_section(tensor):
        _before, tensor._grad = tensor._grad, g


def put_at_once(ready, retained):
    """The same uncompiled: all is written in one call of C, so that Ctrl-C comes before or after, not between."""
    from collections import deque
    from itertools import chain, repeat

    made = [pending for pending in ready if pending.new is not None]
    added = [pending for pending in ready if pending.new is None]
    totals = [pending.total._array for pending in added]
    for pending in added:
        pending.total.counter().bump()
    made = [(p.leaf, p.new) for p in made] + retained
    put = map(setattr, [tensor for tensor, _ in made], repeat("_grad"), [g for _, g in made])
    add = map(np.add, totals, [p.grad._array for p in added], totals)
    with np.errstate(all="ignore"):
        deque(chain(put, add), maxlen=0)


def backward(roots, keep_graph, create_graph, targets, accumulate):
    """Differentiate `roots`, a list of (node or leaf, output number, gradient).

    With `targets`, a list of (node or leaf, number), only their gradients are computed, and returned in a list.
    With `accumulate`, leaves get their .grad.
    """
    run = Run.__new__(Run)
    run.begin(keep_graph, create_graph)
    before = enter_backward(create_graph)
    try:
        if targets is not None:
            run.restrict(roots, targets)
        for edge, number, g in roots:
            if run.visits(edge):
                run.send(edge, number, g)
        run.walk()
        run.finish_leaves(accumulate)
        if run.retained:
            run.retained = retained_totals(run.retained)
        if accumulate:
            run.commit()
        else:
            run.put_retained()
    except BaseException as error:
        run.abandon(error)
        raise
    finally:
        leave_backward(before)
    return run.release()


def backward_from_scalar(tensor, keep_graph):
    """`tensor.backward()` for a float scalar of one's own graph; False where it is anything else."""
    source = tensor.source()
    if source is tensor and not tensor._requires_grad:
        return False
    one = one_like(tensor._array)
    if one is None:
        return False
    backward([(source, tensor.output_nr, wrap(one))], keep_graph, False, None, True)
    return True


def call_rule(rule, node, g):
    """The rule applied to `g`, a Tensor (a list of Tensors and None where there are several outputs)."""
    if rule.passes:
        return g
    if rule.count == 0:
        return rule.fn(g)
    first = fetch(node, rule, 0, rule.first)
    if rule.count == 1:
        return rule.fn(g, first)
    second = fetch(node, rule, 1, rule.second)
    if rule.count == 2:
        return rule.fn(g, first, second)
    rest = [fetch(node, rule, i, rule.sources[i]) for i in range(2, rule.count)]
    return rule.fn(g, first, second, *rest)


def call_rule_kernel(rule, node, g):
    """The same on arrays by the rule's kernel; NotImplemented where there is none or it declines."""
    if rule.kernel is not None:
        if rule.count == 0:
            return rule.kernel.call1(array_of(g))
        first = array_of(fetch(node, rule, 0, rule.first))
        if rule.count == 1:
            return rule.kernel.call2(array_of(g), first)
        return rule.kernel.call3(array_of(g), first, array_of(fetch(node, rule, 1, rule.second)))
    if rule.fast is None:
        return NotImplemented
    return rule.fast(array_of(g), *[array_of(fetch(node, rule, i, rule.sources[i])) for i in range(rule.count)])


def fetch(node, rule, i, source):
    """Argument i of a rule, found in the node."""
    if source < _SHAPE:
        return node.saved(source)
    if source < _OUT:
        return node.shapes[source - _SHAPE]
    if source < _PARAM:
        return node.saved_out(source - _OUT)
    if source < _NEEDS:
        return node.params[rule.names[i]]
    return tuple([node.edge(k) is not None for k in range(node.count)])


def leading_to(edges, targets):
    """All nodes and leaves on a way from `edges` to one of `targets`, the targets included."""
    needed = set(targets)
    seen = set()
    stack = [edge for edge in edges if isinstance(edge, Node)]
    while stack:
        check_signals()
        node = stack[-1]
        if node not in seen:
            seen.add(node)
            for i in range(node.count):
                edge = node.edge(i)
                if isinstance(edge, Node) and edge not in seen:
                    stack.append(edge)
            continue
        # All that it came from has been looked at.
        stack.pop()
        for i in range(node.count):
            edge = node.edge(i)
            if edge is not None and edge in needed:
                needed.add(node)
                break
    return needed


def kept_bytes(node):
    """About how many bytes `node.release()` lets go of: those of packed tensors are not known."""
    total = bytes_beside(node.saved0, node.edge0) + bytes_beside(node.saved1, node.edge1)
    if node.more is not None:
        for entry in node.more:
            total += bytes_beside(entry[2], entry[0])
    if node.outs is not None:
        for entry in node.outs:
            total += bytes_of(entry[0])
    if node.op.custom is not None and node.saved0 is not None:
        for entry in node.saved0:
            total += 0 if entry is None else bytes_beside(entry[0], entry[2])
    return total


def bytes_beside(value, edge):
    """The bytes of a saved tensor that is no leaf, nor a view of what has no history."""
    if not isinstance(value, TensorBase) or value is edge:
        return 0
    tensor = as_tensor(value)
    if tensor.view_of is not None and tensor.view_of.base._grad_fn is None:
        return 0
    return bytes_of(tensor._array)


def conj(g):
    """The conjugate of a gradient: rules state the transpose, and backward wants the adjoint."""
    if g is None:
        return None
    if isinstance(g, list):
        return [conj(part) for part in g]
    return CONJ(g)


def fit(g, want):
    """A gradient brought to the shape and dtype of its input: broadcasting and promotion undone."""
    if want is None or g is None:
        return g
    shape, dtype = want
    if shape is not None and g._array.shape != shape:
        g = SUM_TO(g, shape=shape)
    if dtype is not None and g._array.dtype != dtype:
        g = TO_DTYPE(g, dtype=dtype)
    return g


def push(heap, item):
    """Add to a binary heap whose first entry has the largest order."""
    i = len(heap)
    heap.append(item)
    while i > 0:
        parent = (i - 1) >> 1
        above = heap[parent]
        if above.order >= item.order:
            break
        heap[i] = above
        i = parent
    heap[i] = item


def pop(heap):
    """Take the entry of the largest order."""
    last = heap.pop()
    n = len(heap)
    if n == 0:
        return last
    first = heap[0]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= n:
            break
        below = heap[child]
        if child + 1 < n:
            other = heap[child + 1]
            if other.order > below.order:
                child += 1
                below = other
        if last.order >= below.order:
            break
        heap[i] = below
        i = child
    heap[i] = last
    return first


def bind(**ops):
    """Give the engine the operations that it accumulates and fits gradients with."""
    global CONJ, SUM_TO, TO_DTYPE, COPY_GRAD
    CONJ, SUM_TO, TO_DTYPE, COPY_GRAD = ops["conj"], ops["sum_to"], ops["to_dtype"], ops["copy_grad"]


if not cython.compiled:
    set_fields(
        Pending, run=None, node=None, leaf=None, new=None, total=None, order=0, grad=None, grads=None, owned=False
    )
