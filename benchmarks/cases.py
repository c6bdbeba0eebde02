"""The cases. Each is a function of the module (torch or rushlight) that returns what to time, and how often per round.

The last number is the ratio (PyTorch's time to ours) that must hold, None where only the figure is wanted.
"""

CASES = []


def case(name, loops, at_least=None, per=1):
    """Register a case; `per` divides the time, for cases that do one thing many times."""

    def register(make):
        CASES.append((name, make, loops, at_least, per))
        return make

    return register


def vectors(m, n=8):
    base = [0.1 * i + 0.5 for i in range(n)]
    return m.tensor(base, requires_grad=True), m.tensor(base[::-1], requires_grad=True)


for _n in (8, 64):

    @case(f"recorded multiply, {_n} elements", 400, 8, per=10)
    def multiply(m, n=_n):
        x, y = vectors(m, n)

        def ten():
            x * y
            x * y
            x * y
            x * y
            x * y
            x * y
            x * y
            x * y
            x * y
            x * y

        return ten

    @case(f"recorded add, {_n} elements", 400, 8, per=10)
    def add(m, n=_n):
        x, y = vectors(m, n)

        def ten():
            x + y
            x + y
            x + y
            x + y
            x + y
            x + y
            x + y
            x + y
            x + y
            x + y

        return ten


def chained(m, n):
    x, y = vectors(m, n)

    def chain():
        z = x
        for _ in range(25):
            z = z * y
            z = z + y
        z.sum().backward()

    return chain


@case("chain of 50 operations, forward and backward, per operation, 8 elements", 40, 8, per=50)
def chain(m):
    return chained(m, 8)


@case("chain of 50 operations, forward and backward, per operation, 64 elements", 40, 8, per=50)
def chain64(m):
    return chained(m, 64)


@case("(x * y + y).sum().backward(), 8 elements", 800, 8)
def formula(m):
    x, y = vectors(m)
    return lambda: (x * y + y).sum().backward()


@case("(x * y + y).sum().backward(), 64 elements", 800, 8)
def formula64(m):
    x, y = vectors(m, 64)
    return lambda: (x * y + y).sum().backward()


@case("two-layer network, batch 32, 64 wide, cross-entropy, SGD step", 150, 4)
def network(m):
    m.manual_seed(0)
    model = m.nn.Sequential(m.nn.Linear(64, 64), m.nn.ReLU(), m.nn.Linear(64, 10))
    optimizer = m.optim.SGD(model.parameters(), lr=0.01)
    criterion = m.nn.CrossEntropyLoss()
    x, y = m.randn(32, 64), m.randint(0, 10, (32,))

    def step():
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()

    return step


@case("three-layer network, batch 24, 48 wide, mean squares, SGD step", 150, 4)
def wide_network(m):
    m.manual_seed(0)
    nn = m.nn
    model = nn.Sequential(nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 48))
    optimizer = m.optim.SGD(model.parameters(), lr=0.01)
    criterion = nn.MSELoss()
    x, y = m.randn(24, 48), m.randn(24, 48)

    def step():
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()

    return step


@case("LSTMCell loop, 40 steps, batch 8, 24 to 40, forward and backward", 10, 3)
def lstm_cell_loop(m):
    m.manual_seed(0)
    cell = m.nn.LSTMCell(24, 40)
    xs = m.randn(40, 8, 24)

    def loop():
        h = c = m.zeros(8, 40)
        for x in xs:
            h, c = cell(x, (h, c))
        cell.zero_grad()
        h.sum().backward()

    return loop


for _layer, _gain in (("LSTM", None), ("GRU", None)):

    @case(f"{_layer} layer, 40 steps, batch 8, 24 to 40, forward and backward", 10, _gain)
    def recurrent_layer(m, layer=_layer):
        m.manual_seed(0)
        layer = getattr(m.nn, layer)(24, 40)
        xs = m.randn(40, 8, 24)

        def run():
            out, _ = layer(xs)
            layer.zero_grad()
            out.sum().backward()

        return run


@case("Transformer encoder layer, batch 8, length 16, 32 wide, 4 heads, forward and backward", 20)
def encoder_layer(m):
    m.manual_seed(0)
    layer = m.nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
    x = m.randn(8, 16, 32)

    def run():
        layer.zero_grad()
        layer(x).sum().backward()

    return run


def matrix(m, grad):
    return m.tensor([[0.5 * i + j for j in range(4)] for i in range(4)], requires_grad=grad)


for _grad in (False, True):
    _kind = "recorded" if _grad else "unrecorded"

    @case(f"slice x[1:3], {_kind}", 4000, 2)
    def slicing(m, grad=_grad):
        x = matrix(m, grad)
        return lambda: x[1:3]

    @case(f"row x[1], {_kind}", 4000, 2)
    def row(m, grad=_grad):
        x = matrix(m, grad)
        return lambda: x[1]

    @case(f"column x[:, 1], {_kind}", 4000, 2)
    def column(m, grad=_grad):
        x = matrix(m, grad)
        return lambda: x[:, 1]

    @case(f"transpose x.t(), {_kind}", 4000, 2)
    def transposing(m, grad=_grad):
        x = matrix(m, grad)
        return lambda: x.t()

    @case(f"transpose x.transpose(0, 1), {_kind}", 4000, 2)
    def transposing2(m, grad=_grad):
        x = matrix(m, grad)
        return lambda: x.transpose(0, 1)

    @case(f"reshape x.reshape(2, 8), {_kind}", 4000, 2)
    def reshaping(m, grad=_grad):
        x = matrix(m, grad)
        return lambda: x.reshape(2, 8)

    @case(f"view x.view(16), {_kind}", 4000, 2)
    def viewing(m, grad=_grad):
        x = matrix(m, grad)
        return lambda: x.view(16)
