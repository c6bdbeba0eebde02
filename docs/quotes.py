"""Quotes of the source in pages: they say where they are from, and are wrong when the source says something else.

A block marked `py source=path/from/the/root.py:Class.function` holds lines of that definition, without its
indentation; a line `...` stands for lines that are left out.
"""

import ast
import textwrap

from snippets import blocks


def faults_of_quotes(page, root):
    """Which quotes of a page are not what the source says, a sentence each."""
    faults = []
    for mark, quoted, line, _ in blocks(page.read_text(encoding="utf-8")):
        source = next((word.removeprefix("source=") for word in mark.split() if word.startswith("source=")), None)
        if source is not None and not says(root, source, quoted):
            faults.append(f"{page.name}, line {line}: {source} does not say this (any more)")
    return faults


def says(root, source, quoted):
    """Whether the definition named by `source` holds the lines of `quoted`, in their order."""
    path, _, name = source.partition(":")
    if not (root / path).exists():
        return False
    lines, start = definition((root / path).read_text(encoding="utf-8"), name), 0
    for piece in pieces(quoted):
        places = [i for i in range(start, len(lines)) if lines[i : i + len(piece)] == piece]
        if not places:
            return False
        start = places[0] + len(piece)
    return bool(lines)


def definition(text, name):
    """The lines of a function, class or assignment, with its decorators and without its indentation."""
    body = ast.parse(text).body
    for part in name.split("."):
        node = next((node for node in body if part in names_of(node)), None)
        if node is None:
            return []
        body = getattr(node, "body", [])
    first = min([node.lineno, *[decorator.lineno for decorator in getattr(node, "decorator_list", [])]])
    return textwrap.dedent("\n".join(text.splitlines()[first - 1 : node.end_lineno])).split("\n")


def names_of(node):
    """The names that a statement gives a meaning to."""
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [getattr(node, "name", None)]


def pieces(quoted):
    """The runs of lines between those that say only `...`."""
    found = [[]]
    for line in quoted.rstrip("\n").split("\n"):
        if line.strip() == "...":
            found.append([])
        else:
            found[-1].append(line)
    return [piece for piece in found if piece]
