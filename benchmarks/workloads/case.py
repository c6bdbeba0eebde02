"""The list of cases: a workload is a function of the module (torch or rushlight) that returns what to time."""


class Group:
    """Cases that have one bar: PyTorch's time over ours, at least. Of `large` ones the machine's limit is told too."""

    def __init__(self, title, at_least=None, large=False):
        self.title, self.at_least, self.large = title, at_least, large


# In the order of the table.
GROUPS = {
    "small": Group("Chains and formulas on up to 64 elements, control flow on scalars", 8),
    "training": Group("Training steps of MLP, RNN cell, neural ODE and physics-informed networks, widths up to 64", 4),
    "second": Group("Second derivatives of such networks", 5),
    "elementwise": Group("Elementwise expressions on 1M to 10M float32, forward and backward", 1.5, large=True),
    "rows": Group("softmax, log_softmax, layer_norm, cross_entropy on 2048 x 1000 and the like", 1.3, large=True),
    "dense": Group("MLP 784-1024-1024-10, batch 256, Adam", 1.0, large=True),
    "convolution": Group("Small CNN on 28 x 28, residual blocks with batch norm, batch 32", 1.0, large=True),
    "transformer": Group("Transformer blocks, width 128 to 256, length 64 to 512", 1.1, large=True),
    "indexing": Group("Embedding with cross-entropy, indexing, gather and scatter, slicing and writing in loops", 2),
    "one parameter": Group("Optimizers and clip_grad_norm_, one large parameter", 1.2, large=True),
    "many parameters": Group("Optimizers and clip_grad_norm_, a hundred small parameters", 10),
    "inference": Group("Inference of a small MLP, batch 1, under no_grad", 5),
    "samples": Group("Derivatives for each sample of a batch", 1),
    "data": Group("Loading data", 1.5),
    "other": Group("Others, without a bar"),
}


class Case:
    """A workload by name. `per` divides its time, where it does one thing many times."""

    def __init__(self, name, group, make, per):
        self.name, self.group, self.make, self.per = name, GROUPS[group], make, per


CASES = []


def case(name, group, per=1):
    """Register a workload. What it returns is run again and again; what that returns (a loss, say) is compared."""

    def register(make):
        CASES.append(Case(name, group, make, per))
        return make

    return register


def chosen(words=(), short=False):
    """The cases with one of the words in their name or their group's title, by group; of each the first two where short."""
    found = []
    for group in GROUPS.values():
        members = [case for case in CASES if case.group is group and (not words or named(case, words))]
        found += members[:2] if short else members
    return found


def named(case, words):
    text = f"{case.name} {case.group.title}".lower()
    return any(word.lower() in text for word in words)


def training(m, model, loss, optimizer="SGD", **options):
    """A training step of `model`, whose loss is `loss()`."""
    optimizer = getattr(m.optim, optimizer)(model.parameters(), **options)

    def step():
        optimizer.zero_grad()
        found = loss()
        found.backward()
        optimizer.step()
        return found

    return step


def with_gradients(function, *leaves):
    """The gradients of the sum of what `function` gives for the leaves, in their grad, made anew each time."""
    for leaf in leaves:
        leaf.requires_grad_()

    def run():
        for leaf in leaves:
            leaf.grad = None
        found = function(*leaves).sum()
        found.backward()
        return found

    return run
