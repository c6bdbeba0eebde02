"""Networks whose time goes into matrix products and convolutions."""

from .case import case, training
from .training import mlp


@case("MLP 784-1024-1024-10, batch 256, Adam step", "dense")
def dense(m):
    m.manual_seed(0)
    model = mlp(m, 784, 1024, 1024, 10)
    x, y = m.randn(256, 784), m.randint(0, 10, (256,))
    return training(m, model, lambda: m.nn.functional.cross_entropy(model(x), y), "Adam", lr=0.001)


@case("MLP 784-1024-1024-10, batch 256, inference under no_grad", "dense")
def dense_inference(m):
    m.manual_seed(0)
    model, x = mlp(m, 784, 1024, 1024, 10), m.randn(256, 784)

    def run():
        with m.no_grad():
            return model(x)

    return run


def pictures(m, *shape):
    m.manual_seed(0)
    return m.randn(*shape), m.randint(0, 10, (shape[0],))


def small_cnn(m, narrow, wide):
    nn = m.nn
    return nn.Sequential(
        nn.Conv2d(1, narrow, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(narrow, wide, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(wide * 49, 10),
    )  # fmt: skip


for _narrow, _wide in ((8, 16), (16, 32), (32, 64)):

    @case(f"CNN of {_narrow} and {_wide} channels on 28 x 28, batch 32, SGD step", "convolution")
    def cnn(m, narrow=_narrow, wide=_wide):
        x, y = pictures(m, 32, 1, 28, 28)
        model = small_cnn(m, narrow, wide)
        return training(m, model, lambda: m.nn.functional.cross_entropy(model(x), y), lr=0.01)


@case("CNN of 16 and 32 channels on 28 x 28, batch 32, inference under no_grad", "convolution")
def cnn_inference(m):
    x, _ = pictures(m, 32, 1, 28, 28)
    model = small_cnn(m, 16, 32)

    def run():
        with m.no_grad():
            return model(x)

    return run


def residual_block(m, channels):
    """Two convolutions with batch norm, and what came in is added."""
    nn = m.nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
            self.one, self.two = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

        def forward(self, x):
            return (x + self.two(self.second(self.one(self.first(x)).relu()))).relu()

    return Block()


for _channels, _side in ((32, 16), (64, 16), (64, 8)):

    @case(
        f"two residual blocks, {_channels} channels, {_side} x {_side}, batch norm, batch 32, SGD step", "convolution"
    )
    def residual(m, channels=_channels, side=_side):
        x, y = pictures(m, 32, channels, side, side)
        model = m.nn.Sequential(residual_block(m, channels), residual_block(m, channels), m.nn.Flatten(2))
        head = m.nn.Linear(channels, 10)
        model.add_module("head", head)

        def loss():
            features = model[2](model[1](model[0](x))).mean(-1)
            return m.nn.functional.cross_entropy(head(features), y)

        return training(m, model, loss, lr=0.01, momentum=0.9)


def transformer_block(m, width, heads, causal):
    """Attention and two layers, each behind a layer norm, and what came in is added."""
    nn = m.nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
            self.parts, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def attend(self, x):
            batch, length, _ = x.shape
            q, k, v = (
                part.view(batch, length, heads, width // heads).transpose(1, 2)
                for part in self.parts(x).split(width, -1)
            )
            found = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
            return self.out(found.transpose(1, 2).reshape(batch, length, width))

        def forward(self, x):
            x = x + self.attend(self.before(x))
            return x + self.narrow(nn.functional.gelu(self.widen(self.between(x))))

    return Block()


for _width, _length, _batch in ((128, 64, 16), (128, 512, 4), (256, 64, 16), (256, 256, 4), (256, 512, 2)):

    @case(f"Transformer block, width {_width}, length {_length}, batch {_batch}, causal, AdamW step", "transformer")
    def transformer(m, width=_width, length=_length, batch=_batch):
        m.manual_seed(0)
        model = transformer_block(m, width, 4, True)
        x, y = m.randn(batch, length, width), m.randn(batch, length, width)
        return training(m, model, lambda: m.nn.functional.mse_loss(model(x), y), "AdamW", lr=0.001)


for _width, _length, _batch in ((128, 128, 8), (256, 512, 2)):

    @case(
        f"TransformerEncoderLayer, width {_width}, length {_length}, batch {_batch}, dropout, AdamW step", "transformer"
    )
    def encoder(m, width=_width, length=_length, batch=_batch):
        m.manual_seed(0)
        model = m.nn.TransformerEncoderLayer(width, 4, 4 * width, batch_first=True)
        x, y = m.randn(batch, length, width), m.randn(batch, length, width)
        return training(m, model, lambda: m.nn.functional.mse_loss(model(x), y), "AdamW", lr=0.001)

    @case(
        f"TransformerEncoderLayer, width {_width}, length {_length}, batch {_batch}, inference under no_grad",
        "transformer",
    )
    def encoder_inference(m, width=_width, length=_length, batch=_batch):
        m.manual_seed(0)
        model, x = (
            m.nn.TransformerEncoderLayer(width, 4, 4 * width, batch_first=True).eval(),
            m.randn(batch, length, width),
        )

        def run():
            with m.no_grad():
                return model(x)

        return run
