"""Named settings, and settings derived from a data set's shape."""

import tomllib
from importlib import resources

import numpy as np
import pytest

from keras_isa import FRePoTrainer
from keras_isa.datasets import Dataset
from keras_isa.evaluation import Recipe
from keras_isa.presets import Settings, derive_settings, named, preset_names, read_preset

# What makes a preset's run a matter of seconds without changing its kind.
QUICK = {"steps": 2, "width": 2, "depth": 1, "pool_size": 2, "batch_size": 16}


def images_for(shape, num_classes, class_names=None, per_class=6):
    """Random real images; the values of each class begin at its number."""
    y = np.arange(num_classes * per_class) % num_classes
    noise = np.random.default_rng(0).uniform(0, 0.5, (len(y), *shape))
    x = (y[:, None, None, None] + noise).astype("float32")
    return Dataset.from_arrays(x, y, class_names=class_names)


# ------------------------------------------------------------------ named presets


def test_names():
    assert "digits" in preset_names()
    assert preset_names() == sorted(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_every_table_of_a_preset_is_sound(name):
    text = resources.files("keras_isa.presets").joinpath(f"{name}.toml").read_text("utf-8")
    table = tomllib.loads(text)
    assert set(table) == {"dataset", "all", "ipc"}
    assert {"image_shape", "num_classes"} <= set(table["dataset"])
    assert table["ipc"]
    for size, values in table["ipc"].items():
        settings, dataset = read_preset(name, int(size))
        assert dataset == table["dataset"]
        assert settings.images_per_class == int(size)
        wanted = {**table["all"], **values}
        recipe = {**table["all"].get("recipe", {}), **values.get("recipe", {})}
        wanted.pop("recipe", None)
        for key, value in wanted.items():
            found = getattr(settings, key)
            assert found == (tuple(value) if isinstance(value, list) else value)
        assert settings.recipe == Recipe(**recipe).to_dict()


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_builds_and_runs(name):
    trainer = FRePoTrainer.from_preset(name, images_per_class=1, **QUICK)
    shape, classes = trainer.distilled.image_shape, trainer.distilled.num_classes
    settings, dataset = read_preset(name, 1)
    assert (list(shape), classes) == (dataset["image_shape"], dataset["num_classes"])
    history = trainer.fit(images_for(shape, classes), validation_split=0.1, verbose=0)
    assert trainer.distilled.provenance["steps"] == 2
    assert all(np.isfinite(values).all() for values in history.history.values())
    record = trainer.distilled.provenance
    assert record["crucial_fraction"] == settings.crucial_fraction
    assert record["isa_interval"] == list(settings.isa_interval)
    stored = trainer.distilled.recipe  # complete: nothing is left to the reader's defaults
    steps = Recipe(**settings.recipe).steps_for(len(trainer.distilled.class_ids))
    assert stored == {**settings.recipe, "steps": steps}


def test_first_images_and_names_come_from_the_data():
    names = tuple("abcdefghij")
    train = images_for((8, 8, 1), 10, names)
    changes = {**QUICK, "learning_rate": 1e-12}  # the set stays where it began
    trainer = FRePoTrainer.from_preset("digits", 2, seed=3, **changes)
    assert trainer.distilled.images.shape == (20, 8, 8, 1)
    trainer.fit(train, verbose=0)
    distilled = trainer.distilled
    assert distilled.class_names == names
    assert distilled.provenance["seed"] == 3
    pixels, labels = distilled.to_numpy("pixels")
    distances = np.abs(pixels[:, None] - train.x[None]).max(axis=(2, 3, 4))
    rows = distances.argmin(axis=1)
    assert distances.min(axis=1).max() < 1e-3
    assert len(set(rows.tolist())) == 20
    assert train.y[rows].tolist() == [k for k in range(10) for _ in range(2)]
    assert labels.argmax(axis=1).tolist() == train.y[rows].tolist()
    # Standardised by these data, not by the preset's own.
    np.testing.assert_allclose(distilled.preprocessing.mean, train.x.mean(), rtol=1e-5)
    # A second fit goes on from the set instead of drawing again.
    trainer.fit(train, verbose=0)
    np.testing.assert_allclose(distilled.to_numpy("pixels")[0], pixels, atol=1e-3)


@pytest.fixture
def shelf(monkeypatch, tmp_path):
    """`shelf(text)` makes `text` the only preset, named "made_up"."""

    def put(text):
        (tmp_path / "made_up.toml").write_text(text)
        monkeypatch.setattr(named.resources, "files", lambda package: tmp_path)

    return put


MADE_UP = """
[dataset]
image_shape = [4, 4, 3]
num_classes = 2
[all]
width = 8
recipe = { width = 4, warmup_steps = 2 }
[ipc.1]
steps = 101
recipe = { steps = 11 }
[ipc.10]
steps = 110
width = 16
[ipc.50]
steps = 150
recipe = { width = 6 }
"""


def test_nearest_table_by_ratio(shelf):
    shelf(MADE_UP)
    assert preset_names() == ["made_up"]
    # Between 1 and 10 the border lies at sqrt(10) = 3.2, between 10 and 50 at 22.4.
    expected = {1: 101, 3: 101, 4: 110, 10: 110, 22: 110, 23: 150, 50: 150, 1000: 150}
    for size, steps in expected.items():
        settings, dataset = read_preset("made_up", size)
        assert (settings.steps, settings.images_per_class) == (steps, size)
        assert dataset == {"image_shape": [4, 4, 3], "num_classes": 2}


def test_tables_are_merged_over_the_common_one(shelf):
    shelf(MADE_UP)
    one, ten, fifty = (read_preset("made_up", size)[0] for size in (1, 10, 50))
    assert (one.width, ten.width, fifty.width) == (8, 16, 8)
    assert one.recipe == Recipe(width=4, warmup_steps=2, steps=11).to_dict()
    assert ten.recipe == Recipe(width=4, warmup_steps=2).to_dict()
    assert fifty.recipe == Recipe(width=6, warmup_steps=2).to_dict()
    assert one.pool_size == Settings(images_per_class=1).pool_size


def test_unknown_keys_are_refused(shelf):
    for line in ("wdith = 8", "ipc = 3"):
        shelf(MADE_UP.replace("[all]", f"[all]\n{line}"))
        with pytest.raises(ValueError, match=f"Received: {line.split()[0]}$"):
            read_preset("made_up", 1)


def test_bad_requests():
    with pytest.raises(ValueError, match="`preset` must be one of .*digits.*Received: .*'digit'"):
        read_preset("digit", 1)
    for size in (0, -1, 1.0, True, "1", None):
        with pytest.raises(ValueError, match="`images_per_class` must be a positive integer"):
            read_preset("digits", size)
    with pytest.raises(ValueError, match="Received: ipc$"):
        FRePoTrainer.from_preset("digits", 1, ipc=3)
    with pytest.raises(ValueError, match="`fraction`"):
        FRePoTrainer.from_preset("digits", 1, crucial_fraction=2.0)


# ------------------------------------------------------------------ settings


def test_changes():
    settings = Settings(images_per_class=3, steps=40, isa_interval=[0, 0.25])
    assert settings.isa_interval == (0, 0.25)
    changed = settings.with_changes(steps=50, width=None, isa_interval=(-1, 0))
    assert (changed.steps, changed.width, changed.isa_interval) == (50, settings.width, (-1, 0))
    assert settings.steps == 40 and changed.images_per_class == 3
    assert Settings.from_dict(changed.to_dict()) == changed
    with pytest.raises(ValueError, match="`settings` must have keys out of .*Received: stpes$"):
        settings.with_changes(stpes=3)
    with pytest.raises(ValueError, match="Received: a, b$"):
        Settings.from_dict({"images_per_class": 1, "b": 1, "a": 2})


def test_an_epoch_has_at_least_one_step():
    settings = Settings(images_per_class=1, steps=4)
    assert settings.epochs == 4
    assert Settings(images_per_class=1).with_changes(steps=2).epochs == 2
    assert Settings(images_per_class=1, steps=500, epochs=7).epochs == 7


@pytest.mark.parametrize("field", ["images_per_class", "steps", "epochs", "batch_size"])
@pytest.mark.parametrize("value", [0, -2, 1.5, True, "3", None])
def test_counts_must_be_positive_integers(field, value):
    with pytest.raises(ValueError, match=f"`{field}` must be a positive integer"):
        Settings.from_dict({"images_per_class": 1, field: value})


@pytest.mark.parametrize("field", ["learning_rate", "inner_learning_rate"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), "fast", True])
def test_rates_must_be_positive_numbers(field, value):
    with pytest.raises(ValueError, match=f"`{field}` must be"):
        Settings(images_per_class=1).with_changes(**{field: value})


