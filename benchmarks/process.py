"""Figures of whole processes: import, first step, memory and what is installed; and the peak memory of each workload.

`python -m benchmarks.process start MODULE` prints them for a process that has just begun, `... peaks MODULE WORDS`
what the large workloads need beyond what the library holds; each is a JSON object.
"""

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from importlib import import_module, metadata
from pathlib import Path

MODULES = ("rushlight", "torch")
ROOT = Path(__file__).parent.parent
# What stands in the memory of a process, in kilobytes, where the system tells it so.
STATUS = Path("/proc/self/status")
# Steps after which a peak is taken: caches have filled by then.
STEPS = 4


def memory():
    """{VmHWM, VmRSS, RssFile, ...} of this process in megabytes."""
    lines = (line.split() for line in STATUS.read_text().splitlines())
    return {line[0].rstrip(":"): int(line[1]) / 1024 for line in lines if line[-1] == "kB"}


def start(name):
    """Seconds of the import, and of a first training step after it, and the peak of the process in megabytes."""
    begun = time.perf_counter()
    m = import_module(name)
    imported = time.perf_counter()
    from .workloads.training import two_layers

    written = time.perf_counter()
    two_layers(m)()
    found = {"import": imported - begun, "first step": time.perf_counter() - written}
    return {**found, "peak memory": memory()["VmHWM"]} if STATUS.exists() else found


def peak(make, m):
    """The megabytes that a workload needs at its peak beyond what there was before it, code aside."""
    before = memory()
    run = make(m)
    for _ in range(STEPS):
        run()
    after = memory()
    return after["VmHWM"] - after["RssFile"] - (before["VmRSS"] - before["RssFile"])


def in_a_fork(function, *given):
    """What a function gives in a copy of this process, which it leaves untouched; None where it raised."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.write(writing, json.dumps(function(*given)).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with open(reading, "rb") as pipe:
        found = pipe.read()
    os.waitpid(child, 0)
    return json.loads(found) if found else None


def peaks(name, words):
    """{case: megabytes} of the large workloads."""
    from . import THREADS
    from .workloads import chosen

    m = import_module(name)
    # What one library imports at once and the other late is code, and no memory of a workload.
    for part in ("nn.functional", "nn.utils", "optim"):
        import_module(f"{name}.{part}")
    found = {}
    for case in chosen(words):
        if case.group.large:
            gc.collect()
            found[case.name] = in_a_fork(measured_peak, case.make, m, THREADS)
    return found


def measured_peak(make, m, threads):
    m.set_num_threads(threads)
    return peak(make, m)


def asked(*words):
    """What this program prints when it is run with these words, and the seconds of the whole process."""
    # What is installed has its bytecode beside it, and so have sources that were imported before.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "benchmarks.process", *words]
    begun = time.perf_counter()
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return json.loads(ran.stdout), time.perf_counter() - begun


def peaks_of_both(words):
    """{case: {module: megabytes}}; none where the system does not tell."""
    if not STATUS.exists():
        return {}
    each = {name: asked("peaks", name, *words)[0] for name in MODULES}
    return {case: {name: each[name][case] for name in MODULES} for case in each["torch"]}


def starts_of_both(rounds):
    """[{what, unit, rushlight, torch}, ...]: medians over processes of both in turn, and the sizes of what is installed."""
    runs = {name: [] for name in MODULES}
    for name in MODULES:
        asked("start", name)
    for _ in range(rounds):
        for name in MODULES:
            told, whole = asked("start", name)
            runs[name].append({**told, "whole process": whole})
    units = {"import": "s", "first step": "s", "whole process": "s", "peak memory": "MB"}
    found = [
        {"what": what, "unit": unit, **{n: statistics.median(run[what] for run in runs[n]) for n in MODULES}}
        for what, unit in units.items()
        if what in runs["torch"][0]
    ]
    return [*found, {"what": "installed", "unit": "MB", **{name: installed(name) for name in MODULES}}]


def installed(name):
    """Megabytes of a package and of all that it requires; its folder where it is not installed but run from its sources."""
    try:
        wanted = [metadata.distribution(name).metadata["Name"]]
        total = 0
    except metadata.PackageNotFoundError:
        wanted = ["numpy"]
        total = sum(size(path) for path in Path(import_module(name).__file__).parent.rglob("*"))
    seen = set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        total += sum(size(Path(path.locate())) for path in distribution.files or ())
        wanted += [need(line) for line in distribution.requires or () if "extra ==" not in line]
    return total / 2**20


def need(line):
    """The name that a requirement begins with."""
    return "".join(c if c.isalnum() or c in "-_." else " " for c in line).split()[0].lower()


def size(path):
    """The bytes of a file that a wheel would hold: neither what Python writes beside it nor sources in C."""
    return path.stat().st_size if path.is_file() and path.suffix not in (".pyc", ".c", ".pyx", ".h") else 0


def main(what, name, *words):
    print(json.dumps(start(name) if what == "start" else peaks(name, words)))


if __name__ == "__main__":
    main(*sys.argv[1:])
