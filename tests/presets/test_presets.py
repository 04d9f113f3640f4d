"""Every preset, with every table, builds a trainer that runs."""

import numpy as np
import pytest

from keras_isa import FRePoTrainer
from keras_isa.datasets import Dataset
from keras_isa.presets import Recipe, preset_names, preset_table, read_preset

TABLES = [(row["name"], size) for row in preset_table() for size in row["images_per_class"]]


def tables():
    """All tables; sets of many images and of large ones are marked slow."""
    for name, size in TABLES:
        dataset = read_preset(name, size)[1]
        large = dataset["num_classes"] * size > 200 or max(dataset["image_shape"]) > 32
        yield pytest.param(name, size, marks=[pytest.mark.slow] if large else [])


def small():
    """Tables for images below 64 pixels, up to 1,000 rows: 5,000 do not fit into 24 GB on a CPU."""
    for name, size in TABLES:
        dataset = read_preset(name, size)[1]
        if max(dataset["image_shape"]) < 64 and dataset["num_classes"] * size <= 1000:
            yield name, size


# Nearly all of such a run is compilation, which one block and few channels make quick. A strong
# ridge, because these networks have fewer features than the larger sets have rows.
QUICK = {"steps": 2, "width": 2, "depth": 1, "pool_size": 2, "batch_size": 16}
QUICK |= {"regularization": 1e-2, "learning_rate": 1e-3, "final_learning_rate": 0.1}
# Whitening takes an eigendecomposition over all pixels, far longer than the steps.
CHEAP = {**QUICK, "preprocessing": "standardize"}
KINDS = {
    "standardize": ("Standardization", None),
    "zca": ("ZCAWhitening", 1),
    "block_zca": ("ZCAWhitening", 2),
}


def run(images_for, name, images_per_class, changes):
    """Runs two steps on images, of which each class has two more than the set."""
    trainer = FRePoTrainer.from_preset(name, images_per_class, verbose=False, **changes)
    distilled = trainer.distilled
    x, y = images_for(distilled.image_shape, distilled.num_classes, images_per_class + 2)
    history = trainer.fit(x, y, verbose=0)
    assert all(np.isfinite(values).all() for values in history.history.values())
    assert np.isfinite(distilled.to_numpy()[0]).all()
    return trainer


@pytest.mark.parametrize("name,images_per_class", tables())
def test_every_table_builds_and_runs(images_for, name, images_per_class):
    settings, dataset = read_preset(name, images_per_class)
    trainer = run(images_for, name, images_per_class, CHEAP)
    distilled = trainer.distilled
    assert list(distilled.image_shape) == dataset["image_shape"]
    assert distilled.images.shape[0] == dataset["num_classes"] * images_per_class
    assert list(distilled.pixel_range) == dataset["pixel_range"]
    record = distilled.provenance
    assert record["steps"] == 2
    for key in ("crucial_fraction", "pairing", "reduction", "flip"):
        assert record[key] == getattr(settings, key)
    assert record["isa_interval"] == list(settings.isa_interval)
    assert record["settings"] == settings.with_changes(**CHEAP).to_dict()
    # The recipe is complete, so that the defaults of a later version do not matter.
    steps = Recipe(**settings.recipe).steps_for(len(distilled.class_ids))
    cheap = settings.with_changes(**CHEAP)
    predictor = {
        "kind": "kernel ridge regression",
        "regularization": cheap.regularization,
        "flip": cheap.flip,
    }
    assert distilled.recipe == {**settings.recipe, "steps": steps, "predictor": predictor}


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_preprocesses_as_it_says(name):
    settings = read_preset(name, 1)[0]
    trainer = FRePoTrainer.from_preset(name, 1, verbose=False, **QUICK)
    kind, blocks = KINDS[settings.preprocessing]
    assert type(trainer.distilled.preprocessing).__name__ == kind
    assert getattr(trainer.distilled.preprocessing, "blocks", None) == blocks


@pytest.mark.slow
@pytest.mark.parametrize("name,images_per_class", small())
def test_small_images_run_at_their_own_width(images_for, name, images_per_class):
    trainer = run(images_for, name, images_per_class, {"steps": 2, "batch_size": 64})
    settings = read_preset(name, images_per_class)[0]
    assert trainer.settings == settings.with_changes(steps=2, batch_size=64)


def test_first_images_and_names_come_from_the_data():
    y = np.arange(60) % 10
    noise = np.random.default_rng(0).uniform(0, 0.5, (60, 8, 8, 1))
    x = (y[:, None, None, None] + noise).astype("float32")
    names = tuple("abcdefghij")
    train = Dataset.from_arrays(x, y, class_names=names)
    # With this learning rate the set hardly changes.
    changes = {**QUICK, "depth": 1, "learning_rate": 1e-12}
    trainer = FRePoTrainer.from_preset("digits", 2, seed=3, verbose=False, **changes)
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
    # The statistics are those of these data, not of the preset's data set.
    np.testing.assert_allclose(distilled.preprocessing.mean, train.x.mean(), rtol=1e-5)
    # A second fit continues with the set instead of drawing images again.
    trainer.fit(train, verbose=0)
    np.testing.assert_allclose(distilled.to_numpy("pixels")[0], pixels, atol=1e-3)


def test_bad_changes():
    with pytest.raises(ValueError, match="Received: ipc$"):
        FRePoTrainer.from_preset("digits", 1, verbose=False, ipc=3)
    with pytest.raises(ValueError, match="`crucial_fraction`"):
        FRePoTrainer.from_preset("digits", 1, verbose=False, crucial_fraction=2.0)
