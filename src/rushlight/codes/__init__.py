"""Codes of errors, warnings and findings: what happened, and what to do about it, in English and in Chinese.

The code, the explanation and the remedy are notes of the exception, behind PyTorch's sentence, and `error.code` is
the code. They are in Chinese where RUSHLIGHT_LANG or the locale (LC_ALL, LC_MESSAGES, LANG) begins with "zh". The
catalogue is imported with the first error that has a code.
"""

import os
import re

from .. import spelling
from .entry import Entry

__all__ = ["Entry", "catalogue", "explain", "language", "notes"]

_VARIABLES = ("RUSHLIGHT_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
_LANGUAGES = ("en", "zh")
_REMEDY = ("Remedy: ", "解决办法：")
_WRONG = ("A program that ends in it:", "会触发它的程序：")
_RIGHT = ("Instead:", "应改为：")
_OF_TORCH = re.compile(r"\btorch(?=[.)])")
_catalogue = {}


def language():
    """ "en" or "zh": what the first of RUSHLIGHT_LANG, LC_ALL, LC_MESSAGES and LANG that is set asks for."""
    for variable in _VARIABLES:
        value = os.environ.get(variable)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def catalogue():
    """{code: Entry} of all codes, in order."""
    if not _catalogue:
        from . import arrays, backward, debugging, files, functions, modules, schedulers, training, transforms

        entries = {}
        for part in (backward, debugging, functions, arrays, modules, schedulers, transforms, training, files):
            entries.update(part.ENTRIES)
        _catalogue.update(sorted(entries.items()))
    return _catalogue


def notes(code, facts=None):
    """The notes of an exception with this code: its explanation, the facts of the case, the remedy."""
    entry, spoken = catalogue()[code], _LANGUAGES.index(language())
    told = [f"{code}: {spelled(entry.explanation[spoken])}"]
    if facts and entry.facts is not None:
        told.append(entry.facts[spoken].format(**facts))
    return [*told, _REMEDY[spoken] + spelled(entry.remedy[spoken])]


def spelled(text):
    """What the catalogue says, with the name that the program gives the package: rushlight, or torch after `as_torch()`."""
    return _OF_TORCH.sub(spelling.module, text)


def explain(code, lang=None):
    """All that the catalogue says of a code, as text; `lang` is "en" or "zh". KeyError for a code that is none.

    >>> import rushlight
    >>> text = rushlight.codes.explain("RL109", lang="en")
    >>> text.splitlines()[0]
    'RL109: Backward of more than one number'
    """
    entry, spoken = catalogue()[code], _LANGUAGES.index(lang or language())
    return "\n\n".join(
        (
            f"{code}: {entry.title[spoken]}",
            entry.explanation[spoken],
            _REMEDY[spoken] + entry.remedy[spoken],
            _WRONG[spoken],
            _indented(entry.wrong),
            _RIGHT[spoken],
            _indented(entry.right),
        )
    )


def _indented(program):
    return "\n".join(f"    {line}" if line else "" for line in program.strip().splitlines())
