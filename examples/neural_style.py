"""Neural style (Gatys, Ecker and Bethge, 2016) on a small picture: what one picture shows, in the manner of another.

The features are those of a convolutional network with random weights, which know textures well enough (Ustyuzhaninov
and others, 2017), so nothing has to be downloaded. LBFGS moves the pixels.

Try `python neural_style.py --steps 10 --plot out/neural_style.png`.
"""

import argparse
import math
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


def draw_content(size):
    """A red sun over a green hill under a blue sky: (1, 3, size, size) in [0, 1]."""
    line = torch.linspace(0, 1, size)
    y, x = torch.meshgrid(line, line, indexing="ij")
    picture = torch.stack([0.4 + 0.3 * y, 0.6 + 0.2 * y, 0.9 - 0.2 * y])
    sun = torch.sigmoid(60 * (0.18 - ((x - 0.65) ** 2 + (y - 0.3) ** 2).sqrt()))
    hill = torch.sigmoid(60 * (y - 0.75 + 0.12 * torch.sin(2 * math.pi * x)))
    for mask, color in ((sun, (0.9, 0.2, 0.1)), (hill, (0.15, 0.5, 0.2))):
        picture = picture * (1 - mask) + torch.tensor(color).view(3, 1, 1) * mask
    return picture.unsqueeze(0)


def draw_style(size):
    """Slanted waves of ochre and dark blue."""
    line = torch.linspace(0, 1, size)
    y, x = torch.meshgrid(line, line, indexing="ij")
    wave = 0.5 + 0.5 * torch.sin(2 * math.pi * (5 * x + 3 * y + 0.3 * torch.sin(4 * math.pi * y)))
    ochre, blue = torch.tensor([[0.9, 0.7, 0.2], [0.1, 0.15, 0.45]]).view(2, 3, 1, 1)
    return (ochre * wave + blue * (1 - wave)).unsqueeze(0)


class Features(nn.Module):
    """Three layers of random convolutions, each at half the resolution of the one before; returns all of them."""

    def __init__(self, width):
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(inputs, width, 5, padding=2, padding_mode="reflect") for inputs in (3, width, width)
        )
        for conv in self.convs:
            nn.init.kaiming_normal_(conv.weight)
            nn.init.zeros_(conv.bias)
        for parameter in self.parameters():
            parameter.requires_grad_(False)

    def forward(self, x):
        found = []
        for conv in self.convs:
            if found:
                x = F.avg_pool2d(x, 2)
            x = F.relu(conv(x))
            found.append(x)
        return found


def gram_matrix(features):
    """How strongly each pair of features comes together, wherever it is: the texture without the places."""
    batch, channels, height, width = features.shape
    flat = features.view(batch, channels, height * width)
    return torch.bmm(flat, flat.transpose(1, 2)) / (height * width)


def roughness(picture):
    """The mean squared difference of neighbouring pixels."""
    down = picture[:, :, 1:] - picture[:, :, :-1]
    right = picture[:, :, :, 1:] - picture[:, :, :, :-1]
    return down.pow(2).mean() + right.pow(2).mean()


def save_plot(pictures, titles, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(pictures), figsize=(3 * len(pictures), 3.3), layout="constrained")
    for axis, picture, title in zip(axes, pictures, titles):
        axis.axis("off")
        axis.set_title(title)
        axis.imshow(picture[0].permute(1, 2, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    print(f"pictures: {path}")


def main():
    parser = argparse.ArgumentParser(description="Neural style")
    parser.add_argument("--steps", type=int, default=10, help="steps of LBFGS, of up to ten evaluations each")
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--width", type=int, default=64, help="features of each layer")
    parser.add_argument("--content-weight", type=float, default=2.0)
    parser.add_argument("--style-weight", type=float, default=200.0)
    parser.add_argument("--smooth-weight", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--plot", type=Path, help="write content, style and result to this picture (matplotlib)")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    content, style = draw_content(args.size).to(device), draw_style(args.size).to(device)
    network = Features(args.width).to(device).eval()
    with torch.no_grad():
        wanted_content = network(content)[-1]
        wanted_style = [gram_matrix(features) for features in network(style)]

    picture = content.clone().requires_grad_(True)
    optimizer = optim.LBFGS([picture], max_iter=10, history_size=10, line_search_fn="strong_wolfe")
    losses = {}

    def closure():
        optimizer.zero_grad()
        found = network(picture)
        content_loss = F.mse_loss(found[-1], wanted_content)
        style_loss = torch.stack([F.mse_loss(gram_matrix(a), b) for a, b in zip(found, wanted_style)]).sum()
        loss = args.content_weight * content_loss + args.style_weight * style_loss
        loss = loss + args.smooth_weight * roughness(picture)
        loss.backward()
        losses.update(content=content_loss.item(), style=style_loss.item())
        return loss

    for step in range(1, args.steps + 1):
        loss = optimizer.step(closure).item()
        print(f"step {step}  loss {loss:.5f}  content {losses['content']:.5f}  style {losses['style']:.5f}")

    with torch.no_grad():
        picture.clamp_(0, 1)
    if args.plot:
        shown = [part.detach().cpu() for part in (content, style, picture)]
        save_plot(shown, ["content", "style", "both"], args.plot)


if __name__ == "__main__":
    main()
