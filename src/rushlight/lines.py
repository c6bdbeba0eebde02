"""Which line of the user's program made a value: a code object and an offset into it, never a frame.

A frame would keep every local variable of the caller alive; a code object is shared by all calls of a function.
"""

import os
import sys

try:
    import cython
except ImportError:
    from . import uncompiled as cython

PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Line:
    """A place in the user's program."""

    def mark(self):
        """Remember the innermost line that runs outside of this package."""
        if cython.compiled:
            mark_line(self, PACKAGE)
        else:
            frame = sys._getframe(1)
            while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
                frame = frame.f_back
            self.code = None if frame is None else frame.f_code
            self.offset = 0 if frame is None else frame.f_lasti

    def copy_line(self, other):
        with cython.critical_section(self, other):
            self.code, self.offset = other.code, other.offset

    def line(self):
        """(file, line number, function) or None where no Python line was running."""
        with cython.critical_section(self):
            code, offset = self.code, self.offset
        if code is None:
            return None
        return code.co_filename, line_number(code, offset), code.co_name

    def describe(self):
        """'file.py:12, in train: loss = model(x)', the source shown where it can be read."""
        place = self.line()
        if place is None:
            return "an unknown line"
        import linecache

        filename, number, function = place
        source = linecache.getline(filename, number).strip()
        where = f"{filename}:{number}" + (f", in {function}" if function != "<module>" else "")
        return f"{where}: {source}" if source else where


def line_number(code, offset):
    """The line of a bytecode offset (in bytes) of `code`."""
    for start, end, number in code.co_lines():
        if start <= offset < end and number is not None:
            return number
    return code.co_firstlineno


if not cython.compiled:
    Line.code = None
    Line.offset = 0
