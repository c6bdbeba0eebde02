"""Compiles the core where a C compiler is present; without one the same sources run as plain Python.

RUSHLIGHT_COMPILE=0 leaves the compiler alone; RUSHLIGHT_COMPILE=1 makes a failed compilation fatal (for CI).
RUSHLIGHT_SANITIZE=1 has all compiled code watch its own memory and arithmetic (`make sanitize`), in a folder of its own.
"""

import os
import re
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCE = Path("src")
WANTED = os.environ.get("RUSHLIGHT_COMPILE", "")

# C is never unwound here: without tables for that, 6 % smaller.
FLAGS = ["-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", "-fno-asynchronous-unwind-tables"]
# Without names of symbols a tenth smaller; without pages of their own for code and constants 8 KB each.
SMALL_LINKS = ["-s", "-Wl,-z,noseparate-code"]

BUILD = "build"
if os.environ.get("RUSHLIGHT_SANITIZE") == "1":
    BUILD = "build/sanitize"
    # Not -O3: what is optimised away is not watched. Dividing by zero is what floats are asked to do.
    WATCH = ["-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize=float-divide-by-zero"]
    FLAGS = ["-O1", "-g1", "-fno-omit-frame-pointer", "-fno-math-errno", "-fno-trapping-math", *WATCH]
    SMALL_LINKS = WATCH


def sources():
    """Every .pyx, and every .py that has a .pxd beside it."""
    package = SOURCE / "rushlight"
    compiled = [p.with_suffix(".py") for p in package.rglob("*.pxd") if p.with_suffix(".py").exists()]
    return sorted([*package.rglob("*.pyx"), *compiled])


def headers(path):
    """The headers that a source names, and those that they name."""
    text = "".join(p.read_text() for p in {path, path.with_suffix(".pxd")} if p.exists())
    named = {SOURCE / "rushlight/kernels" / name for name in re.findall(r"(\w+\.h)\"", text)}
    named = {header for header in named if header.exists()}
    return named.union(*(headers(header) for header in named))


def extension(path):
    import numpy

    return Extension(
        ".".join(path.relative_to(SOURCE).with_suffix("").parts),
        [str(path)],
        include_dirs=[numpy.get_include(), str(SOURCE / "rushlight")],
        depends=[str(header) for header in sorted(headers(path))],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        extra_link_args=SMALL_LINKS if sys.platform == "linux" else [],
        extra_compile_args=[] if sys.platform == "win32" else FLAGS,
    )


def extensions():
    if WANTED == "0":
        return []
    from Cython.Build import cythonize

    directives = {
        "language_level": 3,
        "boundscheck": False,
        "initializedcheck": False,
        "cdivision": True,
        "binding": False,
        "auto_pickle": False,
    }
    made = cythonize(
        [extension(p) for p in sources()], compiler_directives=directives, build_dir=f"{BUILD}/cython", quiet=True
    )
    for each in made:
        # Said here, since cythonize makes its own extensions and forgets it.
        each.optional = WANTED != "1"
    return made


class BuildOrSaySo(build_ext):
    """A core that is half compiled would mix the two class layouts, so one failure means none is kept."""

    def run(self):
        self.failed = False
        super().run()
        if not self.failed:
            return
        # Also what an earlier build left: it may be of other sources.
        for extension in self.extensions:
            Path(self.get_ext_fullpath(extension.name)).unlink(missing_ok=True)
        print("rushlight: no working C compiler was found; it runs uncompiled, and slower.", file=sys.stderr)

    def finalize_options(self):
        super().finalize_options()
        # The kernels take two minutes one after the other.
        self.parallel = self.parallel or os.cpu_count()

    def build_extension(self, ext):
        try:
            super().build_extension(ext)
        except BaseException:
            self.failed = True
            raise

    def get_outputs(self):
        return [path for path in super().get_outputs() if Path(path).exists()]


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildOrSaySo}, options={"build": {"build_base": BUILD}})