def test_own_recipe_is_copied():
    recipe = {"width": 4}
    settings = Settings(images_per_class=1, recipe=recipe)
    recipe["width"] = 5
    assert settings.recipe == Recipe(width=4).to_dict()


def test_a_recipe_with_an_unknown_key_is_refused():
    with pytest.raises(ValueError, match="`recipe` must have keys out of .*Received: epochs$"):
        Settings(images_per_class=1, recipe={"epochs": 3})


# ------------------------------------------------------------------ derived settings

SHAPES = [
    ((8, 8, 1), 10, 1437),
    ((28, 28, 1), 10, 60000),
    ((32, 32, 3), 10, 50000),
    ((32, 32, 3), 100, 50000),
    ((64, 64, 3), 200, 100000),
    ((1, 1, 1), 2, 4),
    ((300, 200, 3), 3, 90),
]


@pytest.mark.parametrize("accelerated", [False, True], ids=["cpu", "accelerated"])
@pytest.mark.parametrize("shape,classes,size", SHAPES)
def test_derived_settings_are_usable(shape, classes, size, accelerated):
    for images_per_class in (1, 10):
        settings = derive_settings(shape, classes, size, images_per_class, accelerated)
        assert settings.images_per_class == images_per_class
        assert 1 <= settings.batch_size <= min(1024, size)
        assert settings.flip == (shape[-1] == 3)
        assert settings.epochs <= settings.steps
        assert 100 <= settings.steps <= 20_000
        recipe = Recipe.from_dict(settings.recipe)
        assert ("flip" in recipe.augmentation) == settings.flip
        published = Settings(images_per_class=images_per_class)
        for name in ("crucial_fraction", "isa_interval", "pairing", "reduction", "pool_size"):
            assert getattr(settings, name) == getattr(published, name)
        if accelerated:
            assert settings.steps == 20_000
            assert (settings.width, settings.learning_rate) == (128, 3e-4)
            assert recipe.width == 128 and recipe.steps is None
        else:
            assert settings.width < 128 and recipe.width < 128
            assert settings.batch_size <= 256
            assert settings.learning_rate > published.learning_rate
            assert 100 <= recipe.steps_for(classes * images_per_class) <= 2000


def test_steps_on_a_cpu_follow_the_cost():
    def steps(shape, images_per_class):
        settings = derive_settings(shape, 10, 50000, images_per_class, accelerated=False)
        return settings.steps, settings.recipe["steps"]

    small, large = steps((28, 28, 1), 1), steps((64, 64, 1), 1)
    assert small[0] > large[0] and small[1] >= large[1]
    few, many = steps((28, 28, 1), 1), steps((28, 28, 1), 50)
    assert few[0] > many[0] and few[1] > many[1]
