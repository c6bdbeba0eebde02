"""Colours and type of pictures, for light and dark, in a file that any viewer opens and in a page."""

import re

from .text import FONT

LIGHT = {
    "paper": "#ffffff", "ink": "#1d2433", "soft": "#5c6579", "faint": "#8a93a6", "card": "#ffffff", "line": "#c9cfdb",
    "edge": "#8b95a8", "box": "#f5f7fa", "box2": "#ebeff5", "boxline": "#d5dbe6", "leaf": "#e5f5ec",
    "leafline": "#3ca06a", "constant": "#fafafa", "output": "#232b3d", "outputink": "#ffffff", "outputsoft": "#c6cddb",
    "focus": "#1f6feb", "back": "#d1242f", "backsoft": "#fdecec", "done": "#0a7f4f",
}  # fmt: skip
DARK = {
    "paper": "#12161f", "ink": "#e8ecf4", "soft": "#a4aec1", "faint": "#77819a", "card": "#1d2330", "line": "#39435a",
    "edge": "#66718a", "box": "#181e2a", "box2": "#1f2635", "boxline": "#323c51", "leaf": "#16302a",
    "leafline": "#4fbd83", "constant": "#171c27", "output": "#e8ecf4", "outputink": "#12161f", "outputsoft": "#4d566b",
    "focus": "#6ea8ff", "back": "#ff7b72", "backsoft": "#3a1d22", "done": "#56d29a",
}  # fmt: skip
# The same in both: each is told from its neighbours by people who do not see all colours, and the legend names them.
COLOURS = {
    "arithmetic": "#4c78d8", "activation": "#e2a312", "matrix": "#e8604c", "reduction": "#2fa8a0", "shape": "#8d96a8",
    "choice": "#9a63e0", "custom": "#e46aa7", "other": "#a07050",
}  # fmt: skip
_RULES = """
.rlg text{font-family:FONT;fill:var(--ink)}
.rlg .t{font-size:13px;font-weight:600}
.rlg .c{font-size:11px;font-weight:400;fill:var(--soft)}
.rlg .s{font-size:11px;fill:var(--soft)}
.rlg .x{font-size:10px;fill:var(--faint)}
.rlg .paper{fill:var(--paper)}
.rlg .card{fill:var(--card);stroke:var(--line);stroke-width:1}
.rlg .leaf .card{fill:var(--leaf);stroke:var(--leafline)}
.rlg .constant .card{fill:var(--constant);stroke-dasharray:4 3}
.rlg .output .card{fill:var(--output);stroke:var(--output)}
.rlg .output .t{fill:var(--outputink)}
.rlg .output .s,.rlg .output .x{fill:var(--outputsoft)}
.rlg .freed .card{stroke-dasharray:2 3}
.rlg .e{fill:none;stroke:var(--edge);stroke-width:1.4}
.rlg .e.u{stroke-dasharray:4 3;opacity:.7}
.rlg .far{opacity:.45}
.rlg .tip{fill:var(--edge)}
.rlg .b{fill:var(--box);stroke:var(--boxline)}
.rlg .b.odd{fill:var(--box2)}
.rlg .bt{font-size:12px;font-weight:600;fill:var(--soft);stroke:var(--box);stroke-width:4px;
paint-order:stroke;stroke-linejoin:round}
.rlg .bt.odd{stroke:var(--box2)}
"""


def _resolved(palette):
    rules = _RULES.replace("FONT", FONT)
    return re.sub(r"var\(--(\w+)\)", lambda match: palette[match[1]], rules)


def for_svg():
    """Rules with the colours written out, since not every viewer knows variables; dark where the reader's system is."""
    families = "".join(f".rlg .{name}>.f{{fill:{colour}}}\n" for name, colour in COLOURS.items())
    return f"{_resolved(LIGHT)}{families}@media (prefers-color-scheme:dark){{{_resolved(DARK)}}}"


def for_page():
    """The same by variables, so that the page has a switch."""
    families = "".join(f".rlg .{name}>.f{{fill:{colour}}}\n" for name, colour in COLOURS.items())
    light, dark = ["".join(f"--{name}:{value};" for name, value in p.items()) for p in (LIGHT, DARK)]
    return (
        f":root{{{light}color-scheme:light}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}color-scheme:dark}}}}\n"
        f":root[data-theme=dark]{{{dark}color-scheme:dark}}\n{_RULES.replace('FONT', FONT)}{families}"
    )
