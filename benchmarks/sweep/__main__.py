"""python -m benchmarks.sweep [words] [--size N] [--dtype float64] [--worst 30] [--keep].

Times each row forward (nothing recorded) and with its gradient (recorded, and autograd.grad of its sum), both
modules in turn in one process, with the same number of threads. A ratio is our time over PyTorch's: above 2 is a
fault. With --keep the results are written to benchmarks/results/sweep.json.
"""

import argparse
import json
import os
import statistics
import sys
import time
import warnings
from pathlib import Path

THREADS = 2
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))
os.environ.setdefault("OPENBLAS_NUM_THREADS", str(THREADS))

import numpy as np  # noqa: E402 - reads the two variables when it is imported

from . import ROWS  # noqa: E402
from .row import as_dtype  # noqa: E402

SIZES = (1_000, 1_000_000)
# Ratios above this are faults.
LIMIT = 2
# A round lasts at least this long, rounds go on until there are enough or the time is used up.
ROUND, ROUNDS, TIME = 0.004, 9, 0.6
# Calls that take less than this together are timed together.
BATCH = 0.00005
# Before a round is timed: a million elements take five calls, in either module, until caches and clocks have settled.
WARM = 0.002
# Both begin with threads asleep: those of OpenMP look for work some milliseconds after a loop.
REST = 0.012


def seconds(run, calls, batches):
    """The median over batches of calls, each timed together: what stops the machine for a while is in few of them."""
    time.sleep(REST)
    begun = time.perf_counter()
    while time.perf_counter() - begun < WARM:
        run()
    times = []
    for _ in range(batches):
        begun = time.perf_counter()
        for _ in range(calls):
            run()
        times.append((time.perf_counter() - begun) / calls)
    return statistics.median(times)


def loops_of(run):
    """How many calls are timed together, and how often, so that a round lasts long enough."""
    once = min(seconds(run, 1, 1), seconds(run, 1, 1))
    calls = max(1, min(200, int(BATCH / once)))
    return calls, max(1, int(ROUND / (once * calls)))


def measure(ours, theirs):
    """Median seconds of both, and the median ratio of the rounds."""
    loops = loops_of(ours), loops_of(theirs)
    rounds, begun = [], time.perf_counter()
    while len(rounds) < 3 or (len(rounds) < ROUNDS and time.perf_counter() - begun < TIME):
        rounds.append((seconds(ours, *loops[0]), seconds(theirs, *loops[1])))
    mine, yours = zip(*rounds)
    return statistics.median(mine), statistics.median(yours), statistics.median(a / b for a, b in rounds)


def tensors(m, inputs, dtype, grad):
    out = []
    for x in inputs:
        if not isinstance(x, np.ndarray):
            out.append(x)
            continue
        x = m.from_numpy(as_dtype(x, dtype).copy())
        if grad and (x.is_floating_point() or x.is_complex()):
            x.requires_grad_()
        out.append(x)
    return out


def first_differentiable(out):
    if not isinstance(out, (tuple, list)):
        return out if getattr(out, "requires_grad", False) else None
    return next((y for y in map(first_differentiable, out) if y is not None), None)


def forward(row, m, inputs, dtype):
    call, given = row.function(m), tensors(m, inputs, dtype, False)
    return lambda: call(*given)


def gradient(row, m, inputs, dtype):
    """Forward and backward, or None where nothing is differentiable."""
    call, given = row.function(m), tensors(m, inputs, dtype, True)
    leaves = [x for x in given if getattr(x, "requires_grad", False)]
    out = first_differentiable(call(*given)) if leaves else None
    if out is None:
        return None
    ones = m.ones_like(out)

    def run():
        return m.autograd.grad(first_differentiable(call(*given)), leaves, ones, allow_unused=True)

    return run


def sweep(words, sizes, dtype):
    """[{row, size, what, ours, theirs, ratio}, ...] in the order of the rows, and how many timings raised instead."""
    import torch

    import rushlight

    torch.set_num_threads(THREADS)
    results, raised = [], 0
    for row in ROWS:
        if words and not any(word in row.name for word in words):
            continue
        for n in sizes:
            if n > row.most:
                continue
            random = np.random.default_rng(0)
            inputs = [make(n, random) for make in row.inputs]
            for what in (forward, gradient) if row.grad else (forward,):
                try:
                    mine, yours = (what(row, m, inputs, dtype) for m in (rushlight, torch))
                    if mine is None or yours is None:
                        continue
                    measured = measure(mine, yours)
                except Exception as error:
                    print(f"{row.name}, {n}, {what.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
                    raised += 1
                    continue
                found = dict(zip(("ours", "theirs", "ratio"), measured))
                results.append({"row": row.name, "size": n, "what": what.__name__, **found})
    return results, raised


def line(r):
    ours, theirs = r["ours"] * 1e6, r["theirs"] * 1e6
    return f"{r['row']:44s} {r['size']:>9,d} {r['what']:9s} {ours:10.1f}us {theirs:10.1f}us {r['ratio']:7.2f}"


def main():
    parse = argparse.ArgumentParser(prog="python -m benchmarks.sweep")
    parse.add_argument("words", nargs="*", help="only rows whose name holds one of these")
    parse.add_argument("--size", type=int, action="append", help="elements (1,000 and 1,000,000)")
    parse.add_argument("--dtype", default="float32")
    parse.add_argument("--worst", type=int, default=30)
    parse.add_argument("--keep", action="store_true", help="write benchmarks/results/sweep.json")
    asked = parse.parse_args()
    warnings.simplefilter("ignore")
    results, raised = sweep(asked.words, asked.size or SIZES, asked.dtype)
    results.sort(key=lambda r: -r["ratio"])
    print(f"{'operation':44s} {'elements':>9s} {'':9s} {'rushlight':>12s} {'PyTorch':>12s} {'ratio':>7s}")
    for r in results[: asked.worst]:
        print(line(r))
    slow = sum(r["ratio"] > LIMIT for r in results)
    rows = len({r["row"] for r in results})
    print(f"{len(results)} timings of {rows} rows; {slow} above {LIMIT}; {raised} raised instead")
    if asked.keep:
        kept = Path(__file__).parents[1] / "results" / "sweep.json"
        kept.write_text(json.dumps({"threads": THREADS, "dtype": asked.dtype, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
