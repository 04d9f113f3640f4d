"""`keras-isa prepare` and `keras-isa presets`."""

import keras

import keras_isa


def test_prepare_and_use(run, small, unevaluated, npz, tmp_path, only_json, monkeypatch):
    monkeypatch.setattr("keras_isa.planning.plan._SECONDS", 0.0)  # a forecast from one step
    name = npz()
    for kind, output, dataset in (
        ("npz", "ready.npz", ("ready.npz",)),
        ("npy", "ready", ("ready",)),
        ("tfds", "data", ("tfds:shades", "--data-dir", "data")),
    ):
        result = run("prepare", "shades", name, "--format", kind, "--output", output)
        assert result.code == 0, result.err
        assert result.out.startswith("wrote ") and output in result.out and "24" in result.out
        train, test = keras_isa.datasets.load(*dataset[:1], data_dir=(*dataset, None, None)[2])
        assert (len(train), len(test), train.image_shape) == (24, 9, (4, 4, 1))
    planned = run("distill", "ready", "--plan", "--trial", 2, "--json")
    if keras.backend.backend() == "jax":
        plan = only_json(planned)
        assert plan["trial"]["seconds_per_step"] > 0 and plan["fits"] is True
    else:
        assert planned.code == 2 and "a forecast needs JAX" in planned.err
    assert not list(tmp_path.glob("*.keras"))  # a plan writes nothing
    only_json(run("distill", *dataset, "--repeats", 1, "--json"))
    assert keras_isa.load(tmp_path / "shades_ipc1.keras").provenance["dataset"] == "tfds:shades"


def test_presets_are_listed(run, only_json):
    rows = only_json(run("presets", "--json"))
    assert {"digits", "cifar10", "cifar10-cpu", "imagenet64"} <= {row["name"] for row in rows}
    table = run("presets")
    assert table.code == 0 and len(table.out.splitlines()) == len(rows) + 1


def test_presets_of_another_method(run, only_json, refuse):
    names = {row["name"] for row in only_json(run("presets", "--method", "dm", "--json"))}
    assert {"digits", "cifar10"} <= names
    assert refuse("presets", "--method", "no-such").startswith("--method: ")
