import numpy as np
import pytest

from keras_isa.inputs.arrays import to_numpy
from keras_isa.studies import study
from keras_isa.studies.manifold import evenness, overlap, t_sne


def test_evenness_by_hand():
    real = np.array([[0.0], [0.1], [0.2], [5.0], [9.0], [9.1]])
    y, classes = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 1, 1])
    made = np.array([[0.0], [5.0], [9.0], [9.1]])
    shares = np.array([0.75, 0.25])
    first = -(shares * np.log(shares)).sum() / np.log(2)
    assert evenness(real, y, made, classes) == pytest.approx((first + 1) / 2)
    one_for_all = np.array([[0.0], [50.0], [9.0], [90.0]])
    assert evenness(real, y, one_for_all, classes) == pytest.approx(0)


def test_overlap_by_brute_force():
    rng = np.random.default_rng(0)
    real, y = rng.normal(size=(40, 3)), rng.integers(0, 3, 40)
    made, classes = rng.normal(size=(6, 3)), rng.integers(0, 3, 6)
    distances = np.linalg.norm(made[:, None] - real[None], axis=2)
    nearest = np.argsort(distances, axis=1)[:, :5]
    assert overlap(real, y, made, classes) == pytest.approx(np.mean(y[nearest] != classes[:, None]))


def test_a_map_keeps_groups_together():
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(size=(20, 60)), 30 + rng.normal(size=(20, 60))])
    places = t_sne(features, seed=0)
    assert places.shape == (40, 2)
    centres = places[:20].mean(axis=0), places[20:].mean(axis=0)
    spread = max(places[:20].std(), places[20:].std())
    assert np.linalg.norm(centres[0] - centres[1]) > spread


def test_features_are_those_of_one_network(make_experiment):
    experiment = make_experiment(2)
    real, y, made, classes = study("manifold")(experiment)._features(0, "plain")
    distilled = experiment.distilled(0, crucial_fraction=1.0, isa_interval=(0.0, 0.0))
    images, labels = experiment.real_images(distilled, 0)
    network = experiment.real_network(distilled, 0)
    np.testing.assert_allclose(real, to_numpy(network.outputs(0, images)[1]), rtol=1e-4, atol=1e-5)
    assert made.shape == (6, real.shape[1]) and classes.tolist() == [0, 0, 1, 1, 2, 2]
    assert (y == labels).all()


def test_what_it_says(make_experiment, made_up, check, monkeypatch):
    own = study("manifold")(make_experiment(2))
    rng = np.random.default_rng(0)
    y, classes = np.arange(30) % 3, np.repeat(np.arange(3), 2)

    def features(seed, name):
        return rng.normal(size=(30, 8)), y, rng.normal(size=(6, 8)), classes

    monkeypatch.setattr(own, "_features", features)
    cells = own.cells(0)
    measured = {name: {0: measure()} for name, measure in cells.items()}
    assert all(
        0 <= one[0]["evenness"] <= 1 and 0 <= one[0]["overlap"] <= 1 for one in measured.values()
    )
    found = check(own, made_up(own, 4, {"ISA": 0.05}, names=("evenness", "overlap")))
    assert [one.verdict for one in found.claims] == ["supported", "not supported"]
    assert "the first 3 of seed 0" in found.sentences[0]
    axes = own.draw(measured).axes
    assert [axis.get_title() for axis in axes] == [row["setting"] for row in found.rows]
    lost = {**measured, "plain": {0: {"diverged": "not finite"}}}
    titles = [axis.get_title() for axis in own.draw(lost).axes]
    assert titles == ["easiest 20 % dropped", "hardest 20 % dropped", "ISA", ""]


def test_one_image_of_a_class_is_too_few(make_experiment):
    for counts in (1, (1, 5, 5)):
        with pytest.raises(ValueError, match="`images_per_class` must be 2 or more for every"):
            study("manifold")(make_experiment(counts))
