"""Presets: the tables of their files, the published numbers, and how tables are merged."""

import math

import pytest

from keras_isa.methods import method, method_names
from keras_isa.presets import Recipe, Settings, preset_names, read_preset
from keras_isa.presets.preset_file import file_names, read_file

FILES = [
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "imagenet64",
    "imagenette128",
    "imagewoof128",
    "mnist",
    "tiny_imagenet",
]


def test_every_data_set_of_the_paper_has_a_file():
    assert file_names() == FILES


@pytest.mark.parametrize("file", FILES)
def test_files_are_complete(file):
    tables = read_file(file)
    assert {"image_shape", "num_classes", "pixel_range", "train_size"} <= set(tables["dataset"])
    assert "1" in tables["ipc"]


@pytest.mark.parametrize("name", method_names())
def test_one_image_per_class_does_not_take_what_is_meant_for_ten(name):
    config = method(name).Config
    for file in file_names(config):
        tables = read_file(file, config)
        of_variant = tables.get("cpu", {}).get("ipc", {})
        assert "1" in tables["ipc"] and (not of_variant or "1" in of_variant), (name, file)


@pytest.mark.parametrize(
    "before,line,place",
    [
        ("[dataset]", "classes = 2", "[dataset]"),
        ("[dataset]", "width = 2", "[dataset]"),
        ("[all]", "wdith = 8", "[all]"),
        ("[all]", "images_per_class = 3", "[all]"),
        ("[ipc.1]", "step = 3", "[ipc.1]"),
        ("[ipc.50]", "ipc = 3", "[ipc.50]"),
        ("[cpu.all]", "batch = 3", "[cpu.all]"),
        ("[cpu.ipc.10]", "preset = 3", "[cpu.ipc.10]"),
    ],
)
def test_an_unknown_key_is_refused_with_its_place(shelf, made_up_cpu, before, line, place):
    assert before in made_up_cpu
    shelf(made_up_cpu.replace(before, f"{before}\n{line}"))
    key = line.split()[0]
    with pytest.raises(ValueError) as error:
        read_preset("made_up", 1)  # whichever table the request would use
    assert f"`made_up.toml {place}` must have keys out of" in str(error.value)
    assert str(error.value).endswith(f"Received: {key}")


def test_unknown_keys_of_recipes_are_refused(shelf, made_up_cpu):
    for old, place in (("width = 6", "ipc.50"), ("width = 3", "cpu.all"), ("width = 4", "all")):
        shelf(made_up_cpu.replace(old, f"{old}, iterations = 3"))
        with pytest.raises(ValueError) as error:
            read_preset("made_up", 1)
        assert f"`made_up.toml [{place}] recipe` must have keys out of network," in str(error.value)
        assert str(error.value).endswith("Received: iterations")


@pytest.mark.parametrize(
    "text,message",
    [
        ("gpu = 1", r"`made_up.toml` must have keys out of .*Received: gpu$"),
        ("[gpu]", r"`made_up.toml` must have keys out of .*Received: gpu$"),
        ("[cpu.fast]", r"`made_up.toml \[cpu\]` must have keys out of all, ipc. Received: fast$"),
        ("[cpu.ipc.1]\nsteps = 2", r"`made_up.toml \[cpu\]` must have all. Missing: all$"),
        ("cpu = 3", r"`made_up.toml \[cpu\]` must be a table. Received: 3$"),
        ("[cpu]\nall = true", r"`made_up.toml \[cpu.all\]` must be a table. Received: True$"),
        ("[ipc.few]", r"tables \[ipc.N\] .*Received: \[ipc.few\]$"),
        ("[ipc.0]", r"tables \[ipc.N\] .*Received: \[ipc.0\]$"),
        ("[cpu.all]\n[cpu.ipc.-1]", r"tables \[cpu.ipc.N\] .*Received: \[cpu.ipc.-1\]$"),
        ("[cpu.all]\n[cpu.ipc]", r"`made_up.toml` must have a table \[cpu.ipc.N\]"),
    ],
)
def test_other_tables_are_refused(shelf, made_up, text, message):
    shelf(f"{text}\n{made_up}" if "[" not in text else f"{made_up}\n{text}")
    with pytest.raises(ValueError, match=message):
        read_preset("made_up", 1)


def test_missing_tables_and_keys_are_named(shelf, made_up):
    shelf(made_up.replace("num_classes = 2", ""))
    with pytest.raises(ValueError, match=r"`made_up.toml \[dataset\]` .*Missing: num_classes$"):
        read_preset("made_up", 1)
    shelf("[all]\nwidth = 3")
    with pytest.raises(ValueError, match=r"`made_up.toml` .*Missing: dataset, ipc$"):
        preset_names()


# ------------------------------------------------------------------ what the presets say

GREY = {"crop", "rotate", "translate", "cutout", "color"}
COLOUR = {*GREY, "flip"}

