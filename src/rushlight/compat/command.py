"""The `rushlight` command."""

import os
import sys

from . import main as scripts

USAGE = """usage: rushlight run script.py [arguments]   run a PyTorch script, `import torch` meaning rushlight
       rushlight graph script.py [--at N] [-o FILE] [--open] [arguments]
                                             draw what a script calls backward on: a tree, or FILE as .svg, .html or .txt
       rushlight check script.py [--rtol R] [--atol A] [arguments]
                                             run a script under rushlight and PyTorch; tell the first operation that differs
       rushlight info                        versions, processor, threads, and what is compiled
       rushlight explain [code]              what a code such as RL101 means; without one, all codes
       rushlight --version

In the place of script.py there may be -m module. `rushlight check --help` tells more of one command."""

HELP = {
    "run": """usage: rushlight run script.py [arguments]
       rushlight run -m module [arguments]

Runs a script or a module as python does, with `import torch` meaning rushlight. The exit status is the script's.""",
    "graph": """usage: rushlight graph [--at N] [-o FILE] [--open] script.py [arguments]
       rushlight graph [--at N] [-o FILE] [--open] -m module [arguments]

Runs a script to its end, and draws the tensor that it called backward on last.

  --at N    the N-th call of backward, from 1; the script ends there
  -o FILE   write a .svg, .html or .txt; without it a tree is printed
  --open    show the page in the browser
  --        what follows are the script's own arguments, also where they look like these

The exit status is 1 where the script calls backward not so often.""",
    "check": """usage: rushlight check [--rtol R] [--atol A] script.py [arguments]
       rushlight check [--rtol R] [--atol A] -m module [arguments]

Runs a script under rushlight and under PyTorch, each in a process, and compares what both compute as they go.

  --rtol R  two numbers agree within atol + R times the largest of their tensor (1e-4 for float32)
  --atol A  (1e-6 for float32)
  --        what follows are the script's own arguments, also where they look like these

The exit status is 1 where something differs. Without PyTorch the calls are counted, and it is 1 where the script fails.""",
    "info": """usage: rushlight info

Versions, processor, threads, and what is compiled.""",
    "explain": """usage: rushlight explain [code]

What a code such as RL101 means, with a program that ends in it and one that does not; without a code, the titles of all.""",
}


def main(arguments=None):
    """Run a command line; returns the exit status."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or [""]
    if name in ("-V", "--version"):
        return version()
    if name == "help" and rest:
        name, rest = rest[0], ["--help"]
    if name in ("-h", "--help", "help"):
        print(USAGE)
        return 0
    command = {"run": run, "graph": graph, "check": check, "info": info, "explain": explain}.get(name)
    if command is None:
        return unknown(name)
    if rest[:1] in (["-h"], ["--help"]):
        print(HELP[name])
        return 0
    try:
        return command(rest)
    except WrongUsage as wrong:
        print(f"rushlight: {wrong}\nrushlight {name} --help tells how it is called", file=sys.stderr)
        return 2


class WrongUsage(Exception):
    """A command line that says what cannot be done."""


def unknown(name):
    """Tell that there is no such command, and what may have been meant."""
    from difflib import get_close_matches

    near = get_close_matches(name, HELP, 1)
    meant = f"run {name}" if os.path.exists(name) else near[0] if near else ""
    if name:
        print(
            f"rushlight: there is no command {name}" + f": did you mean `rushlight {meant}`?" * bool(meant),
            file=sys.stderr,
        )
    print(USAGE, file=sys.stderr)
    return 2


def version():
    from .. import __version__

    print(f"rushlight {__version__}")
    return 0


def run(arguments):
    """Run a script (or `-m module`) as __main__, with torch meaning rushlight."""
    from .torch_name import as_torch

    runnable(arguments)
    as_torch()
    scripts.shorten_uncaught()
    scripts.run(arguments)
    return 0


def graph(arguments):
    """Draw the loss of a script: printed as a tree, or written to the file that is named."""
    options, words = parted(arguments, {"--at": int, "-o": str, "--open": None})
    ending = os.path.splitext(options.get("-o", "tree.txt"))[1].lower()
    if ending not in (".svg", ".html", ".htm", ".txt"):
        raise WrongUsage(f"-o writes .svg, .html or .txt, not {ending!r}")
    folder = os.path.dirname(options.get("-o", "")) or os.curdir
    if not os.path.isdir(folder):
        raise WrongUsage(f"-o: there is no folder {folder!r}")
    if options.get("--at", 1) < 1:
        raise WrongUsage("--at counts from 1")
    from ..viz.scripts import NothingDrawn, drawn

    scripts.shorten_uncaught()
    try:
        picture = drawn(words, options.get("--at"))
    except NothingDrawn as error:
        print(f"rushlight: {error}", file=sys.stderr)
        return 1
    if "-o" in options:
        print(f"{picture.save(options['-o'])}: {picture.summary()}")
    if "--open" in options:
        print(picture.open())
    if not options.keys() & {"-o", "--open"}:
        print(picture)
    return 0


def check(arguments):
    """Run a script under both libraries and tell what differs first; exit status 1 where something does."""
    options, words = parted(arguments, {"--rtol": float, "--atol": float})
    from .checking import processes

    agrees, report = processes.check(words, options.get("--rtol"), options.get("--atol"))
    print(report)
    return 0 if agrees else 1


def parted(arguments, known):
    """({option: value}, [script, *arguments] or ["-m", module, *arguments]); WrongUsage where a script is not named.

    Options stand before the script or right behind it; `--` ends them. `known` has what makes a value of the word behind an
    option, None for an option without one.
    """
    options, words, rest = {}, [], list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--" and words:
            break
        if word in known:
            options[word] = True if known[word] is None else value(word, rest, known[word])
        elif not words:
            words = [word, *rest[:1]] if word == "-m" else [word]
            del rest[: len(words) - 1]
            runnable(words)
        else:
            rest.insert(0, word)
            break
    runnable(words)
    return options, words + rest


def value(option, rest, made):
    """The value of an option, taken from what follows it."""
    if not rest:
        raise WrongUsage(f"{option} needs a value")
    try:
        return made(rest.pop(0))
    except ValueError as error:
        raise WrongUsage(f"{option}: {error}") from None


def runnable(words):
    """WrongUsage where the words do not begin with a script or `-m module` that can run."""
    try:
        scripts.check(words)
    except ValueError as error:
        raise WrongUsage(str(error)) from None


def info(arguments):
    if arguments:
        raise WrongUsage("info takes no arguments")
    from ..info import lines

    print("\n".join(lines()))
    return 0


def explain(arguments):
    """Print what the catalogue says of a code, or the titles of all."""
    if len(arguments) > 1:
        raise WrongUsage("explain takes one code")
    from .. import codes

    code = arguments[0] if arguments else None
    if code is None:
        spoken = _language() == "zh"
        print("\n".join(f"{code}  {entry.title[spoken]}" for code, entry in codes.catalogue().items()))
        return 0
    if code.upper() not in codes.catalogue():
        print(f"rushlight: no code {code!r}; `rushlight explain` lists them", file=sys.stderr)
        return 1
    print(codes.explain(code.upper(), _language()))
    return 0


def _language():
    """The language of the codes; English where the terminal cannot show Chinese."""
    from .. import codes

    try:
        "码".encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return "en"
    return codes.language()
