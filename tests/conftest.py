"""What every test may rely on: the way rushlight runs is shown, and modes are left as they were found."""

import os
import zlib

import pytest

import rushlight as rl
from rushlight import core, kernels, modes

# Explanations are compared in English, whatever the locale.
os.environ["RUSHLIGHT_LANG"] = "en"
COMPILED = not core.__file__.endswith(".py")


def pytest_addoption(parser):
    parser.addoption("--part", metavar="K/N", help="run part K of N of the tests, chosen by their names")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--part"):
        return
    k, n = map(int, config.getoption("--part").split("/"))
    parts = [[], []]
    for item in items:
        parts[zlib.crc32(item.nodeid.encode()) % n == k - 1].append(item)
    config.hook.pytest_deselected(items=parts[False])
    items[:] = parts[True]


def pytest_report_header():
    way = "compiled" if COMPILED else "uncompiled"
    return f"rushlight: core {way}, kernels {'off' if kernels.load('elementwise') is None else 'on'}"


@pytest.fixture(autouse=True)
def modes_are_left_as_found():
    """A test that leaves gradients off, or another default dtype, would change what the tests after it mean."""
    before = modes.flags(), rl.get_default_dtype()
    yield
    after = modes.flags(), rl.get_default_dtype()
    modes.put_flags(before[0])
    rl.set_default_dtype(before[1])
    assert after == before


@pytest.fixture(scope="session")
def compiled():
    """Whether the core is compiled: long chains are shorter where it is not."""
    return COMPILED


processors = kernels.load("parallel")
FAMILIES = range(processors.families() if processors else 1)


@pytest.fixture(params=FAMILIES, ids=lambda n: f"family{n}")
def family(request):
    """Each family of processors that this one can be, while its loops run; one where nothing is compiled."""
    if processors:
        processors.run_family(request.param)
    yield request.param
    if processors:
        processors.run_family(FAMILIES[-1])
