"""python -m benchmarks.readme: puts the results of the last `make bench` between the marks in README.md."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "latest.json"
BEGIN, END = "<!-- speed: begin -->", "<!-- speed: end -->"
# A case belongs to the first group that has a word it begins with.
GROUPS = (
    ("One recorded operation", ("recorded",)),
    ("Forward and backward", ("chain", "(x")),
    ("A training step", ("two-layer",)),
    ("Second derivatives", ("Hessian", "Laplacian", "functional")),
    ("Derivatives for each sample", ("vmap",)),
    ("Loading data", ("DataLoader", "default_collate")),
    ("Slicing, transposing, reshaping", ("slice", "row", "column", "transpose", "reshape", "view")),
    ("Others", ("",)),
)


def section(kept):
    """The text between the marks: the machine, and a table of the cases, grouped."""
    lines = [machine(kept["machine"]), "", "| case | Rushlight | PyTorch | ratio |", "| --- | ---: | ---: | ---: |"]
    for title, results in grouped(kept["results"]):
        lines.append(f"| **{title}** | | | |")
        lines += [row(result) for result in results]
    return "\n".join(lines)


def machine(told):
    return (
        f"Measured by `make bench`: {told['processor']}, {told['cores']} cores, {told['threads']} threads, Python "
        f"{told['python']}, NumPy {told['numpy']}, PyTorch {told['torch']}, Rushlight {told['rushlight']} with the "
        "compiled core. Each case runs with both libraries in turn in one process; times are medians in microseconds, "
        "and the ratio is PyTorch's time over Rushlight's."
    )


def grouped(results):
    """[(title, results), ...] of the groups that have any."""
    groups = {title: [] for title, _ in GROUPS}
    for result in results:
        title = next(title for title, words in GROUPS if result["case"].startswith(words))
        groups[title].append(result)
    return [(title, members) for title, members in groups.items() if members]


def row(result):
    return f"| {result['case']} | {result['rushlight_us']:.2f} | {result['torch_us']:.2f} | {result['ratio']:.1f} |"


def replaced(text, new):
    """The text with what stands between the marks exchanged; ValueError where a mark is missing."""
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return f"{text[:begin]}\n{new}\n{text[end:]}"


def main():
    if not RESULTS.exists():
        print(f"{RESULTS.relative_to(ROOT)} is not there: run `make bench` first", file=sys.stderr)
        return 1
    readme = ROOT / "README.md"
    readme.write_text(replaced(readme.read_text(), section(json.loads(RESULTS.read_text()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
