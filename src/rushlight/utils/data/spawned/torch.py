"""What `import torch` finds first in such a process: it makes the name mean Rushlight there too."""

import sys

if __name__ == "torch":
    import rushlight

    del sys.modules["torch"]
    rushlight.as_torch()
    import torch  # noqa: F401
