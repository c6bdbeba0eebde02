"""How much a workload has to do, counted while PyTorch runs it once, and how long the machine needs for that at least.

Each operation that is not a matrix product reads its operands and writes its results once; a product or a convolution
takes its multiplications and additions. A step of an optimizer reads parameter, gradient and state, and writes the
parameter and the state.
"""

import math

from . import machine

# The rate of memory is not asked for arrays so small that calls take most of the time.
LEAST = 100_000
# Operations that read no more than they write, whatever the size of their operands.
PICKING = ("embedding", "gather", "index", "index_select", "nll_loss_forward", "masked_select", "take")
# What reads of an operand only its shape, or what it reads is as small as an index for each row.
FILLING = ("nll_loss_backward", "zeros_like", "ones_like", "empty_like", "full_like", "new_zeros")


def size(tensor):
    """The bytes of a tensor that lie in memory: an expanded one has fewer than its shape tells."""
    return min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())


def attention(q, k, causal):
    """Operations of the two products of attention, of which a causal one needs half."""
    *batch, length, width = q.shape
    return 4 * math.prod(batch) * length * k.shape[-2] * width // (1 + causal)


def counter():
    """A mode of PyTorch that counts, in `bytes` and `operations`, what runs in it."""
    import torch
    from torch.optim import optimizer as optimizers
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves
    from torch.utils.flop_counter import flop_registry

    aten = torch.ops.aten
    products = dict(flop_registry)
    forward, backward = (
        getattr(aten, f"_scaled_dot_product_flash_attention_for_cpu{end}") for end in ("", "_backward")
    )
    products[forward] = lambda q, k, v, rate=0, causal=False, **_: attention(q, k, causal)
    # The scores once more, and a gradient for each operand of both products.
    products[backward] = lambda _, q, k, v, out, sums, rate, causal, **__: attention(q, k, causal) * 5 // 2

    class Counter(TorchDispatchMode):
        bytes = operations = largest = 0
        stepping = False

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            kwargs = kwargs or {}
            found = function(*args, **kwargs)
            if self.stepping:
                return found
            packet = function._overloadpacket
            if packet in products:
                self.operations += products[packet](*args, **kwargs, out_val=found)
            else:
                self.bytes += self.moved(function, packet.__name__, (args, kwargs), found)
            return found

        def moved(self, function, name, given, found):
            """The bytes that an operation reads and writes; none where its result is a view."""
            tensors, results = ([x for x in tree_leaves(t) if isinstance(x, torch.Tensor)] for t in (given, found))
            in_place = name.endswith("_")
            where = {x.untyped_storage().data_ptr() for x in tensors}
            if not in_place and results and all(x.untyped_storage().data_ptr() in where for x in results):
                return 0
            self.largest = max([self.largest, *(x.numel() for x in tensors + results)])
            # What works on a list of tensors in place returns nothing.
            written = sum(map(size, results or given_first(given[0])))
            if name in PICKING:
                return 2 * written
            return written if name in FILLING else written + sum(map(size, tensors))

        def __enter__(self):
            self.hooks = [
                optimizers.register_optimizer_step_pre_hook(self.before_step),
                optimizers.register_optimizer_step_post_hook(self.after_step),
            ]
            return super().__enter__()

        def __exit__(self, *raised):
            for hook in self.hooks:
                hook.remove()
            return super().__exit__(*raised)

        def before_step(self, *_):
            self.stepping = True

        def after_step(self, optimizer, *_):
            self.stepping = False
            for group in optimizer.param_groups:
                for p in group["params"]:
                    if p.grad is None:
                        continue
                    held = [x for x in optimizer.state[p].values() if isinstance(x, torch.Tensor) and x.numel() > 1]
                    self.largest = max(self.largest, p.numel())
                    self.bytes += 3 * size(p) + 2 * sum(map(size, held))

    return Counter()


def given_first(args):
    """The tensors of the first argument, where that is a list."""
    return list(args[0]) if args and isinstance(args[0], (list, tuple)) else []


def counted(make):
    """The counter after a workload's second run: the first makes what stays. An encoder is run as its parts."""
    import torch

    torch.backends.mha.set_fastpath_enabled(False)
    try:
        run = make(torch)
        run()
        with counter() as found:
            run()
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    return found


def limit(make):
    """The seconds that the machine needs at least: one kind of work after the other, at the rates that it reaches."""
    found = counted(make)
    return found.bytes / machine.memory_rate(max(found.largest, LEAST)) + found.operations / machine.product_rate()
