"""The group of all commands, and how it ends."""

import pytest

import keras_isa
from keras_isa import DistilledData, FRePoTrainer, cli
from keras_isa.cli import command

COMMANDS = ("distill", "tune", "evaluate", "show", "export", "prepare", "presets", "methods")


def test_version_and_help(run):
    assert run("--version").out == f"keras-isa {keras_isa.__version__}\n"
    for words in (["--help"], ["-h"], []):
        result = run(*words)
        assert result.code == 0
        assert all(name in result.out for name in COMMANDS)
    assert "--crucial-fraction" in run("distill", "-h").out


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


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ValueError("two\n  lines"), 2, "keras-isa: two lines\n"),
        (MemoryError(), 2, "keras-isa: MemoryError\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_errors_end_in_one_line_and_a_code(monkeypatch, capsys, error, code, said):
    def failing(*args, **options):
        raise error

    monkeypatch.setattr(command.cli, "main", failing)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert (end.value.code, capsys.readouterr()) == (code, ("", said))
