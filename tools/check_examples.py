"""Has mypy and pyright check the examples, tests/typed, and the programs of README.md, the tutorial and the pages for users.

In the examples `torch` is what Rushlight's stubs and sources say. pyright sees the package as users do who installed it.
"""

import doctest
import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))
from snippets import blocks  # noqa: E402

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "tutorial").glob("*.md")), ROOT / "docs" / "quick-start.md"]


def program_of(page):
    """The code of a page as one program; what it shows to raise an exception is left out."""
    parts = []
    for mark, code, _, _ in blocks(page.read_text(encoding="utf-8")):
        if not mark.startswith("python") or "file=" in mark:
            continue
        if ">>>" in code:
            found = doctest.DocTestParser().get_examples(code)
            code = "".join(each.source for each in found if each.exc_msg is None)
        parts.append(code)
    return "\n".join(parts)


def by_mypy(folder):
    """Check the examples; errors in the package itself are for the check of the package."""
    # A package of that name by a link; where PyTorch is installed, this one is found first.
    (folder / "torch").symlink_to(ROOT / "src" / "rushlight", target_is_directory=True)
    config = folder / "mypy.ini"
    config.write_text(
        f"[mypy]\nmypy_path = {folder}\nignore_missing_imports = True\n[mypy-torch.*]\nignore_errors = True\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", str(config), *map(str, EXAMPLES)]
    return subprocess.run(command).returncode


def by_pyright(folder):
    """Check the examples, the typed tests and the programs of pages, in an environment of which pyright is told only."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "env" / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    for name in ("rushlight", "torch"):
        (packages / name).symlink_to(ROOT / "src" / "rushlight", target_is_directory=True)
    (packages / "numpy").symlink_to(Path(find_spec("numpy").origin).parent, target_is_directory=True)
    programs = folder / "programs"
    programs.mkdir()
    for path in (*EXAMPLES, *(ROOT / "tests" / "typed").glob("*.py")):
        (programs / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    for page in PAGES:
        (programs / f"{page.stem.replace('-', '_')}_page.py").write_text(program_of(page), encoding="utf-8")
    # What an example imports besides may be there or not. Pages show values by naming them, and a loop there runs at least once.
    settings = {"venvPath": str(folder), "venv": "env", "include": ["programs"], "typeCheckingMode": "standard"}
    settings.update(reportMissingImports="none", reportMissingModuleSource="none", reportUnusedExpression="none")
    settings.update(reportPossiblyUnboundVariable="none")
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    return subprocess.run([sys.executable, "-m", "pyright", "-p", str(folder)]).returncode


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as for_mypy, tempfile.TemporaryDirectory() as for_pyright:
        sys.exit(by_mypy(Path(for_mypy)) or by_pyright(Path(for_pyright)))
