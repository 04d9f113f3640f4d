"""What a step costs along each axis."""

import pytest


def test_exponents_of_powers(script):
    scaling = script("scaling")
    assert scaling.exponent([1, 2, 4], [3.0, 12.0, 48.0]) == pytest.approx(2.0)
    assert scaling.exponent([1, 10], [1.0, 0.1]) == pytest.approx(-1.0)


@pytest.mark.slow
def test_scaling_measures_each_axis_alone_and_draws(script, tmp_path, machine):
    scaling = script("scaling")
    picture = tmp_path / "scaling.png"
    words = "--axes batch --batch-points 8 4 8 --width 2 --resolution 4 --classes 2 --picture"
    result = scaling.measure(scaling.parse([*words.split(), str(picture)]))
    assert set(result) == machine | {"benchmark", "configuration", "axes"}
    batch = result["axes"]["batch"]
    assert [point["batch"] for point in batch["points"]] == [4, 8]
    assert all(point["seconds"] > 0 and point["extra_mb"] > 0 for point in batch["points"])
    # Twice the target images, the same set: less than twice the work.
    assert 0 < batch["exponents"]["gflop"]["fitted"] < 1
    assert batch["expected"] == scaling.EXPECTED["batch"]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_every_axis_is_explained(script):
    scaling = script("scaling")
    assert set(scaling.POINTS) == set(scaling.BASE) == set(scaling.EXPECTED)


@pytest.mark.slow
def test_scaling_over_devices(result_of):
    arguments = "--axes devices --devices-points 1 2 --width 2 --resolution 8 --batch 8".split()
    points = result_of("scaling.py", *arguments)["axes"]["devices"]["points"]
    assert [point["devices"] for point in points] == [1, 2]
    assert points[1]["extra_mb"] < points[0]["extra_mb"]  # each has a part of the batch
