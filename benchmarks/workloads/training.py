"""Small networks, of widths up to 64: training steps, and inference."""

from .case import case, training


def mlp(m, *widths, between="ReLU"):
    nn = m.nn
    layers = []
    for k in range(len(widths) - 1):
        layers += [nn.Linear(widths[k], widths[k + 1]), getattr(nn, between)()]
    return nn.Sequential(*layers[:-1])


@case("two-layer network, batch 32, 64 wide, cross-entropy, SGD step", "training")
def two_layers(m):
    m.manual_seed(0)
    model, criterion = mlp(m, 64, 64, 10), m.nn.CrossEntropyLoss()
    x, y = m.randn(32, 64), m.randint(0, 10, (32,))
    return training(m, model, lambda: criterion(model(x), y), lr=0.01)


@case("three-layer network, batch 24, 48 wide, mean squares, SGD step", "training")
def three_layers(m):
    m.manual_seed(0)
    model, criterion = mlp(m, 48, 48, 48, 48), m.nn.MSELoss()
    x, y = m.randn(24, 48), m.randn(24, 48)
    return training(m, model, lambda: criterion(model(x), y), lr=0.01)


for _width in (16, 64):

    @case(f"regression 1-{_width}-{_width}-1, tanh, batch 64, Adam step", "training")
    def regression(m, width=_width):
        m.manual_seed(0)
        model = mlp(m, 1, width, width, 1, between="Tanh")
        x = m.linspace(-3, 3, 64).unsqueeze(1)
        return training(m, model, lambda: m.nn.functional.mse_loss(model(x), x.sin()), "Adam", lr=0.01)


@case("network with layer norm, dropout and gelu, width 64, batch 16, AdamW step", "training")
def regularised(m):
    m.manual_seed(0)
    nn = m.nn
    model = nn.Sequential(
        nn.Linear(32, 64), nn.LayerNorm(64), nn.GELU(), nn.Dropout(0.1), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 10)
    )
    x, y = m.randn(16, 32), m.randint(0, 10, (16,))
    return training(m, model, lambda: nn.functional.cross_entropy(model(x), y), "AdamW", lr=0.001)


for _cell, _steps, _batch, _wide in (("RNNCell", 30, 16, 32), ("GRUCell", 30, 16, 32), ("LSTMCell", 40, 8, 40)):

    @case(f"{_cell} loop, {_steps} steps, batch {_batch}, 24 to {_wide}, SGD step", "training")
    def recurrent(m, cell=_cell, steps=_steps, batch=_batch, wide=_wide):
        m.manual_seed(0)
        model = getattr(m.nn, cell)(24, wide)
        xs = m.randn(steps, batch, 24)

        def loss():
            state = (m.zeros(batch, wide), m.zeros(batch, wide)) if cell == "LSTMCell" else m.zeros(batch, wide)
            for x in xs:
                state = model(x, state)
            return (state[0] if cell == "LSTMCell" else state).pow(2).mean()

        return training(m, model, loss, lr=0.01)


@case("recurrence written out, tanh(x @ W + h @ U + b), 30 steps, batch 16, width 32, SGD step", "training")
def written_out(m):
    m.manual_seed(0)
    nn = m.nn
    model = nn.ParameterList([m.randn(24, 32) * 0.1, m.randn(32, 32) * 0.1, m.zeros(32)])
    w, u, b = model
    xs = m.randn(30, 16, 24)

    def loss():
        h = m.zeros(16, 32)
        for x in xs:
            h = m.tanh(x @ w + h @ u + b)
        return h.pow(2).mean()

    return training(m, model, loss, lr=0.01)


for _width in (16, 64):

    @case(f"neural ODE, width {_width}, 10 steps of Runge and Kutta, batch 32, Adam step", "training")
    def neural_ode(m, width=_width):
        m.manual_seed(0)
        model = mlp(m, 2, width, 2, between="Tanh")
        start, end = m.randn(32, 2), m.randn(32, 2)

        def loss():
            x, h = start, 0.1
            for _ in range(10):
                a = model(x)
                b = model(x + h / 2 * a)
                c = model(x + h / 2 * b)
                d = model(x + h * c)
                x = x + h / 6 * (a + 2 * b + 2 * c + d)
            return ((x - end) ** 2).mean()

        return training(m, model, loss, "Adam", lr=0.01)

    @case(f"physics-informed network (heat equation), width {_width}, 64 points, Adam step", "training")
    def heat(m, width=_width):
        m.manual_seed(0)
        model, grad = mlp(m, 2, width, width, 1, between="Tanh"), m.autograd.grad
        inside, edge = m.rand(64, 2).requires_grad_(), m.rand(16, 2)

        def loss():
            u = model(inside)
            (slopes,) = grad(u.sum(), inside, create_graph=True)
            (curves,) = grad(slopes[:, 0].sum(), inside, create_graph=True)
            return ((slopes[:, 1] - 0.1 * curves[:, 0]) ** 2).mean() + (model(edge) ** 2).mean()

        return training(m, model, loss, "Adam", lr=0.001)

    @case(f"inference of a network 16-{_width}-{_width}-4, batch 1, under no_grad", "inference")
    def inference(m, width=_width):
        m.manual_seed(0)
        model, x = mlp(m, 16, width, width, 4).eval(), m.randn(1, 16)

        def run():
            with m.no_grad():
                return model(x)

        return run


@case("inference of a policy: a network 8-32-32-3, softmax, argmax, .item(), under no_grad", "inference")
def policy(m):
    m.manual_seed(0)
    model, state = mlp(m, 8, 32, 32, 3, between="Tanh"), [0.1 * k for k in range(8)]

    def run():
        with m.no_grad():
            return m.softmax(model(m.tensor(state)), -1).argmax().item()

    return run


for _layer in ("LSTM", "GRU"):

    @case(f"{_layer} layer, 40 steps, batch 8, 24 to 40, forward and backward", "other")
    def recurrent_layer(m, layer=_layer):
        m.manual_seed(0)
        layer = getattr(m.nn, layer)(24, 40)
        xs = m.randn(40, 8, 24)

        def run():
            out, _ = layer(xs)
            layer.zero_grad()
            out.sum().backward()

        return run


@case("Transformer encoder layer, batch 8, length 16, 32 wide, 4 heads, forward and backward", "other")
def encoder_layer(m):
    m.manual_seed(0)
    layer = m.nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
    x = m.randn(8, 16, 32)

    def run():
        layer.zero_grad()
        layer(x).sum().backward()

    return run
