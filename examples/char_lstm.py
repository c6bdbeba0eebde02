"""A character LSTM learns to spell: it reads sentences letter by letter and writes some of its own.

Try `python char_lstm.py --steps 250`.
"""

import argparse
import random

import torch
import torch.nn as nn
from torch.nn.utils import clip_grad_norm_

WHO = {"cat": "purrs", "dog": "barks", "bird": "sings", "king": "sleeps", "moon": "shines", "river": "runs"}
HOW = ["old", "small", "quiet", "happy", "grey"]
WHERE = ["on the hill", "by the sea", "under a tree", "all day long", "in the rain"]


def write_text(sentences, seed):
    """Sentences such as "the old dog barks by the sea." What someone does depends on who it is."""
    draw = random.Random(seed)
    lines = []
    for _ in range(sentences):
        who, does = draw.choice(list(WHO.items()))
        lines.append(f"the {draw.choice(HOW)} {who} {does} {draw.choice(WHERE)}.\n")
    return "".join(lines)


class CharLSTM(nn.Module):
    """Letters in, scores for the letter after each of them out; the state goes in and out beside them."""

    def __init__(self, letters, embedding, hidden, layers, dropout):
        super().__init__()
        self.embedding = nn.Embedding(letters, embedding)
        self.lstm = nn.LSTM(embedding, hidden, layers, dropout=dropout, batch_first=True)
        self.decoder = nn.Linear(hidden, letters)

    def forward(self, x, state=None):
        output, state = self.lstm(self.embedding(x), state)
        return self.decoder(output), state


def batches(codes, batch_size, length):
    """Cut the text into `batch_size` columns and walk down them, so that the state of a column can be carried on."""
    columns = codes[: len(codes) // batch_size * batch_size].view(batch_size, -1)
    while True:
        for start in range(0, columns.size(1) - length, length):
            yield start, columns[:, start : start + length], columns[:, start + 1 : start + length + 1]


@torch.no_grad()
def sample(model, codes, letters, length, temperature, device):
    """Text that the model writes, one drawn letter after the other."""
    model.eval()
    x, state, written = torch.tensor([[codes["\n"]]], device=device), None, []
    for _ in range(length):
        scores, state = model(x, state)
        chances = torch.softmax(scores[:, -1] / temperature, dim=-1)
        x = torch.multinomial(chances, 1)
        written.append(letters[x.item()])
    return "".join(written)


def main():
    parser = argparse.ArgumentParser(description="A character LSTM")
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--report", type=int, default=25, help="steps between two lines of output")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--length", type=int, default=40, help="letters that the gradient goes back through")
    parser.add_argument("--hidden", type=int, default=96)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    text = write_text(1500, args.seed)
    letters = sorted(set(text))
    codes = {letter: i for i, letter in enumerate(letters)}
    encoded = torch.tensor([codes[letter] for letter in text], device=device)

    model = CharLSTM(len(letters), 16, args.hidden, args.layers, args.dropout).to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.99)

    state, total = None, 0.0
    for step, (start, x, y) in zip(range(1, args.steps + 1), batches(encoded, args.batch_size, args.length)):
        # The state is carried on along the text, but the gradient stops here.
        state = None if state is None or start == 0 else tuple(part.detach() for part in state)
        scores, state = model(x, state)
        loss = criterion(scores.reshape(-1, len(letters)), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(model.parameters(), args.clip)
        optimizer.step()
        scheduler.step()
        total += loss.item()
        if step % args.report == 0:
            print(f"step {step}  loss {total / args.report:.5f}")
            total = 0.0

    print("\nIt writes:")
    print(sample(model, codes, letters, 200, args.temperature, device))


if __name__ == "__main__":
    main()
