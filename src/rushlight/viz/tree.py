"""The graph as text: from the output back to the leaves, what is shared printed once and referred to."""

import os

from .svg import brief, bytes_text
from .values import shape_text

# What stands before the lines below one with such a mark.
_BELOW = {"": "", "├─ ": "│  ", "└─ ": "   "}


def tree(model):
    """Lines of text. Of several inputs the one computed first goes on below at the same depth, so long graphs stay narrow;

    what is used several times is printed where it is met last.
    """
    into, uses = {}, {}
    for edge in model.edges:
        into.setdefault(edge.target, []).append(edge.source)
        uses[edge.source] = uses.get(edge.source, 0) + 1
    left, numbers, rows = dict(uses), {}, []
    # The last operation of a call stands for it.
    last = {item.box: item.id for item in model.items if item.kind == "operation"}
    calls = {id: model.boxes[box].title for box, id in last.items() if box is not None}
    stack = [(item.id, "", "") for item in reversed(model.items) if item.id not in uses]
    while stack:
        id, indent, mark = stack.pop()
        item = model.items[id]
        computed = item.kind == "operation"
        tag = ""
        if computed and uses.get(id, 0) > 1:
            tag = f" [{numbers.setdefault(id, len(numbers) + 1)}]"
            left[id] -= 1
            if left[id]:
                rows.append((f"{indent}{mark}{_title(item, calls)}{tag}", "", "see below"))
                continue
        rows.append((f"{indent}{mark}{_title(item, calls)}{tag}", _what(item), _where(item)))
        below = indent + _BELOW[mark]
        inputs = into.get(id, ())
        ends = [source for source in inputs if model.items[source].kind != "operation"]
        operations = sorted([source for source in inputs if model.items[source].kind == "operation"])
        if operations:
            stack.append((operations[0], below, ""))
        for k, source in enumerate([*operations[1:], *reversed(ends)]):
            # Nothing follows the last of them at this depth, unless the one computed first does.
            stack.append((source, below, "├─ " if operations or k else "└─ "))
    return _columns(rows)


def _title(item, calls):
    more = " · ".join(filter(None, (item.caption, calls.get(item.id))))
    return f"{item.label} ({more})" if more else item.label


def _what(item):
    parts = ["?" if item.shape is None else shape_text(item.shape), item.dtype or ""]
    if item.shape is None and item.dtype is None and item.kind == "constant":
        return ""
    return " ".join(parts).strip()


def _where(item):
    parts = []
    if item.line is not None:
        parts.append(f"{os.path.basename(item.line[0])}:{item.line[1]}")
    if item.freed:
        parts.append("freed")
    elif item.bytes:
        parts.append(f"keeps {bytes_text(item.bytes)}")
    if item.kind == "leaf":
        parts.append("leaf" if item.grad is None else f"leaf, grad {brief(item.grad)}")
    if item.kind == "constant":
        parts.append("constant")
    return ", ".join(parts)


def _columns(rows):
    first = min(max([len(row[0]) for row in rows], default=0), 60)
    second = max([len(row[1]) for row in rows], default=0)
    return "\n".join(f"{a:<{first}}  {b:<{second}}  {c}".rstrip() for a, b, c in rows)
