"""The tables and keys of a file of presets."""

import pytest

from keras_isa.presets import preset_names, read_preset
from keras_isa.presets.preset_file import file_names, read_file

DATASETS = [
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
    assert file_names() == DATASETS


@pytest.mark.parametrize("file", DATASETS)
def test_files_are_complete(file):
    tables = read_file(file)
    assert {"image_shape", "num_classes", "pixel_range", "train_size"} <= set(tables["dataset"])
    assert "1" in tables["ipc"]


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
        assert f"`made_up.toml [{place}] recipe` must have keys out of width," in str(error.value)
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
