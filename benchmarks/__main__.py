"""python -m benchmarks [words to choose cases by]: the table, and a JSON file of the results."""

import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

THREADS = 2
ROUNDS = 15
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))
os.environ.setdefault("OPENBLAS_NUM_THREADS", str(THREADS))

from . import derivatives, loading, optimizers  # noqa: E402, F401 - NumPy reads the two variables when it is imported
from .cases import CASES  # noqa: E402


def seconds(run, loops):
    started = time.perf_counter()
    for _ in range(loops):
        run()
    return (time.perf_counter() - started) / loops


def measure(make, loops, modules):
    """Median seconds of each module over interleaved rounds, and the median of the rounds' ratios."""
    runs = [make(module) for module in modules]
    for run in runs:
        seconds(run, max(1, loops // 5))
    rounds = [[seconds(run, loops) for run in runs] for _ in range(ROUNDS)]
    ours, theirs = zip(*rounds)
    return statistics.median(ours), statistics.median(theirs), statistics.median(t / o for o, t in rounds)


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def main(words):
    import numpy
    import torch

    import rushlight

    torch.set_num_threads(THREADS)
    machine = {
        "processor": processor(), "cores": os.cpu_count(), "threads": THREADS, "python": platform.python_version(),
        "numpy": numpy.__version__, "torch": torch.__version__, "rushlight": rushlight.__version__,
    }  # fmt: skip
    print(", ".join(f"{k} {v}" for k, v in machine.items()))
    print(f"{'case':75s} {'rushlight':>10s} {'PyTorch':>10s} {'ratio':>6s} {'wanted':>6s}")
    results, short = [], 0
    for name, make, loops, at_least, per in CASES:
        if words and not any(word in name for word in words):
            continue
        ours, theirs, ratio = measure(make, loops, (rushlight, torch))
        missed = at_least is not None and ratio < at_least
        short += missed
        wanted = "" if at_least is None else f"{at_least:g}"
        print(
            f"{name:75s} {ours / per * 1e6:8.2f}us {theirs / per * 1e6:8.2f}us {ratio:6.1f} {wanted:>6s}{' MISSED' * missed}"
        )
        results.append(
            {
                "case": name,
                "rushlight_us": ours / per * 1e6,
                "torch_us": theirs / per * 1e6,
                "ratio": ratio,
                "wanted": at_least,
            }
        )
    if not words:
        kept = Path(__file__).parent / "results" / "latest.json"
        kept.write_text(json.dumps({"machine": machine, "results": results}, indent=1) + "\n")
        print(f"kept in {kept}")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
