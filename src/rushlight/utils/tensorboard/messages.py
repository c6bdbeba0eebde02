"""What TensorBoard's plugins read, as messages: tensors, hyperparameters, curves, meshes, sound, layouts of charts.

The numbers of fields are those of the .proto files of https://github.com/tensorflow/tensorboard, in compat/proto and plugins.
"""

import io
import json
import wave

import numpy as np

from ...missing import of_module
from ...serialization.protobuf import data, double, integer, integers, single

_TYPES = {
    "float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "complex64": 8, "int64": 9, "bool": 10,
    "bfloat16": 14, "uint16": 17, "complex128": 18, "float16": 19, "uint32": 22, "uint64": 23,
}  # fmt: skip
_TEXT = 7


def tensor(array):
    """TensorProto of numbers; ValueError for those that have no type in it."""
    if array.dtype.name not in _TYPES:
        raise ValueError(f"unsupported tensor dtype {array.dtype.name}")
    if array.nbytes >= 1 << 31:
        raise ValueError("tensor is bigger than protocol buffer's hard limit of 2GB in size")
    content = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return integer(1, _TYPES[array.dtype.name]) + data(2, _shape(array.shape)) + data(4, content)


def text(content, shape=()):
    """TensorProto of a text, or of a message."""
    return integer(1, _TEXT) + data(2, _shape(shape)) + data(8, content)


def _shape(shape):
    return b"".join([data(2, integer(1, n)) for n in shape])


def metadata(plugin, content=b""):
    """SummaryMetadata: which plugin reads a value, and what it is told."""
    return data(1, data(1, plugin) + data(2, content))


def hyperparameters(given, metrics, choices):
    """[(tag, content), ...] of an experiment, of a session that begins, and of one that has ended well."""
    infos, values = b"", b""
    for name, value in given.items():
        if value is None:
            continue
        kind, content = _value(value)
        listed = b"".join([data(1, _value(choice)[1]) for choice in choices.get(name, ())])
        infos += data(4, data(1, name) + integer(4, kind) + (data(5, listed) if name in choices else b""))
        values += data(1, data(1, name) + data(2, content))
    wanted = b"".join([data(5, data(1, data(2, name))) for name in metrics])
    parts = (
        ("experiment", 2, infos + wanted),
        ("session_start_info", 3, values),
        ("session_end_info", 4, integer(1, 1)),
    )
    return [(f"_hparams_/{name}", data(9, metadata("hparams", data(field, part)))) for name, field, part in parts]


def _value(value):
    """(DataType, google.protobuf.Value) of a hyperparameter."""
    if isinstance(value, (bool, np.bool_)):
        return 2, integer(4, int(value))
    if isinstance(value, str):
        return 1, data(3, value)
    if isinstance(value, (int, float, np.number)):
        return 3, double(2, float(value))
    raise ValueError("value should be one of int, float, str, bool, or torch.Tensor")


def precision_recall(labels, predictions, thresholds, weights):
    """(6, thresholds): true and false positives, true and false negatives, precision, recall at each threshold.

    Thresholds are even from 0 to 1; a prediction counts as positive where it is at least as large.
    """
    labels = labels.astype(np.float64)
    weights = np.broadcast_to(1.0 if weights is None else weights, labels.shape)
    place = np.floor(predictions * (thresholds - 1)).astype(np.int64)
    if place.size and not 0 <= place.min() <= place.max() < thresholds:
        raise ValueError("predictions must lie between 0 and 1")
    hit, missed = [np.bincount(place.ravel(), (part * weights).ravel(), thresholds) for part in (labels, 1 - labels)]
    positive, wrong = [np.cumsum(counts[::-1])[::-1] for counts in (hit, missed)]
    least = 1e-7
    precision = positive / np.maximum(least, positive + wrong)
    recall = positive / np.maximum(least, positive[0])
    return np.stack([positive, wrong, wrong[0] - wrong, positive[0] - positive, precision, recall])


def curve(table, thresholds):
    """Content of a value for the plugin of such curves."""
    told = metadata("pr_curves", integer(2, min(thresholds, 127)))
    return data(8, tensor(np.asarray(table, np.float32))) + data(9, told)


def mesh(tag, parts, config):
    """[(tag, content), ...] of vertices, faces and colours, those that are given."""
    there = [(kind, name, array) for kind, (name, array) in enumerate(parts.items(), 1) if array is not None]
    components = sum([1 << kind for kind, _, _ in there])
    described = json.dumps(config or {}, sort_keys=True)
    found = []
    for kind, name, array in there:
        if array.ndim != 3:
            raise ValueError(f"{name.lower()} must have three dimensions, (batch, number, 3), got {array.shape}")
        told = data(2, tag) + integer(3, kind) + data(5, described) + integers(6, array.shape) + integer(7, components)
        told = metadata("mesh", told)
        found.append((f"{tag}_{name}", data(8, tensor(array.astype(np.float32))) + data(9, told)))
    return found


def sound(array, rate):
    """Summary.Audio of numbers from -1 to 1, louder ones cut off."""
    array = array.squeeze()
    if array.ndim != 1:
        raise AssertionError("input tensor should be 1 dimensional.")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((array.clip(-1, 1) * 32767).astype("<i2").tobytes())
    told = single(1, rate) + integer(2, 1) + integer(3, array.size)
    return told + data(4, out.getvalue()) + data(5, "audio/wav")


def layout(categories):
    """Content of the value that says which scalars are drawn in one chart."""
    parts = b""
    for category, charts in categories.items():
        drawn = b"".join([data(2, _chart(title, *chart)) for title, chart in charts.items()])
        parts += data(2, data(1, category) + drawn)
    return data(8, text(parts)) + data(9, metadata("custom_scalars"))


def _chart(title, kind, tags):
    if kind != "Margin":
        return data(1, title) + data(2, b"".join([data(1, tag) for tag in tags]))
    if len(tags) != 3:
        raise AssertionError(f"Expected 3 tags, got {len(tags)}.")
    return data(1, title) + data(3, data(1, b"".join([data(k, tag) for k, tag in enumerate(tags, 1)])))


__getattr__ = of_module(__name__)
