"""README.md does what it says: its Python runs, its commands parse, its links lead somewhere."""

import dataclasses
import functools
import re
import shlex
from pathlib import Path

import click
import pytest

from keras_isa import DistillationTrainer, presets
from keras_isa.cli.command import cli
from keras_isa.cli.options import mean_count, parse_ipc, parse_space
from keras_isa.cli.settings import checked_settings
from keras_isa.methods import base, method
from keras_isa.presets import choose
from keras_isa.tuning import SearchSpace

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
pytestmark = pytest.mark.skipif(not README.is_file(), reason="needs README.md beside the tests")
TEXT = README.read_text("utf-8") if README.is_file() else ""
STEPS = 4


def python_blocks(text):
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def commands(text):
    """Words after `keras-isa`, of lines of code and of code in a line."""
    lines = re.findall(r"^    keras-isa +(.+)$", text, re.MULTILINE)
    return [shlex.split(line) for line in [*lines, *re.findall(r"`keras-isa +([^`]+)`", text)]]


def parsed(words):
    """Reads a command as `keras-isa` does, without running it."""
    name, *rest = words
    if name not in cli.commands:
        raise ValueError(f"no such command: {name}")
    if not rest:  # a name in a sentence
        return
    values = cli.commands[name].make_context(name, rest).params
    if "ipc" in values:
        wanted = parse_ipc(str(values["ipc"] or 1))
        config = method(values.get("method", "mtt" if name == "experts" else "frepo")).Config
        fields = {field.name for field in dataclasses.fields(config)}
        typed = {name: value for name, value in values.items() if name in fields}
        checked_settings(config, mean_count(wanted), values.get("assignments", ()), **typed)
    if values.get("preset") is not None:
        presets.read_preset(values["preset"], 1)
    if "space" in values:
        config = method(values["method"]).Config
        SearchSpace(parse_space(values["space"], config), config)


@pytest.fixture
def short_runs(monkeypatch):
    """Presets of a few steps, and no call of `fit` longer than that."""
    read, fit = presets.read_preset, DistillationTrainer.fit

    def short(*args):
        settings, about = read(*args)
        recipe = {**settings.recipe, "width": 4, "depth": 1, "steps": STEPS, "warmup_steps": 1}
        tiny = {"width": 4, "depth": 1, "normalization": "identity", "pool_size": 2}
        return settings.with_changes(steps=STEPS, epochs=2, recipe=recipe, **tiny), about

    @functools.wraps(fit)
    def few_steps(self, *args, steps_per_epoch=None, **options):
        if steps_per_epoch is not None:
            steps_per_epoch = min(steps_per_epoch, STEPS)
        return fit(self, *args, steps_per_epoch=steps_per_epoch, **options)

    for module in (base, choose, presets):
        monkeypatch.setattr(module, "read_preset", short)
    monkeypatch.setattr(DistillationTrainer, "fit", few_steps)


@pytest.mark.slow
def test_the_python_runs_from_top_to_bottom(short_runs, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "jax")  # the first block sets it
    monkeypatch.chdir(tmp_path)
    blocks = python_blocks(TEXT)
    assert len(blocks) >= 5 and TEXT.count("```python") == len(blocks)
    namespace = {"__name__": "readme"}
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"README.md, Python block {number}", "exec"), namespace)
    assert "distilled" in capsys.readouterr().out  # the table of the first block
    assert (tmp_path / "digits_ipc1.keras").is_file()


def test_every_command_can_be_read():
    found = commands(TEXT)
    assert len(found) > 10
    for words in found:
        try:
            parsed(words)
        except Exception as error:
            raise AssertionError(f"keras-isa {' '.join(words)}: {error}") from error


def test_every_option_in_a_sentence_exists():
    known = {name for command in cli.commands.values() for p in command.params for name in p.opts}
    inline = re.findall(r"`(--[^`]+)`", TEXT)
    assert len(inline) > 3
    for text in inline:
        assert set(re.findall(r"--[\w-]+", text)) <= known, text


def test_every_file_exists():
    links = re.findall(r"\]\(([^)#\s]+)", TEXT) + re.findall(r"src=\"([^\"]+)\"", TEXT)
    links = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    scripts = re.findall(r"\b(?:benchmarks|examples)/\w+\.\w+", TEXT)
    assert links and scripts
    for path in [*links, *scripts]:
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize(
    "line",
    [
        "keras-isa distil digits",
        "keras-isa distill digits --ip 3",
        "keras-isa distill digits --ipc none",
        "keras-isa distill digits --preset no-such",
        "keras-isa distill digits --preprocessing bleach",
        "keras-isa tune digits --tuner luck",
        "keras-isa tune digits --space luck",
        "keras-isa export a.keras --format npz",
    ],
)
def test_a_wrong_line_would_be_found(line):
    for text in (f"Say:\n\n    {line}\n", f"or `{line}` in a line"):
        (words,) = commands(text)
        with pytest.raises((ValueError, click.UsageError)):
            parsed(words)
