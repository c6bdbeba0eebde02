"""`rushlight check`: a script under Rushlight and under PyTorch, in lock step."""

import os

# The directory of the package, whose frames are no lines of the user's.
PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep
