"""Event files for TensorBoard, by PyTorch's SummaryWriter. Nothing has to be installed to write them.

A file is a list of records, each with its length and two checksums (CRC-32C, masked), of messages in protocol buffers'
format: https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto.
"""

import os
import socket
import struct
import time
from functools import cache
from itertools import count

import numpy as np

from ..core import TensorBase
from ..missing import of_module
from ..serialization.png import png
from ..serialization.protobuf import data, double, doubles, integer, single

__all__ = ["SummaryWriter"]

_files = count()


class SummaryWriter:
    """Writes scalars, histograms, pictures and texts of a run, for `tensorboard --logdir runs`.

    Parameters as PyTorch's: `log_dir` (runs/DATE_TIME_HOST where it is left out, with `comment` behind it), `purge_step`
    (TensorBoard forgets what was written from that step on), `max_queue` events or `flush_secs` seconds that may wait
    before they are written, `filename_suffix`. Steps are whole numbers; `walltime` is in seconds since 1970.

    >>> from rushlight.utils.tensorboard import SummaryWriter
    >>> with SummaryWriter("runs/first") as writer:  # doctest: +SKIP
    ...     for step in range(100):
    ...         writer.add_scalar("loss", 1 / (step + 1), step)
    """

    def __init__(self, log_dir=None, comment="", purge_step=None, max_queue=10, flush_secs=120, filename_suffix=""):
        if not log_dir:
            log_dir = os.path.join("runs", time.strftime("%b%d_%H-%M-%S_") + socket.gethostname() + comment)
        self.log_dir = str(log_dir)
        self.purge_step, self.max_queue, self.flush_secs, self.filename_suffix = (
            purge_step,
            max_queue,
            flush_secs,
            filename_suffix,
        )
        self._file, self._waiting, self._flushed, self._within = None, 0, time.monotonic(), {}
        self._open()

    def _open(self):
        os.makedirs(self.log_dir, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_files)}"
        self._file = open(os.path.join(self.log_dir, name + self.filename_suffix), "wb")  # noqa: SIM115 (close does)
        self._write(data(3, "brain.Event:2"))
        if self.purge_step is not None:
            self._write(integer(2, self.purge_step) + data(7, integer(1, 1)))
        self.flush()

    def add_scalar(self, tag, scalar_value, global_step=None, walltime=None, new_style=False, double_precision=False):
        """A number, or a tensor of one element."""
        self._add(tag, single(2, float(_array(scalar_value))), global_step, walltime)

    def add_scalars(self, main_tag, tag_scalar_dict, global_step=None, walltime=None):
        """Several numbers in one chart: each has a folder of its own, `log_dir/main_tag_name`."""
        for name, value in tag_scalar_dict.items():
            folder = os.path.join(self.log_dir, f"{main_tag}_{name}".replace("/", "_"))
            if folder not in self._within:
                self._within[folder] = SummaryWriter(
                    folder, None, None, self.max_queue, self.flush_secs, self.filename_suffix
                )
            self._within[folder].add_scalar(main_tag, value, global_step, walltime)

    def add_histogram(self, tag, values, global_step=None, bins="tensorflow", walltime=None, max_bins=None):
        """How the elements of a tensor are distributed; `bins` are edges, or a rule of np.histogram."""
        values = _array(values).astype(np.float64).ravel()
        if values.size == 0:
            raise ValueError("The input has no element.")
        edges = _edges() if isinstance(bins, str) and bins == "tensorflow" else bins
        counts, edges = np.histogram(values, edges)
        there = np.flatnonzero(counts)
        if not there.size:
            raise ValueError("The histogram is empty, please file a bug report.")
        # One empty bin before the first tells where that begins.
        first, last = max(there[0] - 1, 0), there[-1] + 1
        limits, numbers = edges[first + 1 : last + 1], counts[first:last]
        if there[0] == 0:
            limits, numbers = [edges[0], *limits], [0, *numbers]
        moments = (values.min(), values.max(), values.size, values.sum(), (values * values).sum())
        content = b"".join([double(field, float(number)) for field, number in enumerate(moments, 1)])
        self._add(tag, data(5, content + doubles(6, limits) + doubles(7, numbers)), global_step, walltime)

    def add_image(self, tag, img_tensor, global_step=None, walltime=None, dataformats="CHW"):
        """A picture: floats from 0 to 1, or uint8; `dataformats` names its dimensions: CHW, HWC, HW."""
        self._add(tag, data(4, _picture(_arranged(_array(img_tensor), dataformats)[0])), global_step, walltime)

    def add_images(self, tag, img_tensor, global_step=None, walltime=None, dataformats="NCHW"):
        """Several pictures side by side, up to eight in a row."""
        self._add(tag, data(4, _picture(_grid(_arranged(_array(img_tensor), dataformats)))), global_step, walltime)

    def add_figure(self, tag, figure, global_step=None, close=True, walltime=None):
        """A figure of matplotlib, or a list of them."""
        pictures = []
        for each in figure if isinstance(figure, list) else [figure]:
            from matplotlib.backends.backend_agg import FigureCanvasAgg

            canvas = FigureCanvasAgg(each)
            canvas.draw()
            pictures.append(np.asarray(canvas.buffer_rgba())[..., :3])
            if close:
                from matplotlib import pyplot

                pyplot.close(each)
        self._add(tag, data(4, _picture(_grid(np.stack(pictures)))), global_step, walltime)

    def add_text(self, tag, text_string, global_step=None, walltime=None):
        """A text, in Markdown."""
        content = integer(1, 7) + data(2, data(2, integer(1, 1))) + data(8, text_string)
        self._add(f"{tag}/text_summary", data(8, content) + data(9, data(1, data(1, "text"))), global_step, walltime)

    def _add(self, tag, content, step, walltime):
        value = data(1, tag.lstrip("/")) + content
        self._write(integer(2, int(step or 0)) + data(5, data(1, value)), walltime)
        self._waiting += 1
        if self._waiting >= self.max_queue or time.monotonic() - self._flushed > self.flush_secs:
            self.flush()

    def _write(self, event, walltime=None):
        if self._file is None:
            self._open()
        event = double(1, time.time() if walltime is None else walltime) + event
        length = struct.pack("<Q", len(event))
        self._file.write(length + _masked(length) + event + _masked(event))

    def flush(self):
        """Write what waits."""
        for writer in self._within.values():
            writer.flush()
        if self._file is not None:
            self._file.flush()
        self._waiting, self._flushed = 0, time.monotonic()

    def close(self):
        """Write what waits, and close the file; what is added afterwards goes to a new one."""
        for writer in self._within.values():
            writer.close()
        if self._file is not None:
            self._file.close()
            self._file = None

    def get_logdir(self):
        return self.log_dir

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _array(value):
    return value.detach().cpu().numpy() if isinstance(value, TensorBase) else np.asarray(value)


