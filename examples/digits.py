"""Train a small network on the 1,797 handwritten digits that scikit-learn ships, and look at what it reads wrongly.

Writes out/curves.png (loss and accuracy per epoch) and out/mistakes.png (wrongly read digits, with what the model
thought). Run it with `make demo`, or `python examples/digits.py` where scikit-learn, matplotlib and tqdm are installed.
"""

import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, PercentFormatter
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import rushlight as torch
from rushlight import nn

EPOCHS, BATCH = 30, 32
COLUMNS = 5
OUT = Path("out")


def load():
    """Training and held-out pictures, in [0, 1], with their digits."""
    pictures, digits = load_digits(return_X_y=True)
    parts = train_test_split(pictures / 16, digits, test_size=360, random_state=0, stratify=digits)
    x_train, x_test, y_train, y_test = [torch.tensor(part) for part in parts]
    return x_train.float(), y_train, x_test.float(), y_test


def build():
    """Pictures in, a score per digit out."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 64),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(64, 10),
    )


def accuracy(model, x, y):
    """The share of pictures read rightly."""
    model.eval()
    with torch.no_grad():
        right = model(x).argmax(dim=1) == y
    model.train()
    return right.float().mean().item()


def train(model, x_train, y_train, x_test, y_test):
    """Train with Adam; returns (loss, training accuracy, held-out accuracy) per epoch."""
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    history = []
    bar = tqdm(range(EPOCHS), unit="epoch")
    for _ in bar:
        total = 0.0
        order = torch.randperm(len(x_train))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            optimizer.zero_grad()
            loss = criterion(model(x_train[batch]), y_train[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        history.append((total / len(x_train), accuracy(model, x_train, y_train), accuracy(model, x_test, y_test)))
        bar.set_postfix(loss=f"{history[-1][0]:.4f}", held_out=f"{history[-1][2]:.1%}")
    return history


def draw_curves(history):
    """The loss and the accuracies of each epoch."""
    losses, training, held_out = zip(*history)
    epochs = range(1, len(history) + 1)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    left.plot(epochs, losses, color="tab:orange")
    left.set(xlabel="epoch", ylabel="mean cross-entropy (log scale)", yscale="log", title="training loss")
    left.yaxis.set_major_formatter("{x:g}")
    right.plot(epochs, training, label="training", color="tab:gray")
    right.plot(epochs, held_out, label="held out", color="tab:orange")
    right.set(xlabel="epoch", ylabel="share of digits", title="digits read rightly")
    right.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    right.legend(loc="lower right")
    for axis in (left, right):
        axis.set_xlim(1, len(losses))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
    figure.savefig(OUT / "curves.png", dpi=120)


def draw_mistakes(model, x, y):
    """The wrongly read digits, each with the model's three best guesses; returns how many there are."""
    model.eval()
    with torch.no_grad():
        chances = model(x).softmax(dim=1)
    wrong = (chances.argmax(dim=1) != y).nonzero().flatten().tolist()
    shown = wrong[: 3 * COLUMNS]
    rows = max(1, -(-len(shown) // COLUMNS))
    layout = ConstrainedLayoutEngine(wspace=0.05)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(10, 0.6 + 2.5 * rows), layout=layout, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, i in zip(axes.flat, shown):
        best = chances[i].topk(3)
        thought = "   ".join(f"{d}: {p:.0%}" for p, d in zip(best.values.tolist(), best.indices.tolist()))
        axis.axis("on")
        axis.set(xticks=[], yticks=[])
        axis.imshow(x[i].reshape(8, 8), cmap="gray_r")
        axis.set_title(f"{y[i].item()} read as {best.indices[0].item()}", fontsize=11)
        axis.set_xlabel(thought, fontsize=9, color="dimgray")
    figure.suptitle(f"{len(wrong)} of {len(y)} held-out digits read wrongly")
    figure.savefig(OUT / "mistakes.png", dpi=120)
    return len(wrong)


def main():
    torch.manual_seed(0)
    OUT.mkdir(exist_ok=True)
    x_train, y_train, x_test, y_test = load()
    model = build()
    started = time.perf_counter()
    history = train(model, x_train, y_train, x_test, y_test)
    seconds = time.perf_counter() - started
    for epoch, (loss, training, held_out) in enumerate(history, 1):
        print(f"epoch {epoch:2d}  loss {loss:.4f}  training {training:.1%}  held out {held_out:.1%}")
    draw_curves(history)
    wrong = draw_mistakes(model, x_test, y_test)
    print(
        f"trained in {seconds:.1f} s; {wrong} of {len(y_test)} held-out digits read wrongly ({history[-1][2]:.1%} right)"
    )
    print(f"pictures: {OUT / 'curves.png'}, {OUT / 'mistakes.png'}")


if __name__ == "__main__":
    main()
