"""python -m rushlight"""

import sys

from .compat.command import main

if __name__ == "__main__":
    sys.exit(main())