def _edges():
    """Bins that grow by a tenth, from 1e-12 to 1e20 on both sides of zero."""
    growing = 1e-12 * 1.1 ** np.arange(774)
    return np.concatenate([-growing[::-1], [0], growing])


def _arranged(pictures, formats):
    """Pictures as (N, H, W, C) of uint8."""
    formats = formats.upper()
    if sorted(formats) not in (["C", "H", "W"], ["H", "W"], ["C", "H", "N", "W"], ["H", "N", "W"]):
        raise ValueError(f"dataformats must name dimensions among N, C, H, W, got {formats!r}")
    if pictures.ndim != len(formats):
        raise ValueError(f"size of input tensor and input format are different: {pictures.shape}, {formats}")
    if pictures.dtype != np.uint8:
        pictures = np.clip(pictures * 255.0, 0, 255).astype(np.uint8)
    for letter in "NC":
        if letter not in formats:
            pictures, formats = pictures[..., None], formats + letter
    return pictures.transpose([formats.index(letter) for letter in "NHWC"])


def _grid(pictures):
    """(N, H, W, C) as one picture, black where there is none."""
    n, height, width, channels = pictures.shape
    columns = min(n, 8)
    rows = -(-n // columns)
    whole = np.zeros((rows * columns, height, width, channels), np.uint8)
    whole[:n] = pictures
    parts = whole.reshape(rows, columns, height, width, channels)
    return parts.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)


def _picture(picture):
    height, width, channels = picture.shape
    return integer(1, height) + integer(2, width) + integer(3, channels) + data(4, png(picture))


@cache
def _table():
    """The CRC-32C (Castagnoli et al., Optimization of Cyclic Redundancy-Check Codes, 1993) of each byte."""
    numbers = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        numbers = np.where(numbers & 1, numbers >> 1 ^ np.uint32(0x82F63B78), numbers >> 1)
    return numbers.tolist()


def crc32c(content):
    """The checksum of bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    table, crc = _table(), 0xFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _masked(content):
    crc = crc32c(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


__getattr__ = of_module(__name__)
