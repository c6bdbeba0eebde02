"""Event files for TensorBoard, by PyTorch's SummaryWriter. Nothing has to be installed to write them.

A file is a list of records of messages in protocol buffers' format:
https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto.
"""

import os
import socket
import time
import warnings
from itertools import count

import numpy as np

from ...core import TensorBase
from ...missing import of_module
from ...serialization.protobuf import data, double, doubles, integer, single
from . import messages, pictures, projector
from .records import record

__all__ = ["SummaryWriter"]

_files = count()


class SummaryWriter:
    """Writes the numbers, pictures, sounds, texts and graphs of a run, for `tensorboard --logdir runs`.

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
        self._embeddings = []
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
        """A number, or a tensor of one element; in the `new_style` it may be kept in double precision."""
        number = float(_array(scalar_value))
        content = single(2, number)
        if new_style:
            content = messages.tensor(np.array(number, np.float64 if double_precision else np.float32))
            content = data(8, content) + data(9, messages.metadata("scalars"))
        self._add(tag, content, global_step, walltime)

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
        """How the elements of a tensor are distributed; `bins` are edges, or a rule of np.histogram.

        Where there are more than `max_bins`, neighbours are taken together.
        """
        values = _array(values).astype(np.float64).ravel()
        if values.size == 0:
            raise ValueError("The input has no element.")
        edges = _edges() if isinstance(bins, str) and bins == "tensorflow" else bins
        counts, edges = np.histogram(values, edges)
        if max_bins is not None and len(counts) > max_bins:
            firsts = np.arange(0, len(counts), len(counts) // max_bins)
            counts, edges = np.add.reduceat(counts, firsts), np.append(edges[firsts], edges[-1])
        there = np.flatnonzero(counts)
        if not there.size:
            raise ValueError("The histogram is empty, please file a bug report.")
        # One empty bin before the first tells where that begins.
        first, last = max(there[0] - 1, 0), there[-1] + 1
        limits, numbers = edges[first + 1 : last + 1], counts[first:last]
        if there[0] == 0:
            limits, numbers = [edges[0], *limits], [0, *numbers]
        moments = (values.min(), values.max(), values.size, values.sum(), (values * values).sum())
        self.add_histogram_raw(tag, *moments, limits, numbers, global_step, walltime)

    def add_histogram_raw(
        self, tag, min, max, num, sum, sum_squares, bucket_limits, bucket_counts, global_step=None, walltime=None
    ):
        """A histogram that is there already: `bucket_limits` are the right edges of `bucket_counts`."""
        if len(bucket_limits) != len(bucket_counts):
            raise ValueError("len(bucket_limits) != len(bucket_counts), see the document.")
        moments = [double(field, float(number)) for field, number in enumerate((min, max, num, sum, sum_squares), 1)]
        content = b"".join(moments) + doubles(6, bucket_limits) + doubles(7, bucket_counts)
        self._add(tag, data(5, content), global_step, walltime)

    def add_tensor(self, tag, tensor, global_step=None, walltime=None):
        """All numbers of a tensor."""
        content = data(8, messages.tensor(_array(tensor))) + data(9, messages.metadata("tensor"))
        self._add(tag, content, global_step, walltime)

    def add_hparams(self, hparam_dict, metric_dict, hparam_domain_discrete=None, run_name=None, global_step=None):
        """The hyperparameters of a run, and what came of it, as a row of a table.

        Values of `hparam_dict` are numbers, bools, texts, or None, which is left out; those of `metric_dict` are scalars;
        `hparam_domain_discrete` lists the values that a hyperparameter may have. They are written to a folder of their own,
        `log_dir/run_name`.
        """
        if type(hparam_dict) is not dict or type(metric_dict) is not dict:
            raise TypeError("hparam_dict and metric_dict should be dictionary.")
        choices = hparam_domain_discrete or {}
        if not isinstance(choices, dict):
            raise TypeError("parameter: hparam_domain_discrete should be a dictionary, nothing logged.")
        given = {k: v.item() if isinstance(v, TensorBase) else v for k, v in hparam_dict.items()}
        for name, values in choices.items():
            fitting = name in given and isinstance(values, list)
            if not fitting or not all([isinstance(value, type(given[name])) for value in values]):
                raise TypeError(
                    f"parameter: hparam_domain_discrete[{name}] should be a list of same type as hparam_dict[{name}]."
                )
        contents = messages.hyperparameters(given, metric_dict, choices)
        metrics = {tag: float(_array(value)) for tag, value in metric_dict.items()}
        with SummaryWriter(os.path.join(self.log_dir, run_name or str(time.time()))) as own:
            for tag, content in contents:
                own._add(tag, content, global_step, None)
            for tag, value in metrics.items():
                own.add_scalar(tag, value, global_step)

    def add_image(self, tag, img_tensor, global_step=None, walltime=None, dataformats="CHW"):
        """A picture: floats from 0 to 1, or uint8; `dataformats` names its dimensions: CHW, HWC, HW."""
        self._add(
            tag, data(4, pictures.message(pictures.arranged(_array(img_tensor), dataformats)[0])), global_step, walltime
        )

    def add_images(self, tag, img_tensor, global_step=None, walltime=None, dataformats="NCHW"):
        """Several pictures side by side, up to eight in a row."""
        grid = pictures.grid(pictures.arranged(_array(img_tensor), dataformats))
        self._add(tag, data(4, pictures.message(grid)), global_step, walltime)

    def add_image_with_boxes(
        self, tag, img_tensor, box_tensor, global_step=None, walltime=None, rescale=1, dataformats="CHW", labels=None
    ):
        """A picture with a red frame around each (xmin, ymin, xmax, ymax) of `box_tensor`; Pillow draws them."""
        picture, boxes = pictures.arranged(_array(img_tensor), dataformats)[0], _array(box_tensor)
        labels = [labels] if isinstance(labels, str) else labels
        fitting = labels if labels is not None and len(labels) == len(boxes) else None
        content = pictures.message(picture, pictures.boxed(picture, boxes, fitting, rescale))
        self._add(tag, data(4, content), global_step, walltime)

    def add_figure(self, tag, figure, global_step=None, close=True, walltime=None):
        """A figure of matplotlib, or a list of them."""
        drawn = []
        for each in figure if isinstance(figure, list) else [figure]:
            from matplotlib.backends.backend_agg import FigureCanvasAgg

            canvas = FigureCanvasAgg(each)
            canvas.draw()
            drawn.append(np.asarray(canvas.buffer_rgba())[..., :3])
            if close:
                from matplotlib import pyplot

                pyplot.close(each)
        self._add(tag, data(4, pictures.message(pictures.grid(np.stack(drawn)))), global_step, walltime)

    def add_video(self, tag, vid_tensor, global_step=None, fps=4, walltime=None):
        """Films (N, T, C, H, W) side by side, of floats from 0 to 1 or uint8, as a GIF, which Pillow writes."""
        frames = pictures.spread(_array(vid_tensor))
        content = pictures.message(frames[0], pictures.film(frames, fps))
        self._add(tag, data(4, content), global_step, walltime)

    def add_audio(self, tag, snd_tensor, global_step=None, sample_rate=44100, walltime=None):
        """A sound, (L,) or (1, L), of floats from -1 to 1; `sample_rate` of them are a second."""
        array = _array(snd_tensor)
        if np.abs(array).max(initial=0) > 1:
            warnings.warn("audio amplitude out of range, auto clipped.", stacklevel=2)
        self._add(tag, data(6, messages.sound(array, sample_rate)), global_step, walltime)

    def add_text(self, tag, text_string, global_step=None, walltime=None):
        """A text, in Markdown."""
        content = data(8, messages.text(text_string, (1,))) + data(9, messages.metadata("text"))
        self._add(f"{tag}/text_summary", content, global_step, walltime)

    def add_graph(self, model, input_to_model=None, verbose=False, use_strict_trace=True):
        """The graph of a module, as it runs once, in evaluation mode, on a tensor or a tuple of several.

        What has no gradient, such as whole numbers, is left out. `verbose` prints the graph as a tree; `use_strict_trace`
        changes nothing.
        """
        from . import graphs

        args = () if input_to_model is None else input_to_model
        args = args if isinstance(args, (tuple, list)) else (args,)
        self._write(data(4, graphs.of_call(model, args, verbose)))
        self._noted()

    def add_onnx_graph(self, prototxt):
        """The graph of a file of ONNX, which the package onnx reads."""
        from . import graphs

        self._write(data(4, graphs.of_onnx_file(prototxt)))
        self._noted()

    def add_embedding(self, mat, metadata=None, label_img=None, global_step=None, tag="default", metadata_header=None):
        """Points (N, D) for the projector, with a label and a picture, (N, C, H, W), of each.

        A label is a text, or a list of as many as `metadata_header` names.
        """
        step = f"{0 if global_step is None else global_step:05}"
        within = f"{step}/{projector.folder_name(tag)}"
        images = None if label_img is None else _array(label_img)
        told = projector.write(self.log_dir, within, _array(mat), metadata, metadata_header, images)
        self._embeddings.append([f'tensor_name: "{tag}:{step}"', *told])
        projector.write_list(self.log_dir, self._embeddings)

    def add_pr_curve(self, tag, labels, predictions, global_step=None, num_thresholds=127, weights=None, walltime=None):
        """Precision and recall at each threshold: `labels` are 0 or 1, `predictions` probabilities."""
        thresholds = min(num_thresholds, 127)
        weights = None if weights is None else _array(weights)
        table = messages.precision_recall(_array(labels), _array(predictions), thresholds, weights)
        self._add(tag, messages.curve(table, thresholds), global_step, walltime)

    def add_pr_curve_raw(
        self, tag, true_positive_counts, false_positive_counts, true_negative_counts, false_negative_counts, precision,
        recall, global_step=None, num_thresholds=127, weights=None, walltime=None,
    ):  # fmt: skip
        """The same of what was counted already, a number for each threshold."""
        counts = (true_positive_counts, false_positive_counts, true_negative_counts, false_negative_counts)
        table = np.stack([_array(row) for row in (*counts, precision, recall)])
        self._add(tag, messages.curve(table, num_thresholds), global_step, walltime)

    def add_custom_scalars_multilinechart(self, tags, category="default", title="untitled"):
        """One chart of several scalars, by their tags."""
        self.add_custom_scalars({category: {title: ["Multiline", tags]}})

    def add_custom_scalars_marginchart(self, tags, category="default", title="untitled"):
        """One chart of three scalars: a value, and what is below and above it."""
        self.add_custom_scalars({category: {title: ["Margin", tags]}})

    def add_custom_scalars(self, layout):
        """Charts of several scalars each: {category: {title: ["Multiline" or "Margin", tags]}}."""
        self._add("custom_scalars__config__", messages.layout(layout), None, None)

    def add_mesh(self, tag, vertices, colors=None, faces=None, config_dict=None, global_step=None, walltime=None):
        """Bodies in space: points (B, N, 3), colours of 0 to 255, and triangles as numbers of points."""
        parts = {"VERTEX": vertices, "FACE": faces, "COLOR": colors}
        arrays = {name: None if part is None else _array(part) for name, part in parts.items()}
        for name, content in messages.mesh(tag, arrays, config_dict):
            self._add(name, content, global_step, walltime)

    def _add(self, tag, content, step, walltime):
        value = data(1, tag.lstrip("/")) + content
        self._write(integer(2, int(step or 0)) + data(5, data(1, value)), walltime)
        self._noted()

    def _noted(self):
        self._waiting += 1
        if self._waiting >= self.max_queue or time.monotonic() - self._flushed > self.flush_secs:
            self.flush()

    def _write(self, event, walltime=None):
        if self._file is None:
            self._open()
        event = double(1, time.time() if walltime is None else walltime) + event
        self._file.write(record(event))

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


__getattr__ = of_module(__name__)
