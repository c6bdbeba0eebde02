"""What is installed: a wheel in an environment that has NumPy alone, the wheels of each platform, and the compilers."""

import importlib.util
import os
import shutil
import subprocess
import sys
import textwrap
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy
import pytest

ROOT = Path(__file__).parent.parent
# Of the environment, nothing that has Python look elsewhere, or pip do otherwise.
ALONE = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}
PYTHONS = ["cp311", "cp312", "cp313", "cp314", "cp314t"]
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["cibuildwheel"]


def finished(*command, **options):
    """What a command prints, which has to succeed."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# -- a wheel is built and installed


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The pure wheel, built without a network from a copy of the sources."""
    try:
        there = [distribution(name) for name in ("setuptools", "pip")]
    except PackageNotFoundError:
        pytest.skip("wheels are built by setuptools, and installed by pip")
    folder = tmp_path_factory.mktemp("wheel")
    sources = folder / "sources"
    shutil.copytree(
        ROOT / "src", sources / "src", ignore=shutil.ignore_patterns("*.so", "*.pyd", "*.egg-info", "__pycache__")
    )
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, sources)
    # NumPy and Cython are what extensions are made with, and there are none.
    alone = ("--no-index", "--no-deps", "--no-build-isolation", "--no-cache-dir", "-q")
    given = {**ALONE, "RUSHLIGHT_COMPILE": "0", "PYTHONPATH": str(there[0].locate_file(""))}
    finished(sys.executable, "-m", "pip", "wheel", *alone, "-w", folder, sources, env=given, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An environment that has the NumPy of this one and nothing else: its Python, and its packages' folder."""
    folder = tmp_path_factory.mktemp("empty")
    finished(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    packages = Path(finished(python, "-Ic", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    there = Path(numpy.__file__).parent.parent
    # The libraries of its wheel lie beside it.
    names = ["numpy", "numpy.libs", distribution("numpy")._path.name]
    for name in names:
        if (there / name).exists():
            os.symlink(there / name, packages / name)
    return python


def test_a_wheel_installs_and_trains_in_an_empty_environment(wheel, empty, tmp_path):
    assert wheel.name.endswith("-py3-none-any.whl")
    # With its requirements: NumPy is there, and nothing else can be had.
    arguments = ("--python", empty, "install", "--no-index", "--no-compile", "--no-cache-dir", "-q", wheel)
    finished(sys.executable, "-m", "pip", *arguments, env=ALONE)
    said = finished(empty, "-I", "-W", "error", ROOT / "tools/try_wheel.py", "uncompiled", cwd=tmp_path)
    assert "beside it: NumPy alone" in said
    assert "a network was trained" in said
    assert "core: uncompiled" in finished(empty.parent / "rushlight", "info", cwd=tmp_path, env=ALONE)
    assert list(tmp_path.iterdir()) == []


# -- the wheels of each platform


def test_wheels_are_built_for_each_python_and_platform():
    assert CONFIGURATION["build"] == [f"{python}-*" for python in PYTHONS]
    assert CONFIGURATION["linux"]["archs"] == ["x86_64", "aarch64"]
    assert CONFIGURATION["macos"]["archs"] == ["x86_64", "arm64"]
    assert CONFIGURATION["windows"] == {"archs": ["AMD64"], "before-all": "clang-cl --version"}
    assert {name: of for name, of in CONFIGURATION["linux"].items() if name.endswith("image")} == {
        f"{kind}-{machine}-image": image
        for kind, image in [("manylinux", "manylinux_2_28"), ("musllinux", "musllinux_1_2")]
        for machine in ("x86_64", "aarch64")
    }
    # A wheel whose core did not compile would be tried as a compiled one, and fail.
    assert CONFIGURATION["environment"] == {"RUSHLIGHT_COMPILE": "1"}
    script = CONFIGURATION["test-command"].partition("{project}/")[2].split()
    assert (ROOT / script[0]).exists() and script[1:] == ["compiled"]


@pytest.mark.parametrize(
    ("platform", "kinds"),
    [
        ("linux", ["manylinux_x86_64", "manylinux_aarch64", "musllinux_x86_64", "musllinux_aarch64"]),
        ("macos", ["macosx_x86_64", "macosx_arm64"]),
        ("windows", ["win_amd64"]),
    ],
)
def test_cibuildwheel_reads_the_configuration(platform, kinds):
    pytest.importorskip("cibuildwheel", reason="it is asked which wheels it would build")
    command = (sys.executable, "-m", "cibuildwheel", "--print-build-identifiers", "--platform", platform)
    wanted = [f"{python}-{kind}" for python in PYTHONS for kind in kinds]
    assert sorted(finished(*command, ROOT).split()) == sorted(wanted)


# -- compilers


# setup.py's build_ext meets a compiler, and compiles nothing: {compiler} is code that makes it.
MEET = """
    import os, runpy, sys
    from types import SimpleNamespace
    import setuptools
    from setuptools.command.build_ext import build_ext
    from setuptools.errors import PlatformError

    def absent(platform):
        raise PlatformError("Microsoft Visual C++ 14.0 or greater is required.")

    setuptools.setup = lambda **options: None
    build_ext.build_extensions = lambda self: None
    os.environ["RUSHLIGHT_COMPILE"], sys.argv = "0", ["setup.py"]
    names = runpy.run_path("setup.py")
    build = names["BuildOrSaySo"](setuptools.Distribution())
    build.plat_name = "win-amd64"
    build.extensions = [SimpleNamespace(extra_compile_args=list(names["FLAGS"]))]
    build.compiler = SimpleNamespace({compiler})
    build.build_extensions()
    print(getattr(build.compiler, "cc", None), *build.extensions[0].extra_compile_args)
"""


def meet(compiler):
    """The command that replaces the compiler's own, if any, and the flags that it is given."""
    if importlib.util.find_spec("setuptools") is None:
        pytest.skip("setup.py is setuptools'")
    program = textwrap.dedent(MEET).replace("{compiler}", compiler)
    command, *flags = finished(sys.executable, "-c", program, cwd=ROOT).split()
    return command, flags


@pytest.mark.skipif(os.name == "nt", reason="the compilers here are scripts of a shell")
@pytest.mark.parametrize(
    ("said", "knows"),
    [("gcc (Debian 12.2.0-14) 12.2.0", True), ("Apple clang version 17.0.0 (clang-1700.0.13.3)", False)],
)
def test_clang_is_not_told_what_gcc_alone_knows(tmp_path, said, knows):
    compiler = tmp_path / "cc"
    compiler.write_text(f"#!/bin/sh\necho '{said}'\n")
    compiler.chmod(0o755)
    flags = meet(f"compiler_type='unix', compiler_so=[{str(compiler)!r}, '-Wall']")[1]
    assert ("-fvect-cost-model=dynamic" in flags) is knows
    assert "-fno-math-errno" in flags


def test_a_compiler_that_is_missing_is_left_to_fail_by_itself(tmp_path):
    flags = meet(f"compiler_type='unix', compiler_so=[{str(tmp_path / 'cc')!r}]")[1]
    assert "-fvect-cost-model=dynamic" in flags


@pytest.mark.parametrize(("initialize", "command"), [("lambda platform: None", "clang-cl"), ("absent", "cl.exe")])
def test_windows_wheels_are_compiled_by_clang_cl(initialize, command):
    # Where there is no Visual Studio, each extension says so when it is compiled.
    assert meet(f"compiler_type='msvc', cc='cl.exe', initialize={initialize}")[0] == command
