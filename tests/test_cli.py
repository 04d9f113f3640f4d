"""The command line: what it prints, what it leaves on the disk and how it ends."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa import DistilledData, FRePoTrainer, cli, presets
from keras_isa.presets import choose

SHAPE = (4, 4, 1)
# Nearly all of a tiny run is compilation, and one block compiles fastest.
RECIPE = {"width": 4, "depth": 1, "steps": 3, "warmup_steps": 1, "augmentation": []}
QUICK = {"depth": 1, "normalization": "identity", "pool_size": 2, "epochs": 2}
TINY = {**QUICK, "width": 4, "batch_size": 16, "steps": 4, "recipe": RECIPE}
SCORES = {"accuracy_mean", "accuracy_std", "krr_accuracy_mean", "krr_accuracy_std"}
REPORT = SCORES | {"repeats", "images_per_class", "seconds", "baselines"}


# ------------------------------------------------------------------ a command, in this process


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """`run(*words)` runs `keras-isa` in `tmp_path` and returns its exit code and output."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["keras-isa", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        return SimpleNamespace(code=end.value.code or 0, out=out, err=err)

    return call


@pytest.fixture
def refuse(run, monkeypatch, tmp_path):
    """`refuse(*words)` checks the manners of an error and returns its message."""

    def no_work(*args, **kwargs):
        raise AssertionError("work began before the input was refused")

    monkeypatch.setattr(FRePoTrainer, "fit", no_work)
    monkeypatch.setattr(keras_isa.evaluation.Students, "train", no_work)

    def call(*words):
        before = listing(tmp_path)
        result = run(*words)
        assert result.code == 2
        assert result.out == ""
        assert listing(tmp_path) == before
        lines = result.err.splitlines()
        assert len(lines) == 1, result.err
        assert lines[0].startswith("keras-isa: ")
        assert "Traceback" not in lines[0]
        return lines[0].removeprefix("keras-isa: ")

    return call


@pytest.fixture
def small(monkeypatch):
    """Settings so small that a whole run takes seconds."""
    read_preset = presets.read_preset

    def quick_preset(name, images_per_class):
        settings, dataset = read_preset(name, images_per_class)
        recipe = {**settings.recipe, **RECIPE}
        return settings.with_changes(**QUICK, recipe=recipe), dataset

    def quick_settings(image_shape, num_classes, train_size, images_per_class, accelerated):
        return presets.Settings(images_per_class=images_per_class, **TINY)

    monkeypatch.setattr(choose, "read_preset", quick_preset)
    monkeypatch.setattr(choose, "derive_settings", quick_settings)


def listing(folder):
    return {path: path.stat().st_size for path in sorted(Path(folder).rglob("*"))}


def problem(train_size=24, test_size=9, num_classes=3):
    """Arrays with the keys of an .npz dataset: each class has a brightness of its own."""
    rng = np.random.default_rng(0)

    def part(size):
        y = np.arange(size) % num_classes
        x = 60.0 * y[:, None, None, None] + rng.uniform(0, 60, (size, *SHAPE))
        return x.astype("uint8"), y

    (x_train, y_train), (x_test, y_test) = part(train_size), part(test_size)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


@pytest.fixture
def npz(tmp_path):
    """`npz(x_train=...)` writes a dataset with some arrays replaced (None: left out)."""

    def write(name="shades.npz", **changes):
        arrays = {**problem(), **changes}
        np.savez(tmp_path / name, **{k: v for k, v in arrays.items() if v is not None})
        return name

    return write


def make_asset(path, **options):
    arrays = problem()
    distilled = DistilledData.from_samples(
        arrays["x_train"], arrays["y_train"], 1, recipe=dict(RECIPE), **options
    )
    distilled.save(path)
    return distilled


@pytest.fixture
def asset(tmp_path):
    """A distilled set in `tmp_path`, with random images in it."""
    make_asset(tmp_path / "set.keras")
    return "set.keras"


def check_scores(report, baselines=("random", "kmeans")):
    assert SCORES <= set(report)
    assert set(report["baselines"]) == set(baselines)
    for scores in (report, *report["baselines"].values()):
        assert all(0 <= scores[name] <= 1 for name in SCORES)


def only_json(result):
    """The one JSON object on stdout."""
    assert result.code == 0, result.err
    assert result.out.count("\n") == 1
    return json.loads(result.out)


# ------------------------------------------------------------------ the way through


