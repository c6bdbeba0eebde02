"""A small GPT learns to spell and to add: attention, from the projections up to sampling.

Try `python small_gpt.py --steps 500`.
"""

import argparse
import math
import random
import re

import torch
import torch.nn as nn
import torch.nn.functional as F

NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def write_text(sums, seed):
    """Sums such as "two and three are five." up to nine, one to a line."""
    draw = random.Random(seed)
    lines = []
    for _ in range(sums):
        a = draw.randint(1, 8)
        b = draw.randint(1, 9 - a)
        lines.append(f"{NUMBERS[a - 1]} and {NUMBERS[b - 1]} are {NUMBERS[a + b - 1]}.\n")
    return "".join(lines)


class Attention(nn.Module):
    """Each position looks at itself and at those before it, in several ways at once."""

    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        seen = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        return self.out(seen.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, dropout)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(dropout)
        )

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    """Letters in, scores for the letter after each of them out."""

    def __init__(self, letters, context, width, heads, layers, dropout):
        super().__init__()
        self.context = context
        self.letters = nn.Embedding(letters, width)
        self.places = nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, letters, bias=False)
        self.head.weight = self.letters.weight
        self.apply(self.initialize)

    @staticmethod
    def initialize(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.05)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, x):
        x = self.letters(x) + self.places(torch.arange(x.size(1), device=x.device))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))

    @torch.no_grad()
    def generate(self, x, count, temperature=1.0, top_k=5):
        """`x` with `count` more letters, each drawn from the `top_k` likeliest."""
        self.eval()
        for _ in range(count):
            scores = self(x[:, -self.context :])[:, -1] / temperature
            least = scores.topk(top_k).values[:, -1:]
            scores = scores.masked_fill(scores < least, -math.inf)
            x = torch.cat([x, torch.multinomial(scores.softmax(dim=-1), 1)], dim=1)
        self.train()
        return x


def make_optimizer(model, lr, weight_decay):
    """AdamW that decays matrices and leaves biases and norms alone."""
    decay = [p for p in model.parameters() if p.dim() >= 2]
    rest = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": decay, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95))


def warm_up_and_down(steps, warm_up=20):
    """The factor on the learning rate: up in a line, then down along a cosine to a tenth."""

    def factor(step):
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.55 + 0.45 * math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up))

    return factor


def count_right(text):
    """How many of the whole lines of `text` are right sums, and how many lines there are."""
    lines = text.split("\n")[:-1]
    value = {word: number for number, word in enumerate(NUMBERS, 1)}
    found = [re.fullmatch(r"(\w+) and (\w+) are (\w+)\.", line) for line in lines]
    terms = [[value.get(word, math.nan) for word in match.groups()] for match in found if match]
    return sum(a + b == c for a, b, c in terms), len(lines)


def main():
    parser = argparse.ArgumentParser(description="A small GPT")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--report", type=int, default=50, help="steps between two lines of output")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--context", type=int, default=48)
    parser.add_argument("--width", type=int, default=48)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--lr", type=float, default=8e-3)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--letters", type=int, default=300, help="letters to write at the end")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    text = write_text(2000, args.seed)
    letters = sorted(set(text))
    codes = {letter: i for i, letter in enumerate(letters)}
    encoded = torch.tensor([codes[letter] for letter in text])

    model = GPT(len(letters), args.context, args.width, args.heads, args.layers, args.dropout).to(device)
    optimizer = make_optimizer(model, args.lr, args.weight_decay)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, warm_up_and_down(args.steps))
    print(f"{sum(p.numel() for p in model.parameters())} parameters, {len(letters)} letters")

    total = 0.0
    for step in range(1, args.steps + 1):
        starts = torch.randint(len(encoded) - args.context - 1, (args.batch_size,)).tolist()
        pieces = torch.stack([encoded[i : i + args.context + 1] for i in starts]).to(device)
        scores = model(pieces[:, :-1])
        loss = F.cross_entropy(scores.flatten(0, 1), pieces[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        optimizer.step()
        scheduler.step()
        total += loss.item()
        if step % args.report == 0:
            print(f"step {step}  loss {total / args.report:.5f}")
            total = 0.0

    start = torch.tensor([[codes["\n"]]], device=device)
    written = "".join(letters[code] for code in model.generate(start, args.letters, args.temperature)[0, 1:].tolist())
    right, lines = count_right(written)
    print(f"\nIt writes:\n{written}\n\n{right} of {lines} whole lines are right")


if __name__ == "__main__":
    main()
