"""`keras-isa distill`, finished or interrupted: its output and its files."""

import re
from pathlib import Path

import numpy as np

import keras_isa
from keras_isa import FRePoTrainer, presets
from keras_isa.cli.distill import tiles_would_help

REPORT = {"repeats", "images_per_class", "seconds", "baselines"}  # and the scores


# ------------------------------------------------------------------ the way through


def test_digits_from_distillation_to_export(
    run, small, tmp_path, only_json, check_scores, score_names
):
    options = ("--steps", 4, "--width", 4, "--repeats", 2)
    report = only_json(run("distill", "digits", *options, "--json"))
    check_scores(report)
    assert score_names | REPORT | {"steps_per_second", "output"} <= set(report)
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
    assert distilled.recipe["steps"] == small["steps"]

    # The recorded dataset is found, and the same networks are trained.
    again = only_json(run("evaluate", "digits_ipc1.keras", "--repeats", 2, "--json"))
    assert score_names | REPORT <= set(again)
    for name in (*score_names, "baselines"):
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
    # The table has a head, a line for each set, an explanation of the numbers, and the seconds.
    assert lines[0].startswith("2 per class, test accuracy in %")
    assert [line.split()[0] for line in lines[1:4]] == ["random", "k-means,", "distilled"]
    assert lines[4] == "mean ± standard deviation over 2 networks"
    assert re.fullmatch(r"\d+ seconds", lines[5]) and len(lines) == 6
    assert "steps = 4" in result.err and "Epoch 2/2" in result.err
    assert "wrote shades_ipc2.keras and shades_ipc2.png" in result.err
    distilled = keras_isa.load(tmp_path / "shades_ipc2.keras")
    assert distilled.images.shape == (6, 4, 4, 1)
    assert distilled.provenance["seed"] == 3
    assert distilled.provenance["isa_interval"] == [-1, 0]
    # The whole path is recorded, so that the file is found from any folder.
    assert Path(distilled.provenance["dataset"]) == tmp_path / "data" / "shades.npz"


def test_every_option_reaches_the_run_and_a_run_can_be_repeated(
    run, small, unevaluated, npz, tmp_path, only_json, make_asset
):
    words = ["--ipc", 1, "--steps", 5, "--crucial-fraction", 0.5, "--isa-interval", 0.25, 0.25]
    words += ["--pairing", "all", "--regularization", 0.01, "--width", 6, "--seed", 7]
    words += ["--repeats", 3, "--output", "out.keras", "--json"]
    make_asset(tmp_path / "out.keras")  # replaced, as no option says otherwise
    report = only_json(run("distill", npz(), *words))
    assert report["accuracy_mean"] == 0.5 and report["krr_accuracy_mean"] == 0.25
    assert report["output"] == "out.keras"
    assert unevaluated["repeats"] == 3 and unevaluated["seed"] == 7
    assert unevaluated["train"] is not None
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


# ------------------------------------------------------------------ data of other kinds


def test_unequal_and_chosen_classes(run, small, npz, tmp_path, only_json, check_scores):
    names = np.array(["dark", "grey", "light"])
    name = npz(class_names=names)
    words = ("--classes", "light,dark", "--ipc", "dark=3,light=99", "--repeats", 1)
    result = run("distill", name, *words, "--output", "two.keras", "--json")
    assert "keras-isa: warning: " in result.err and "class light (7 of 99)" in result.err
    report = only_json(result)
    check_scores(report)
    assert report["images_per_class"] == [7, 3]
    distilled = keras_isa.load(tmp_path / "two.keras")
    assert distilled.class_names == ("light", "dark")
    # The recorded choice of classes is also that of an evaluation.
    again = only_json(run("evaluate", "two.keras", "--repeats", 1, "--json"))
    assert again["accuracy_mean"] == report["accuracy_mean"]
    for classes in ("dark,light", "light,dark,grey"):
        wrong = run("evaluate", "two.keras", "--classes", classes)
        assert wrong.code == 2 and "--classes light,dark" in wrong.err
    assert run("evaluate", "two.keras", "--dataset", name, "--classes", "light,dark").code == 0


def test_proportional_classes_and_the_name_of_the_file(
    run, small, unevaluated, npz, tmp_path, problem
):
    arrays = problem()
    keep = np.r_[0:24:3, 1:24:6, 2:24:3]
    x, y = arrays["x_train"][keep], arrays["y_train"][keep]
    result = run("distill", npz(x_train=x, y_train=y), "--ipc", "proportional:2", "--repeats", 1)
    assert result.code == 0, result.err
    assert keras_isa.load(tmp_path / "shades_ipcproportional_2.keras").class_counts == (3, 1, 2)


def test_flat_features(run, small, npz, tmp_path, problem, only_json, check_scores):
    arrays = {k: v.reshape(len(v), -1) if k[0] == "x" else v for k, v in problem().items()}
    report = only_json(run("distill", npz(**arrays), "--repeats", 1, "--json"))
    check_scores(report)
    assert keras_isa.load(tmp_path / "shades_ipc1.keras").images.shape == (3, 16)
    assert (tmp_path / "shades_ipc1.png").is_file()