def test_digits_from_distillation_to_export(run, small, tmp_path):
    options = ("--steps", 4, "--width", 4, "--repeats", 2)
    report = only_json(run("distill", "digits", *options, "--json"))
    check_scores(report)
    assert REPORT | {"steps_per_second", "output"} <= set(report)
    assert report["repeats"] == 2 and report["images_per_class"] == 1
    assert report["seconds"] > 0 and report["steps_per_second"] > 0
    assert report["output"] == "digits_ipc1.keras"
    assert {path.name for path in tmp_path.iterdir()} == {"digits_ipc1.keras", "digits_ipc1.png"}
    assert (tmp_path / "digits_ipc1.png").read_bytes().startswith(b"\x89PNG")

    distilled = keras_isa.load(tmp_path / "digits_ipc1.keras")
    assert distilled.images.shape == (10, 8, 8, 1)
    assert distilled.provenance["dataset"] == "digits"
    assert distilled.provenance["steps"] == 4
    assert distilled.provenance["settings"]["width"] == 4
    assert distilled.recipe["steps"] == RECIPE["steps"]

    # The recorded dataset is found, and the same students come out.
    again = only_json(run("evaluate", "digits_ipc1.keras", "--repeats", 2, "--json"))
    assert REPORT <= set(again)
    for name in (*SCORES, "baselines"):
        assert again[name] == report[name]

    assert run("show", "digits_ipc1.keras", "--output", "picture.png").code == 0
    picture = (tmp_path / "picture.png").read_bytes()
    assert picture == (tmp_path / "digits_ipc1.png").read_bytes()
    assert run("export", "digits_ipc1.keras", "--format", "npz", "--output", "set.npz").code == 0
    with np.load(tmp_path / "set.npz") as arrays:
        np.testing.assert_array_equal(arrays["images"], distilled.to_numpy("pixels")[0])
    assert run("export", "digits_ipc1.keras", "--format", "png", "--output", "png").code == 0
    assert len(list((tmp_path / "png").glob("*/*.png"))) == 10


def test_npz_dataset_and_the_table(run, small, npz, tmp_path):
    (tmp_path / "data").mkdir()
    words = ("--ipc", 2, "--repeats", 2, "--seed", 3, "--isa-interval", -1, 0)
    result = run("distill", npz("data/shades.npz"), *words)
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    # A head, a line for each set, what the numbers mean, and the seconds.
    assert lines[0].startswith("2 per class, test accuracy in %")
    assert [line.split()[0] for line in lines[1:4]] == ["random", "k-means,", "distilled"]
    assert lines[4] == "mean ± standard deviation over 2 networks"
    assert re.fullmatch(r"\d+ seconds", lines[5]) and len(lines) == 6
    assert "steps = 4" in result.err and "Epoch 2/2" in result.err
    assert "wrote shades_ipc2.keras and shades_ipc2.png" in result.err
    distilled = keras_isa.load(tmp_path / "shades_ipc2.keras")
    assert distilled.images.shape == (6, *SHAPE)
    assert distilled.provenance["seed"] == 3
    assert distilled.provenance["isa_interval"] == [-1, 0]
    # The path is kept whole, so that the file is found from elsewhere.
    assert Path(distilled.provenance["dataset"]) == tmp_path / "data" / "shades.npz"


