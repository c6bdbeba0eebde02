"""Findings, and the report that lists them."""

import os
import sys
from collections import namedtuple

from .. import codes

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

Finding = namedtuple("Finding", ("kind", "code", "line", "message", "remedy"))
Finding.__doc__ = """What lint found: a short `kind`, its `code` of the catalogue, the `line` ("train.py:12") of the program,
a `message` that explains it, and the `remedy`; both in the language of `rushlight.codes.language()`."""


class Report:
    """The findings of a lint, one per code and line, in the order in which they were made. Empty is good."""

    def __init__(self):
        self.findings = []
        self.steps = 0

    def add(self, kind, code, line, **facts):
        """Note a finding, unless it is noted already."""
        if any(found.code == code and found.line == line for found in self.findings):
            return
        entry, spoken = codes.catalogue()[code], codes.language() == "zh"
        message = codes.spelled(entry.explanation[spoken])
        if facts:
            message = f"{message} {entry.facts[spoken].format(**facts)}"
        self.findings.append(Finding(kind, code, line, message, codes.spelled(entry.remedy[spoken])))

    def __iter__(self):
        return iter(self.findings)

    def __len__(self):
        return len(self.findings)

    def __str__(self):
        chinese = codes.language() == "zh"
        if not self.findings:
            return f"{self.steps} 步训练，未发现问题" if chinese else f"{self.steps} steps, no findings"
        label = "解决办法：" if chinese else "Remedy: "
        return "\n".join(f"{f.line}: {f.code} {f.message}\n    {label}{f.remedy}" for f in self.findings)

    __repr__ = __str__


def user_line():
    """'file.py:12' of the innermost line outside of the package."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return "unknown" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def line_of(node):
    """The same for a node of the graph."""
    place = node.line()
    return "unknown" if place is None else f"{place[0]}:{place[1]}"
