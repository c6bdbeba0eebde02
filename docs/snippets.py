"""Runs the code of a Markdown page, block after block in one process and an empty folder.

- A block marked `python` is run; with `>>>` as a doctest, else whole. A block marked `text` right behind one that is
  run whole is what it prints, or the traceback of what it raises.
- A block marked `python needs=package` or `console needs=package` is left out where that package is not installed.
- A block marked `python file=name.py` is written to that file and not run.
- In a block marked `console`, lines `$ rushlight ...` are run, and what follows each is what it prints.
- `py source=...` is a quote (quotes.py), `py code=...` a program of the catalogue (codes_pages.py); others check them.

`...` stands for anything, as in doctests. Any other block says why it is not run: `sh not-run="it installs"`.
"""

import contextlib
import doctest
import io
import linecache
import os
import re
import shlex
import subprocess
import sys
import tempfile
import traceback
from importlib.util import find_spec
from pathlib import Path

_BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:\A|\n\n)(?= {4}\S)")
_NEEDS = re.compile(r" needs=(\w+)")
_REASON = re.compile(r'not-run="[^"]+"')
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_CHECKER = doctest.OutputChecker()


def blocks(text):
    """[(mark, code, line number, whether it follows the one before directly), ...]"""
    found, end = [], 0
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start(2)) + 1
        found.append((match[1].strip(), match[2], line, not text[end : match.start()].strip()))
        end = match.end()
    return found


def faults_of_marks(page):
    """Which blocks of a page nobody runs or checks, without a reason, a sentence each."""
    text, faults, before = page.read_text(encoding="utf-8"), [], ""
    for mark, code, line, follows in blocks(text):
        printed = mark == "text" and follows and before.startswith("python")
        if not (printed or runs(mark, code) or _REASON.search(mark)):
            faults.append(f'{page.name}, line {line}: this block is not run, and does not say why: not-run="..."')
        before = mark
    plain = _BLOCK.sub(lambda block: re.sub(r".+", "-", block[0]), text)
    for match in _INDENTED.finditer(plain):
        line = plain.count("\n", 0, match.end()) + 1
        faults.append(f"{page.name}, line {line}: code stands between fences, which say whether it is run")
    return faults


def runs(mark, code):
    """Whether a block with this mark is run, written to a file that is run, or compared."""
    if mark.startswith("console"):
        return all(command.startswith("rushlight ") for command in re.findall(r"^\$ (.*)", code, re.MULTILINE))
    return mark.startswith(("python", "py source=", "py code="))


def faults_of_code(page):
    """What is wrong with the code of a page, a text each. The page has a process of its own."""
    if not any(mark.startswith(("python", "console")) for mark, *_ in blocks(page.read_text())):
        return []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-W", "error", __file__, str(page.resolve())]
        # The page's folder is not the project's, where relative paths to the package would lead elsewhere.
        path = os.pathsep.join(os.path.abspath(p) for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p)
        environment = {**os.environ, "PYTHONPATH": path, "RUSHLIGHT_LANG": "en"}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    return [] if done.returncode == 0 else [f"{page.name}:\n{done.stdout}{done.stderr}"]


def run_page(page):
    """Run all blocks; returns how many are wrong."""
    wrong, names = 0, {"__name__": "__main__"}
    found = blocks(page.read_text())
    # Asked before any code runs: as_torch() lets a torch be found that is none.
    absent = {name for mark, *_ in found for name in _NEEDS.findall(mark) if find_spec(name) is None}
    for i, (mark, code, line, _) in enumerate(found):
        kind, _, option = mark.partition(" ")
        if kind not in ("console", "python") or _REASON.search(mark) or absent.intersection(_NEEDS.findall(mark)):
            continue
        if kind == "console":
            wrong += run_console(code, line)
        elif option.startswith("file="):
            Path(option[5:]).write_text(code)
        elif ">>>" in code:
            wrong += run_doctest(code, names, page, line)
        else:
            following = found[i + 1] if i + 1 < len(found) else ("", "", 0, False)
            expected = following[1] if following[0] == "text" and following[3] else None
            wrong += run_whole(code, names, expected, line)
    return wrong


def whole_message(*exception):
    return ["".join(_message_lines(*exception))]


_message_lines = traceback.format_exception_only
if sys.version_info < (3, 11, 5):
    # There doctest takes the last line for the message, which is a note where an exception has notes.
    traceback.format_exception_only = whole_message


def run_doctest(code, names, page, line):
    runner = doctest.DocTestRunner(optionflags=_OPTIONS)
    test = doctest.DocTestParser().get_doctest(code, names, page.name, page.name, line - 1)
    test.globs = names
    return runner.run(test, clear_globs=False).failed


def run_whole(code, names, expected, line):
    """Run a block as a script would; 1 where it does not do what the text behind it says."""
    name = "example.py"
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(code, name, "exec"), names)
    except Exception as error:
        printed.write("".join(traceback.format_exception(error)))
        if expected is None:
            return differs(line, "no exception", printed.getvalue())
    if expected is None:
        return 0
    return compare(line, expected, printed.getvalue())


def run_console(code, line):
    """Run the `$ rushlight` lines of a block; how many print something else."""
    wrong = 0
    for session in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
        command, _, expected = session.partition("\n")
        words = [sys.executable, "-m", *shlex.split(command)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=300)
        wrong += compare(line, expected, done.stdout + done.stderr)
    return wrong


def compare(line, expected, got):
    """1, and a report, where `got` is not what is expected."""
    return 0 if _CHECKER.check_output(expected, got, _OPTIONS) else differs(line, expected, got)


def differs(line, expected, got):
    print(f"line {line}: expected\n{expected}\ngot\n{got}")
    return 1


if __name__ == "__main__":
    sys.exit(1 if run_page(Path(sys.argv[1])) else 0)
