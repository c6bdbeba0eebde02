"""The picture as one HTML page that needs nothing else: no network, no other file."""

import json
import linecache
from html import escape
from pathlib import Path

from . import layout, style, svg
from .values import shape_text

_AROUND = 2


def page(picture, steps=None, title="The graph"):
    """The text of the page; with `steps`, a list as steps.steps gives it, it has a bar to go through them."""
    here = Path(__file__).parent
    parts = {
        "title": escape(f"{title}: {', '.join(names_of(picture))}"),
        "heading": escape(title),
        "summary": escape(picture.summary()),
        "style": style.for_page() + (here / "page.css").read_text("utf-8"),
        "legend": legend(picture.model),
        "data": data(picture, steps),
        "script": (here / "page.js").read_text("utf-8"),
    }
    text = (here / "page.html").read_text("utf-8")
    first, *rest = text.split("{")
    filled = [first]
    for part in rest:
        name, _, after = part.partition("}")
        filled.append(parts[name] + after if name in parts else "{" + part)
    return "".join(filled)


def names_of(picture):
    return [item.label for item in picture.items if item.kind == "output"] or ["graph"]


def legend(model):
    swatches = []
    for name, words in svg.legend_entries(model):
        colour = f' style="background:{style.COLOURS[name]}"' if name in style.COLOURS else ""
        swatches.append(f'<span class="{name}"><i{colour}></i>{words}</span>')
    return "".join([*swatches, "<span>values flow down, gradients back up</span>"])


def data(picture, steps):
    """What the script works with, as JSON that cannot end the element it stands in."""
    model, plan = picture.model, picture.plan
    cards, formulas, files, sources = _Table(), _Table(), _Table(), {}
    counts = svg.counts_of(model)
    found = {
        "sizes": {name: getattr(layout, name) for name in ("GAP", "ROW", "PADDING", "HEADER", "TITLE")},
        "many": svg.MANY_EDGES,
        "colours": style.COLOURS,
        "items": [_item(picture, item, cards, formulas, files, sources) for item in model.items],
        "edges": [[e.source, e.output, e.target, e.input, int(e.tracked)] for e in model.edges],
        "boxes": [
            {"title": b.title, "short": svg.box_title(b), "parent": b.parent, "depth": b.depth, "closed": picture.closed[b.id],
             "count": svg.count_text(counts[b.id])}
            for b in model.boxes
        ],
        "vertices": [
            [v.kind, v.home, v.item, v.box, v.width, 0 if v.kind == layout.DUMMY else v.height, v.weight, int(v.bottom)]
            for v in plan.vertices
        ],
        "near": [
            [v.number, w.number, -1 if p is None else p.number, -1 if q is None else q.number]
            for v in plan.vertices for w, p, q in v.down
        ],
        "layers": [[[v.number for v in layer] for layer in home] for home in plan.layers],
        "routes": _routes(plan),
        "folded": sorted(picture.folded()),
        "steps": steps,
    }  # fmt: skip
    found |= {"cards": cards.rows, "formulas": formulas.rows, "files": files.rows, "sources": sources}
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028")


def _routes(plan):
    place = {id(edge): k for k, edge in enumerate(plan.model.edges)}
    return [[place[id(edge)], [v.number for v in way]] for edge, way in plan.routes]


class _Table:
    """Values that many things share, each written once."""

    def __init__(self):
        self.rows, self._places = [], {}

    def place(self, value):
        key = value if isinstance(value, str) else json.dumps(value)
        if key not in self._places:
            self._places[key] = len(self.rows)
            self.rows.append(value)
        return self._places[key]


def _item(picture, item, cards, formulas, files, sources):
    line = None
    if item.line is not None:
        file, number, function = item.line
        line = [files.place(file), number, function]
        key = f"{line[0]}:{number}"
        if key not in sources:
            sources[key] = _around(file, number)
    return {
        "kind": item.kind, "label": item.label, "name": item.name, "caption": item.caption, "family": item.family,
        "shape": None if item.shape is None else shape_text(item.shape), "dtype": item.dtype, "freed": item.freed,
        "value": item.value, "grad": item.grad, "line": line, "box": item.box,
        "kept": [
            [name, f"{shape_text(shape)} {dtype}, {svg.bytes_text(size)}" + ("" if kind == "intermediate" else f", {kind}")]
            for name, shape, dtype, size, kind in item.kept
        ],
        "formula": -1 if item.formula is None else formulas.place(item.formula),
        "card": cards.place(picture.cards[item.id].svg()),
    }  # fmt: skip


def _around(file, number):
    """[[line number, text], ...] of the lines around one; None where the file cannot be read."""
    if not linecache.getline(file, number):
        return None
    found = range(max(1, number - _AROUND), number + _AROUND + 1)
    texts = [(n, linecache.getline(file, n)) for n in found]
    return [[n, text.rstrip()] for n, text in texts if text]
