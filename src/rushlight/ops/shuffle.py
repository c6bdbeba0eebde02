"""Moving parts of dimensions about in one copy: channels into space and back, and channels among each other."""

from .copying import copied
from .declare import linear, renamed
from .shape import inverse


def _shuffle_samples(op, size, inputs, batched, params):
    order = (0, *[d + 1 for d in params["order"]])
    return op(inputs[0], parts=(size, *params["parts"]), order=order, shape=(size, *params["shape"]))


@linear(
    batch=_shuffle_samples,
    x=lambda g, x_shape, parts, order: shuffle(
        g, parts=tuple([parts[d] for d in order]), order=inverse(order), shape=x_shape
    ),
)
def shuffle(x, *, parts, order, shape):
    """x seen in the sizes `parts`, these put in another order, and that seen as `shape`."""
    return copied(x.reshape(parts).transpose(order)).reshape(shape)


pixel_shuffle = renamed(shuffle, "PixelShuffleBackward0")
pixel_unshuffle = renamed(shuffle, "PixelUnshuffleBackward0")
channel_shuffle = renamed(shuffle, "ChannelShuffleBackward0")
