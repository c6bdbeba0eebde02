"""A convolutional network reads handwritten digits: batch norm, augmentation, and one cycle of the learning rate.

Try `python mnist_cnn.py --epochs 8`.
"""

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    """The digits that scikit-learn ships; the training part is moved about by up to a pixel."""

    def __init__(self, train, held_out=360):
        pictures, labels = load_digits(return_X_y=True)
        part = slice(None, -held_out) if train else slice(-held_out, None)
        self.pictures = torch.from_numpy(pictures[part]).float().view(-1, 1, 8, 8) / 16
        self.labels = torch.from_numpy(labels[part])
        self.train = train

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        picture = self.pictures[i]
        if self.train:
            down, right = torch.randint(0, 3, (2,)).tolist()
            picture = F.pad(picture, (1, 1, 1, 1))[:, down : down + 8, right : right + 8]
        return picture, self.labels[i]


class Net(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(32)
        self.dropout = nn.Dropout(dropout)
        self.fc1 = nn.Linear(32 * 4 * 4, 64)
        self.fc2 = nn.Linear(64, 10)
        self.apply(self.initialize)

    @staticmethod
    def initialize(module):
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x):
        x = F.relu(self.norm1(self.conv1(x)))
        x = F.max_pool2d(F.relu(self.norm2(self.conv2(x))), 2)
        x = torch.flatten(self.dropout(x), 1)
        x = self.dropout(F.relu(self.fc1(x)))
        return F.log_softmax(self.fc2(x), dim=1)


def train(model, loader, optimizer, scheduler, device):
    """One pass over the training set; returns the mean loss."""
    model.train()
    total = 0.0
    for pictures, labels in loader:
        pictures, labels = pictures.to(device), labels.to(device)
        optimizer.zero_grad(set_to_none=True)
        loss = F.nll_loss(model(pictures), labels)
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.item() * pictures.size(0)
    return total / len(loader.dataset)


def evaluate(model, loader, device):
    """The mean loss and the share of digits read rightly, on pictures as they are."""
    model.eval()
    total = right = 0
    with torch.no_grad():
        for pictures, labels in loader:
            pictures, labels = pictures.to(device), labels.to(device)
            output = model(pictures)
            total += F.nll_loss(output, labels, reduction="sum").item()
            right += output.argmax(dim=1, keepdim=True).eq(labels.view(-1, 1)).sum().item()
    return total / len(loader.dataset), right / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser(description="A convolutional network for digits")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--test-batch-size", type=int, default=180)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--lr", type=float, default=0.1, help="the highest learning rate of the cycle")
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--weight-decay", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    device = torch.device(args.device)
    train_loader = DataLoader(Digits(train=True), batch_size=args.batch_size, shuffle=True, drop_last=True)
    test_loader = DataLoader(Digits(train=False), batch_size=args.test_batch_size)

    model = Net(args.dropout).to(device)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=args.lr, momentum=args.momentum, weight_decay=args.weight_decay, nesterov=True
    )
    scheduler = OneCycleLR(optimizer, max_lr=args.lr, epochs=args.epochs, steps_per_epoch=len(train_loader))
    print(f"{sum(p.numel() for p in model.parameters() if p.requires_grad)} parameters")

    for epoch in range(1, args.epochs + 1):
        loss = train(model, train_loader, optimizer, scheduler, device)
        test_loss, accuracy = evaluate(model, test_loader, device)
        print(f"epoch {epoch}  loss {loss:.5f}  held-out {test_loss:.5f}  accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
