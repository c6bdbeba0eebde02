"""The pages of the reference, written from signatures and docstrings while the site is built: nothing is kept of them.

Every public name stands on a page, with an example or with the reason why it has none of its own.
"""

import inspect
import re
from functools import cache
from importlib import import_module
from pathlib import Path

from measured import measured

# Pages: path, title, module, and for the package itself the modules of the functions that stand there.
_FUNCTIONS = "rushlight.functions."
_TORCH = {
    "creation": ("Creating tensors", "creation literal ranges legacy windows bridges storage", "dtypes dtype finfo iinfo"),
    "shapes": (
        "Indexing, joining, splitting, shapes",
        "arrange broadcasting conversion copies indexing joining places scattering selecting shape splitting triangle", "",
    ),
    "random": ("Random numbers", "random", "generator"),
    "pointwise": (
        "Elementwise functions",
        "activation arithmetic bessel complex exponential gamma rounding selection special trigonometric", "",
    ),
    "reductions": ("Reductions, sorting, statistics", "cumulative histograms norms reduction segments sorting statistics", ""),
    "comparison": ("Comparison and logic", "compare", ""),
    "products": (
        "Products and linear algebra", "contraction distance einsum gradient linalg lowrank matrix stft",
        "linalg.householder",
    ),
    "native": ("Functions beneath those of nn.functional", "", "nn.functional.native nn.functional.recurrent"),
    "settings": (
        "Settings, memory, questions", "queries settings",
        "allocation memory forking printing device Size layout memory_format amp.settings autograd.grad_mode compat.torch_name"
        " autograd.debugging autograd.explaining linting serialization",
    ),
}  # fmt: skip
_MODULES = {
    "nn": "Layers", "nn.functional": "Functions of layers", "nn.init": "Initial values", "nn.utils": "Helpers of layers",
    "optim": "Optimizers", "optim.lr_scheduler": "Learning rates", "autograd": "Automatic differentiation",
    "autograd.functional": "Jacobians and Hessians", "autograd.forward_ad": "Forward mode", "autograd.graph": "Graphs",
    "func": "Functions of functions", "linalg": "Linear algebra", "fft": "Fourier transforms",
    "special": "Special functions", "utils.data": "Loading data", "utils.checkpoint": "Checkpoints of activations",
    "amp": "Mixed precision", "testing": "Testing", "viz": "Pictures",
}  # fmt: skip
EXAMPLES = dict(
    block.strip().removeprefix("# ").split("\n", 1)
    for block in Path(__file__).with_name("reference_examples.txt").read_text(encoding="utf-8").split("\n\n")[1:]
)
# What the compiled class has for the library's own use.
_INTERNAL = ("counter", "history", "source", "tangent_shown", "tracked", "tracked_dtype", "version")
# What is told where there is no docstring.
_WORDS = {
    "Tensor.is_leaf": "Whether no recorded operation has made it: its gradient is then kept.",
    "Tensor.is_distributed": "False: there is one process.",
    "Tensor.polygamma": "The derivative of order n of `digamma`.",
}
# Why names have none.
_TOLD = {
    "PyTorch has deprecated it": (
        "range symeig Tensor.symeig TypedStorage Tensor.resize Tensor.resize_as nn.Container nn.NLLLoss2d nn.functional.upsample"
        " nn.functional.upsample_bilinear nn.functional.upsample_nearest nn.init.constant nn.init.dirac"
        " nn.utils.clip_grad_norm"
    ),
    "others are made of it, and it is not called itself": (
        "nn.RNNBase nn.RNNCellBase nn.UninitializedBuffer optim.Optimizer utils.data.IterableDataset utils.data.Sampler"
        " viz.Picture nn.Buffer nn.functional.multi_head_attention_forward utils.checkpoint.CheckpointPolicy"
        " utils.checkpoint.SelectiveCheckpointContext"
    ),
    "it is there for programs that name it, and has nothing to do here": (
        "Tensor.cuda Tensor.to_device utils.checkpoint.CheckpointFunction utils.checkpoint.DefaultDeviceType"
        " utils.checkpoint.check_backward_validity utils.checkpoint.detach_variable utils.checkpoint.noop_context_fn"
        " nn.utils.convert_conv2d_weight_memory_format nn.utils.convert_conv3d_weight_memory_format slice_inverse"
        " Tensor.slice_inverse watch_forks detach_copy"
    ),
    "it works as its twin that is shown: add, clip, fuse, remove or unpack what the other has made": (
        "slice_copy index_reduce Tensor.index_reduce Tensor.map2_ nn.utils.clip_grads_with_norm_ nn.utils.clip_grad_value_"
        " nn.utils.fuse_conv_bn_weights nn.utils.fuse_linear_bn_weights nn.utils.remove_spectral_norm"
        " nn.utils.remove_weight_norm nn.utils.vector_to_parameters autograd.forward_ad.make_dual"
        " autograd.forward_ad.unpack_dual"
    ),
    "programs call the function of `nn.functional` or the layer that is made of it": (
        "affine_grid_generator convolution embedding_renorm_ grid_sampler grid_sampler_2d grid_sampler_3d gru gru_cell lstm"
        " lstm_cell rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell"
    ),
    "the pages of the tutorial and the guides show it at work": (
        "Tensor.backward Tensor.register_hook Tensor.register_post_accumulate_grad_hook amp.custom_bwd amp.custom_fwd"
        " autograd.graph.increment_version viz.script load layout"
    ),
}  # fmt: skip
_REASONS = {
    "changes a setting of the whole process or thread, or tells it": re.compile(
        r"(get|set|is|use|are|seed|initial|autocast|clear|enable|inference|empty|reset|memory|enter|exit|detect|enforce)(_.*|$)"
    ),
    "draws random numbers; every generator of random tensors is called as `rand` is": re.compile(
        r"(rand|normal|bernoulli|multinomial|poisson|cauchy|exponential|geometric|log_normal|.*dropout|rrelu|gumbel|kaiming|xavier|uniform|trunc|orthogonal|sparse).*"
    ),
}


