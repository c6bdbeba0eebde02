"""Links of Markdown pages: every file and heading that a page points at exists."""

import re
from pathlib import Path

_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_ELSEWHERE = ("http://", "https://", "mailto:")


def faults_of_links(pages, root):
    """What is wrong with the links of the pages, a sentence each. Addresses on the web are not looked up."""
    faults = []
    for page in pages:
        text = _FENCED.sub("", page.read_text())
        for target in _LINK.findall(text) + _IMAGE.findall(text):
            if not target.startswith(_ELSEWHERE) and not resolves(page, target):
                faults.append(f"{page.relative_to(root)}: the link to {target} leads nowhere")
    return faults


def resolves(page, target):
    """Whether a relative link (`other.md`, `other.md#heading`, `#heading`) has something at its end."""
    name, _, heading = target.partition("#")
    path = page.parent / name if name else page
    if not path.exists():
        return False
    return not heading or (path.suffix == ".md" and heading in anchors(path))


def anchors(path: Path):
    """The names that headings can be linked by."""
    return {anchor(heading) for heading in _HEADING.findall(_FENCED.sub("", path.read_text()))}


def anchor(heading):
    """The name of a heading: lower case, hyphens for spaces, and no other signs."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
