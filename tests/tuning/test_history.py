"""Records of trials: their files, their order, and their table."""

import pytest

from keras_isa.tuning.history import (
    TrialRecord,
    best_records,
    in_words,
    read_records,
    reason_of,
    table,
)


def test_a_record_comes_back_from_its_file(tmp_path):
    values = {"isa_interval": (0.0, 0.5), "learn_labels": False, "regularization": 1e-6}
    record = TrialRecord("3", values, 0.5, 10, 1.5, parent="1")
    record.write(tmp_path)
    assert TrialRecord.read(tmp_path) == record
    assert TrialRecord.read(tmp_path / "none") is None
    assert in_words(values) == "isa_interval 0..0.5, learn_labels no, regularization 1e-06"


def test_all_records_are_read_in_the_order_of_their_names(tmp_path):
    for name in ("01", "00", "10"):
        folder = tmp_path / f"trial_{name}"
        folder.mkdir()
        TrialRecord(name, {}).write(folder)
    (tmp_path / "trial_02").mkdir()  # a trial that has just begun
    assert [record.name for record in read_records(tmp_path)] == ["00", "01", "10"]


def test_the_longest_run_of_each_choice_counts_and_the_best_comes_first():
    low, high = {"regularization": 1e-6}, {"regularization": 1e-1}
    records = [
        TrialRecord("0", low, 0.9, steps=2),
        TrialRecord("1", high, 0.5, steps=2),
        TrialRecord("2", low, 0.4, steps=6, parent="0"),
        TrialRecord("3", high, None, status="failed", reason="a reason"),
    ]
    assert [record.name for record in best_records(records)] == ["1", "2"]


def test_a_table_has_a_line_for_each_record():
    records = [
        TrialRecord("0", {"learn_labels": True, "isa_interval": (0.0, 0.5)}, 0.25, 4, 1.25),
        TrialRecord("1", {"pool_size": 3}, None, 0, 0.5, "failed", "a reason", parent="0"),
    ]
    head, *lines = table(records).splitlines()
    assert head.split() == [
        *("trial", "learn_labels", "isa_interval", "pool_size"),
        *("score", "steps", "seconds", "status"),
    ]
    assert lines[0].split() == ["0", "yes", "0..0.5", "0.250", "4", "1.2", "completed"]
    assert lines[1].split() == ["1", "from", "0", "3", "0", "0.5", "failed:", "a", "reason"]
    assert lines[1].index("3") == head.index("pool_size")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("a bad\n  combination"), "a bad combination"),
        (KeyError(), "KeyError"),
        (RuntimeError("x" * 300), "x" * 197 + "..."),
    ],
)
def test_a_reason_is_one_short_line(error, text):
    assert reason_of(error) == text