def pages():
    """{path below docs/: text} of all pages."""
    found = {"reference/index.md": overview()}
    for stem, title, entries in chapters():
        found[f"reference/{stem}.md"] = page(title, entries)
    return found


def navigation():
    """The part of the site's navigation that leads to them."""
    return [{"Overview": "reference/index.md"}] + [
        {title.replace("`", ""): f"reference/{stem}.md"} for stem, title, _ in chapters()
    ]


def chapters():
    """[(stem, title, {heading: [(full name, value), ...]}), ...]"""
    import rushlight

    found = []
    for stem, (title, families, others) in _TORCH.items():
        modules = [_FUNCTIONS + family for family in families.split()] + [
            f"rushlight.{other}" for other in others.split()
        ]
        found.append((f"torch-{stem}", title, grouped("rushlight", rushlight, modules)))
    found.append(("tensor", "Tensor", {"Methods": methods(rushlight.Tensor)}))
    for name, title in _MODULES.items():
        owner = f"rushlight.{name}"
        found.append((name.replace(".", "-"), f"{title}: `{name}`", grouped(owner, import_module(owner), None)))
    return found


def public(owner):
    """The names that a module offers, but for modules and constants."""
    names = getattr(owner, "__all__", None) or [name for name in dir(owner) if not name.startswith("_")]
    for name in sorted(names):
        value = None if name.startswith("_") else getattr(owner, name, None)
        if callable(value) and str(getattr(value, "__module__", "")).startswith("rushlight"):
            yield name, value


def grouped(path, owner, modules):
    """{heading: [(full name, value), ...]} of a module, by the modules in which its names are defined."""
    groups = {}
    for name, value in public(owner):
        home = value.__module__
        if modules is None and not getattr(owner, "__all__", None) and not home.startswith(path):
            continue
        if modules is None or home in modules or f"{home}.{name}" in modules:
            heading = home.removeprefix(f"{path}.").rpartition(".")[2].strip("_").replace("_", " ").capitalize()
            groups.setdefault(heading, []).append((f"{path}.{name}", value))
    return dict(sorted(groups.items()))


def methods(cls):
    """[(full name, value), ...] of its methods and properties."""
    found = []
    for name in sorted(dir(cls)):
        if name.startswith("_") or name in _INTERNAL:
            continue
        getattr(cls, name, None)  # So that what stands for it until it is asked for makes room.
        value = inspect.getattr_static(cls, name, None)
        if callable(value) or isinstance(value, (property, classmethod, staticmethod)):
            found.append((f"rushlight.Tensor.{name}", getattr(value, "__func__", value)))
    return found


def overview():
    lines = [
        "# Reference",
        "",
        "Written from the docstrings, which `help(...)` shows too. Their examples are run in the tests. The line of shapes",
        "and dtypes below an entry is found by calling it as in its example, with the tensors in every dtype in turn.",
        "",
    ]
    for stem, title, groups in chapters():
        count = sum(len(entries) for entries in groups.values())
        lines.append(f"- [{title}]({stem}.md): {count} names")
    return "\n".join(lines) + "\n"


def page(title, groups):
    parts = [f"# {title}\n"]
    for heading, entries in groups.items():
        if len(groups) > 1:
            parts.append(f"## {heading}\n")
        parts += [entry(name, value, len(groups) > 1) for name, value in entries]
    return "\n".join(parts)


def entry(name, value, deeper):
    """The part of a page about one name."""
    short = name.removeprefix("rushlight.")
    marks = "###" if deeper else "##"
    shown = f"{name}{signature(value)}"
    text = described(words(name, value))
    why = "" if has_example(name, value) else reason(name, value)
    note = (
        f"\n```pycon\n{EXAMPLES[name]}\n```\n"
        if name in EXAMPLES
        else f"\nNo example of its own: {linked(why)}.\n"
        if why
        else ""
    )
    facts = measured(value, example(name, value)) or there(why)
    return f"{marks} `{short}`\n\n```py\n{shown}\n```\n\n{text}{note}" + (f"\n{facts}" if facts else "")


