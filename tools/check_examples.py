"""Has mypy check the examples, in which `torch` is what Rushlight's stubs and sources say."""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent

with tempfile.TemporaryDirectory() as folder:
    # A package of that name by a link; where PyTorch is installed, this one is found first.
    (Path(folder) / "torch").symlink_to(ROOT / "src" / "rushlight", target_is_directory=True)
    config = Path(folder) / "mypy.ini"
    # Errors in the package itself are for the check of the package.
    config.write_text(
        f"[mypy]\nmypy_path = {folder}\nignore_missing_imports = True\n[mypy-torch.*]\nignore_errors = True\n"
    )
    examples = sorted(str(path) for path in (ROOT / "examples").glob("*.py"))
    sys.exit(subprocess.run([sys.executable, "-m", "mypy", "--config-file", str(config), *examples]).returncode)
