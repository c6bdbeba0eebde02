"""Cases of loading data: a pass over a dataset, and the making of one batch."""

from .case import case


def loading(m):
    """utils.data of a module."""
    from importlib import import_module

    return import_module(f"{m.__name__}.utils.data")


def samples(m, n):
    return m.rand(n, 16), m.randint(0, 10, (n,))


def a_pass(m, dataset):
    loader = loading(m).DataLoader(dataset, batch_size=64, shuffle=True)

    def run():
        for _ in loader:
            pass

    return run


@case("DataLoader over 50,000 samples of tensors, batch 64, shuffled, per batch", "data", per=782)
def tensors(m):
    return a_pass(m, loading(m).TensorDataset(*samples(m, 50_000)))


@case("DataLoader over 50,000 samples of a class of one's own, batch 64, shuffled, per batch", "data", per=782)
def own_class(m):
    x, _ = samples(m, 50_000)

    class Pairs(loading(m).Dataset):
        def __len__(self):
            return len(x)

        def __getitem__(self, index):
            return x[index], int(index)

    return a_pass(m, Pairs())


@case("default_collate of 64 samples of 16 numbers and one", "data")
def collating(m):
    x, y = samples(m, 64)
    batch = [(x[i], int(y[i])) for i in range(64)]
    collate = loading(m).default_collate
    return lambda: collate(batch)