def test_every_option_reaches_the_run_and_a_run_can_be_repeated(
    run, small, npz, tmp_path, monkeypatch
):
    asked = {}

    def no_evaluation(distilled, test, **options):
        asked.update(options)
        scores = keras_isa.evaluation.Scores((0.5,), (0.25,))
        return keras_isa.evaluation.Evaluation(scores, {}, options["repeats"], 1, 0.0)

    monkeypatch.setattr(keras_isa, "evaluate", no_evaluation)
    words = ["--ipc", 1, "--steps", 5, "--crucial-fraction", 0.5, "--isa-interval", 0.25, 0.25]
    words += ["--pairing", "all", "--regularization", 0.01, "--width", 6, "--seed", 7]
    words += ["--repeats", 3, "--output", "out.keras", "--json"]
    make_asset(tmp_path / "out.keras")  # replaced, as no option says otherwise
    report = only_json(run("distill", npz(), *words))
    assert report["accuracy_mean"] == 0.5 and report["krr_accuracy_mean"] == 0.25
    assert report["output"] == "out.keras"
    assert asked["repeats"] == 3 and asked["seed"] == 7 and asked["train"] is not None
    first = keras_isa.load(tmp_path / "out.keras")
    record = first.provenance
    assert record["crucial_fraction"] == 0.5
    assert record["isa_interval"] == [0.25, 0.25]
    assert record["pairing"] == "all"
    assert record["regularization"] == 0.01
    assert record["settings"]["width"] == 6 and record["settings"]["steps"] == 5
    assert record["seed"] == 7

    only_json(run("distill", npz(), *words))
    second = keras_isa.load(tmp_path / "out.keras")
    for one, other in zip(first.to_numpy(), second.to_numpy(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_no_overwrite(refuse, npz, tmp_path):
    make_asset(tmp_path / "shades_ipc1.keras")
    assert "--no-overwrite: " in refuse("distill", npz(), "--no-overwrite")
    (tmp_path / "only.png").write_text("kept")
    message = refuse("distill", npz(), "--no-overwrite", "--output", "only.keras")
    assert message == "--no-overwrite: there is already a file only.png"


def test_show_draws_beside_the_file(run, asset, tmp_path):
    result = run("show", asset)
    assert result.code == 0 and result.out == "wrote set.png\n"
    assert (tmp_path / "set.png").read_bytes().startswith(b"\x89PNG")


def test_version_and_help(run):
    assert run("--version").out == f"keras-isa {keras_isa.__version__}\n"
    for words in (["--help"], ["-h"], []):
        result = run(*words)
        assert result.code == 0
        assert all(name in result.out for name in ("distill", "evaluate", "show", "export"))
    assert "--crucial-fraction" in run("distill", "-h").out


# ------------------------------------------------------------------ interruptions


def test_interrupted_training_keeps_the_set(run, small, npz, monkeypatch, tmp_path):
    def interrupted(trainer, *args, **kwargs):
        trainer.distilled.labels.assign(np.full((3, 3), 0.5, "float32"))
        raise KeyboardInterrupt

    monkeypatch.setattr(FRePoTrainer, "fit", interrupted)
    result = run("distill", npz(), "--output", "out.keras")
    assert result.code == 130 and result.out == ""
    assert result.err.splitlines()[-1].endswith("so far is in out.keras")
    assert np.all(keras_isa.load(tmp_path / "out.keras").to_numpy()[1] == 0.5)


def test_a_second_interruption_is_no_error_message(run, small, npz, monkeypatch, tmp_path):
    def interrupted_within_a_call(trainer, *args, **kwargs):
        for variable in trainer.distilled.variables:
            variable._value = None
        raise KeyboardInterrupt

    monkeypatch.setattr(FRePoTrainer, "fit", interrupted_within_a_call)
    name = npz()
    before = listing(tmp_path)
    result = run("distill", name)
    assert result.code == 130
    assert result.err.splitlines()[-1] == "interrupted"
    assert listing(tmp_path) == before


# ------------------------------------------------------------------ bad input


def npz_changes():
    good = problem()
    x, y = good["x_train"], good["y_train"]
    nan, infinite = x.astype("float32"), x.astype("float32")
    nan[3, 1, 1], infinite[5, 0, 0] = np.nan, np.inf
    return {
        "missing key": ({"y_test": None}, "y_test"),
        "different lengths": ({"y_train": y[:-1]}, "y_train"),
        "different lengths in the test part": ({"x_test": good["x_test"][:-1]}, "y_test"),
        "empty class": ({"y_train": np.where(y == 1, 0, y)}, "class 1 has no images"),
        "negative label": ({"y_train": y - 1}, "y_train"),
        "test label out of range": ({"y_test": good["y_test"] + 1}, "y_test"),
        "labels that are not integers": ({"y_train": y.astype("float32")}, "y_train"),
        "one-hot labels": ({"y_train": np.eye(3, dtype="int64")[y]}, "y_train"),
        "NaN pixel": ({"x_train": nan, "x_test": good["x_test"] * 1.0}, "x_train"),
        "infinite pixel": ({"x_train": infinite, "x_test": good["x_test"] * 1.0}, "x_train"),
        "flat images": ({"x_train": x.reshape(len(x), -1)}, "x_train"),
        "other test images": ({"x_test": np.zeros((9, 5, 5, 1), "uint8")}, "x_test"),
        "objects": ({"x_train": np.array([None] * len(x))}, "x_train"),
    }


@pytest.mark.parametrize("case", npz_changes())
def test_unusable_arrays(refuse, npz, case):
    changes, named = npz_changes()[case]
    message = refuse("distill", npz(**changes))
    assert message.startswith("DATASET: ") and named in message


def test_unusable_datasets(refuse, tmp_path):
    (tmp_path / "text.npz").write_text("not an archive")
    np.save(tmp_path / "single.npy", np.zeros(3))
    for word in ("absent.npz", "text.npz", "single.npy", "cifar1000", "tfds:mnist", "", "."):
        message = refuse("distill", word)
        assert message.startswith("DATASET: ") and ".npz" in message


def test_a_class_with_too_few_images(refuse, npz):
    message = refuse("distill", npz(), "--ipc", 9)
    assert message.startswith("--ipc: ") and "class 0 has 8" in message


BAD_OPTIONS = {
    "--ipc": [["0"], ["-1"], ["many"], ["1.5"], ["nan"]],
    "--steps": [["0"], ["-3"], ["1e3"]],
    "--width": [["0"], ["-1"]],
    "--crucial-fraction": [["0"], ["1.5"], ["-0.5"], ["nan"], ["half"]],
    "--isa-interval": [["nan", "1"], ["0", "inf"], ["-inf", "0"], ["1", "0"], ["a", "b"]],
    "--pairing": [["closest"], [""], ["Nearest"]],
    "--regularization": [["-1e-6"], ["nan"], ["inf"], ["small"]],
    "--seed": [["-1"], ["x"], [str(2**31)]],
    "--repeats": [["0"], ["-1"], ["x"]],
    "--output": [["set.npz"], ["set"], [".keras"], [""], ["no/such/folder/set.keras"]],
    "--no-such-option": [["1"]],
}


@pytest.mark.parametrize("option", BAD_OPTIONS)
def test_bad_options(refuse, npz, option):
    name = npz()
    for values in BAD_OPTIONS[option]:
        assert option in refuse("distill", name, option, *values), values


def test_unwritable_output(refuse, npz, asset, tmp_path):
    name = npz()
    (tmp_path / "folder.keras").mkdir()
    (tmp_path / "taken.png").mkdir()  # where the picture would go
    (tmp_path / "file").write_text("not a folder")
    for place in ("folder.keras", "taken.keras", "file/set.keras", "file/below/set.keras"):
        message = refuse("distill", name, "--output", place)
        assert message.startswith("--output: ") and place[:5] in message
    for place in ("file/set.png", "no/folder/set.png", "taken.png"):
        assert refuse("show", asset, "--output", place).startswith("--output: ")
    assert refuse("show", asset, "--output", "set.jpg").startswith("--output ")
    for kind, place in (("npz", "file/set.npz"), ("npz", "taken.png"), ("png", "file/folder")):
        message = refuse("export", asset, "--format", kind, "--output", place)
        assert message.startswith("--output: ")


def test_pictures_that_cannot_be_exported(refuse, tmp_path):
    distilled = DistilledData.from_arrays(np.zeros((2, 4, 4, 2)), np.eye(2))
    distilled.save(tmp_path / "two.keras")
    message = refuse("export", "two.keras", "--format", "png", "--output", "folder")
    assert message.startswith("--output: ") and "channels" in message


def test_export_needs_its_options(refuse, asset):
    assert "--format" in refuse("export", asset, "--output", "x.npz")
    assert "--format" in refuse("export", asset, "--format", "zip", "--output", "x.zip")
    assert "--output" in refuse("export", asset, "--format", "npz")


def rewritten(path, edit):
    """Writes the archive again, its config.json passed through `edit` (None: left out)."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = edit(json.loads(members.pop("config.json")))
    if config is not None:
        members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def with_version(version):
    def edit(config):
        config["config"]["format_version"] = version
        return config

    return edit


def damaged_assets():
    def truncated(path):
        path.write_bytes(path.read_bytes()[:-100])

    def another_model(path):
        keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(path)

    def without_weights(path):
        with zipfile.ZipFile(path) as archive:
            config = archive.read("config.json")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", config)

    return {
        "missing": (Path.unlink, "there is none"),
        "folder": (lambda path: (path.unlink(), path.mkdir()), "there is none"),
        "truncated": (truncated, "truncated"),
        "empty": (lambda path: path.write_bytes(b""), "truncated"),
        "text": (lambda path: path.write_text("hello"), "of another kind"),
        "zip without config": (lambda path: rewritten(path, lambda _: None), "of another kind"),
        "config that is a list": (lambda path: rewritten(path, lambda _: [1]), "unknown"),
        "config without contents": (
            lambda path: rewritten(path, lambda config: {**config, "config": None}),
            "damaged",
        ),
        "another model": (another_model, "Sequential"),
        "newer": (lambda path: rewritten(path, with_version(2)), "upgrade keras_isa"),
        "version that is no number": (lambda path: rewritten(path, with_version("a")), "damaged"),
        "without weights": (without_weights, "cannot be read"),
    }


@pytest.mark.parametrize("case", damaged_assets())
def test_unreadable_assets(refuse, asset, npz, tmp_path, case):
    damage, named = damaged_assets()[case]
    damage(tmp_path / asset)
    name = npz()
    for words in (
        ("evaluate", asset, "--dataset", name),
        ("show", asset),
        ("export", asset, "--format", "npz", "--output", "out.npz"),
    ):
        message = refuse(*words)
        assert message.startswith("PATH: ") and named in message


def test_evaluation_on_what_does_not_fit(refuse, run, npz, asset, tmp_path):
    assert "--dataset" in refuse("evaluate", asset)  # it records none
    assert refuse("evaluate", asset, "--dataset", "absent").startswith("--dataset: ")
    assert "(4, 4, 1)" in refuse("evaluate", asset, "--dataset", "digits")
    more, fewer = (
        npz("more.npz", **problem(num_classes=4)),
        npz("fewer.npz", **problem(num_classes=2)),
    )
    for name in (more, fewer):
        assert refuse("evaluate", asset, "--dataset", name).startswith("--dataset: ")
    names = npz("names.npz", class_names=np.array(["dark", "grey", "light"]))
    assert "class names" in refuse("evaluate", asset, "--dataset", names)
    for option, value in (("--repeats", 0), ("--seed", -1), ("--steps", 3)):
        assert option in refuse("evaluate", asset, "--dataset", npz(), option, value)


def test_unknown_command_and_missing_argument(refuse):
    assert "distil" in refuse("distil", "digits")
    assert "DATASET" in refuse("distill")
    assert "PATH" in refuse("show")


def test_trouble_with_the_disk_is_one_line(run, small, npz, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DistilledData, "save", full)
    monkeypatch.setattr(FRePoTrainer, "fit", lambda *args, **kwargs: None)
    result = run("distill", npz())
    assert result.code == 2
    assert result.err.splitlines()[-1] == "keras-isa: [Errno 28] No space left on device"


# ------------------------------------------------------------------ the command, as a process


def process(*words, folder, **environment):
    """Starts `keras-isa`; variables of the environment that are None are unset."""
    source = Path(importlib.util.find_spec("keras_isa_command").origin).parent
    variables = {**os.environ, "PYTHONPATH": str(source), "PYTHONUNBUFFERED": "1", **environment}
    return subprocess.Popen(
        [sys.executable, "-c", "from keras_isa_command import main; main()", *map(str, words)],
        cwd=folder,
        env={name: value for name, value in variables.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_backend_is_jax_whatever_the_configuration_file_says(asset, npz, tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "tensorflow"}))
    words = ("evaluate", asset, "--dataset", npz(), "--repeats", 1, "--json")
    running = process(*words, folder=tmp_path, KERAS_BACKEND=None, KERAS_HOME=str(tmp_path))
    out, err = running.communicate(timeout=120)
    report = only_json(SimpleNamespace(code=running.returncode, out=out, err=err))
    check_scores(report)
    assert report["repeats"] == 1


@pytest.mark.parametrize("backend", ["tensorflow", "no-such-backend"])
def test_another_backend_is_refused(backend, npz, tmp_path):
    name = npz()
    before = listing(tmp_path)
    running = process("distill", name, folder=tmp_path, KERAS_BACKEND=backend)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 2, err
    assert out == "" and "Traceback" not in err
    ours = [line for line in err.splitlines() if line.startswith("keras-isa: ")]
    assert ours == err.splitlines()[-1:]
    assert backend in ours[0]
    assert listing(tmp_path) == before


def test_interrupt_ends_the_training_and_keeps_the_set(npz, tmp_path):
    words = ("distill", npz(), "--width", 4, "--steps", 10_000_000, "--output", "out.keras")
    running = process(*words, folder=tmp_path)
    lines = []
    try:
        for line in running.stderr:
            lines.append(line)
            if line.startswith("Epoch 1/"):
                running.send_signal(signal.SIGINT)
                break
        out, rest = running.communicate(timeout=120)
    finally:
        running.kill()
    lines += rest.splitlines(keepends=True)
    assert running.returncode == 130, "".join(lines)
    assert out == "" and not any("Traceback" in line for line in lines)
    assert lines[-1] == "interrupted; what was distilled so far is in out.keras\n"
    distilled = keras_isa.load(tmp_path / "out.keras")
    assert 0 < distilled.provenance["steps"] < 10_000_000
    assert np.isfinite(distilled.to_numpy()[0]).all()
    assert (tmp_path / "out.png").is_file()
