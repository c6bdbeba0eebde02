"""Event files: TensorBoard's own package reads what is written."""

import io
import struct

import numpy as np
import pytest

import rushlight as rl
from rushlight.serialization.png import png
from rushlight.utils.tensorboard import SummaryWriter
from rushlight.utils.tensorboard.records import crc32c


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


def values(folder):
    """{(tag, step): value} of all summaries in the files of a folder."""
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    events = pytest.importorskip("tensorboard.compat.proto.event_pb2")
    found = {}
    for path in sorted(folder.glob("events*")):
        for content in loader.RawEventFileLoader(str(path)).Load():
            event = events.Event.FromString(content)
            found |= {(value.tag, event.step): value for value in event.summary.value}
            if event.graph_def:
                found["graph", 0] = event.graph_def
    return found


def array_of(value):
    return pytest.importorskip("tensorboard.util.tensor_util").make_ndarray(value.tensor)


def frames_of(picture):
    image = pytest.importorskip("PIL.Image").open(io.BytesIO(picture.encoded_image_string))
    frames = []
    for k in range(getattr(image, "n_frames", 1)):
        image.seek(k)
        frames.append(np.asarray(image.convert("RGB")))
    return frames


def test_numbers_of_all_dtypes_and_precisions(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("old", 0.1)
        writer.add_scalar("new", 0.1, new_style=True)
        writer.add_scalar("double", 0.1, new_style=True, double_precision=True)
        for dtype in (
            rl.float16,
            rl.bfloat16,
            rl.float32,
            rl.float64,
            rl.uint8,
            rl.int8,
            rl.int64,
            rl.bool,
            rl.complex64,
        ):
            writer.add_tensor(str(dtype), rl.tensor([[1.0, 0.0]]).to(dtype).t())
        writer.add_histogram("sixteen", rl.arange(16.0), bins=16, max_bins=5)
    found = values(tmp_path)
    assert found["old", 0].simple_value == np.float32(0.1)
    assert array_of(found["new", 0]).dtype == np.float32 and array_of(found["new", 0]) == np.float32(0.1)
    assert array_of(found["double", 0]).dtype == np.float64 and array_of(found["double", 0]) == 0.1
    # TensorBoard's own reader has no numbers of 16 bits for it.
    assert found.pop(("rushlight.bfloat16", 0)).tensor.dtype == 14
    for (tag, _), value in found.items():
        if tag.startswith("rushlight."):
            array = array_of(value)
            assert array.shape == (2, 1) and array.astype(bool).tolist() == [[True], [False]]
            assert array.dtype.name == tag.removeprefix("rushlight.")
    assert list(found["sixteen", 0].histo.bucket) == [0, 3, 3, 3, 3, 3, 1]


def test_hyperparameters_are_a_table(tmp_path):
    plugin = pytest.importorskip("tensorboard.plugins.hparams.plugin_data_pb2")
    with SummaryWriter(tmp_path) as writer:
        given = {"lr": 0.1, "layers": 3, "name": "码", "nesterov": True, "left out": None, "decay": rl.tensor(0.5)}
        writer.add_hparams(given, {"accuracy": rl.tensor(0.75)}, {"name": ["码", "b"]}, "first", 4)
        for wrong in ([1], {"lr": [rl.ones(1)]}, {"other": [1]}):
            with pytest.raises(TypeError, match="hparam_domain_discrete"):
                writer.add_hparams({"lr": 1}, {}, wrong, "wrong")
        with pytest.raises(ValueError, match="value should be one of int, float, str, bool"):
            writer.add_hparams({"lr": []}, {}, run_name="wrong")
        with pytest.raises(TypeError, match="hparam_dict and metric_dict should be dictionary"):
            writer.add_hparams({}, [], run_name="wrong")
    assert not (tmp_path / "wrong").exists()
    found = values(tmp_path / "first")
    told = [plugin.HParamsPluginData.FromString(v.metadata.plugin_data.content) for v in list(found.values())[:3]]
    begun = told[1].session_start_info.hparams
    assert begun["nesterov"].WhichOneof("kind") == "bool_value"
    assert {k: getattr(v, v.WhichOneof("kind")) for k, v in begun.items()} == {
        "lr": 0.1, "layers": 3, "name": "码", "nesterov": True, "decay": 0.5
    }  # fmt: skip
    names = {
        info.name: [v.string_value for v in info.domain_discrete.values] for info in told[0].experiment.hparam_infos
    }
    assert names["name"] == ["码", "b"] and names["lr"] == []
    assert [info.name.tag for info in told[0].experiment.metric_infos] == ["accuracy"]
    assert told[2].session_end_info.status == 1 and found["accuracy", 4].simple_value == 0.75


def test_precision_and_recall_of_four_predictions(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_pr_curve("curve", rl.tensor([0, 1, 1, 0]), rl.tensor([0.1, 0.6, 0.9, 0.7]), num_thresholds=3)
        with pytest.raises(ValueError, match="predictions must lie between 0 and 1"):
            writer.add_pr_curve("wrong", rl.tensor([0]), rl.tensor([1.5]))
    # Thresholds 0, 0.5 and 1: all are positive, then three of four are, then none.
    table = array_of(values(tmp_path)["curve", 0])
    expected = [[2, 2, 0], [2, 1, 0], [0, 1, 2], [0, 0, 2], [0.5, 2 / 3, 0], [1, 1, 0]]
    np.testing.assert_allclose(table, expected, rtol=1e-6)


def test_the_graph_of_a_module_is_its_calls(tmp_path, capsys):
    graph = pytest.importorskip("tensorboard.compat.proto.graph_pb2").GraphDef
    model = rl.nn.Sequential(rl.nn.Linear(4, 8), rl.nn.Dropout(), rl.nn.ReLU(), rl.nn.Linear(8, 2))
    with SummaryWriter(tmp_path) as writer:
        writer.add_graph(model, rl.ones(3, 4), verbose=True)
        with pytest.raises(RuntimeError, match="the outputs of the model have no history"):
            writer.add_graph(rl.nn.Identity(), rl.arange(3))
    assert "addmm (3: Linear" in capsys.readouterr().out and model.training and model[0].weight.grad is None
    nodes = {node.name: node for node in graph.FromString(values(tmp_path)["graph", 0]).node}
    assert nodes["Sequential/ReLU[2]/relu"].input == ["Sequential/Linear[0]/addmm"]
    first = nodes["Sequential/Linear[0]/addmm"]
    assert "input/0" in first.input and "Sequential/Linear[0]/bias" in first.input
    assert [d.size for d in first.attr["_output_shapes"].list.shape[0].dim] == [3, 8]
    assert nodes["output/output"].input == ["Sequential/Linear[3]/addmm"]
    assert all(source.partition(":")[0] in nodes for node in nodes.values() for source in node.input)


def test_the_graph_of_a_file_of_onnx(tmp_path):
    pytest.importorskip("onnx")
    graph = pytest.importorskip("tensorboard.compat.proto.graph_pb2").GraphDef
    rl.onnx.export(rl.nn.Linear(4, 2), (rl.ones(3, 4),), tmp_path / "model.onnx")
    with SummaryWriter(tmp_path) as writer:
        writer.add_onnx_graph(str(tmp_path / "model.onnx"))
    nodes = graph.FromString(values(tmp_path)["graph", 0]).node
    assert {"Gemm", "Placeholder", "IO Node"} <= {node.op for node in nodes}
    names = {node.name for node in nodes}
    assert all(source.partition(":")[0] in names for node in nodes for source in node.input)


def test_embeddings_are_files_and_a_list(tmp_path):
    config = pytest.importorskip("tensorboard.plugins.projector.projector_config_pb2").ProjectorConfig
    text_format = pytest.importorskip("google.protobuf.text_format")
    points = rl.randn(5, 3, dtype=rl.float64)
    with SummaryWriter(tmp_path) as writer:
        writer.add_embedding(points, list("abcde"), rl.ones(5, 3, 4, 6), 7, "a/b")
        writer.add_embedding(points, [["x", 1]] * 5, metadata_header=["name", "number"])
        for wrong in ({"metadata": ["a"]}, {"label_img": rl.ones(4, 3, 2, 2)}, {"mat": rl.ones(5)}):
            with pytest.raises(AssertionError):
                writer.add_embedding(**{"mat": points, "tag": "wrong"} | wrong)
    assert not (tmp_path / "00000" / "wrong").exists()
    listed = text_format.Parse((tmp_path / "projector_config.pbtxt").read_text(), config()).embeddings
    assert [one.tensor_name for one in listed] == ["a/b:00007", "default:00000"]
    np.testing.assert_array_equal(np.loadtxt(tmp_path / listed[0].tensor_path), points.numpy())
    assert (tmp_path / listed[1].metadata_path).read_text() == "name\tnumber\n" + "x\t1\n" * 5
    assert list(listed[0].sprite.single_image_dim) == [6, 4]
    png_of = (tmp_path / listed[0].sprite.image_path).read_bytes()
    # Five of 4 by 6 stand in rows of three, of which there are as many.
    assert struct.unpack(">II", png_of[16:24]) == (18, 12)


def test_sound_films_and_frames(tmp_path):
    import wave

    with SummaryWriter(tmp_path) as writer:
        writer.add_audio("sound", rl.tensor([[0.0, 0.5, -1.0]]), sample_rate=8000)
        with pytest.warns(UserWarning, match="audio amplitude out of range"):
            writer.add_audio("loud", rl.tensor([0.0, 2.0]))
        with pytest.raises(AssertionError, match="input tensor should be 1 dimensional"):
            writer.add_audio("stereo", rl.zeros(2, 5))
        film = rl.zeros(3, 2, 3, 4, 5)
        film[2, 1] = 1
        writer.add_video("film", film, fps=10)
        writer.add_image_with_boxes("frame", rl.zeros(3, 20, 20), rl.tensor([[4, 4, 15, 16]]), labels="cat", rescale=2)
    found = values(tmp_path)
    with wave.open(io.BytesIO(found["sound", 0].audio.encoded_audio_string)) as file:
        assert (file.getframerate(), file.getnframes()) == (8000, 3)
        assert np.frombuffer(file.readframes(3), "<i2").tolist() == [0, 16383, -32767]
    first, second = frames_of(found["film", 0].image)
    # Three films, and an empty place, in one row of four.
    assert first.shape == (4, 20, 3) and not first.any()
    assert second[:, 10:15].min() == 255 and not second[:, :10].any() and not second[:, 15:].any()
    (frame,) = frames_of(found["frame", 0].image)
    assert frame.shape == (40, 40, 3) and frame[8, 24, 0] > 200 and not frame[..., 1:].any()


def test_bodies_and_layouts(tmp_path):
    mesh = pytest.importorskip("tensorboard.plugins.mesh.plugin_data_pb2").MeshPluginData
    layout = pytest.importorskip("tensorboard.plugins.custom_scalar.layout_pb2").Layout
    with SummaryWriter(tmp_path) as writer:
        writer.add_mesh("body", rl.rand(1, 4, 3), faces=rl.zeros(1, 2, 3, dtype=rl.int32), config_dict={"b": 1, "a": 2})
        with pytest.raises(ValueError, match="vertex must have three dimensions"):
            writer.add_mesh("flat", rl.rand(4, 3))
        writer.add_custom_scalars_multilinechart(["x", "y"], "both", "chart")
        with pytest.raises(AssertionError, match="Expected 3 tags, got 2"):
            writer.add_custom_scalars_marginchart(["x", "y"])
    found = values(tmp_path)
    assert [tag for tag, _ in found][:2] == ["body_VERTEX", "body_FACE"]
    told = mesh.FromString(found["body_FACE", 0].metadata.plugin_data.content)
    assert (told.content_type, list(told.shape), told.components) == (2, [1, 2, 3], 0b110)
    assert told.json_config == '{"a": 2, "b": 1}' and array_of(found["body_VERTEX", 0]).shape == (1, 4, 3)
    drawn = layout.FromString(found["custom_scalars__config__", 0].tensor.string_val[0])
    assert drawn.category[0].title == "both" and list(drawn.category[0].chart[0].multiline.tag) == ["x", "y"]


def everything(library, SummaryWriter, folder):
    """The same values by either library; what is compared in other ways is left out."""
    rng, tensor = np.random.RandomState(0), library.tensor
    labels = rng.randint(0, 2, 100)
    with SummaryWriter(str(folder)) as writer:
        writer.add_scalar("new", 0.1, 1, new_style=True)
        writer.add_histogram("auto", tensor(rng.randn(100)), 1, bins="auto", max_bins=4)
        writer.add_histogram("few", tensor(rng.randn(100)), 1, max_bins=100)
        writer.add_histogram_raw("raw", 0, 3, 4, 5.0, 9.0, [1.0, 2.0, 3.0], [1, 2, 1], 2)
        writer.add_tensor("tensor", tensor(rng.randn(2, 3)), 1)
        image = rng.rand(3, 20, 30)
        writer.add_image("image", tensor(image), 1)
        writer.add_images("images", tensor(rng.rand(5, 3, 8, 8)), 1)
        writer.add_image_with_boxes("boxes", tensor(image), tensor([[2, 3, 15, 12]]), 1)
        writer.add_audio("sound", tensor(np.sin(np.arange(400) / 10)[None]), 1, 8000)
        predictions = np.clip(labels * 0.3 + rng.rand(100) * 0.7, 0, 1)
        writer.add_pr_curve("curve", tensor(labels), tensor(predictions), 1)
        writer.add_pr_curve("weighted", tensor(labels), tensor(predictions), 1, 20, weights=rng.rand(100))
        writer.add_pr_curve_raw("counted", *[tensor(rng.rand(4)) for _ in range(6)], 1, 4)
        writer.add_custom_scalars({"a": {"b": ["Multiline", ["new"]], "c": ["Margin", ["x", "y", "z"]]}})
        body = rng.rand(1, 4, 3), rng.randint(0, 255, (1, 4, 3)), rng.randint(0, 4, (1, 2, 3))
        writer.add_mesh("body", *map(tensor, body), {"camera": {"cls": "PerspectiveCamera"}}, 1)


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_values_are_those_that_pytorch_writes(tmp_path):
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("torch.utils.tensorboard").SummaryWriter
    everything(rl, SummaryWriter, tmp_path / "ours")
    everything(torch, theirs, tmp_path / "theirs")
    ours, torchs = values(tmp_path / "ours"), values(tmp_path / "theirs")
    assert ours.keys() == torchs.keys() and len(ours) == 16
    for key, value in ours.items():
        other = torchs[key]
        assert value.metadata == other.metadata, key
        kind = value.WhichOneof("value")
        assert kind == other.WhichOneof("value"), key
        if kind == "image":
            (picture,), (expected,) = frames_of(value.image), frames_of(other.image)
            # One of the two rounds in float32.
            np.testing.assert_allclose(picture.astype(int), expected.astype(int), atol=1)
        elif kind == "histo":
            for name in ("min", "max", "num", "sum", "sum_squares", "bucket_limit", "bucket"):
                # Sums of the same numbers in another order.
                np.testing.assert_allclose(getattr(value.histo, name), getattr(other.histo, name), rtol=1e-12)
        elif kind == "tensor":
            found, expected = array_of(value), array_of(other)
            assert (found.dtype, found.shape) == (expected.dtype, expected.shape), key
            assert np.array_equal(found, expected), key
        else:
            assert value == other, key


@pytest.mark.parity
def test_parameters_are_pytorchs():
    theirs = pytest.importorskip("torch.utils.tensorboard").SummaryWriter
    import inspect

    for name in ("__init__", *[n for n in vars(SummaryWriter) if not n.startswith("_")]):
        ours, torchs = [
            list(inspect.signature(getattr(kind, name)).parameters.values()) for kind in (SummaryWriter, theirs)
        ]
        assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in torchs], name
