"""What MkDocs does to the pages while it builds the site: they are written for plain Git hosting and stay as they are.

The pages of the reference are made, the project's own pages beside docs/ join in, and links to files of the project lead
to copies of them.
"""

import os
import re
import sys
from pathlib import Path, PurePosixPath

from mkdocs.structure.files import File

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(DOCS))

import reference  # noqa: E402  (found beside this file)

# Pages of the project outside docs/, and where they stand on the site.
PROJECT = {
    f"{name}.md": f"project/{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG", "SECURITY")
} | {"examples/README.md": "project/examples.md"}  # fmt: skip
_SHIM = "https://unpkg.com/iframe-worker/shim"
_FENCE = re.compile(r"^(```+)(.*)$")
_LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)#\s]+)((?:#[^)\s]*)?\))")
_ITEM = re.compile(r"^ *(?:[-*]|\d+\.) ")


def on_config(config):
    for entry in config.nav:
        if entry.get("Reference") == "reference/":
            entry["Reference"] = reference.navigation()
    return config


def on_files(files, config):
    for path, text in reference.pages().items():
        files.append(File.generated(config, path, content=text))
    for source, path in PROJECT.items():
        files.append(File.generated(config, path, content=(ROOT / source).read_text(encoding="utf-8")))
    for page in list(files.documentation_pages()):
        for _, target, _ in _LINK.findall(page.content_string):
            path = within(page.src_uri, target)
            copied = f"files/{path}"
            if outside(path) and path not in PROJECT and (ROOT / path).is_file() and copied not in files.src_uris:
                content = (ROOT / path).read_bytes()
                files.append(File.generated(config, copied, content=content))
    return files


def on_page_markdown(markdown, page, config, files):
    """The same page with links that lead somewhere on the site, and marks of blocks that are only a language."""
    found, fenced = [], False
    for line in markdown.split("\n"):
        fence = _FENCE.match(line)
        if fence:
            fenced = not fenced
            found.append(fence[1] + (fence[2].split() or [""])[0])
            continue
        if not fenced:
            line = _LINK.sub(lambda match: match[1] + moved(page.file.src_uri, match[2]) + match[3], line)
            if _ITEM.match(line) and found and found[-1].strip() and not found[-1].startswith((" ", "-", "*", "1.")):
                found.append("")
        found.append(line)
    return (joined if chinese(page) else str)("\n".join(found))


def chinese(page):
    return ".zh" in page.file.src_uri


def joined(text):
    """Lines of Chinese words in one, since a browser shows the end of a line as a space."""
    return re.sub(r"(?<=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef])\n(?=[\u4e00-\u9fff`\[])(?!```)", "", text)


def on_post_page(output, page, config):
    """Search without a network, too: Material's plugin takes what it needs for that from there."""
    if chinese(page):
        output = output.replace('<html lang="en"', '<html lang="zh"', 1)
    own = os.path.relpath("site_worker.js", PurePosixPath(page.url).parent).replace(os.sep, "/")
    return output.replace(_SHIM, own)


def on_post_template(output, template_name, config):
    return output.replace(_SHIM, "site_worker.js")


def within(page, target):
    """A link's target as a path from the project's root."""
    source = next((source for source, path in PROJECT.items() if path == page), f"docs/{page}")
    return PurePosixPath(os.path.normpath(PurePosixPath(source).parent / target)).as_posix()


def outside(path):
    return not path.startswith("docs/")


def moved(page, target):
    """Where a link leads on the site."""
    path = within(page, target)
    if path == "docs":
        path = "docs/index.md"
    if not outside(path):
        goal = path.removeprefix("docs/")
    elif (ROOT / path).is_file():
        goal = PROJECT.get(path, f"files/{path}")
    else:
        return target
    return os.path.relpath(goal, PurePosixPath(page).parent).replace(os.sep, "/")
