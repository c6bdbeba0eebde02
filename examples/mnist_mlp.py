"""A multilayer perceptron reads handwritten digits: the whole course of a training script, checkpoints included.

Try `python mnist_mlp.py --epochs 12`, then `python mnist_mlp.py --resume out/mnist_mlp.pt` to go on from its checkpoint.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset, random_split


class MLP(nn.Module):
    """Pictures of 8 x 8 in, a score for each of the ten digits out."""

    def __init__(self, hidden, dropout):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 10),
        )

    def forward(self, x):
        return self.layers(x)


def load_data(held_out):
    """The 1,797 digits that scikit-learn ships, in [0, 1], as a training set and a held-out set."""
    pictures, labels = load_digits(return_X_y=True)
    x = torch.tensor(pictures / 16, dtype=torch.float32).view(-1, 1, 8, 8)
    digits = TensorDataset(x, torch.tensor(labels, dtype=torch.long))
    return random_split(digits, [len(digits) - held_out, held_out])


def train(model, loader, optimizer, device):
    """One pass over the training set; returns the mean loss."""
    model.train()
    total = 0.0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader, device):
    """The mean loss and the share of digits read rightly."""
    model.eval()
    total, right = 0.0, 0
    for x, y in loader:
        x, y = x.to(device), y.to(device)
        scores = model(x)
        total += F.cross_entropy(scores, y, reduction="sum").item()
        right += (scores.argmax(dim=1) == y).sum().item()
    return total / len(loader.dataset), right / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser(description="A multilayer perceptron for digits")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--save", type=Path, default=Path("out/mnist_mlp.pt"), help="where the checkpoint goes")
    parser.add_argument("--resume", type=Path, help="a checkpoint to go on from")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    training, held_out = load_data(held_out=360)
    train_loader = DataLoader(training, batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(held_out, batch_size=256)

    model = MLP(args.hidden, args.dropout).to(device)
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=4, gamma=0.5)
    done = 0
    if args.resume:
        checkpoint = torch.load(args.resume, map_location=device)
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        scheduler.load_state_dict(checkpoint["scheduler"])
        done = checkpoint["epoch"]

    for epoch in range(done + 1, done + args.epochs + 1):
        rate = scheduler.get_last_lr()[0]
        loss = train(model, train_loader, optimizer, device)
        test_loss, accuracy = evaluate(model, test_loader, device)
        scheduler.step()
        print(f"epoch {epoch}  loss {loss:.5f}  held-out {test_loss:.5f}  accuracy {accuracy:.4f}  lr {rate:g}")

    args.save.parent.mkdir(parents=True, exist_ok=True)
    torch.save(
        {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
            "epoch": done + args.epochs,
        },
        args.save,
    )
    fresh = MLP(args.hidden, args.dropout).to(device)
    fresh.load_state_dict(torch.load(args.save, map_location=device)["model"])
    print(f"saved {args.save}; read back, it is right on {evaluate(fresh, test_loader, device)[1]:.4f}")


if __name__ == "__main__":
    main()
