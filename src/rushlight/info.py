"""python -m rushlight.info: versions, the processor's features, threads, and which compiled parts are in use.

What a report of a fault should begin with; `rushlight info` prints the same.
"""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

# The extras, and the real PyTorch.
_OTHERS = ("scipy", "ml_dtypes", "safetensors", "einops", "scikit-learn", "onednn-cpu-gomp", "torch")
_FEATURES = ("SSE42", "AVX2", "FMA3", "AVX512F", "AVX512_SKX", "ASIMD", "SVE", "VSX")


def lines():
    """The lines that are printed."""
    import numpy

    import rushlight

    from . import core, kernels
    from .kernels import onednn

    compiled = not core.__file__.endswith(".py")
    families = _families(kernels)
    there = [name for name in families if kernels.load(name) is not None]
    return [
        f"rushlight {rushlight.__version__}, Python {sys.version.split()[0]}, NumPy {numpy.__version__}",
        "core: "
        + ("compiled" if compiled else "uncompiled, and slower: neither GCC nor Clang was used when it was installed"),
        "kernels: " + _kernels(kernels, families, there),
        "loops: " + _loops(kernels),
        f"threads: {rushlight.get_num_threads()} share a long loop, {os.cpu_count()} processors",
        f"machine: {platform.system()} {platform.machine()}, {' '.join(_features()) or 'no features known'}",
        f"BLAS: {_blas(numpy)}",
        "oneDNN: " + ("asked for larger convolutions" if onednn.is_available() else "not used"),
        f"interpreter: {platform.python_implementation()}, {_lock()}",
        "beside it: " + (", ".join(_versions()) or "none of " + ", ".join(_OTHERS)),
    ]


def _families(kernels):
    """The names of all kernels whose sources are compiled."""
    folder = os.path.dirname(kernels.__file__)
    found = {name.partition(".")[0] for name in os.listdir(folder) if name.endswith((".so", ".pyd"))}
    return sorted(found - {"buffers", "kernel", "parallel", "pool"})


def _kernels(kernels, families, there):
    if kernels.PURE:
        return "none, as RUSHLIGHT_PURE says; everything is computed with NumPy"
    if not families:
        return "none; everything is computed with NumPy"
    missing = [name for name in families if name not in there]
    return "compiled, " + " ".join(there) + (f"; not importable: {' '.join(missing)}" if missing else "")


def _loops(kernels):
    """Which compilation of the loops that are compiled for several families of processors the processor chooses."""
    parallel = kernels.load("parallel")
    if parallel is None:
        return "NumPy's"
    newest = parallel.families() - 1
    return f"for x86-64-v{newest + 2}" if newest else f"for any {platform.machine()}"


def _features():
    """Of the processor's features those that compiled loops are chosen by, as NumPy has found them."""
    try:
        from numpy._core._multiarray_umath import __cpu_features__ as found
    except ImportError:
        return []
    return [name for name in _FEATURES if found.get(name)]


def _blas(numpy):
    try:
        found = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    except (KeyError, TypeError):
        return "unknown"
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()


def _lock():
    enabled = getattr(sys, "_is_gil_enabled", None)
    return "one lock for all threads" if enabled is None or enabled() else "free-threaded"


def _versions():
    for name in _OTHERS:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            continue


if __name__ == "__main__":
    print("\n".join(lines()))
