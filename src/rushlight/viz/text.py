"""How wide text is: by the widths of DejaVu Sans, the widest of the fonts that pictures name, so that nothing overflows."""

# Hundredths of the font size, from the space to the tilde.
_PLAIN = bytes([
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84,
    53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79, 60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34,
    39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64,
    34, 64, 84,
])  # fmt: skip
_BOLD = 1.13
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


def width(text, size, bold=False):
    """The width of a text in pixels, at most; East Asian signs are as wide as the font is high."""
    total = sum(_PLAIN[ord(c) - 32] if 32 <= ord(c) < 127 else 100 for c in text)
    return total * size / 100 * (_BOLD if bold else 1)


def cut(text, size, room, bold=False):
    """The text, shortened in its middle to fit into so many pixels."""
    if width(text, size, bold) <= room:
        return text
    keep = len(text) - 2
    while keep > 1 and width(text[: (keep + 1) // 2] + "…" + text[len(text) - keep // 2 :], size, bold) > room:
        keep -= 1
    return text[: (keep + 1) // 2] + "…" + text[len(text) - keep // 2 :]
