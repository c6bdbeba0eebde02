"""python -m benchmarks.peak [words to choose workloads by]: the peak memory of training steps beside PyTorch's.

Each workload runs a few steps in a process of its own for each library. What is told is by how much the peak of resident
memory lies above what was resident after the imports, the data and the model. Pages of files are left out: that is code,
which PyTorch has far more of. Linux only.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

THREADS = 2
STEPS = 4
ROUNDS = 3
# Of one library's own figures, from run to run.
NOISE_MB = 1.0
ROOT = Path(__file__).parent.parent
LIBRARIES = ("rushlight", "torch")


def status():
    """{"VmRSS", "VmHWM", "RssFile", ...: bytes} of this process."""
    lines = [line.split() for line in Path("/proc/self/status").read_text().splitlines()]
    return {line[0].rstrip(":"): int(line[1]) * 1024 for line in lines if line[-1] == "kB"}


def growth(name, library, small=False):
    """By how many bytes the peak of a few steps lies above what was resident before, in this process."""
    from importlib import import_module

    from .steps import WORKLOADS

    module = import_module(library)
    module.set_num_threads(THREADS)
    module.manual_seed(0)
    step = WORKLOADS[name](module, small)
    # The peak is counted from here: imports may have needed more for a moment.
    Path("/proc/self/clear_refs").write_text("5")
    before = status()
    for _ in range(STEPS):
        step()
    after = status()
    return after["VmHWM"] - after["RssFile"] - (before["VmRSS"] - before["RssFile"])


def measured(name, library, small=False):
    """The same, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.peak", "--one", name, library, *["--small"] * small]
    threads = {"OMP_NUM_THREADS": str(THREADS), "OPENBLAS_NUM_THREADS": str(THREADS)}
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **threads}, capture_output=True, text=True, timeout=300
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{name} with {library} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def compared(name, small=False, rounds=ROUNDS):
    """Medians in MB for both libraries over interleaved rounds, and ours over PyTorch's."""
    runs = [[measured(name, library, small) / 1e6 for library in LIBRARIES] for _ in range(rounds)]
    ours, theirs = (statistics.median(column) for column in zip(*runs))
    return {"case": name, "rushlight_mb": ours, "torch_mb": theirs, "ratio": ours / theirs}


def main(words):
    from importlib.metadata import version

    import rushlight

    from .machine import processor
    from .steps import WORKLOADS

    machine = {
        "processor": processor(), "cores": os.cpu_count(), "threads": THREADS, "python": platform.python_version(),
        "numpy": version("numpy"), "torch": version("torch"), "rushlight": rushlight.__version__,
    }  # fmt: skip
    print(f"{'workload':75s} {'rushlight':>12s} {'PyTorch':>12s} {'ratio':>6s}")
    results = []
    for name in WORKLOADS:
        if words and not any(word in name for word in words):
            continue
        told = compared(name)
        above = told["rushlight_mb"] > told["torch_mb"] + NOISE_MB
        print(
            f"{name:75s} {told['rushlight_mb']:9.1f} MB {told['torch_mb']:9.1f} MB {told['ratio']:6.2f}{' ABOVE' * above}",
            flush=True,
        )
        results.append({**told, "above": above})
    if not words:
        kept = ROOT / "benchmarks" / "results" / "peak.json"
        kept.write_text(json.dumps({"machine": machine, "results": results}, indent=1) + "\n")
        print(f"kept in {kept}")
    return int(any(result["above"] for result in results))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(growth(*sys.argv[2:4], small="--small" in sys.argv))
    else:
        sys.exit(main(sys.argv[1:]))
