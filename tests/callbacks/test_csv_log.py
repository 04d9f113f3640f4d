"""The table of epochs; test_logs.py has runs with all logs."""

import pytest

from keras_isa.callbacks import CSVLog

HEAD = "epoch,loss,val_loss"
ROWS = f"{HEAD}\n0,0.5,1\n1,0.25,1\n"


def lines_after(path, epochs):
    """The lines of the table after these epochs have run."""
    log = CSVLog(path)
    for epoch in epochs:
        log.on_epoch_end(epoch, {"loss": 0.125 * epoch, "val_loss": 2})
    return path.read_text().splitlines()


@pytest.mark.parametrize(
    ("before", "epochs", "expected"),
    [
        ("", [0], ["0,0.0,2"]),
        (ROWS, [2, 3], ["0,0.5,1", "1,0.25,1", "2,0.25,2", "3,0.375,2"]),
        (ROWS, [1], ["0,0.5,1", "1,0.125,2"]),
        (ROWS, [0], ["0,0.0,2"]),
        (ROWS + "2,0.1,1\n3", [2], ["0,0.5,1", "1,0.25,1", "2,0.25,2"]),  # a row was cut off
    ],
    ids=["new", "resumed", "resumed earlier", "anew", "cut off"],
)
def test_rows_of_earlier_epochs_stay(tmp_path, before, epochs, expected):
    path = tmp_path / "log.csv"
    if before:
        path.write_text(before)
    assert lines_after(path, epochs) == [HEAD, *expected]


def test_a_run_without_epochs_leaves_the_table(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(ROWS)
    assert lines_after(path, []) == ROWS.splitlines()


def test_bad_places_are_refused(tmp_path):
    (tmp_path / "file").write_text("hello")
    with pytest.raises(ValueError, match="must "):
        CSVLog(tmp_path / "file" / "log")
    with pytest.raises(TypeError, match="must be a string or a path"):
        CSVLog(3)


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\x89PNG\r\n\x1a\n\xff\xfe"])
def test_another_file_is_no_log(tmp_path, content):
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(ValueError, match="`path` must be a log of epochs, or a new file"):
        CSVLog(tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes() == content
