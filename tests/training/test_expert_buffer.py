"""Trajectories in a folder and in memory."""

import json

import numpy as np
import pytest

from keras_isa.training.expert_buffer import ExpertBuffer, SegmentBatches

ABOUT = {"shapes": [[2, 2], [3]], "epochs": 3, "seed": 1}


def trajectory(number):
    return np.arange(28, dtype="float32").reshape(4, 7) + 100 * number


@pytest.fixture(params=["memory", "folder"])
def place(request, tmp_path):
    return None if request.param == "memory" else tmp_path / "experts"


def test_segments_are_points_of_a_trajectory(place):
    buffer = ExpertBuffer(place, ABOUT)
    for number in range(2):
        buffer.add(trajectory(number))
    assert (len(buffer), buffer.size, buffer.epochs) == (2, 7, 3)
    start, end = buffer.segment(1, 1, 2)
    np.testing.assert_array_equal(start, trajectory(1)[1])
    np.testing.assert_array_equal(end, trajectory(1)[3])
    with pytest.raises(ValueError, match="`trajectory` must be of shape"):
        buffer.add(np.zeros((3, 7)))


def test_a_folder_is_opened_again_and_goes_on(tmp_path):
    ExpertBuffer(tmp_path, ABOUT).add(trajectory(0))
    opened = ExpertBuffer(tmp_path)
    assert len(opened) == 1 and opened.about["seed"] == 1
    again = ExpertBuffer(tmp_path, ABOUT)
    again.add(trajectory(1))
    assert len(ExpertBuffer(tmp_path)) == 2
    with pytest.raises(ValueError, match=r"differ in seed \(1, not 2\)"):
        ExpertBuffer(tmp_path, {**ABOUT, "seed": 2})


def test_damage_is_named(tmp_path):
    with pytest.raises(ValueError, match="which has no experts.json"):
        ExpertBuffer(tmp_path)
    with pytest.raises(ValueError, match="`folder` must be given"):
        ExpertBuffer(None)
    buffer = ExpertBuffer(tmp_path, ABOUT)
    buffer.add(trajectory(0))
    file = tmp_path / "expert_00000.npy"
    whole = file.read_bytes()
    file.write_bytes(whole[:-4])
    with pytest.raises(ValueError, match=r"expert_00000.npy is damaged.*remove it"):
        ExpertBuffer(tmp_path)
    np.save(file, trajectory(0).astype("float64"))
    with pytest.raises(ValueError, match="has float64"):
        ExpertBuffer(tmp_path)
    file.write_bytes(whole)
    for text in (
        "{",
        "[]",
        json.dumps({**ABOUT, "format": 9}),
        json.dumps({**ABOUT, "format": 1, "epochs": -1}),
        json.dumps({**ABOUT, "format": 1, "shapes": [["a"]]}),
        json.dumps({"format": 1}),
        json.dumps({**ABOUT, "format": 1, "space": ["a", 1]}),
    ):
        (tmp_path / "experts.json").write_text(text)
        with pytest.raises(ValueError, match="cannot be read"):
            ExpertBuffer(tmp_path)


def test_steps_follow_from_seed_and_number():
    buffer = ExpertBuffer(None, ABOUT)
    for number in range(3):
        buffer.add(trajectory(number))
    batches = SegmentBatches(buffer, 3, span=2, most_start=2, seed=4)
    later = SegmentBatches(buffer, 3, span=2, most_start=2, seed=4, first=5)
    starts = set()
    for index in range(20):
        (start, end), again = batches[index + 5], later[index]
        np.testing.assert_array_equal(start, again[0])
        np.testing.assert_array_equal(end - start, np.full(7, 14.0))
        starts.add(start[0])
    assert starts == {0.0, 7.0, 100.0, 107.0, 200.0, 207.0}
    first = SegmentBatches(buffer, 1, span=2, most_start=2, seed=4)
    assert {first[index][0][0] for index in range(20)} == {0.0, 7.0}
