"""python -m benchmarks.debugging: what `rushlight.debug()` costs, for one operation and for a training step.

Each case runs with and without it in turn; with --docs the table is put into docs/debugging.md.
"""

import statistics
import sys
import time
from pathlib import Path

import rushlight as rl

from .machine import processor

PAGE = Path(__file__).parent.parent / "docs" / "debugging.md"
BEGIN, END = "<!-- cost: begin -->", "<!-- cost: end -->"
ROUNDS = 7
CASES = []


def case(name, loops):
    def register(make):
        CASES.append((name, make, loops))
        return make

    return register


for _n in (8, 10_000, 1_000_000):

    @case(f"a recorded multiply of {_n:,} numbers", 300 if _n < 1e6 else 20)
    def multiply(n=_n):
        x, y = rl.rand(n, requires_grad=True), rl.rand(n, requires_grad=True)
        return lambda: x * y

    @case(f"(x * y).sum().backward() of {_n:,} numbers", 100 if _n < 1e6 else 10)
    def formula(n=_n):
        x, y = rl.rand(n, requires_grad=True), rl.rand(n, requires_grad=True)
        return lambda: (x * y).sum().backward()


def step(width, batch):
    """A training step of a network of three layers."""
    nn = rl.nn
    model = nn.Sequential(
        nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )  # fmt: skip
    optimizer = rl.optim.SGD(model.parameters(), lr=0.01)
    x, y = rl.randn(batch, width), rl.randint(0, 10, (batch,))

    def run():
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return run


@case("a training step, three layers of 64, batch 32", 50)
def small():
    return step(64, 32)


@case("a training step, three layers of 1024, batch 128", 3)
def large():
    return step(1024, 128)


@case("a training step, convolutions of 16 and 32 channels, batch 16 of 28 x 28", 3)
def convolutions():
    nn = rl.nn
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(32 * 11 * 11, 10),
    )  # fmt: skip
    optimizer = rl.optim.SGD(model.parameters(), lr=0.01)
    x, y = rl.randn(16, 1, 28, 28), rl.randint(0, 10, (16,))

    def run():
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return run


def seconds(run, loops, mode):
    with rl.debug(mode):
        started = time.perf_counter()
        for _ in range(loops):
            run()
        return (time.perf_counter() - started) / loops


def measured(make, loops):
    """Median seconds without and with debug(), over rounds in turn."""
    run = make()
    rounds = [[seconds(run, loops, mode) for mode in (False, True)] for _ in range(ROUNDS + 1)][1:]
    return [statistics.median(column) for column in zip(*rounds)]


def table():
    lines = [
        f"Measured by `python -m benchmarks.debugging`: {processor()}, 2 threads, medians in microseconds.",
        "",
        "| case | without | in debug() | times |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, make, loops in CASES:
        without, inside = measured(make, loops)
        lines.append(f"| {name} | {without * 1e6:.2f} | {inside * 1e6:.1f} | {inside / without:.1f} |")
    return "\n".join(lines)


def main(words):
    found = table()
    print(found)
    if "--docs" in words:
        text = PAGE.read_text()
        begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
        PAGE.write_text(f"{text[:begin]}\n{found}\n{text[end:]}")


if __name__ == "__main__":
    main(sys.argv[1:])