# The settings of FRePo (Zhou et al. 2022) with crucial samples and ISA for all data sets.
COMMON = {
    "width": 128,
    "normalization": "batch",
    "pool_size": 10,
    "max_online_steps": 100,
    "batch_size": 1024,
    "learning_rate": 3e-4,
    "final_learning_rate": 0.1,
    "inner_learning_rate": 3e-4,
    "regularization": 1e-6,
    "crucial_fraction": 0.8,
    "isa_interval": (0.0, 0.5),
    "pairing": "nearest",
    "reduction": "class_mean",
    "learn_labels": True,
}
RECIPE = {"width": 128, "learning_rate": 3e-4, "warmup_steps": 500, "batch_size": 500}

# Image shape, classes, training images, TFDS, preprocessing, depth, steps; kinds of augmentation.
DATASETS = {
    "mnist": ([28, 28, 1], 10, 60_000, "mnist", "standardize", 3, 500_000, GREY),
    "fashion_mnist": ([28, 28, 1], 10, 60_000, "fashion_mnist", "standardize", 3, 500_000, GREY),
    "cifar10": ([32, 32, 3], 10, 50_000, "cifar10", "zca", 3, 500_000, COLOUR),
    "cifar100": ([32, 32, 3], 100, 50_000, "cifar100", "zca", 3, 500_000, COLOUR),
    "tiny_imagenet": ([64, 64, 3], 200, 100_000, None, "zca", 4, 500_000, COLOUR),
    "imagenette128": (
        *([128, 128, 3], 10, 9_469, "imagenette/160px-v2"),
        *("block_zca", 5, 500_000, COLOUR),
    ),
    "imagewoof128": ([128, 128, 3], 10, 9_025, None, "block_zca", 5, 500_000, COLOUR),
    "imagenet64": (
        *([64, 64, 3], 1000, 1_281_167, "imagenet_resized/64x64"),
        *("zca", 4, 2_000_000, COLOUR),
    ),
}
# Flip in the regression, and steps of networks trained on the set, by images per class.
SIZES = {
    "mnist": {1: (False, 1000), 10: (False, 2000), 50: (False, 5000)},
    "fashion_mnist": {1: (False, 1000), 10: (False, 2000), 50: (False, 5000)},
    "cifar10": {1: (True, 1000), 10: (True, 2000), 50: (True, 5000)},
    "cifar100": {1: (True, 2000), 10: (False, 4000), 50: (False, 40000)},
    "tiny_imagenet": {1: (True, 2000), 10: (False, 5000)},
    "imagenette128": {1: (True, 1000), 10: (True, 2000)},
    "imagewoof128": {1: (True, 1000), 10: (True, 2000)},
    "imagenet64": {1: (False, 4000), 2: (False, 5000)},
}
CPU = ["cifar10-cpu", "fashion_mnist-cpu", "mnist-cpu"]


def test_names():
    assert preset_names() == sorted([*DATASETS, *CPU, "digits"])


@pytest.mark.parametrize("name", DATASETS)
def test_published_numbers(name):
    shape, classes, size, tfds, preprocessing, depth, steps, kinds = DATASETS[name]
    assert set(read_file(name)["ipc"]) == {str(size) for size in SIZES[name]}
    for images_per_class, (flip, recipe_steps) in SIZES[name].items():
        settings, dataset = read_preset(name, images_per_class)
        assert (dataset["image_shape"], dataset["num_classes"]) == (shape, classes)
        assert (dataset["train_size"], dataset.get("tfds")) == (size, tfds)
        assert dataset["pixel_range"] == [0, 255]
        assert settings.images_per_class == images_per_class
        assert {key: getattr(settings, key) for key in COMMON} == COMMON
        assert (settings.preprocessing, settings.depth) == (preprocessing, depth)
        assert (settings.steps, settings.flip) == (steps, flip)
        assert settings.steps / settings.epochs == 10_000
        recipe = Recipe.from_dict(settings.recipe)
        assert {key: getattr(recipe, key) for key in RECIPE} == RECIPE
        assert (recipe.depth, recipe.steps) == (depth, recipe_steps)
        assert set(recipe.augmentation) == kinds
        # The rule of the protocol gives the same number.
        assert Recipe().steps_for(classes * images_per_class) == recipe_steps


@pytest.mark.parametrize("name", DATASETS)
def test_files_state_what_is_published(name):
    tables = read_file(name)
    stated = {**tables["all"], **tables["ipc"]["1"]}
    assert {*COMMON, "steps", "preprocessing", "depth", "flip", "recipe"} <= set(stated)
    assert {*RECIPE, "depth", "augmentation"} <= set(tables["all"]["recipe"])
    for values in tables["ipc"].values():
        assert "flip" in {**tables["all"], **values}
        assert "steps" in values["recipe"]


