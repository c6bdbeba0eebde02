"""docs/pytorch-names.md: PyTorch's public names beside Rushlight's, found by asking both.

`python docs/torch_names.py` asks an installed PyTorch and writes docs/torch_names.txt, a line for each name with the names
of its parameters; from that file and from Rushlight the page is made, with no PyTorch needed.
"""

import inspect
import sys
import warnings
from importlib import import_module
from pathlib import Path

DOCS = Path(__file__).parent
NAMES, PAGE = DOCS / "torch_names.txt", DOCS / "pytorch-names.md"
MODULES = (
    "torch", "torch.Tensor", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.nn.utils",
    "torch.nn.utils.parametrize", "torch.nn.utils.parametrizations", "torch.nn.utils.rnn", "torch.nn.utils.prune",
    "torch.nn.attention", "torch.optim", "torch.optim.lr_scheduler", "torch.optim.swa_utils", "torch.autograd",
    "torch.autograd.functional", "torch.autograd.forward_ad", "torch.autograd.graph", "torch.func", "torch.linalg",
    "torch.fft", "torch.special", "torch.signal.windows", "torch.random", "torch.amp", "torch.utils.data",
    "torch.utils.checkpoint", "torch.testing",
)  # fmt: skip
_HEAD = """# Name by name

PyTorch's public names, asked of {version}, beside Rushlight's. `make docs` writes this page by asking for each of
them: "there" has the name and takes the parameters of the same names; "other parameters" has the name, and its
parameters have other names or are fewer; the rest is missing. Where values or behaviour differ on purpose stands in
[Differences](differences.md), and `rushlight check script.py` runs a script under both.
"""


def place(library, path):
    """The module or class that `torch.x.y` means in a library; None where there is none."""
    if path == "torch.Tensor":
        return import_module(library).Tensor
    try:
        return import_module(path.replace("torch", library, 1))
    except (ImportError, AttributeError):
        return None


def names_of(path, owner):
    """The public names of a module of PyTorch: those that it lists, else the functions and classes that are its own."""
    import torch

    listed = getattr(owner, "__all__", None)
    for name in sorted(set(listed or dir(owner))):
        value = getattr(owner, name, None)
        if name.startswith("_") or inspect.ismodule(value) or type(value).__name__ == "pybind11_type":
            continue
        home = str(getattr(value, "__module__", None) or path)
        own = callable(value) and home.startswith("torch") and not home.startswith(("torch._jit", "torch.overrides"))
        if listed or path == "torch.Tensor" or (own and (path == "torch" or value is not getattr(torch, name, None))):
            yield name


def parameters(value):
    """The names of the parameters of a function or class, as text; - where nothing tells."""
    try:
        return ",".join(inspect.signature(value).parameters)
    except (TypeError, ValueError):
        return "-"


def asked():
    """The text of docs/torch_names.txt, of the installed PyTorch."""
    import torch

    lines = [f"PyTorch {torch.__version__.partition('+')[0]}"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in MODULES:
            owner = place("torch", path)
            for name in names_of(path, owner):
                lines.append(f"{path} {name} {parameters(getattr(owner, name, None)).removeprefix('self,')}")
    return "\n".join(lines) + "\n"


def stored():
    """(version, {module: [(name, parameters), ...]}) of docs/torch_names.txt."""
    first, *rest = NAMES.read_text(encoding="utf-8").splitlines()
    modules = {}
    for line in rest:
        path, name, shown = (line + " ").split(" ")[:3]
        modules.setdefault(path, []).append((name, shown))
    return first, modules


def compared(path, names):
    """({name: its reason or ""} of what is missing, [(name, theirs, ours), ...] of other parameters) in a module."""
    from rushlight import missing

    owner, absent, differ = place("rushlight", path), {}, []
    for name, theirs in names:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = getattr(owner, name, absent) if owner is not None else absent
        if value is absent:
            absent[name] = missing.why(name) or missing.why(path.rpartition(".")[2]) or ""
            continue
        ours = parameters(value)
        if "-" not in (theirs, ours) and not takes(ours.split(","), theirs.split(",")):
            differ.append((name, theirs, ours))
    return absent, differ


def takes(ours, theirs):
    """Whether all of their parameters are among ours; names that begin with _ are private, and * stands for any."""
    theirs = [name for name in theirs if name != "self"]
    if {"args", "kwargs"} & set(ours) or {"args", "kwargs"} & set(theirs):
        return True
    return all(name in ours or not name or name.startswith("_") for name in theirs)


def page():
    """The text of docs/pytorch-names.md."""
    version, modules = stored()
    rows, parts = ["| module | names | there | other parameters | missing |", "| --- | ---: | ---: | ---: | ---: |"], []
    for path, names in modules.items():
        absent, differ = compared(path, names)
        there = len(names) - len(absent) - len(differ)
        shown = f"[`{path}`](#{path.replace('.', '').lower()})" if absent or differ else f"`{path}`"
        rows.append(f"| {shown} | {len(names)} | {there} | {len(differ)} | {len(absent)} |")
        if absent or differ:
            parts.append(section(path, absent, differ))
    return _HEAD.format(version=version) + "\n" + "\n".join(rows) + "\n\n" + "\n".join(parts)


def section(path, absent, differ):
    lines = [f"## `{path}`\n"]
    reasons = {}
    for name, reason in absent.items():
        reasons.setdefault(reason, []).append(f"`{name}`")
    for reason in sorted(reasons, key=lambda reason: (reason == "", reason)):
        lines.append(f"- Missing, {'since ' + reason if reason else 'not written'}: {', '.join(reasons[reason])}.")
    for name, theirs, ours in differ:
        without = [f"`{p}`" for p in theirs.split(",") if p not in ("", "self") and p not in ours.split(",")]
        lines.append(f"- `{name}` has no parameter {', '.join(without)}.")
    return "\n".join(lines) + "\n"


def faults():
    """Whether the page is out of date, a sentence or none."""
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return []
    return ["docs/pytorch-names.md is not what rushlight has: run `make docs`"]


def write():
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(DOCS))
    NAMES.write_text(asked(), encoding="utf-8")
    write()
