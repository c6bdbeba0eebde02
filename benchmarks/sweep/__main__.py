"""python -m benchmarks.sweep [words] [--size N] [--dtype float64] [--worst 30] [--keep].

Times each row forward (nothing recorded) and with its gradient (recorded, and autograd.grad of its sum), both
modules in turn in one process, with the same number of threads. A ratio is our time over PyTorch's: above 2 is a
fault. With --keep the results are written to benchmarks/results/sweep.json.
"""

import argparse
import json
import statistics
import sys
import warnings
from pathlib import Path

import numpy as np

from .. import THREADS
from ..measure import measure
from . import ROWS
from .row import as_dtype

SIZES = (1_000, 1_000_000)
# Ratios above this are faults.
LIMIT = 2


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

    return run if row.finish is None else lambda: [row.finish(g) for g in run()]


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
                    ours, theirs, ratios = measure(mine, yours)
                except Exception as error:
                    print(f"{row.name}, {n}, {what.__name__}: {type(error).__name__}: {error}", file=sys.stderr)
                    raised += 1
                    continue
                found = {"ours": ours, "theirs": theirs, "ratio": statistics.median(ratios)}
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
