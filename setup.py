"""Compiles the core where GCC or Clang is present; without one the same sources run as plain Python.

RUSHLIGHT_COMPILE=0 leaves the compiler alone; RUSHLIGHT_COMPILE=1 makes a failed compilation fatal (for CI).
RUSHLIGHT_SANITIZE=1 has all compiled code watch its own memory and arithmetic (`make sanitize`), in a folder of its own.
"""

import gzip
import os
import re
import subprocess
import sys
import tarfile
from contextlib import nullcontext, suppress
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist
from setuptools.errors import PlatformError

SOURCE = Path("src")
WANTED = os.environ.get("RUSHLIGHT_COMPILE", "")

# As fast as -O3 and a fifth smaller. C is never unwound here: without tables for that, 6 % smaller.
FLAGS = ["-O2", "-ftree-vectorize", "-fvect-cost-model=dynamic", "-g0"]
FLAGS += ["-fno-math-errno", "-fno-trapping-math", "-fno-asynchronous-unwind-tables"]
# Vectors are passed to what is inlined alone, so no other compiler has to agree on how.
FLAGS += ["-Wno-psabi"]
# But where functions as long as lgamma have to be inlined, or a choice taken out of a loop, to vectorise it: 3 times as fast.
# And where functions happen to begin wins or loses a tenth, they begin with a line of the cache.
# What vectors leave over of a row is done one by one where many loops would have vectors for that too: an eighth smaller.
ONE_BY_ONE = "--param=vect-epilogues-nomask=0"
HARDER = {"core": ["-falign-functions=64"], "choice": ["-O3"], "optim": ["-O3"], "special": ["-O3", ONE_BY_ONE]}
HARDER |= {"copying": [ONE_BY_ONE], "loss": [ONE_BY_ONE]}
# Clang refuses to compile where it is told of these.
GCC_ONLY = {"-fvect-cost-model=dynamic", ONE_BY_ONE}
# Without names of symbols a tenth smaller; without pages of their own for code and constants 8 KB each.
SMALL_LINKS = ["-s", "-Wl,-z,noseparate-code"]

BUILD = "build"
if os.environ.get("RUSHLIGHT_SANITIZE") == "1":
    BUILD = "build/sanitize"
    # Not -O3: what is optimised away is not watched. Dividing by zero is what floats are asked to do.
    WATCH = ["-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize=float-divide-by-zero"]
    FLAGS = ["-O1", "-g1", "-fno-omit-frame-pointer", "-fno-math-errno", "-fno-trapping-math", *WATCH]
    HARDER = {}
    SMALL_LINKS = WATCH


def sources():
    """Every .pyx, and every .py that has a .pxd beside it."""
    package = SOURCE / "rushlight"
    compiled = [p.with_suffix(".py") for p in package.rglob("*.pxd") if p.with_suffix(".py").exists()]
    return sorted([*package.rglob("*.pyx"), *compiled])


def headers(path):
    """The headers that a source names, and those that they name."""
    own = {path} if path.suffix == ".h" else {path, path.with_suffix(".pxd")}
    text = "".join(p.read_text() for p in own if p.exists())
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
        extra_compile_args=[] if sys.platform == "win32" else FLAGS + HARDER.get(path.stem, []),
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
        # What threads share is guarded: see "What is shared" in docs/architecture.md.
        "freethreading_compatible": True,
    }
    made = cythonize(
        [extension(p) for p in sources()], compiler_directives=directives, build_dir=f"{BUILD}/cython", quiet=True
    )
    for each in made:
        # Said here, since cythonize makes its own extensions and forgets it.
        each.optional = WANTED != "1"
    return made


def is_clang(command):
    """Whether a compiler's command is Clang, by whatever name."""
    try:
        return "clang" in subprocess.run([*command, "--version"], capture_output=True, text=True).stdout
    except OSError:
        return False


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
        print("rushlight: no working GCC or Clang was found; it runs uncompiled, and slower.", file=sys.stderr)

    def finalize_options(self):
        super().finalize_options()
        # The kernels take two minutes one after the other.
        self.parallel = self.parallel or os.cpu_count()

    def build_extensions(self):
        if self.compiler.compiler_type == "msvc":
            # Microsoft's own compiler knows no GNU C. Where there is no Visual Studio at all, each extension says so.
            with suppress(PlatformError):
                self.compiler.initialize(self.plat_name)
                self.compiler.cc = "clang-cl"
        elif is_clang(self.compiler.compiler_so):
            for each in self.extensions:
                each.extra_compile_args = [flag for flag in each.extra_compile_args if flag not in GCC_ONLY]
        super().build_extensions()

    def build_extension(self, ext):
        try:
            super().build_extension(ext)
        except BaseException:
            self.failed = True
            raise

    def get_outputs(self):
        return [path for path in super().get_outputs() if Path(path).exists()]


class SameBytes(sdist):
    """Sources that are the same are packed into the same bytes, wherever and whenever; times are SOURCE_DATE_EPOCH."""

    def make_archive(self, base_name, format, root_dir=None, base_dir=None, owner=None, group=None):
        path, time = Path(f"{base_name}.tar.gz"), int(os.environ.get("SOURCE_DATE_EPOCH", 315532800))
        folder = Path(base_dir)
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            open(path, "wb") as file,
            gzip.GzipFile("", "wb", 9, file, mtime=time) as zipped,
            tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for member in sorted(folder.rglob("*")):
                info = archive.gettarinfo(member, member.relative_to(folder.parent).as_posix())
                if not (info.isdir() or info.isreg()):
                    # Setuptools links files where it can; two names of one file are two files here.
                    info.type, info.linkname, info.size = tarfile.REGTYPE, "", member.stat().st_size
                info.mtime, info.uid, info.gid, info.uname, info.gname = time, 0, 0, "", ""
                info.mode = 0o755 if info.isdir() or info.mode & 0o100 else 0o644
                with nullcontext() if info.isdir() else open(member, "rb") as data:
                    archive.addfile(info, data)
        return str(path)


# An archive of sources holds none that are made: Cython's name the folders of this machine.
MADE = [] if "sdist" in sys.argv else extensions()
setup(
    ext_modules=MADE, cmdclass={"build_ext": BuildOrSaySo, "sdist": SameBytes}, options={"build": {"build_base": BUILD}}
)
