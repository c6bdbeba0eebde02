"""python -m benchmarks [words to choose cases by] [--short] [--keep].

Each workload with both libraries in turn, in one process. Prints a table; a run of all cases writes it to
benchmarks/results/latest.json, with a picture beside it and the tables of README.md and docs/benchmarks.md. A run of
some cases by words puts only those into the file, and only with --keep.
"""

import argparse
import gc
import json
import statistics
import sys
from pathlib import Path

import numpy as np

from . import THREADS, machine, work
from .measure import ROUNDS, TIME, measure
from .process import peaks_of_both, starts_of_both
from .readme import rates
from .workloads import chosen

KEPT = Path(__file__).parent / "results" / "latest.json"
# Rounds and seconds for a case of a short run.
SHORT = (3, 0.1)


def numbers(found):
    """The numbers of what a workload returned, as one list of arrays."""
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, (tuple, list)):
        return [x for part in found for x in numbers(part)]
    if found is None:
        return []
    return [np.asarray(found.detach() if hasattr(found, "detach") else found)]


def agree(ours, theirs):
    """Whether both libraries computed the same, to what float32 allows after many steps."""
    ours, theirs = numbers(ours), numbers(theirs)
    return len(ours) == len(theirs) and all(
        a.shape == b.shape and np.allclose(a, b, 1e-2, 1e-3 * (1 + np.abs(b).max(initial=0)))
        for a, b in zip(ours, theirs)
    )


def measured(case, short):
    """The figures of a case. `ratio` is PyTorch's time over ours, `limit` the share of the machine's limit that we reach."""
    import torch

    import rushlight

    ours, theirs = case.make(rushlight), case.make(torch)
    same = agree(ours(), theirs())
    mine, yours, ratios = measure(ours, theirs, *(SHORT if short else (ROUNDS, TIME)))
    del ours, theirs
    gc.collect()
    share = work.limit(case.make) / mine if case.group.large else None
    return {
        "case": case.name, "group": case.group.title, "wanted": case.group.at_least,
        "rushlight_us": mine / case.per * 1e6, "torch_us": yours / case.per * 1e6,
        "ratio": statistics.median(1 / r for r in ratios), "lowest": 1 / max(ratios), "highest": 1 / min(ratios),
        "limit": share, "same": same,
    }  # fmt: skip


def line(r):
    wanted = "" if r["wanted"] is None else f"{r['wanted']:g}"
    share = "" if r["limit"] is None else f"{r['limit']:.0%}"
    notes = " MISSED" * missed(r) + " DIFFERENT RESULTS" * (not r["same"])
    return f"{r['case']:92s} {r['rushlight_us']:10.2f}us {r['torch_us']:10.2f}us {r['ratio']:6.2f} {wanted:>6s} {share:>6s}{notes}"


def missed(r):
    return r["wanted"] is not None and r["ratio"] < r["wanted"]


def run(words, short):
    """The figures of the chosen cases, printed as they come."""
    print(f"{'case':92s} {'rushlight':>12s} {'PyTorch':>12s} {'ratio':>6s} {'wanted':>6s} {'limit':>6s}")
    results, title = [], None
    for case in chosen(words, short):
        if case.group.title != title:
            title = case.group.title
            print(f"-- {title}")
        results.append(measured(case, short))
        print(line(results[-1]), flush=True)
    return results


def remembered(kept, found):
    """What was kept before, with the newly measured cases in the place of the old, in the order of the cases."""
    fresh = {r["case"]: r for r in found["results"]}
    old = {r["case"]: r for r in kept.get("results", ())}
    names = [case.name for case in chosen()]
    # What was not measured again, the memory perhaps, stays.
    rows = {name: {**old.get(name, {}), **fresh.get(name, {})} for name in {**old, **fresh}}
    processes = found.get("processes") or kept.get("processes") or []
    return {"machine": found["machine"], "processes": processes, "results": [rows[n] for n in names if n in rows]}


def rounded(found):
    """The same with four digits of each number."""
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items()}
    if isinstance(found, list):
        return [rounded(value) for value in found]
    return float(f"{found:.4g}") if isinstance(found, float) else found


def main():
    parse = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[2])
    parse.add_argument("words", nargs="*", help="only cases whose name or group holds one of these")
    parse.add_argument("--short", action="store_true", help="two cases of each group, few rounds, nothing kept")
    parse.add_argument("--keep", action="store_true", help="keep what the chosen cases gave")
    parse.add_argument("--no-memory", action="store_true", help="leave the peaks of memory out")
    asked = parse.parse_args()

    import torch

    import rushlight

    torch.set_num_threads(THREADS)
    rushlight.set_num_threads(THREADS)
    found = {"machine": {**machine.described(), "commit": machine.commit()}}
    print(", ".join(f"{name} {value}" for name, value in found["machine"].items()))
    found["machine"]["rates"] = machine.rates()
    print(rates(found["machine"]["rates"]))
    found["results"] = run(asked.words, asked.short)
    if not asked.no_memory and not asked.short:
        add_memory(found["results"], asked.words)
    if not asked.words:
        found["processes"] = starts_of_both(1 if asked.short else 5)
        for r in found["processes"]:
            print(f"{r['what']:20s} rushlight {r['rushlight']:8.2f} {r['unit']}, PyTorch {r['torch']:8.2f} {r['unit']}")
    if not asked.short and (asked.keep or not asked.words):
        keep(found)
    return any(missed(r) or not r["same"] for r in found["results"])


def add_memory(results, words):
    """Puts the peaks of the large workloads into their rows, and prints those above PyTorch's."""
    peaks = peaks_of_both(words) if any(r["limit"] is not None for r in results) else {}
    for r in results:
        if peak := peaks.get(r["case"]):
            r["memory_mb"] = peak
            more = " MORE THAN PYTORCH" * (None in peak.values() or peak["rushlight"] > peak["torch"])
            print(f"{r['case']:92s} peak {peak['rushlight']:8.1f} MB {peak['torch']:8.1f} MB{more}")


def keep(found):
    from . import readme

    for r in found["results"]:
        r["commit"] = found["machine"]["commit"]
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    KEPT.write_text(json.dumps(rounded(remembered(kept, found)), indent=1) + "\n")
    print(f"kept in {KEPT}")
    readme.main()


if __name__ == "__main__":
    sys.exit(main())
