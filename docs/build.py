"""python docs/build.py: writes the pages of operations, codes and PyTorch's names and the notebooks, then checks all pages.

Links lead somewhere, code does what the page says, quotes of the source are what it says, translations hold the same code.
With --check nothing is written, and a written page that is out of date is a fault. Exits with 1 at faults.
"""

import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import codes_pages
import notebooks
import torch_names
from links import faults_of_links
from quotes import faults_of_quotes
from snippets import faults_of_code, faults_of_marks
from translations import faults_of_translation, original

DOCS = Path(__file__).parent
ROOT = DOCS.parent
OPERATIONS = DOCS / "operations.md"

_HEAD = """# Operations

One row per operation of the registry, in the file of `src/rushlight/ops/` that declares it. `make docs` writes this
page; change the declarations, not the page. The functions that people call are made of these operations, so a
function that is not here (`nn.functional.cross_entropy`, say) is a composition.

- **Kind** is the decorator above the operation: `elementwise`, `linear`, `symmetric`, `general`, `nondifferentiable`;
  "view" where the result shares the memory of the input.
- **Gradients for** are the inputs that have a rule; "all" where one rule gives the gradients of all inputs at once.
  Rules are made of operations, so where there is one there are second and higher derivatives too; a test compares
  the second derivative of every operation with a difference.
- **Forward mode**: by the same *rules*, through the operation *itself* because it is linear, or by a *push* of its own.
- **Batched** under `vmap`: *aligned* by broadcasting where the operation is elementwise, else by the rule of
  `ops/batch_rules.py` (or of its file) that is named.
- **Kept** is what a recorded call keeps for its rules: inputs, their shapes, outputs (`out`). Only what the rules of
  inputs that want a gradient ask for is kept.
- **Kernel**: compiled code for the operation (*op*) and for its rules (by input); *NumPy* where there is none.
- **In place**: the method that writes the result over the first input; *none* where PyTorch has none either.
- **Complex**, for those that take complex numbers: *conjugated* where the engine conjugates around a rule that
  states the transpose, *own* where the rules state complex gradients themselves.

No cell is empty: *none* under "Gradients for" says that the result is a truth value, an index, a count or a draw, and
*refused* that the derivative is, by name, when somebody asks for it.
"""
_COLUMNS = (
    "Operation", "Kind", "Gradients for", "Second order", "Forward mode", "Batched", "Kept", "Kernel", "In place", "Complex",
)  # fmt: skip


def registry():
    """{family: [operation, ...]} of all that the package declares."""
    from rushlight import ops
    from rushlight.ops.declare import REGISTRY

    for module in iter_modules(ops.__path__):
        import_module(f"{ops.__name__}.{module.name}")
    families = {}
    for op in REGISTRY.values():
        package, _, family = op.forward.__module__.rpartition(".")
        if package == ops.__name__:
            families.setdefault(family, []).append(op)
    return dict(sorted(families.items()))


def operations_page():
    """The text of docs/operations.md."""
    families = registry()
    total = sum(len(ops) for ops in families.values())
    parts = [_HEAD, f"{total} operations in {len(families)} files.\n"]
    for family, ops in families.items():
        parts.append(f"## {family}\n")
        parts.append(_line(_COLUMNS) + _line(["---"] * len(_COLUMNS)) + "".join(_line(row(op)) for op in ops))
    return "\n".join(parts)


def row(op):
    """The cells of an operation."""
    kind = op.kind + (", view" if op.is_view else "")
    ruled = differentiated(op)
    if not ruled:
        without = "refused" if op.differentiable else "none"
        return (
            _code(op.name), kind, without, without, without, batched(op), "nothing", kernels_of(op), in_place(op), without,
        )  # fmt: skip
    own = "conjugated" if op.holomorphic else "own"
    return (
        _code(op.name), kind, ruled, "yes", forward_mode(op), batched(op), kept(op), kernels_of(op), in_place(op), own,
    )  # fmt: skip


def batched(op):
    if op.batch is not None:
        return op.batch.__qualname__.split(".")[0].strip("_").replace("_", " ")
    return "aligned" if op.elementwise else ""


def differentiated(op):
    """The inputs that have a rule, as text."""
    if not op.differentiable:
        return ""
    if op.joint is not None:
        return "all"
    return ", ".join(_code(name) for name, rule in zip(op.inputs, op.rules) if rule is not None and not refuses(rule))


def refuses(rule):
    """Whether the rule only says that nobody has written the derivative."""
    return rule.fn.__qualname__.startswith("without_derivative.")


def forward_mode(op):
    if op.push is not None:
        return "push"
    return {"linear": "itself", "elementwise": "rules", "symmetric": "rules"}.get(op.kind, "")


def kept(op):
    """What the rules ask for, but for the operation's parameters."""
    names = []
    for rule in [*op.rules, op.joint]:
        if rule is not None and op.differentiable:
            names += [name for name in rule.names if name not in op.defaults and name != "needs"]
    return ", ".join(_code(name) for name in dict.fromkeys(names)) or "nothing"


def kernels_of(op):
    found = ["op"] if op.kernel is not None or op.fast is not None else []
    for name, rule in [*zip(op.inputs, op.rules), ("all", op.joint)]:
        if rule is not None and (rule.kernel is not None or rule.fast is not None):
            found.append(name if name == "all" else _code(name))
    return ", ".join(found) or "NumPy"


def in_place(op):
    from rushlight import Tensor

    name = f"{op.name}_"
    return _code(name) if callable(getattr(Tensor, name, None)) else "none"


def _code(name):
    return f"`{name}`"


def _line(cells):
    return "| " + " | ".join(cells) + " |\n"


def pages():
    """The pages that are checked."""
    beside = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "examples/README.md")
    return [*(ROOT / name for name in beside), *sorted(DOCS.rglob("*.md"))]


def faults_of_page(page):
    """What is wrong with the code of a page, and with what it quotes."""
    code = faults_of_translation(page) if original(page) else faults_of_code(page)
    return code + faults_of_marks(page) + faults_of_quotes(page, ROOT)


def fault_of_operations():
    """Why docs/operations.md is out of date; None where it is not."""
    if OPERATIONS.exists() and OPERATIONS.read_text() == operations_page():
        return None
    return "docs/operations.md is not what the registry says: run `make docs`"


def compiled():
    """Whether this process has the kernels, which the table of operations tells of."""
    from rushlight import kernels

    return kernels.load("elementwise") is not None


def main(arguments):
    check = "--check" in arguments
    faults = []
    if not compiled():
        print("docs/operations.md is left as it is: it lists the kernels, and none is compiled here")
    elif check:
        faults += filter(None, [fault_of_operations()])
    else:
        OPERATIONS.write_text(operations_page())
    if check:
        faults += codes_pages.faults(DOCS) + notebooks.faults() + torch_names.faults()
    else:
        codes_pages.write(DOCS)
        notebooks.write()
        torch_names.write()
    faults += codes_pages.faults_of_programs() + faults_of_links(pages(), ROOT)
    for page in pages():
        faults += faults_of_page(page)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(pages())} pages, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
