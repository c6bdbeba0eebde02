"""Notebooks of the tutorial, written from its pages: text as it is, code as cells, what it prints as their outputs.

`python docs/build.py` writes docs/notebooks/; with --check it says which are out of date.
"""

import doctest
import json
import re
from pathlib import Path

from snippets import blocks

DOCS = Path(__file__).parent
_LINK = re.compile(r"\]\((?!https?:|#)([^)]+)\)")
_NAMES = {"tutorial": "en", "tutorial.zh": "zh"}


def texts():
    """{path of a notebook: its text} for all pages of the tutorial."""
    found = {}
    for folder, language in _NAMES.items():
        for page in sorted((DOCS / folder).glob("*.md")):
            path = DOCS / "notebooks" / language / f"{page.stem}.ipynb"
            found[path] = json.dumps(notebook(page), ensure_ascii=False, indent=1) + "\n"
    return found


def faults():
    """Which notebooks are not what the pages say, a sentence each."""
    return [
        f"{path.relative_to(DOCS.parent)} is not what its page says: run `make docs`"
        for path, text in texts().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def write():
    for path, text in texts().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def notebook(page):
    """The notebook of a page, as the JSON of nbformat 4.5."""
    cells, text, end = [], page.read_text(encoding="utf-8"), 0
    found = blocks(text)
    for i, (mark, code, _, _) in enumerate(found):
        fence = text.index(f"```{mark}\n{code}```", end)
        words, end = text[end:fence], fence + len(f"```{mark}\n{code}```")
        if mark == "text":
            continue
        add_words(cells, words, page)
        if mark != "python":
            add_words(cells, text[fence:end], page)
        elif ">>>" in code:
            cells += examples(code)
        else:
            printed = found[i + 1][1] if i + 1 < len(found) and found[i + 1][0] == "text" and found[i + 1][3] else ""
            cells.append(code_cell(code, printed))
    add_words(cells, text[end:], page)
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def add_words(cells, text, page):
    """A cell of text, whose links lead to the pages."""
    if text.strip():
        text = _LINK.sub(rf"](../../{page.parent.name}/\1)", text.strip())
        cells.append({"cell_type": "markdown", "metadata": {}, "source": lines(text)})


def examples(code):
    """The cells of a block of examples: one for each that shows something."""
    cells, source = [], ""
    for example in doctest.DocTestParser().get_examples(code):
        source += example.source
        if example.want:
            cells.append(code_cell(source, example.want))
            source = ""
    return cells + ([code_cell(source, "")] if source else [])


def code_cell(source, printed):
    """A cell of code with what the page says that it shows; one that ends in an exception is marked so."""
    before, traceback, message = printed.partition("Traceback (most recent call last):\n")
    outputs = [{"name": "stdout", "output_type": "stream", "text": lines(before.rstrip("\n"))}] if before else []
    if traceback:
        last = message.removeprefix("  ...\n").rstrip("\n")
        name, _, value = last.partition(": ")
        outputs.append({"ename": name, "evalue": value, "output_type": "error", "traceback": last.split("\n")})
    tags = {"tags": ["raises-exception"]} if traceback else {}
    return {
        "cell_type": "code", "execution_count": None, "metadata": tags, "outputs": outputs,
        "source": lines(source.rstrip("\n")),
    }  # fmt: skip


def lines(text):
    return text.splitlines(keepends=True)
