"""The picture as one SVG: it needs no script, no font and no other file."""

from html import escape

from . import layout, style
from .text import cut, width
from .values import shape_text

_WIDEST, _SIDE, _MARGIN, _BESIDE = 240, 14, 24, 7
# Edges of what has more of them are pale.
MANY_EDGES = 24
_LINES = {"t": (13, True, 18), "s": (11, False, 15), "x": (10, False, 14)}


class Card:
    """How an item looks: lines of text in a frame, measured, so that they fit."""

    def __init__(self, item, place_name):
        self.item = item
        self.lines = [
            (kind, cut(text, _LINES[kind][0], _WIDEST, _LINES[kind][1])) for kind, text in lines_of(item, place_name)
        ]
        widths = [width(text, _LINES[kind][0], _LINES[kind][1]) for kind, text in self.lines]
        self.caption = cut(item.caption, 11, _WIDEST)
        if self.caption:
            widths[0] += width(self.caption, 11) + _BESIDE
        widest = max(widths)
        self.width = round(max(widest + 2 * _SIDE + (4 if item.kind == "operation" else 8), 44))
        self.height = sum(_LINES[kind][2] for kind, _ in self.lines) + 12

    def svg(self):
        """The frame and its text, with the corner at the origin."""
        item, w, h = self.item, self.width, self.height
        round_ = 8 if item.kind == "operation" else min(h / 2, 16)
        classes = f"{item.kind} {item.family}" + (" freed" if item.freed else "")
        parts = [f'<g class="{classes}"><rect class="card" width="{w}" height="{h}" rx="{round_:g}"/>']
        middle = w / 2
        if item.kind == "operation":
            parts.append(f'<rect class="f" x="5" y="6" width="4" height="{h - 12}" rx="2"/>')
            middle += 3
        y = 6
        for kind, text in self.lines:
            size, _, high = _LINES[kind]
            beside = ""
            if kind == "t" and self.caption:
                beside = f'<tspan class="c" dx="{_BESIDE}">{escape(self.caption)}</tspan>'
            parts.append(
                f'<text class="{kind}" x="{middle:g}" y="{y + size:g}" text-anchor="middle">{escape(text)}{beside}</text>'
            )
            y += high
        return "".join([*parts, "</g>"])


def lines_of(item, place_name):
    """[("t", title), ("s", what it is), ("x", where it comes from), ...] of an item."""
    found = [("t", item.label)]
    what = [] if item.shape is None else [shape_text(item.shape)]
    if item.dtype is not None:
        what.append(item.dtype)
    if item.kind == "output" and item.value is not None and item.value["full"] and item.shape == ():
        what = [item.value["text"]]
    if item.kind == "operation" and item.shape is None:
        what = ["shape not known", *what]
    if what:
        found.append(("s", " ".join(what)))
    more = []
    if item.line is not None:
        more.append(place_name(item))
    if item.freed:
        more.append("freed")
    elif item.bytes:
        more.append(f"keeps {bytes_text(item.bytes)}")
    if more:
        found.append(("x", " · ".join(more)))
    if item.grad is not None:
        found.append(("x", f"grad {brief(item.grad)}"))
    return found


def brief(value):
    """A gradient in a few words: its number, or its norm."""
    if value["shape"] in ("scalar", "number"):
        return value["text"]
    facts = dict(map(tuple, value["facts"]))
    if "nan" in facts or "inf" in facts:
        return "not finite"
    return f"norm {facts['norm']}" if "norm" in facts else value["text"]


def bytes_text(count):
    """'1.5 KB'."""
    for size, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")):
        if count >= size:
            return f"{count / size:.3g} {name}"
    return f"{count} B"


def closed_size(model, counts):
    """{box: (width, height)} of folded boxes."""
    return {
        box.id: (round(max(width(box_title(box), 12, True), width(count_text(counts[box.id]), 10)) + 44), 44)
        for box in model.boxes
    }


def box_title(box):
    return cut(box.title, 12, _WIDEST, True)


def count_text(count):
    return f"{count} operation{'s' if count != 1 else ''}"


def counts_of(model):
    """{box: how many operations are in it}."""
    counts = dict.fromkeys([box.id for box in model.boxes], 0)
    for item in model.items:
        box = item.box if item.kind == "operation" else None
        while box is not None:
            counts[box] += 1
            box = model.boxes[box].parent
    return counts