@pytest.mark.parametrize("name", CPU)
@pytest.mark.parametrize("images_per_class", [1, 10])
def test_variants_for_cpus(name, images_per_class):
    settings, dataset = read_preset(name, images_per_class)
    published, of_published = read_preset(name.removesuffix("-cpu"), images_per_class)
    assert dataset == of_published
    narrow = {"width": 32, "batch_size": 256, "learning_rate": 1e-2, "final_learning_rate": 0.01}
    assert {key: getattr(settings, key) for key in narrow} == narrow
    assert (settings.recipe["width"], settings.recipe["learning_rate"]) == (32, 1e-3)
    assert 100 <= settings.steps <= 5000 and settings.steps % settings.epochs == 0
    recipe, rows = Recipe.from_dict(settings.recipe), 10 * images_per_class
    assert 100 <= recipe.steps_for(rows) <= 1000
    # Where a batch is a part of the set, a set of more images takes more steps.
    passes = math.ceil(4 * rows / recipe.batch_size) / math.ceil(rows / recipe.batch_size)
    assert recipe.steps_for(4 * rows) == passes * recipe.steps_for(rows)
    assert (settings.epochs, settings.patience) == (4, 2) and published.patience is None
    assert published.updates_per_batch == 1
    # No other published setting changes.
    changed = {*narrow, "steps", "epochs", "patience", "updates_per_batch", "recipe"}
    for key, value in published.to_dict().items():
        if key not in changed:
            assert settings.to_dict()[key] == value
    assert settings.recipe["augmentation"] == published.recipe["augmentation"]


def test_nearest_table_by_ratio(shelf, made_up):
    shelf(made_up)
    assert preset_names() == ["made_up"]
    # The border between 1 and 10 is sqrt(10) = 3.2, and between 10 and 50 it is 22.4.
    expected = {1: 101, 3: 101, 4: 110, 10: 110, 22: 110, 23: 150, 50: 150, 1000: 150}
    for size, steps in expected.items():
        settings, dataset = read_preset("made_up", size)
        assert (settings.steps, settings.images_per_class) == (steps, size)
        assert dataset == {"image_shape": [4, 4, 3], "num_classes": 2, "tfds": "made/up"}


def test_one_number_for_each_class(shelf, made_up):
    shelf(made_up)
    for counts, steps in (((1, 5), 101), ([1, 6], 110), ((1, 120), 150)):
        settings = read_preset("made_up", counts)[0]
        assert (settings.steps, settings.images_per_class) == (steps, tuple(counts))
    assert read_preset("made_up", [10, 10])[0] == read_preset("made_up", 10)[0]
    for counts in ((1, 2, 3), (1,), ()):
        with pytest.raises(ValueError, match="one number per class, 2"):
            read_preset("made_up", counts)


def test_tables_are_merged_over_the_common_one(shelf, made_up):
    shelf(made_up)
    one, ten, fifty = (read_preset("made_up", size)[0] for size in (1, 10, 50))
    assert (one.width, ten.width, fifty.width) == (8, 16, 8)
    assert one.recipe == Recipe(width=4, warmup_steps=2, steps=11).to_dict()
    assert ten.recipe == Recipe(width=4, warmup_steps=2).to_dict()
    assert fifty.recipe == Recipe(width=6, warmup_steps=2).to_dict()
    assert one.pool_size == Settings(images_per_class=1).pool_size


def test_a_variant_is_merged_over_the_published_tables(shelf, made_up_cpu):
    shelf(made_up_cpu)
    assert preset_names() == ["made_up", "made_up-cpu"]
    one, ten, fifty = (read_preset("made_up-cpu", size)[0] for size in (1, 10, 50))
    # The variant's width replaces that of [ipc.10]; other values are the published ones.
    assert (one.width, ten.width, fifty.width) == (5, 5, 5)
    assert (one.steps, ten.steps, fifty.steps) == (7, 110, 150)
    assert one.recipe == Recipe(width=3, warmup_steps=2, steps=11).to_dict()
    # The nearest table of the variant is [cpu.ipc.10], the nearest published one [ipc.50].
    assert ten.recipe == fifty.recipe == Recipe(width=3, warmup_steps=2, steps=12).to_dict()
    assert read_preset("made_up", 1)[0].width == 8


def test_a_variant_may_do_without_tables_of_its_own(shelf, made_up):
    shelf(made_up + "[cpu.all]\nwidth = 5")
    settings = read_preset("made_up-cpu", 10)[0]
    assert (settings.width, settings.steps) == (5, 110)


def test_bad_requests():
    for name in ("digit", "digits-cpu", "-cpu", "mnist-cpu-cpu"):
        with pytest.raises(ValueError, match=f"`preset` must be one of .*digits.*: .*'{name}'"):
            read_preset(name, 1)
    for size in (0, -1, 1.0, True, "1", None, [1] * 9 + [0]):
        with pytest.raises(ValueError, match="`images_per_class` must be a positive integer"):
            read_preset("digits", size)