def example(name, value):
    """The example of a name; that of the function for a method which has none."""
    shown = EXAMPLES.get(name) or value.__doc__ or ""
    return shown if ">>>" in shown else EXAMPLES.get(name.replace("rushlight.Tensor.", "rushlight."), "")


@cache
def known():
    """{full name: (the page on which it stands, its value)}"""
    return {
        name: (stem, value) for stem, _, groups in chapters() for entries in groups.values() for name, value in entries
    }


def linked(text):
    """Text in which `names` of the reference lead to their entries."""

    def link(match):
        name = match[1]
        stem, _ = known().get(f"rushlight.{name}", (None, None))
        return f"[`{name}`]({stem}.md#{re.sub('[^a-z0-9_-]', '', name.lower())})" if stem else match[0]

    return re.sub(r"`([\w.]+)`", link, text)


def there(why):
    """What is measured of the name as which another is used."""
    used = re.fullmatch(r"it is used as `([\w.]+)` is", why)
    name = f"rushlight.{used[1]}" if used else ""
    facts = measured(known()[name][1], example(name, known()[name][1])) if name in known() else ""
    return f"There: {facts[0].lower()}{facts[1:]}" if facts else ""


def words(name, value):
    """What is told of a name."""
    return _WORDS.get(name.removeprefix("rushlight."), inspect.cleandoc(value.__doc__ or ""))


def signature(value):
    if isinstance(value, property):
        return ""
    try:
        return re.sub(r" at 0x[0-9a-f]+", "", str(inspect.signature(value)))
    except (TypeError, ValueError):
        return "(...)"


def has_example(name, value):
    return name in EXAMPLES or ">>>" in (value.__doc__ or "")


def described(text):
    """A docstring as Markdown: examples in blocks, lists of arguments as lists."""
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.lstrip().startswith(">>>"):
            found.append(f"```pycon\n{inspect.cleandoc(paragraph)}\n```")
        elif re.match(r"\w+:\n +", paragraph):
            first, _, rest = paragraph.partition("\n")
            items = re.split(r"\n(?=\S)", inspect.cleandoc(rest))
            found.append(f"{first}\n\n" + "\n".join("- " + escaped(" ".join(item.split())) for item in items))
        else:
            found.append(escaped(inspect.cleandoc(paragraph)))
    return "\n\n".join(found) + "\n"


def escaped(text):
    """Text in which only `code` is marked."""
    parts = text.split("`")
    return "`".join(re.sub(r"([*<\[])", r"\\\1", part) if i % 2 == 0 else part for i, part in enumerate(parts))


def reason(name, value):
    """Why a name has no example of its own; empty where there is no reason."""
    import rushlight

    path, _, last = name.rpartition(".")
    owner = rushlight.Tensor if path == "rushlight.Tensor" else import_module(path)
    told = next((why for why, names in _TOLD.items() if name.removeprefix("rushlight.") in names.split()), None)
    if told:
        return told
    if last.endswith("_") and exists(owner, rushlight, last[:-1]):
        return f"it writes what `{last[:-1]}` computes into its input"
    if isinstance(value, property) or (path == "rushlight.Tensor" and not has_parameters(value)):
        return "it takes no arguments"
    for other in relatives(last):
        for place in (owner, rushlight, rushlight.nn.functional, rushlight.linalg):
            found = getattr(place, other, None)
            full = f"{place.__name__}.{other}"
            if full != name and found is not None and has_example(full, found):
                return f"it is used as `{full.removeprefix('rushlight.')}` is"
    if inspect.isclass(value) and issubclass(value, (BaseException, tuple)):
        return "it is a kind of exception or result"
    return next((text for text, pattern in _REASONS.items() if pattern.fullmatch(last)), "")


def exists(owner, package, name):
    return any(
        getattr(place, name, None) is not None for place in (owner, package, package.nn.functional, package.Tensor)
    )


def has_parameters(value):
    try:
        return len(inspect.signature(value).parameters) > 1
    except (TypeError, ValueError):
        return True


def relatives(name):
    """Names of what is called alike: the function of a layer, other dimensions, fewer words."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    found = [name, snake, name.removesuffix("_copy"), name.removesuffix("_ex"), snake.removesuffix("_loss")]
    for digit in "123":
        found += [re.sub(r"\dd", f"{digit}d", form) for form in (name, snake, name.removeprefix("Lazy"))]
    found += [
        re.sub(r"(n|2)$", "", name),
        re.sub(r"_with_.*", "", name),
        name.removeprefix("native_"),
        name.removesuffix("Cell"),
    ]
    return [other for other in dict.fromkeys(found) if other]


def without_example():
    """The public names that have neither an example nor a reason."""
    entries = [pair for _, _, groups in chapters() for group in groups.values() for pair in group]
    return sorted(name for name, value in entries if not has_example(name, value) and not reason(name, value))
