"""The `rushlight` command."""

import os
import runpy
import sys

USAGE = """usage: rushlight run script.py [arguments]   run a PyTorch script, `import torch` meaning rushlight
       rushlight run -m module [arguments]   the same for a module
       rushlight graph script.py [--at N] [-o FILE] [--open] [arguments]
                                             draw what a script calls backward on: a tree, or FILE as .svg, .html or .txt
       rushlight check script.py [--rtol R] [--atol A] [arguments]
                                             run a script under rushlight and PyTorch; tell the first operation that differs
       rushlight info                        versions, processor, threads, and what is compiled
       rushlight explain [code]              what a code such as RL101 means; without one, all codes"""


def main(arguments=None):
    """Run a command line; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["run"] and len(arguments) > 1:
        return run(arguments[1:])
    if arguments[:1] == ["graph"] and len(arguments) > 1:
        return graph(arguments[1:])
    if arguments[:1] == ["check"] and len(arguments) > 1:
        return check(arguments[1:])
    if arguments == ["info"]:
        return info()
    if arguments[:1] == ["explain"] and len(arguments) <= 2:
        return explain(*arguments[1:])
    asked = arguments in (["-h"], ["--help"])
    print(USAGE, file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


def run(arguments):
    """Run a script (or `-m module`) as __main__, with torch meaning rushlight."""
    from .torch_name import as_torch

    if arguments[0] == "-m" and len(arguments) == 1:
        print(USAGE, file=sys.stderr)
        return 2
    if arguments[0] != "-m" and not os.path.exists(arguments[0]):
        print(f"rushlight: can't open file {arguments[0]!r}", file=sys.stderr)
        return 2
    as_torch()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        sys.path.insert(0, os.getcwd())
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        return 0
    sys.argv = list(arguments)
    sys.path.insert(0, os.path.dirname(os.path.abspath(arguments[0])))
    runpy.run_path(arguments[0], run_name="__main__")
    return 0


def graph(arguments):
    """Draw the loss of a script: printed as a tree, or written to the file that is named."""
    try:
        options, script, rest = parted(arguments, {"--at": int, "-o": str, "--open": None})
        ending = os.path.splitext(options.get("-o", "tree.txt"))[1].lower()
        if ending not in (".svg", ".html", ".htm", ".txt"):
            raise ValueError(f"-o writes .svg, .html or .txt, not {ending!r}")
    except ValueError as error:
        return wrong(error)
    from ..viz import script as drawn

    try:
        picture = drawn(script, rest, at=options.get("--at"))
    except RuntimeError as error:
        if "called backward" not in str(error):
            raise
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
    try:
        options, script, rest = parted(arguments, {"--rtol": float, "--atol": float})
    except ValueError as error:
        return wrong(error)
    from .checking import processes

    agrees, report = processes.check(script, rest, options.get("--rtol"), options.get("--atol"))
    print(report)
    return 0 if agrees else 1


def parted(arguments, known):
    """({option: value}, the script, its arguments). Options stand before the script or right behind it; `--` ends them.

    `known` has what makes a value of the word behind an option, None for an option without one. ValueError for others.
    """
    options, script, rest = {}, None, list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--" and script is not None:
            break
        if word in known:
            if known[word] is None:
                options[word] = True
                continue
            if not rest:
                raise ValueError(f"{word} needs a value")
            options[word] = known[word](rest.pop(0))
        elif script is None and not word.startswith("-"):
            script = word
        elif script is None:
            raise ValueError(f"there is no option {word}")
        else:
            rest.insert(0, word)
            break
    if script is None:
        raise ValueError("no script is named")
    if not os.path.exists(script):
        raise ValueError(f"can't open file {script!r}")
    return options, script, rest


def wrong(error):
    """Tell what is wrong with a command line; the exit status for it."""
    print(f"rushlight: {error}", USAGE, sep="\n", file=sys.stderr)
    return 2


def info():
    from ..info import lines

    print("\n".join(lines()))
    return 0


def explain(code=None):
    """Print what the catalogue says of a code, or the titles of all."""
    from .. import codes

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
