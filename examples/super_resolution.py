"""Super-resolution by sub-pixel convolution (Shi and others, 2016): small pictures in, twice as wide and high out.

Try `python super_resolution.py --epochs 10 --plot out/super_resolution.png`.
"""

import argparse
import math
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.init as init
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset


def draw_pictures(count, size):
    """Bright ellipses and bars at random places and angles, on a dark ground: (count, 1, size, size) in [0, 1]."""
    line = torch.linspace(-1, 1, size)
    y, x = torch.meshgrid(line, line, indexing="ij")
    pictures = torch.zeros(count, size, size)
    for _ in range(3):
        along, across, angle, long, wide, light = torch.rand(6, count, 1, 1)
        angle = math.pi * angle
        u, v = x - (1.4 * along - 0.7), y - (1.4 * across - 0.7)
        u, v = u * torch.cos(angle) + v * torch.sin(angle), v * torch.cos(angle) - u * torch.sin(angle)
        inside = (u / (0.2 + 0.6 * long)).pow(4) + (v / (0.1 + 0.3 * wide)).pow(4)
        shape = torch.sigmoid(12 * (1 - inside).clamp(min=-2)) * (0.4 + 0.6 * light)
        pictures = torch.maximum(pictures, shape)
    return pictures.unsqueeze(1)


def interpolate(pictures, factor):
    return F.interpolate(pictures, scale_factor=factor, mode="bicubic", align_corners=False)


class Net(nn.Module):
    """Convolutions on the small picture; the last makes factor ** 2 numbers of each pixel, and they become pixels.

    What they make is added to the picture that interpolation gives, so only the sharpness has to be learned.
    """

    def __init__(self, factor, width):
        super().__init__()
        self.factor = factor
        self.conv1 = nn.Conv2d(1, width, 5, padding=2)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.conv3 = nn.Conv2d(width, factor**2, 3, padding=1)
        self.pixel_shuffle = nn.PixelShuffle(factor)
        for conv in (self.conv1, self.conv2):
            init.orthogonal_(conv.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv3.weight, gain=0.1)

    def forward(self, x):
        hidden = F.relu(self.conv1(x))
        hidden = F.relu(self.conv2(hidden))
        return interpolate(x, self.factor) + self.pixel_shuffle(self.conv3(hidden))


def decibels(loss):
    """The peak signal-to-noise ratio of a mean squared error, for pixels in [0, 1]."""
    return 10 * math.log10(1 / loss)


def train(model, loader, optimizer, device):
    """One pass; returns the mean loss."""
    model.train()
    total = 0.0
    for small, large in loader:
        small, large = small.to(device), large.to(device)
        optimizer.zero_grad()
        loss = F.mse_loss(model(small), large)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


def save_plot(pictures, titles, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(4, len(titles), figsize=(2 * len(titles), 8), layout="constrained")
    for axis, title in zip(axes[0], titles):
        axis.set_title(title)
    for row, shown in zip(axes, zip(*pictures)):
        for axis, picture in zip(row, shown):
            axis.axis("off")
            axis.imshow(picture[0], cmap="gray", vmin=0, vmax=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    print(f"pictures: {path}")


def main():
    parser = argparse.ArgumentParser(description="Super-resolution by sub-pixel convolution")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--pictures", type=int, default=512)
    parser.add_argument("--size", type=int, default=32, help="pixels along the large pictures")
    parser.add_argument("--factor", type=int, default=2)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--plot", type=Path, help="write four held-out pictures to this picture (matplotlib)")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    large = draw_pictures(args.pictures + 64, args.size)
    small = F.avg_pool2d(large, args.factor)
    loader = DataLoader(TensorDataset(small[64:], large[64:]), batch_size=args.batch_size, shuffle=True)
    small, large = small[:64].to(device), large[:64].to(device)

    model = Net(args.factor, args.width).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    smooth = interpolate(small, args.factor)
    print(f"bicubic interpolation: {decibels(F.mse_loss(smooth, large).item()):.3f} dB")

    for epoch in range(1, args.epochs + 1):
        loss = train(model, loader, optimizer, device)
        model.eval()
        with torch.no_grad():
            guessed = model(small)
            held_out = F.mse_loss(guessed, large).item()
        scheduler.step(held_out)
        print(f"epoch {epoch}  loss {loss:.6f}  held-out {decibels(held_out):.3f} dB")

    if args.plot:
        shown = [pictures[:4].cpu().clamp(0, 1) for pictures in (small, smooth, guessed, large)]
        save_plot(shown, ["small", "bicubic", "network", "large"], args.plot)


if __name__ == "__main__":
    main()
