"""Training steps whose peak memory is compared: each a function of the module (torch or rushlight) that returns a step.

`small` makes the same with less of everything, for tests.
"""

WORKLOADS = {}


def workload(name):
    """Register a workload under a name."""

    def register(make):
        WORKLOADS[name] = make
        return make

    return register


def training(m, model, inputs, loss, optimizer="Adam"):
    """A step that forgets the gradients, computes those of loss(model(inputs)) and updates the parameters."""
    optimizer = getattr(m.optim, optimizer)(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        loss(model(inputs)).backward()
        optimizer.step()

    return step


def classes(m, count, n):
    """The cross-entropy with random classes."""
    target = m.randint(0, n, (count,))
    return lambda out: m.nn.functional.cross_entropy(out, target)


def squares(out):
    return out.square().mean()


@workload("MLP 784-1024-1024-10, batch 256, Adam")
def mlp(m, small=False):
    nn, width, batch = m.nn, 256 if small else 1024, 64 if small else 256
    model = nn.Sequential(
        nn.Linear(784, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )  # fmt: skip
    return training(m, model, m.randn(batch, 784), classes(m, batch, 10))


@workload("CNN on 28x28, batch 32, Adam")
def cnn(m, small=False):
    nn, batch = m.nn, 8 if small else 32
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
    return training(m, model, m.randn(batch, 1, 28, 28), classes(m, batch, 10))


@workload("residual block, 32 to 64 channels of 32x32, batch norm, batch 32, SGD")
def residual(m, small=False):
    nn = m.nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(32, 64, 3, padding=1, bias=False)
            self.first_norm = nn.BatchNorm2d(64)
            self.second = nn.Conv2d(64, 64, 3, padding=1, bias=False)
            self.second_norm = nn.BatchNorm2d(64)
            self.beside = nn.Conv2d(32, 64, 1, bias=False)

        def forward(self, x):
            out = self.first_norm(self.first(x)).relu()
            return (self.second_norm(self.second(out)) + self.beside(x)).relu()

    return training(m, Block(), m.randn(8 if small else 32, 32, 32, 32), squares, "SGD")


@workload("transformer block, width 256, 8 heads, length 512, batch 4, Adam")
def transformer(m, small=False):
    layer = m.nn.TransformerEncoderLayer(256, 8, 1024, dropout=0.0, batch_first=True)
    return training(m, layer, m.randn(1 if small else 4, 256 if small else 512, 256), squares)


@workload("softmax and cross-entropy, 2048x1000")
def softmax(m, small=False):
    n = 512 if small else 2048
    x, loss = m.randn(n, 1000, requires_grad=True), classes(m, n, 1000)

    def step():
        x.grad = None
        (loss(x) + x.softmax(1).square().sum()).backward()

    return step


@workload("elementwise chain, 10M float32, forward and backward")
def chain(m, small=False):
    x = m.rand(1_000_000 if small else 10_000_000, requires_grad=True)

    def step():
        x.grad = None
        ((x * 2 + 1).exp().log() * x.sin()).sigmoid().sum().backward()

    return step


@workload("embedding 30,000x128 and cross-entropy, 4096 tokens, SGD")
def embedding(m, small=False):
    nn, words, count = m.nn, 5000 if small else 30_000, 512 if small else 4096
    model = nn.Sequential(nn.Embedding(words, 128), nn.Linear(128, 1000))
    return training(m, model, m.randint(0, words, (count,)), classes(m, count, 1000), "SGD")


@workload("LSTM 128 to 256, 100 steps, batch 32, Adam")
def lstm(m, small=False):
    layer = m.nn.LSTM(128, 256)
    return training(m, layer, m.randn(30 if small else 100, 32, 128), lambda out: squares(out[0]))


@workload("30 times linear and gelu, 512 wide, batch 1024, SGD")
def deep(m, small=False):
    nn, width = m.nn, 256 if small else 512
    model = nn.Sequential(*[each for _ in range(30) for each in (nn.Linear(width, width), nn.GELU())])
    return training(m, model, m.randn(256 if small else 1024, width), squares, "SGD")
