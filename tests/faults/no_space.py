"""Runs forwards and backwards in an address space that is nearly full, and tells what came of it, as JSON.

    MALLOC_MMAP_THRESHOLD_=65536 python no_space.py

So large allocations, of NumPy and of the kernels, ask the system each time, and which of them fails is how much it has
left. Nothing may be raised but MemoryError, and with memory again all comes to the same. Linux only.
"""

import faulthandler
import gc
import json
import resource
import warnings

import numpy as np

import rushlight as rl
from rushlight.kernels import load
from rushlight.nn import functional as F

# So many bytes the system has left.
ROOM = [0, *(1 << k for k in range(18, 25))]
N = 1 << 18
buffers = load("buffers")


def leaf(*shape):
    return rl.randn(*shape).requires_grad_()


def works():
    """name: (what gives a loss, the leaves that it is of). No large products: OpenBLAS ends a process without memory."""
    rl.manual_seed(0)
    # All of them ask for more than what the C library may have left from before.
    x, image, large, rows = leaf(N), leaf(2, 8, 96, 96), leaf(2, 16, 192, 192), leaf(600, 120)
    weight, bias, target = leaf(16, 8, 3, 3), leaf(16), rl.arange(N // 16) % 16
    table, logits = x.reshape(512, 512), leaf(100, 40, 30)
    labels, lengths = rl.randint(1, 30, (40, 20)), (rl.full((40,), 100), rl.full((40,), 20))
    return {
        "elementwise": (lambda: (x.exp() * x).sum(), [x]),
        "sums": (lambda: (table.sum(0) * table.mean(1)).sum(), [x]),
        "running sums": (lambda: x.cumsum(0).logsumexp(0), [x]),
        "sorting": (lambda: (x.sort()[0] * rl.arange(N)).sum() + table.topk(300)[0].sum(), [x]),
        "distinct values": (lambda: (x.detach() * 1000).round().unique().numel() * x.sum(), [x]),
        "masks": (lambda: x[x > 0].sum() + x[(x < 0).nonzero()[:, 0]].square().sum(), [x]),
        "joined": (lambda: rl.cat([x, x * 2]).square().sum(), [x]),
        "convolution": (lambda: F.conv2d(image, weight, bias, padding=1).square().sum(), [image, weight, bias]),
        "pooling": (lambda: F.max_pool2d(large, 3, return_indices=True)[0].sum(), [large]),
        "classes": (lambda: F.cross_entropy(x.reshape(-1, 16), target), [x]),
        "pairs": (lambda: F.smooth_l1_loss(x, x.detach() * 2), [x]),
        "ctc": (lambda: F.ctc_loss(logits.log_softmax(-1), labels, *lengths), [logits]),
        "distances": (lambda: F.pdist(rows).sum(), [rows]),
        "transform": (lambda: rl.fft.rfft(x).abs().sum() + rl.fft.fft(table).real.sum(), [x]),
        "norm": (lambda: F.layer_norm(table, (512,)).square().mean(), [x]),
    }


def run(work, leaves):
    """(the loss, all gradients)."""
    for each in leaves:
        each.grad = None
    loss = work()
    loss.backward()
    return [loss.item(), *[each.grad.numpy().copy() for each in leaves]]


def with_room(room, work, leaves):
    """What came of it where the system has so many bytes left: the exception, or None."""
    gc.collect()
    if buffers is not None:
        buffers.empty_cache()
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + room, resource.RLIM_INFINITY))
    try:
        run(work, leaves)
    except Exception as error:
        return error.with_traceback(None)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def main():
    faulthandler.enable()
    warnings.simplefilter("ignore")
    failed, complaints = {}, []
    for name, (work, leaves) in works().items():
        for _ in range(2):
            want = run(work, leaves)
        failed[name] = 0
        for room in ROOM:
            error = with_room(room, work, leaves)
            failed[name] += error is not None
            if error is not None and not isinstance(error, MemoryError):
                complaints.append(f"{name}, {room} bytes left: {type(error).__name__}: {error}")
            if not all(map(np.array_equal, run(work, leaves), want)):
                complaints.append(f"{name}, {room} bytes left: tried again, it gave something else")
    print(json.dumps({"failed": failed, "complaints": complaints}))


if __name__ == "__main__":
    main()