def draw(picture, folded):
    """The text of the SVG; boxes in `folded` are closed."""
    plan, cards, model = picture.plan, picture.cards, picture.model
    counts = counts_of(model)
    wide, high = layout.place(plan, folded, picture.closed)
    places = layout.absolute(plan, folded)
    parts, titles = [], []
    for box in sorted(model.boxes, key=lambda box: box.depth):
        vertex = plan.box_vertices[box.id]
        if vertex in places:
            frame, title = _box(box, vertex, places[vertex], box.id in folded, counts[box.id])
            parts.append(frame)
            titles.append(title)
    for edge, points in layout.lines(plan, folded, places):
        kind = "e" if edge.tracked else "e u"
        if max(len(model.edges_from(edge.source)), len(model.edges_into(edge.target))) > MANY_EDGES:
            kind += " far"
        parts.append(f'<path class="{kind}" d="{layout.curve(points)}" marker-end="url(#rlg-tip)"/>')
    parts += titles
    for vertex, (x, y) in places.items():
        if vertex.kind == layout.ITEM:
            card = cards[vertex.item]
            parts.append(
                f'<g transform="translate({x - card.width / 2:.1f} {y:.1f})"><title>{escape(picture.hover(vertex.item))}</title>'
                f"{card.svg()}</g>"
            )
    legend, legend_width, legend_height = _legend(model, max(wide, 420))
    wide = max(wide, legend_width)
    full_w, full_h = wide + 2 * _MARGIN, high + 2 * _MARGIN + 8 + legend_height
    shift = _MARGIN + max(0, (wide - plan_width(places)) / 2)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="rlg" viewBox="0 0 {full_w:.0f} {full_h:.0f}" width="{full_w:.0f}" '
        f'height="{full_h:.0f}" role="img" aria-label="{escape(repr(picture))}"><style>{style.for_svg()}</style>'
        '<defs><marker id="rlg-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
        f'<rect class="paper" width="{full_w:.0f}" height="{full_h:.0f}" rx="10"/>'
        f'<g transform="translate({shift:.1f} {_MARGIN})">{"".join(parts)}</g>'
        f'<g transform="translate({_MARGIN} {high + _MARGIN + 26:.1f})">{legend}</g></svg>\n'
    )


def plan_width(places):
    return max([x + v.width / 2 for v, (x, _) in places.items()], default=0)


def _box(box, vertex, place, folded, count):
    """The frame of a box, and its title, which lies above the edges."""
    x, y, w, h = place[0] - vertex.width / 2, place[1], vertex.width, vertex.height
    odd = " odd" if box.depth % 2 else ""
    frame = f'<rect class="b{odd}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="10"/>'
    title = escape(box_title(box))
    if not folded:
        return frame, f'<text class="bt{odd}" x="{x + 12:.1f}" y="{y + 19:.1f}">{title}</text>'
    return frame, (
        f'<text class="bt{odd}" x="{x + w / 2:.1f}" y="{y + 19:.1f}" text-anchor="middle">{title}</text>'
        f'<text class="x" x="{x + w / 2:.1f}" y="{y + 34:.1f}" text-anchor="middle">{count_text(count)}</text>'
    )


def legend_entries(model):
    """[(family or kind, words), ...] of what is in the picture."""
    there = {item.family for item in model.items}
    entries = [(name, name) for name in style.COLOURS if name in there]
    words = {"leaf": "gradient arrives here", "constant": "no gradient"}
    return entries + [(kind, words[kind]) for kind in words if kind in there]


def _legend(model, room):
    """Rows of swatches, and the sentence that says which way things flow; their width and height."""
    parts, x, y, widest = [], 0.0, 0.0, 0.0
    for name, words in legend_entries(model):
        need = 18 + width(words, 11) + 18
        if x and x + need > room:
            x, y = 0.0, y + 20
        shape = '<rect class="f" y="-9" width="11" height="11" rx="3"/>'
        if name in ("leaf", "constant"):
            shape = '<rect class="card" y="-9" width="11" height="11" rx="5"/>'
        parts.append(
            f'<g class="{name}" transform="translate({x:.1f} {y:.1f})">{shape}<text class="s" x="17">{words}</text></g>'
        )
        x += need
        widest = max(widest, x)
    flow = "Values flow down along the arrows; gradients flow back up."
    parts.append(f'<text class="x" y="{y + 20:.1f}">{flow}</text>')
    return "".join(parts), max(widest, width(flow, 10)), y + 40
