"""One distillation as it was typed: what is said of it, and the name of its file."""

from types import SimpleNamespace

import keras
import pytest

from keras_isa.cli import support
from keras_isa.cli.run import Run, short_name
from keras_isa.presets import Settings


def test_verbose_says_where_settings_come_from(run, small, unevaluated, npz):
    result = run("distill", npz(), "--width", 5, "--repeats", 1, "--verbose")
    assert result.code == 0, result.err
    lines = [line.strip() for line in result.err.splitlines()]
    backend = keras.backend.backend()
    assert "width = 5  (--width)" in lines and "images_per_class = 1  (--ipc)" in lines
    assert "pool_size = 2  (derived from shape, size and hardware)" in lines
    assert any(line.startswith("python ") and f"backend {backend}, on a" in line for line in lines)
    result = run("distill", "digits", "--steps", 2, "--width", 4, "--repeats", 1, "--verbose")
    assert "batch_size = 256  (preset digits)" in result.err
    assert "steps = 2  (--steps)" in result.err and "Epoch 2/2" in result.err


@pytest.mark.parametrize("verbose", [False, True])
def test_sources_are_told_with_verbose_only(monkeypatch, digits, verbose):
    monkeypatch.setattr(support, "asked_to_be", lambda level: verbose)
    run = SimpleNamespace(preset=None, start=None, _config=Settings, changes={"batch_size": 9})
    settings = Settings(images_per_class=1, batch_size=9)
    text = Run.described(run, digits[0], settings)
    assert str(digits[0]) in text.splitlines()
    if verbose:
        assert "  batch_size = 9  (--batch-size)" in text
        assert "  images_per_class = 1  (--ipc)" in text
        assert "  width = 128  (preset digits)" in text
        assert f"backend {keras.backend.backend()}" in text
    else:
        assert text == f"{digits[0]}\n{settings}"


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        ("digits", "digits"),
        ("data/my set.npz", "my_set"),
        ("tfds:imagenet_resized/64x64", "imagenet_resized_64x64"),
        ("tfds:" + "a" * 100, "a" * 80),
    ],
)
def test_outputs_are_named_after_their_data(dataset, name):
    assert short_name(dataset) == name
