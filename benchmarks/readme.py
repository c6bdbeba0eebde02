"""python -m benchmarks.readme: puts the kept results between the marks in README.md and docs/benchmarks.md.

README.md gets a line for each group, docs/benchmarks.md every case; the picture is drawn where matplotlib is there.
"""

import json
import statistics
import sys
from pathlib import Path

from . import picture

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "latest.json"
BEGIN, END = "<!-- speed: begin -->", "<!-- speed: end -->"
PAGES = {ROOT / "README.md": lambda kept: section(kept), ROOT / "docs" / "benchmarks.md": lambda kept: everything(kept)}


def section(kept):
    """The text between the marks of README.md: the machine, the groups beside their bars, and whole processes."""
    lines = [
        machine(kept["machine"]),
        "",
        "| workload | wanted | lowest | median | cases |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [group_row(title, results) for title, results in grouped(kept["results"]).items()]
    if kept.get("processes"):
        lines += ["", *processes(kept["processes"])]
    return "\n".join(lines)


def everything(kept):
    """The text between the marks of docs/benchmarks.md: all cases, by group."""
    lines = [machine(kept["machine"])]
    if told := kept["machine"].get("rates"):
        lines.append(rates(told))
    for title, results in grouped(kept["results"]).items():
        at_least = results[0]["wanted"]
        lines += ["", f"**{title}**" + (f" (wanted: {at_least:g})" if at_least is not None else ""), ""]
        lines += cases(results)
    return "\n".join(lines)


def machine(told):
    commit = f" at {told['commit']}" if told.get("commit") else ""
    return (
        f"Measured by `make bench`: {told['processor']}, {told['cores']} cores, {told['threads']} threads, Python "
        f"{told['python']}, NumPy {told['numpy']}, PyTorch {told['torch']}, Rushlight {told['rushlight']}{commit} with the "
        f"{'compiled' if told.get('compiled', True) else 'uncompiled'} core. Each case runs with both libraries in turn in one "
        "process; a ratio is PyTorch's time over Rushlight's."
    )


def rates(told):
    memory = ", ".join(f"{rate:.0f} GB/s with arrays of {n} float32" for n, rate in told["memory"].items())
    return f"The machine's own rates: {told['product']:.0f} GFLOP/s in a matrix product of float32; {memory}."


def grouped(results):
    """{title: results} in the order in which they were kept."""
    groups = {}
    for result in results:
        groups.setdefault(result["group"], []).append(result)
    return groups


def group_row(title, results):
    """A line of README.md: what is below its bar is told by how many cases reach it."""
    ratios, at_least = [r["ratio"] for r in results], results[0]["wanted"]
    reached = sum(at_least is None or ratio >= at_least for ratio in ratios)
    wanted, count = ("", f"{len(ratios)}") if at_least is None else (f"{at_least:g}", f"{reached} of {len(ratios)}")
    return f"| {title} | {wanted} | {short(min(ratios))} | {short(statistics.median(ratios))} | {count} |"


def short(ratio):
    """Two digits at least."""
    return f"{ratio:.1f}" if ratio >= 1.95 else f"{ratio:.2f}"


def processes(found):
    lines = ["| whole process | Rushlight | PyTorch |", "| --- | ---: | ---: |"]
    digits = {"s": ".2f", "MB": ".0f"}
    for r in found:
        ours, theirs = (f"{r[name]:{digits[r['unit']]}} {r['unit']}" for name in ("rushlight", "torch"))
        lines.append(f"| {r['what']} | {ours} | {theirs} |")
    return lines


def cases(results):
    """The table of a group: of large workloads also the share of the machine's limit, and the peaks of memory."""
    if not any(r.get("limit") for r in results):
        lines = ["| case | Rushlight | PyTorch | ratio |", "| --- | ---: | ---: | ---: |"]
        return lines + [times(r) for r in results]
    lines = [
        "| case | Rushlight | PyTorch | ratio | limit | peak memory, MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    return lines + [f"{times(r)} {r['limit']:.0%} | {memory(r)} |" for r in results]


def times(r):
    below = r["wanted"] is not None and r["ratio"] < r["wanted"]
    ratio = f"**{r['ratio']:.2f}**" if below else f"{r['ratio']:.2f}"
    name = r["case"].replace("|", "\\|").replace("*", "\\*")
    return f"| {name} | {r['rushlight_us']:,.2f} | {r['torch_us']:,.2f} | {ratio} |"


def memory(r):
    peak = r.get("memory_mb") or {}
    return (
        "; ".join(f"{peak[name]:.0f}" if peak.get(name) is not None else "?" for name in ("rushlight", "torch"))
        if peak
        else ""
    )


def replaced(text, new):
    """The text with what stands between the marks exchanged; ValueError where a mark is missing."""
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return f"{text[:begin]}\n{new}\n{text[end:]}"


def main():
    if not RESULTS.exists():
        print(f"{RESULTS.relative_to(ROOT)} is not there: run `make bench` first", file=sys.stderr)
        return 1
    kept = json.loads(RESULTS.read_text())
    for page, text in PAGES.items():
        page.write_text(replaced(page.read_text(), text(kept)))
    try:
        picture.draw(kept, RESULTS.with_name("speed.png"))
    except ModuleNotFoundError as error:
        print(f"no picture: {error}; pip install matplotlib", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
