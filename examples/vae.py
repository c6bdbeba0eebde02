"""A variational autoencoder of handwritten digits (Kingma and Welling, 2014): it learns to draw new ones.

Try `python vae.py --epochs 15 --plot out/vae.png`.
"""

import argparse
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn, optim
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class VAE(nn.Module):
    """Pictures of 64 numbers to a normal distribution over `latent` numbers, and back to pictures."""

    def __init__(self, latent, hidden=128):
        super().__init__()
        self.latent = latent
        self.encoder = nn.Sequential(nn.Linear(64, hidden), nn.ReLU())
        self.mean = nn.Linear(hidden, latent)
        self.log_variance = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, 64), nn.Sigmoid())

    def encode(self, x):
        hidden = self.encoder(x)
        return self.mean(hidden), self.log_variance(hidden)

    def draw(self, mean, log_variance):
        """A point of the distribution, written so that the gradient reaches its mean and variance."""
        deviation = torch.exp(0.5 * log_variance)
        return mean + torch.randn_like(deviation) * deviation

    def forward(self, x):
        mean, log_variance = self.encode(x)
        return self.decoder(self.draw(mean, log_variance)), mean, log_variance


def loss_function(drawn, x, mean, log_variance):
    """The two parts of the bound, summed: how unlike the pictures are, and how far the code is from a standard normal."""
    reconstruction = F.binary_cross_entropy(drawn, x, reduction="sum")
    divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
    return reconstruction, divergence


def train(model, loader, optimizer, device):
    """One pass; returns the mean of both parts per picture."""
    model.train()
    totals = [0.0, 0.0]
    for (x,) in loader:
        x = x.to(device)
        optimizer.zero_grad()
        drawn, mean, log_variance = model(x)
        reconstruction, divergence = loss_function(drawn, x, mean, log_variance)
        (reconstruction + divergence).backward()
        optimizer.step()
        totals[0] += reconstruction.item()
        totals[1] += divergence.item()
    return [total / len(loader.dataset) for total in totals]


def show(picture):
    """A picture of 8 x 8 as lines of text, two letters to a pixel."""
    shades = " .:-=+*#%@"
    return ["".join(shades[min(9, int(10 * value))] * 2 for value in row) for row in picture.view(8, 8).tolist()]


def save_plot(pictures, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(4, 8, figsize=(8, 4), layout="constrained")
    for axis, picture in zip(axes.flat, pictures):
        axis.axis("off")
        axis.imshow(picture.view(8, 8), cmap="gray_r", vmin=0, vmax=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    print(f"new digits: {path}")


def main():
    parser = argparse.ArgumentParser(description="A variational autoencoder")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--latent", type=int, default=8)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--plot", type=Path, help="write 32 new digits to this picture (matplotlib)")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    pictures, _ = load_digits(return_X_y=True)
    pictures = torch.tensor(pictures / 16, dtype=torch.float32)
    loader = DataLoader(TensorDataset(pictures), batch_size=args.batch_size, shuffle=True)
    model = VAE(args.latent).to(device)
    optimizer = optim.Adam(model.parameters(), lr=args.lr)

    for epoch in range(1, args.epochs + 1):
        reconstruction, divergence = train(model, loader, optimizer, device)
        loss = reconstruction + divergence
        print(f"epoch {epoch}  loss {loss:.4f}  reconstruction {reconstruction:.4f}  divergence {divergence:.4f}")

    model.eval()
    with torch.no_grad():
        drawn = model.decoder(torch.randn(32, args.latent, device=device)).cpu()
    print("\nIt draws:")
    for lines in zip(*(show(picture) for picture in drawn[:4])):
        print("   ".join(lines).rstrip())
    if args.plot:
        save_plot(drawn, args.plot)


if __name__ == "__main__":
    main()
