"""A small DCGAN (Radford, Metz and Chintala, 2016): one network draws digits, the other tells them from real ones.

Try `python gan.py --epochs 30 --plot out/gan.png`.
"""

import argparse
from pathlib import Path

import torch
import torch.nn as nn
import torch.optim as optim
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


class Generator(nn.Module):
    """Noise in, pictures of 8 x 8 between -1 and 1 out."""

    def __init__(self, noise, width):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(noise, 4 * width, 2, bias=False),
            nn.BatchNorm2d(4 * width),
            nn.ReLU(True),
            nn.ConvTranspose2d(4 * width, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(True),
            nn.ConvTranspose2d(2 * width, 1, 4, stride=2, padding=1, bias=False),
            nn.Tanh(),
        )

    def forward(self, noise):
        return self.main(noise)


class Discriminator(nn.Module):
    """Pictures in, a score out: high for those that look real."""

    def __init__(self, width):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(1, 2 * width, 4, stride=2, padding=1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(2 * width, 4 * width, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(4 * width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(4 * width, 1, 2, bias=False),
        )

    def forward(self, pictures):
        return self.main(pictures).view(-1)


def initialize(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.05)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def train_step(real, noise, generator, discriminator, optimizer_g, optimizer_d, criterion):
    """Train the discriminator, then the generator, on one batch; returns both losses."""
    ones = torch.ones(real.size(0), device=real.device)
    zeros = torch.zeros_like(ones)

    discriminator.zero_grad()
    fake = generator(noise)
    # Real pictures count as 0.9 sure, so that the discriminator does not grow too sure of itself.
    loss_d = criterion(discriminator(real), 0.9 * ones) + criterion(discriminator(fake.detach()), zeros)
    loss_d.backward()
    optimizer_d.step()

    generator.zero_grad()
    loss_g = criterion(discriminator(fake), ones)
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


def show(picture):
    """A picture of 8 x 8 as lines of text, two letters to a pixel."""
    shades = " .:-=+*#%@"
    return ["".join(shades[min(9, int(5 + 5 * value))] * 2 for value in row) for row in picture.view(8, 8).tolist()]


def save_plot(pictures, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(4, 8, figsize=(8, 4), layout="constrained")
    for axis, picture in zip(axes.flat, pictures):
        axis.axis("off")
        axis.imshow(picture.view(8, 8), cmap="gray_r", vmin=-1, vmax=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    print(f"new digits: {path}")


def main():
    parser = argparse.ArgumentParser(description="A small DCGAN")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--noise", type=int, default=16)
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--beta1", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--double", action="store_true", help="compute in double precision")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--plot", type=Path, help="write 32 new digits to this picture (matplotlib)")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    if args.double:
        torch.set_default_dtype(torch.float64)
    device = torch.device(args.device)
    pictures, _ = load_digits(return_X_y=True)
    pictures = torch.tensor(pictures, dtype=torch.get_default_dtype()).reshape(-1, 1, 8, 8) / 8 - 1
    loader = DataLoader(TensorDataset(pictures), batch_size=args.batch_size, shuffle=True, drop_last=True)

    generator = Generator(args.noise, args.width).to(device)
    discriminator = Discriminator(args.width).to(device)
    generator.apply(initialize)
    discriminator.apply(initialize)
    optimizer_g = optim.Adam(generator.parameters(), lr=args.lr, betas=(args.beta1, 0.999))
    optimizer_d = optim.Adam(discriminator.parameters(), lr=args.lr, betas=(args.beta1, 0.999))
    criterion = nn.BCEWithLogitsLoss()
    same_noise = torch.randn(32, args.noise, 1, 1, device=device)

    for epoch in range(1, args.epochs + 1):
        losses_d, losses_g = [], []
        for (real,) in loader:
            noise = torch.randn(real.size(0), args.noise, 1, 1, device=device)
            loss_d, loss_g = train_step(
                real.to(device), noise, generator, discriminator, optimizer_g, optimizer_d, criterion
            )
            losses_d.append(loss_d)
            losses_g.append(loss_g)
        mean_d, mean_g = sum(losses_d) / len(losses_d), sum(losses_g) / len(losses_g)
        print(f"epoch {epoch}  discriminator {mean_d:.4f}  generator {mean_g:.4f}")

    generator.eval()
    with torch.no_grad():
        drawn = generator(same_noise).cpu()
    print("\nIt draws:")
    for lines in zip(*(show(picture) for picture in drawn[:4])):
        print("   ".join(lines).rstrip())
    if args.plot:
        save_plot(drawn, args.plot)


if __name__ == "__main__":
    main()
