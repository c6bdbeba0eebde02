"""The pages of codes: docs/codes.md and docs/codes.zh.md, written from the catalogue and from what its programs raise."""

import warnings

LANGUAGES = ("en", "zh")
_HEAD = (
    """# Codes

Errors of Rushlight begin with PyTorch's sentence. Behind it, as notes of the exception, come a code, an explanation
and a remedy; `error.code` is the code. `rushlight explain RL101` prints an entry of this page, and
`rushlight.codes.explain("RL101")` returns it. Where RUSHLIGHT_LANG or the locale (LC_ALL, LC_MESSAGES, LANG) begins
with `zh`, explanation and remedy are in Chinese; the sentence stays English. A code keeps its meaning for good.
[中文](codes.zh.md)

`make docs` writes this page; change `src/rushlight/codes/`, not the page. In the programs `torch` is rushlight, `nn`
and `F` are `torch.nn` and `torch.nn.functional`; of each two the first ends in the code, and the second does not.
""",
    """# 错误代码

Rushlight 的错误以 PyTorch 的英文句子开头，其后作为异常的附注给出代码、解释和解决办法；`error.code` 就是该代码。
`rushlight explain RL101` 打印本页的一个条目，`rushlight.codes.explain("RL101")` 返回它。当环境变量 RUSHLIGHT_LANG
或区域设置（LC_ALL、LC_MESSAGES、LANG）以 `zh` 开头时，解释和解决办法为中文，第一句保持英文。代码的含义永不改变。
[English](codes.md)

本页由 `make docs` 生成；请修改 `src/rushlight/codes/`，不要直接修改本页。程序中 `torch` 指 rushlight，`nn` 和 `F` 指
`torch.nn` 和 `torch.nn.functional`；每两个程序中，前一个会触发该代码，后一个不会。
""",
)
_PARTS = {
    "RL1": ("Recording, backward, hooks, in-place writes", "记录、反向传播、钩子与原地写入"),
    "RL2": ("Custom Functions", "自定义 Function"),
    "RL3": ("Shapes, dtypes, indices, names", "形状、dtype、索引与名称"),
    "RL4": ("Modules, losses, optimizers", "模块、损失与优化器"),
    "RL5": ("Functions of functions, checkpoints", "函数变换与检查点"),
    "RL6": ("Findings of lint", "lint 的发现"),
    "RL7": ("Saving and loading", "保存与加载"),
}
_REMEDY = ("**Remedy.** ", "**解决办法。** ")


def provoke(program):
    """(code, sentence) of what a program of the catalogue raises, warns of, or has lint find; (None, None) of none."""
    import rushlight

    names = {"torch": rushlight, "nn": rushlight.nn, "F": rushlight.nn.functional}
    before = rushlight.get_default_dtype()
    rushlight.manual_seed(0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(compile(program.strip(), "program.py", "exec"), names)
        except Exception as error:
            return getattr(error, "code", None), f"{type(error).__name__}: {error}".replace("\n", " ").replace("\t", "")
    assert rushlight.get_default_dtype() == before
    for warning in caught:
        sentence, _, rest = str(warning.message).partition("\n")
        if rest:
            return rest.partition(":")[0], f"{warning.category.__name__}: {sentence}"
    for finding in names.get("report", ()):
        return finding.code, f"lint: {finding.kind}"
    return None, None


def page(language):
    """The text of the page in one of LANGUAGES."""
    from rushlight import codes

    spoken = LANGUAGES.index(language)
    parts, part = [_HEAD[spoken]], None
    for code, entry in codes.catalogue().items():
        if code[:3] != part:
            part = code[:3]
            parts.append(f"## {_PARTS[part][spoken]}\n")
        parts.append(_section(code, entry, spoken))
    return "\n".join(parts)


def _section(code, entry, spoken):
    shown = str(provoke(entry.wrong)[1]).replace("<", r"\<")
    return (
        f"### {code}: {entry.title[spoken]}\n\n> {shown}\n\n{entry.explanation[spoken]}\n\n"
        f"{_REMEDY[spoken]}{entry.remedy[spoken]}\n\n"
        f"```py code={code}\n{entry.wrong.strip()}\n```\n\n```py code=none\n{entry.right.strip()}\n```\n"
    )


def paths(docs):
    """{language: path} of the pages in the folder `docs`."""
    return {"en": docs / "codes.md", "zh": docs / "codes.zh.md"}


def faults_of_programs():
    """Which programs of the catalogue do not end in what their marks say, a sentence each."""
    from rushlight import codes

    faults = []
    for code, entry in codes.catalogue().items():
        for program, meant in ((entry.wrong, code), (entry.right, None)):
            ended = provoke(program)[0]
            if ended != meant:
                faults.append(f"{code}: a program that shall end in {meant or 'none'} ends in {ended or 'none'}")
    return faults


def faults(docs):
    """Which of the pages are not what the catalogue says."""
    return [
        f"{path.relative_to(docs.parent)} is not what the catalogue says: run `make docs`"
        for language, path in paths(docs).items()
        if not path.exists() or path.read_text(encoding="utf-8") != page(language)
    ]


def write(docs):
    for language, path in paths(docs).items():
        path.write_text(page(language), encoding="utf-8")