def test_whitening_and_options_of_the_regression(run, small, unevaluated, npz, tmp_path):
    words = ("--preprocessing", "zca", "--flip", "--batch-size", 8, "--repeats", 1)
    words += ("--dtype-policy", "float32")
    result = run("distill", npz(), *words)
    assert result.code == 0, result.err
    assert "computing zca of" in result.err
    distilled = keras_isa.load(tmp_path / "shades_ipc1.keras")
    assert type(distilled.preprocessing).__name__ == "ZCAWhitening"
    assert distilled.provenance["flip"] is True
    assert distilled.provenance["settings"]["batch_size"] == 8
    assert distilled.provenance["settings"]["dtype_policy"] == "float32"


def test_a_folder_of_images(run, small, tmp_path, problem, only_json, check_scores):
    from PIL import Image

    arrays = problem()
    for part in ("train", "test"):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        for index, (image, label) in enumerate(zip(x, y, strict=True)):
            folder = tmp_path / "pictures" / part / f"shade {label}"
            folder.mkdir(parents=True, exist_ok=True)
            size = (9, 12) if index % 2 else (8, 8)
            Image.fromarray(image[..., 0]).resize(size, Image.NEAREST).save(folder / f"{index}.png")
    refused = run("distill", "pictures")
    assert refused.code == 2 and "--image-size" in refused.err
    report = only_json(run("distill", "pictures", "--image-size", 4, "--repeats", 1, "--json"))
    check_scores(report)
    distilled = keras_isa.load(tmp_path / "pictures_ipc1.keras")
    assert distilled.image_shape == (4, 4, 1)
    assert distilled.class_names == ("shade 0", "shade 1", "shade 2")
    # The size is recorded: the folder is found and cropped again.
    again = only_json(run("evaluate", "pictures_ipc1.keras", "--repeats", 1, "--json"))
    assert again["accuracy_mean"] == report["accuracy_mean"]


def test_names_with_commas_and_equals_signs(run, small, npz, tmp_path, only_json):
    import shlex

    tench, one, box = "tench, Tinca tinca", " 1=one", "\U00012000"
    name = npz(class_names=np.array([tench, one, box]))
    words = ("--classes", f'"{tench}","{one}"', "--ipc", f'"{tench}"=2,"{one}"=1', "--repeats", 1)
    only_json(run("distill", name, *words, "--output", "two.keras", "--json"))
    distilled = keras_isa.load(tmp_path / "two.keras")
    assert distilled.class_names == (tench, one) and distilled.class_counts == (2, 1)
    wrong = run("evaluate", "two.keras", "--classes", f'"{one}","{tench}"')
    assert wrong.code == 2
    # The printed option can be pasted into a shell.
    pasted = shlex.split(wrong.err[wrong.err.index("--classes") :].rstrip().removesuffix(")"))
    assert run("evaluate", "two.keras", "--repeats", 1, *pasted).code == 0
    told = run("distill", name, "--steps", 1, "--ipc", "0=1")
    assert told.code == 2 and f'"{tench}"," 1=one",{box}' in told.err
    assert told.err.index("pictures show boxes") < told.err.index("--ipc")
    unclosed = run("distill", name, "--classes", '"a')
    assert unclosed.code == 2 and unclosed.err.startswith("keras-isa: --classes: ")


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


def test_a_second_interruption_is_no_error_message(run, small, npz, monkeypatch, tmp_path, listing):
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


def test_what_tiles_would_give_is_said_where_images_are_large_and_few(run, unevaluated, tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (40, 24, 24)).astype("uint8"), np.arange(40) % 2
    np.savez(tmp_path / "large.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    words = ("--steps", 1, "--width", 2, "--batch-size", 4, "--repeats", 1)
    words += ("--set", "epochs=1", "--set", "depth=1", "--set", "pool_size=1")
    line = "in fewer bytes --ipc 3 --parametrization multi_formation:2:shared+quantized:8 stores"
    said = run("distill", tmp_path / "large.npz", *words).err
    assert line in said
    result = run("distill", tmp_path / "large.npz", "--quiet", *words)
    assert result.code == 0 and line not in result.err
    settings = presets.Settings(images_per_class=1)
    assert tiles_would_help(settings, (24, 24, 1)) and not tiles_would_help(settings, (20, 24, 1))
    for changes in ({"images_per_class": 2}, {"parametrization": "quantized:8"}):
        assert not tiles_would_help(settings.with_changes(**changes), (24, 24, 1))


def test_samples_are_tracked_on_request(run, small, npz, tmp_path):
    name = npz()
    words = "--repeats", 1, "--track-samples", "--output", "set.keras", "--set", "prefixes=true"
    result = run("distill", name, *words)
    assert "prefixes has no effect on one image per class" in result.err
    record = keras_isa.load(tmp_path / "set.keras").provenance
    assert {one["class"] for one in record["hardest_samples"]} == {"0", "1", "2"}
    assert all(one["loss"] >= 0 and one["looks"] >= 1 for one in record["hardest_samples"])
    assert record["command"].startswith(f"keras-isa distill {name} --repeats 1 --track-samples")


def test_samples_are_not_tracked_where_there_are_no_scores(refuse, npz):
    name = npz()
    for words in (("--method", "dm"), ("--plan",)):
        assert "--track-samples has no meaning with" in refuse(
            "distill", name, "--track-samples", *words
        )
