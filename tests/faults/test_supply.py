"""What is installed, and what importing it does: locked versions, no network, nothing of the process changed, the same sdist."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import textwrap
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EVERYTHING = (
    "import rushlight, rushlight.nn, rushlight.optim, rushlight.func, rushlight.linalg, rushlight.fft, rushlight.utils.data, "
    "rushlight.serialization, rushlight.autograd.functional, rushlight.optim.lr_scheduler, rushlight.compat.command"
)


def run(program, **environment):
    program = textwrap.dedent(program).replace("IMPORT", EVERYTHING)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, **environment}, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_importing_asks_nothing_of_the_network_and_starts_no_process():
    told = run(
        """
        import sys
        import numpy
        seen = []
        watched = ("socket.", "subprocess.", "os.system", "os.posix_spawn", "os.exec", "os.fork", "urllib.", "ftplib.", "http.")
        sys.addaudithook(lambda event, args: seen.append((event, args)) if event.startswith(watched) else None)
        IMPORT
        assert not seen, seen
        import socket
        socket.socket().close()
        print(seen[0][0])
        """
    )
    assert told.startswith("socket.")


def test_importing_writes_no_file():
    run(
        """
        import sys
        import numpy
        seen = []
        def hook(event, args):
            if event == "open" and args[1] and set(str(args[1])) & set("wax+"):
                seen.append(args)
            if event in ("os.mkdir", "os.rename", "os.remove", "os.putenv", "os.unsetenv", "os.chdir", "os.chmod", "shutil.move"):
                seen.append((event, args))
        sys.dont_write_bytecode = True
        sys.addaudithook(hook)
        IMPORT
        assert not seen, seen
        """
    )


STATE = """
    import atexit, decimal, faulthandler, gc, locale, os, random, signal, sys, threading, warnings
    import numpy

    def tasks():
        return len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else threading.active_count()

    def state():
        signals = [signal.getsignal(number) for number in sorted(signal.valid_signals())]
        mask = os.umask(0)
        os.umask(mask)
        return {
            "environment": dict(os.environ), "signals": signals, "wakeup": signal.set_wakeup_fd(-1),
            "filters": list(warnings.filters), "showwarning": warnings.showwarning, "locale": locale.setlocale(locale.LC_ALL),
            "umask": mask, "cwd": os.getcwd(), "errors of numpy": numpy.geterr(), "call of numpy": numpy.geterrcall(),
            "printing": numpy.get_printoptions(),
            "buffer": numpy.getbufsize(), "threads": threading.active_count(), "tasks": tasks(),
            "gc": (gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.callbacks[:], gc.get_freeze_count()),
            "random": random.getstate(), "numpy.random": str(numpy.random.get_state()), "path": list(sys.path),
            "finders": list(sys.meta_path), "hooks": list(sys.path_hooks), "recursion": sys.getrecursionlimit(),
            "switch": sys.getswitchinterval(), "digits": sys.get_int_max_str_digits(), "profile": sys.getprofile(),
            "trace": sys.gettrace(), "except": sys.excepthook, "unraisable": sys.unraisablehook, "thread": threading.excepthook,
            "display": sys.displayhook, "streams": (sys.stdin, sys.stdout, sys.stderr), "decimal": str(decimal.getcontext()),
            "faulthandler": faulthandler.is_enabled(), "builtins": set(vars(__builtins__)), "exit": atexit._ncallbacks(),
        }

    before = state()
    IMPORT
    after = state()
    changed = [name for name in before if before[name] != after[name]]
    assert not changed, [(name, before[name], after[name]) for name in changed]
"""


def test_importing_changes_nothing_of_the_process():
    run(STATE)


def test_what_is_set_by_the_user_stays_so():
    run(
        """
        import gc, warnings
        import numpy
        gc.disable(); warnings.simplefilter("error"); numpy.seterr(all="raise"); filters = warnings.filters[:]
        IMPORT
        x = rushlight.ones(3, requires_grad=True)
        (x / 3).exp().sum().backward()
        assert not gc.isenabled() and warnings.filters == filters and set(numpy.geterr().values()) == {"raise"}
        """
    )


# -- locked
def name_of(requirement):
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


@pytest.fixture
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked():
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]
    assert all([re.fullmatch(r"[a-z0-9-]+==[\w.]+", line) for line in lines])
    versions = dict(line.split("==") for line in lines)
    assert list(versions) == sorted(versions)
    return versions


def test_what_is_built_and_tested_with_is_locked(project):
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    wanted += [requirement for extra in project["project"]["optional-dependencies"].values() for requirement in extra]
    assert {name_of(requirement) for requirement in wanted} <= locked().keys()


def test_the_makefile_names_the_locked_versions():
    text = (ROOT / "Makefile").read_text()
    for variable in ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"):
        assert f"export {variable} := requirements.txt" in text


def test_numpy_is_the_only_dependency(project):
    assert [name_of(requirement) for requirement in project["project"]["dependencies"]] == ["numpy"]


# -- the archive of the sources
def packed(folder, stamp, umask):
    """The bytes of an sdist of a few of the files, all of which are of another time in each folder."""
    for name in ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "Makefile", "requirements.txt"):
        shutil.copy(ROOT / name, folder / name)
    package = folder / "src" / "rushlight" / "kernels"
    package.mkdir(parents=True)
    for path in [*(ROOT / "src/rushlight/kernels").glob("*.p*"), ROOT / "src/rushlight/errors.py"]:
        if path.is_file() and path.suffix in (".py", ".pyx", ".pxd"):
            shutil.copy(path, package / path.name)
    (package / "made.c").write_text("/* by Cython, of this machine */")
    (package.parent / "__init__.py").touch()
    for path in folder.rglob("*"):
        os.utime(path, (stamp, stamp))
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    subprocess.run(
        [sys.executable, "setup.py", "-q", "sdist"],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        umask=umask,
    )
    (archive,) = (folder / "dist").glob("*.tar.gz")
    return archive


@pytest.mark.skipif(os.name != "posix", reason="umask")
def test_the_archive_of_the_sources_is_the_same_bytes_each_time(tmp_path):
    pytest.importorskip("setuptools", minversion="77", reason="older ones do not know the form of pyproject.toml")
    archives = []
    for name, stamp, umask in (("here", 1_600_000_000, 0o022), ("elsewhere", 1_650_000_000, 0o077)):
        (tmp_path / name).mkdir()
        archives.append(packed(tmp_path / name, stamp, umask))
    first, second = [hashlib.sha256(path.read_bytes()).hexdigest() for path in archives]
    assert first == second
    with tarfile.open(archives[0]) as file:
        names = file.getnames()
        assert {member.mtime for member in file} == {1_700_000_000}
        assert {(member.uid, member.gid, member.uname) for member in file} == {(0, 0, "")}
    assert any([name.endswith("elementwise.pyx") for name in names])
    assert not any([name.endswith((".c", ".so")) for name in names])
