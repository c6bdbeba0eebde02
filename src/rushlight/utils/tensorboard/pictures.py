"""Pictures of all formats as messages: PNG, and GIF for what moves."""

import io

import numpy as np

from ...missing import of_module
from ...serialization.png import png
from ...serialization.protobuf import data, integer


def arranged(pictures, formats):
    """Pictures as (N, H, W, C) of uint8."""
    formats = formats.upper()
    if sorted(formats) not in (["C", "H", "W"], ["H", "W"], ["C", "H", "N", "W"], ["H", "N", "W"]):
        raise ValueError(f"dataformats must name dimensions among N, C, H, W, got {formats!r}")
    if pictures.ndim != len(formats):
        raise ValueError(f"size of input tensor and input format are different: {pictures.shape}, {formats}")
    pictures = whole_bytes(pictures)
    for letter in "NC":
        if letter not in formats:
            pictures, formats = pictures[..., None], formats + letter
    return pictures.transpose([formats.index(letter) for letter in "NHWC"])


def whole_bytes(pictures):
    """uint8 as it is, and numbers from 0 to 1 as 0 to 255."""
    return pictures if pictures.dtype == np.uint8 else np.clip(pictures * 255.0, 0, 255).astype(np.uint8)


def grid(pictures, columns=8):
    """(N, H, W, C) as one picture of so many columns at most, black where there is none."""
    n, height, width, channels = pictures.shape
    columns = min(n, columns)
    rows = -(-n // columns)
    whole = np.zeros((rows * columns, height, width, channels), np.uint8)
    whole[:n] = pictures
    parts = whole.reshape(rows, columns, height, width, channels)
    return parts.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)


def message(picture, encoded=None):
    """Summary.Image of (H, W, C); `encoded` is the file, where that is no PNG of it."""
    height, width, channels = picture.shape
    content = png(picture) if encoded is None else encoded
    return integer(1, height) + integer(2, width) + integer(3, channels) + data(4, content)


def boxed(picture, boxes, labels, rescale):
    """The PNG of a picture with a red frame around each (xmin, ymin, xmax, ymax), `rescale` times as large."""
    Image = pillow("add_image_with_boxes")
    from PIL import ImageDraw

    drawn = _image(Image, picture).convert("RGB")
    pen = ImageDraw.Draw(drawn)
    for box, label in zip(np.asarray(boxes, float).tolist(), labels or [""] * len(boxes)):
        left, top, right, bottom = box
        pen.line([(left, top), (left, bottom), (right, bottom), (right, top), (left, top)], fill="red", width=2)
        if label:
            place = pen.textbbox((left, bottom), label, anchor="lb")
            pen.rectangle(place, fill="red")
            pen.text((left, bottom), label, fill="black", anchor="lb")
    height, width = picture.shape[:2]
    if rescale != 1:
        drawn = drawn.resize((int(width * rescale), int(height * rescale)), Image.Resampling.LANCZOS)
    return _file(drawn, "PNG")


def film(frames, fps):
    """The GIF of (T, H, W, C)."""
    Image = pillow("add_video")
    first, *others = [_image(Image, frame) for frame in frames]
    return _file(first, "GIF", save_all=True, append_images=others, duration=round(1000 / fps), loop=0)


def spread(films):
    """(N, T, C, H, W) as one film (T, H, W, C) of bytes: N, filled up to a power of two, stand in about as many rows as columns."""
    films = whole_bytes(films)
    n, frames, channels, height, width = films.shape
    filled = 1 << (n - 1).bit_length()
    rows = 1 << (n.bit_length() - 1) // 2
    whole = np.zeros((filled, frames, channels, height, width), np.uint8)
    whole[:n] = films
    parts = whole.reshape(rows, filled // rows, frames, channels, height, width)
    return parts.transpose(2, 0, 4, 1, 5, 3).reshape(frames, rows * height, filled // rows * width, channels)


def pillow(method):
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(f"{method} needs Pillow, which is not installed: pip install pillow") from None
    return Image


def _image(Image, picture):
    return Image.fromarray(np.ascontiguousarray(picture[..., 0] if picture.shape[-1] == 1 else picture))


def _file(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


__getattr__ = of_module(__name__)
