"""python -m benchmarks.lines: what remembering the line of each operation costs, as a share of the operation.

It cannot be switched off, so a copy of the package is made whose lines.py is compiled to remember nothing, and both
are timed in turns, in several processes, since where things lie in memory matters too. Needs the compiled core and a C compiler.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "src" / "rushlight"
PAIRS, ROUNDS = 6, 8
CASES = {"same_frame": "in a loop", "new_frame": "in a function of its own"}
WANTED = 0.05
# One process measures one of the two, again and again when it is told to: a line in, a line out.
PROGRAM = """
import sys, time
import rushlight

x = rushlight.ones(4, requires_grad=True)
y = rushlight.ones(4, requires_grad=True)

def same_frame(loops):
    for _ in range(loops):
        x * y

def once():
    return x * y

def new_frame(loops):
    for _ in range(loops):
        once()

assert ((x * y).grad_fn.line() is None) == (sys.argv[1] == "without")
print("ready", flush=True)
for line in sys.stdin:
    run = globals()[line.strip()]
    run(2_000)
    started = time.process_time()
    run(20_000)
    print((time.process_time() - started) / 20_000 * 1e9, flush=True)
"""


def without_lines(folder):
    """A copy of the package in `folder` that remembers no lines."""
    package = folder / "rushlight"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "lines.cpython*"))
    header = package / "lines.pxd"
    text = header.read_text()
    body = re.compile(r"(cdef inline void mark_line\(Line line, str package\):\n)(    .*\n)+")
    assert body.search(text), "lines.pxd has changed: say here how to take mark_line out"
    header.write_text(body.sub(r"\1    pass\n", text))
    build = (
        "from Cython.Build import cythonize; from setuptools import Extension, setup; import numpy; "
        "setup(script_args=['-q', 'build_ext', '--inplace'], packages=[], ext_modules=cythonize("
        "[Extension('rushlight.lines', ['rushlight/lines.py'], include_dirs=[numpy.get_include()], "
        "extra_compile_args=['-O3', '-g0'])], quiet=True, compiler_directives={'language_level': 3, 'binding': False, "
        "'boundscheck': False, 'initializedcheck': False, 'cdivision': True, 'auto_pickle': False}))"
    )
    subprocess.run([sys.executable, "-c", build], cwd=folder, check=True, capture_output=True)


def started(path, which):
    environment = {**os.environ, "PYTHONPATH": str(path), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, which], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    return process


def measured(process, case):
    process.stdin.write(case + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def least(path, which, found):
    """Time all cases in a new process, and keep the least: what else the machine does only adds."""
    process = started(path, which)
    for _ in range(ROUNDS):
        for case in CASES:
            found[case, which] = min(measured(process, case), found.get((case, which), float("inf")))
    process.communicate()


def main():
    """Print a line per case; 1 where remembering costs more than it may."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        without_lines(Path(folder))
        for _ in range(PAIRS):
            least(PACKAGE.parent, "with", found)
            least(folder, "without", found)
    dear = False
    for case, title in CASES.items():
        marked, bare = found[case, "with"], found[case, "without"]
        dear = dear or marked > bare * (1 + WANTED)
        print(
            f"a recorded multiply of 4 numbers {title}: {marked:.0f} ns, without the line {bare:.0f} ns; "
            f"the line costs {marked / bare - 1:.1%} (wanted: at most {WANTED:.0%})"
        )
    return int(dear)


if __name__ == "__main__":
    sys.exit(main())
