"""Event files: TensorBoard's own package reads what is written."""

import io

import numpy as np
import pytest

import rushlight as rl
from rushlight.serialization.png import png
from rushlight.utils.tensorboard import SummaryWriter, crc32c


@pytest.fixture
def read():
    """Event files of a folder as TensorBoard reads them; checksums are checked on the way."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def events(folder):
        found = accumulator.EventAccumulator(str(folder), {"scalars": 0, "histograms": 0, "images": 0, "tensors": 0})
        return found.Reload()

    return events


def test_checksums_are_those_of_the_standard():
    # RFC 3720, B.4.
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_reads_everything(tmp_path, read):
    values = rl.tensor([-1.0, 0.5, 0.5, 3.0], requires_grad=True)
    with SummaryWriter(tmp_path) as writer:
        for step in range(30):
            writer.add_scalar("train/loss", values.sum() / (step + 1), step, walltime=step)
        writer.add_histogram("weights", values, 7)
        writer.add_image("picture", rl.rand(3, 4, 5), 1)
        writer.add_images("pictures", rl.zeros(10, 2, 3, dtype=rl.uint8), dataformats="NHW")
        writer.add_text("note", "**bold** 码")
        assert writer.get_logdir() == str(tmp_path)
    found = read(tmp_path)
    losses = found.Scalars("train/loss")
    assert [(e.step, e.wall_time) for e in losses] == [(n, n) for n in range(30)]
    np.testing.assert_allclose([e.value for e in losses], [3 / (n + 1) for n in range(30)], rtol=1e-6)
    histogram = found.Histograms("weights")[0].histogram_value
    assert (histogram.min, histogram.max, histogram.num, histogram.sum, histogram.sum_squares) == (-1, 3, 4, 3, 10.5)
    limits, counts = np.array(histogram.bucket_limit), np.array(histogram.bucket)
    assert counts.sum() == 4 and len(limits) == len(counts) and (np.diff(limits) > 0).all()
    for value, times in ((-1, 1), (0.5, 2), (3, 1)):
        assert counts[np.searchsorted(limits, value, "right")] == times
    picture = found.Images("picture")[0]
    assert (picture.height, picture.width, picture.step) == (4, 5, 1)
    assert (found.Images("pictures")[0].height, found.Images("pictures")[0].width) == (4, 24)
    text = found.Tensors("note/text_summary")[0].tensor_proto
    assert text.string_val[0].decode() == "**bold** 码"


def test_several_scalars_purges_and_reopened_files(tmp_path, read):
    writer = SummaryWriter(tmp_path, max_queue=1)
    writer.add_scalars("run", {"sin": 0.5, "cos": rl.tensor(0.25)}, 3)
    assert read(tmp_path / "run_cos").Scalars("run")[0].value == 0.25
    writer.add_scalar("x", 1, 0)
    writer.add_scalar("x", 2, 5)
    writer.close()
    writer.add_scalar("x", 3, 6)
    writer.close()
    assert len(list(tmp_path.glob("events*"))) == 2
    assert [e.value for e in read(tmp_path).Scalars("x")] == [1, 2, 3]
    SummaryWriter(tmp_path, purge_step=5).close()
    assert [e.value for e in read(tmp_path).Scalars("x")] == [1]


def test_pictures_are_what_they_were():
    image = pytest.importorskip("matplotlib.image")
    picture = np.random.RandomState(0).randint(0, 256, (5, 7, 3)).astype("uint8")
    np.testing.assert_array_equal((image.imread(io.BytesIO(png(picture))) * 255).round(), picture)


def test_figures(tmp_path, read):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(2, 1), dpi=50)
    with SummaryWriter(tmp_path) as writer:
        writer.add_figure("curve", figure, 2)
    assert not pyplot.fignum_exists(figure.number)
    found = read(tmp_path).Images("curve")[0]
    assert (found.width, found.height) == (100, 50)


def test_wrong_pictures_are_refused(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        with pytest.raises(ValueError, match="size of input tensor and input format are different"):
            writer.add_image("x", rl.rand(4, 5))
        with pytest.raises(ValueError, match="dataformats must name dimensions"):
            writer.add_image("x", rl.rand(4, 5), dataformats="XY")
        with pytest.raises(ValueError, match="The input has no element"):
            writer.add_histogram("x", [])


@pytest.mark.parity
def test_parameters_are_pytorchs():
    theirs = pytest.importorskip("torch.utils.tensorboard").SummaryWriter
    import inspect

    for name in ("__init__", *[n for n in vars(SummaryWriter) if not n.startswith("_")]):
        ours, torchs = [
            list(inspect.signature(getattr(kind, name)).parameters.values()) for kind in (SummaryWriter, theirs)
        ]
        assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in torchs], name
