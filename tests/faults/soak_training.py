"""What is trained while faults come: one step in parts, and for each part what undoes an attempt that failed.

docs/faults.md says which parts of a step are all or nothing by themselves. What is not (the running statistics of batch
norms, random numbers, averages, learning rates, a pass over a DataLoader) is kept here before it is changed and put back.
"""

import hashlib

import rushlight as rl
from rushlight import nn, optim
from rushlight.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from rushlight.utils.data import DataLoader, TensorDataset

BATCH, BATCHES, WORKERS, CLASSES, LETTERS = 8, 48, 2, 5, 20
EVALUATED, SAVED = 10, 25


class Model(nn.Module):
    """Looks at an image, reads a few letters, and tells the class."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 5, stride=4, padding=2)
        self.norm = nn.BatchNorm2d(4)
        self.letters = nn.Embedding(LETTERS, 8)
        self.lstm = nn.LSTM(8, 12, batch_first=True)
        self.attention = nn.MultiheadAttention(12, 2, dropout=0.1, batch_first=True)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(4 * 16 + 12, CLASSES)

    def forward(self, image, letters):
        """Scores of shape (N, CLASSES) for images (N, 1, 32, 32) and letters (N, L)."""
        seen = nn.functional.max_pool2d(self.norm(self.conv(image)).relu(), 2).flatten(1)
        read, _ = self.lstm(self.letters(letters))
        read, _ = self.attention(read, read, read, need_weights=False)
        return self.head(self.dropout(rl.cat([seen, read.mean(1)], 1)))


def dataset():
    """Images of 32 x 32, so that a batch travels in shared memory, letters and classes."""
    stream = rl.Generator().manual_seed(7)
    count = BATCH * BATCHES
    return TensorDataset(
        rl.randn(count, 1, 32, 32, generator=stream),
        rl.randint(LETTERS, (count, 6), generator=stream),
        rl.randint(CLASSES, (count,), generator=stream),
    )


class Training:
    """A model, all that trains it, and where it is in its epoch."""

    def __init__(self, data):
        self.data = data
        rl.manual_seed(1)
        self.model = Model()
        heads = list(self.model.head.parameters())
        others = [p for p in self.model.parameters() if not any(p is q for q in heads)]
        self.optimizer = optim.Adam([{"params": others}, {"params": heads, "lr": 3e-3}], lr=1e-3, weight_decay=1e-4)
        self.scheduler = optim.lr_scheduler.CosineAnnealingWarmRestarts(self.optimizer, 30)
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
        self.steps = 0
        self.loader = None
        self.told = hashlib.sha256()

    # -- the batch
    def begin_pass(self):
        """Start workers for what is left of the epoch, from which the order follows; nothing global is drawn."""
        epoch, at = divmod(self.steps, BATCHES)
        stream = rl.Generator().manual_seed(epoch)
        order = rl.randperm(BATCH * BATCHES, generator=stream).tolist()
        batches = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        self.loader = iter(DataLoader(self.data, batch_sampler=batches[at:], num_workers=WORKERS, generator=stream))

    def fetch(self):
        """The batch of this step."""
        return next(self.loader)

    def end_pass(self):
        """Give up the pass over the data: the next batch is fetched by a new one, which begins with it."""
        self.loader = None

    # -- gradients
    def before_gradients(self):
        return rl.get_rng_state(), [buffer.clone() for buffer in self.model.buffers()]

    def gradients(self, batch):
        """Gradients of the loss, clipped. Clipping them twice would not give the same: they are computed anew."""
        image, letters, wanted = batch
        self.model.train()
        self.optimizer.zero_grad()
        loss = nn.functional.cross_entropy(self.model(image, letters), wanted)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        return loss.item()

    def undo_gradients(self, before):
        state, buffers = before
        rl.set_rng_state(state)
        put(self.model.buffers(), buffers)

    # -- the step
    def counts(self):
        """How often each parameter was stepped: all as often, or a step was left half done."""
        states = self.optimizer.state
        return {states[p]["step"].item() if states[p] else 0.0 for p in self.model.parameters()}

    def change(self):
        self.optimizer.step()

    # -- what comes after it
    def before_rates(self):
        return dict(self.scheduler.state_dict()), [group["lr"] for group in self.optimizer.param_groups]

    def rates(self):
        self.scheduler.step()

    def undo_rates(self, before):
        self.scheduler.load_state_dict(before[0])
        for group, lr in zip(self.optimizer.param_groups, before[1], strict=True):
            group["lr"] = lr

    def before_average(self):
        return [value.clone() for value in self.average.state_dict().values()]

    def follow(self):
        self.average.update_parameters(self.model)

    def undo_average(self, before):
        put(self.average.state_dict().values(), before)

    def evaluate(self):
        """The score of the averaged model on part of the data; nothing is changed."""
        self.average.eval()
        image, letters, wanted = self.data[: 4 * BATCH]
        with rl.no_grad():
            scores = self.average(image, letters)
            assert not scores.requires_grad
            return nn.functional.cross_entropy(scores, wanted).item()

    # -- all of it
    def state_dict(self):
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "random": rl.get_rng_state(),
            "steps": self.steps,
        }

    def load_state_dict(self, saved):
        self.model.load_state_dict(saved["model"])
        self.average.load_state_dict(saved["average"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.scheduler.load_state_dict(saved["scheduler"])
        rl.set_rng_state(saved["random"])
        self.steps = saved["steps"]

    def note(self, *numbers):
        """Take what was seen on the way into the digest."""
        self.told.update(repr(numbers).encode())

    def digest(self):
        """A text that is the same for the same bits of weights, moments, averages, rates, random state and losses."""
        digests = [f"losses={self.told.hexdigest()}"]
        for name, kept in self.state_dict().items():
            total = hashlib.sha256()
            for part in flat(kept):
                total.update(part.numpy().tobytes() if isinstance(part, rl.Tensor) else repr(part).encode())
            digests.append(f"{name}={total.hexdigest()}")
        return " ".join(digests)


def put(tensors, values):
    with rl.no_grad():
        for tensor, value in zip(tensors, values, strict=True):
            tensor.copy_(value)


def flat(value):
    """Numbers and tensors within dicts and lists, in their order."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, (list, tuple)):
        return [value]
    return [part for each in value for part in flat(each)]


def plain_step(training):
    """One step that nothing disturbs."""
    batch = fetched(training)
    loss = training.gradients(batch)
    training.change()
    training.rates()
    training.follow()
    finish_step(training, loss)
    if training.steps % EVALUATED == 0:
        training.note(training.evaluate())


def fetched(training):
    if training.loader is None:
        training.begin_pass()
    batch = training.fetch()
    if (training.steps + 1) % BATCHES == 0:
        training.end_pass()
    return batch


def finish_step(training, loss):
    training.steps += 1
    training.note(loss)
