"""Experts: their training, and the folder that they are kept in."""

import keras
import numpy as np
import pytest

from keras_isa import DistilledData, TrajectoryMatchingTrainer
from keras_isa.methods import experts
from keras_isa.methods.experts import (
    ExpertPlan,
    layers_of,
    make_experts,
    seconds_for_experts,
    space_of,
)
from keras_isa.models import ConvNet
from keras_isa.models.recorded_network import RecordedNetwork

SHAPE = (8, 8, 1)
PLAN = ExpertPlan(count=2, epochs=3, steps=8, batch_size=20, learning_rate=0.5)


def build():
    return ConvNet(SHAPE, 3, width=4, depth=1, normalization="instance", constant_width=True)


@pytest.fixture
def about(data):
    experts._last.clear()
    distilled = DistilledData.from_samples(*data, 1)
    return distilled, RecordedNetwork(build, SHAPE, 3), *data


def accuracy(network, vector, distilled, x, y):
    weights, start = [], 0
    for one in network.weights:
        size = int(np.prod(one.shape))
        weights.append(keras.ops.convert_to_tensor(vector[start : start + size].reshape(one.shape)))
        start += size
    images = keras.ops.convert_to_tensor(distilled.preprocess(x))
    logits = keras.ops.convert_to_numpy(network.apply(weights, [], images, training=False)[0])
    return np.mean(logits.argmax(axis=1) == y)


def test_experts_learn_and_differ(about):
    distilled, network, x, y = about
    buffer = make_experts(*about, PLAN)
    assert len(buffer) == 2
    first, last = buffer.segment(0, 0, 3)
    assert accuracy(network, last, distilled, x, y) > 0.8
    assert accuracy(network, last, distilled, x, y) > accuracy(network, first, distilled, x, y)
    other, _ = buffer.segment(1, 0, 3)
    assert not np.allclose(first, other)


@pytest.mark.parametrize("pairing", ["nearest", "random"])
def test_a_folder_is_added_to_and_each_expert_follows_from_its_number(about, tmp_path, pairing):
    plan = ExpertPlan(**{**vars(PLAN), "isa_interval": (0.0, 0.5), "pairing": pairing})
    memory = make_experts(*about, plan)
    one = make_experts(*about, ExpertPlan(**{**vars(plan), "count": 1}), folder=tmp_path)
    assert len(one) == 1
    told = []
    both = make_experts(*about, plan, folder=tmp_path, note=told.append)
    assert len(both) == 2 and told == ["training expert 2 of 2"]
    for number in range(2):
        for found, expected in zip(
            both.segment(number, 0, 3), memory.segment(number, 0, 3), strict=True
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="differ in seed"):
        make_experts(*about, plan, seed=1, folder=tmp_path)


def test_the_experts_made_last_serve_the_next_run(about):
    first = make_experts(*about, PLAN)
    assert make_experts(*about, PLAN) is first
    assert make_experts(*about, PLAN, seed=1) is not first


def test_the_module_trains_other_experts(about):
    plain = make_experts(*about, PLAN)
    both = {"crucial_fraction": 0.5, "isa_interval": (0.0, 0.5)}
    other = make_experts(*about, ExpertPlan(**{**vars(PLAN), **both}))
    start, end = (one.segment(0, 0, 3) for one in (plain, other))
    np.testing.assert_allclose(start[0], end[0])
    assert not np.allclose(start[1], end[1])


def test_what_experts_are_told_apart_by(about, data):
    distilled, network, x, _ = about
    mean, deviation = space_of(distilled, x)
    assert deviation > 0 and mean == space_of(distilled, x)[0]
    assert layers_of(network.network) == layers_of(RecordedNetwork(build, SHAPE, 3).network)
    other = ConvNet(SHAPE, 3, width=5, depth=1)
    assert layers_of(network.network) != layers_of(other)


def test_images_that_stay_on_disk_are_refused(about, monkeypatch):
    distilled, network, x, y = about
    monkeypatch.setattr(experts, "StoredImages", np.ndarray)
    with pytest.raises(TypeError, match="`x` must be in memory"):
        make_experts(distilled, network, x, y, PLAN)
    assert TrajectoryMatchingTrainer.takes_experts


@pytest.mark.parametrize(("steps", "each"), [(8, 8), (None, 3)])
def test_the_seconds_of_experts_are_those_of_all_their_steps(about, monkeypatch, steps, each):
    """On a machine that takes 10 seconds to compile and 0.02 for a step."""
    ran = []

    def seconds(training, count):
        ran.append(count)
        return 0.02 * count + (10.0 if len(ran) == 1 else 0.0)

    monkeypatch.setattr(experts._ExpertTraining, "seconds", seconds)
    plan = ExpertPlan(**{**vars(PLAN), "steps": steps})
    found = seconds_for_experts(*about[:2], plan, images=60)
    assert found == pytest.approx(0.02 * each * plan.epochs * plan.count)
    assert ran == [1, 1, 4, 16, 64]
