"""Pages in Chinese hold the same code as the pages in English that they translate, so the code runs once for both."""

from snippets import blocks


def original(page):
    """The page in English of which `page` is the translation; None where it is none."""
    if page.parent.name.endswith(".zh"):
        return page.parent.with_name(page.parent.name.removesuffix(".zh")) / page.name
    if page.name.endswith(".zh.md"):
        return page.with_name(page.name.removesuffix(".zh.md") + ".md")
    return None


def faults_of_translation(page):
    """What is wrong with the code of a translation, a sentence or none."""
    english = original(page)
    if not english.exists():
        return [f"{page.name} translates {english.name}, which is not there"]
    if code(page) != code(english):
        return [f"{page.name} has not the code of {english.name}"]
    return []


def code(page):
    return [(mark, text) for mark, text, *_ in blocks(page.read_text(encoding="utf-8"))]
