"""Trials that share a compiled step, and the class in keras-tuner's own tuners."""

import gc
import weakref
from types import SimpleNamespace

import jax
import keras_tuner
import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.datasets import Dataset
from keras_isa.memory import resident_bytes
from keras_isa.presets import Settings
from keras_isa.tuning import DistillationHyperModel
from keras_isa.tuning.hyper_model import Diverged, StopWhenDiverged, set_first_images

COMPILED = "/jax/core/compile/backend_compile_duration"


@pytest.fixture
def compiled():
    """`compiled()` gives the number of programs compiled since it was last asked."""
    count = [0]

    def listen(event, seconds, **details):
        count[0] += event == COMPILED

    def since():
        found, count[0] = count[0], 0
        return found

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield since
    jax.monitoring.unregister_event_duration_listener(listen)


def run(model, train, **values):
    data = model.divided(train, None, None, 0.3)
    trainer = model.distil(values, model.trial_length(), data)
    return trainer, model.score(trainer.distilled, data[2])


def test_other_numbers_compile_nothing(make_model, train, compiled):
    model = make_model()
    run(model, train, crucial_fraction=0.8, regularization=1e-3)
    run(model, train, crucial_fraction=0.7, regularization=1e-3)
    compiled()
    trainer, _ = run(model, train, crucial_fraction=0.4, regularization=1e-5)
    again, _ = run(
        model,
        train,
        max_online_steps=9,
        learning_rate=1e-3,
        inner_learning_rate=1e-4,
        isa_interval=(-1.0, 0.0),
        image_init="noise",
    )
    assert compiled() == 0
    assert again is trainer
    assert model.trainer(model.settings_with({"pool_size": 3}, 4)) is not trainer


@pytest.mark.slow
def test_without_reuse_every_trial_has_its_own(make_model, train):
    model = make_model(reuse=False)
    first, score = run(model, train, regularization=1e-3)
    second, again = run(model, train, regularization=1e-3)
    assert first is not second and score == again


def test_a_trial_does_not_depend_on_those_before(make_model, train):
    values = {"crucial_fraction": 0.5, "regularization": 1e-3}
    alone = run(make_model(), train, **values)[0].distilled.to_numpy()
    model = make_model()
    run(model, train, crucial_fraction=0.9, regularization=1e-1)
    with pytest.raises(Diverged, match="diverged: .*(accuracy|loss) is nan after 4 steps"):
        run(model, train, learning_rate=1e30)
    after = run(model, train, **values)[0].distilled.to_numpy()
    for one, other in zip(alone, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_first_images(make_model, train):
    model, found = make_model(), {}
    for kind in ("random", "kmeans", "noise"):
        trainer, _ = run(model, train, image_init=kind, learning_rate=1e-9)
        found[kind] = trainer.distilled.to_numpy()
        assert trainer.distilled.provenance["image_init"] == kind
    standard = np.asarray(trainer.distilled(train.x)).reshape(len(train.x), -1)
    for kind, real in (("random", True), ("kmeans", True), ("noise", False)):
        images = found[kind][0].reshape(10, -1)
        distance = np.abs(images[:, None] - standard[None]).max(axis=-1).min(axis=1)
        assert (distance < 1e-3).all() == real
        np.testing.assert_allclose(found[kind][1], np.eye(10) - 0.1, atol=1e-3)


@pytest.mark.slow
def test_programs_are_forgotten_before_they_pile_up(make_model, train, monkeypatch):
    from keras_isa.tuning import hyper_model

    monkeypatch.setattr(hyper_model, "_MOST_TRAINERS", 2)
    model = make_model()
    for size in (1, 2, 3):
        run(model, train, pool_size=size)
    assert len(model._trainers) == 1


def test_nothing_holds_on_to_what_is_forgotten(make_model, train):
    model = make_model()
    trainer, _ = run(model, train, pool_size=1)
    held = weakref.ref(trainer), weakref.ref(trainer.distilled)
    del trainer
    model.forget()
    gc.collect()
    assert [reference() for reference in held] == [None, None]


@pytest.mark.slow
def test_memory_does_not_grow_over_fifty_trials(make_model, make_tuner, train):
    """Compiled trainers are dropped several times in this search, and reused in between."""
    space = {
        "regularization": (1e-6, 1e-1),
        "pool_size": [1, 2, 3, 4],
        "pairing": ["all", "random"],
    }
    found = []
    tuner = make_tuner(
        trials=50, model=make_model(space), report=lambda line: found.append(resident_bytes())
    )
    tuner.search(train, validation_split=0.3)
    assert len(found) == 50
    # The heap does not grow after a third of the trials, unless each leaves something behind.
    growth = (max(found[-10:]) - max(found[10:20])) / 1e6
    assert growth < 60, [round(size / 1e6) for size in found]


def test_in_the_tuners_of_keras_tuner(make_model, train, tmp_path, capsys):
    model = make_model(objective="students")
    tuner = keras_tuner.RandomSearch(
        model, objective=model.objective, max_trials=2, directory=tmp_path, seed=1
    )
    tuner.search(train, verbose=0)
    best = tuner.oracle.get_best_trials(2)
    assert [trial.status for trial in best] == ["COMPLETED"] * 2
    assert all(0 <= trial.score <= 1 for trial in best)


def test_bad_arguments(settings, train):
    for options, error, named in (
        ({"settings": {}}, TypeError, "settings"),
        ({"data": train.x}, TypeError, "data"),
        ({"objective": "accuracy"}, ValueError, "objective"),
        ({"repeats": 0}, ValueError, "repeats"),
        ({"steps": -1}, ValueError, "steps"),
        ({"seed": -1}, ValueError, "seed"),
        ({"reuse": "no"}, TypeError, "reuse"),
        ({"space": {"p": (0, 1)}}, ValueError, "space"),
    ):
        with pytest.raises(error, match=f"`{named}`"):
            DistillationHyperModel(**{"settings": settings, "data": train, **options})


def test_something_must_be_held_out(make_model, train):
    with pytest.raises(ValueError, match="validation_split"):
        make_model().divided(train, None, None, 0.0)


def test_other_data_need_another_hypermodel(make_model, train):
    model = make_model()
    x, y, held_out = model.divided(train, None, None, 0.3)
    model.distil({}, model.trial_length(), (x, y, held_out))
    with pytest.raises(ValueError, match="`x` must be the 84 images"):
        model.distil({}, model.trial_length(), (x[1:], y[1:], held_out))


def test_a_loss_that_is_not_finite_ends_a_trial():
    callback = StopWhenDiverged()
    callback.set_model(SimpleNamespace(steps_taken=7))
    callback.on_epoch_end(0, {"loss": 1.0, "accuracy": np.float32(0.5)})
    with pytest.raises(Diverged, match="^diverged: loss is inf after 7 steps$"):
        callback.on_epoch_end(1, {"loss": float("inf")})


@pytest.mark.parametrize("kind", ["random", "kmeans", "noise"])
def test_first_images_are_of_their_class_and_follow_the_seed(kind):
    y = np.arange(60) % 2
    x = np.random.default_rng(9).normal(size=(60, 2, 2, 1)).astype("float32")
    x += 10 * y[:, None, None, None]
    found = []
    for seed in (0, 0, 1):
        distilled = DistilledData((2, 2, 1), 2, (1, 2), preprocessing=None)
        set_first_images(distilled, kind, x, y, seed)
        images, labels = distilled.to_numpy()
        assert labels.argmax(axis=1).tolist() == [0, 1, 1]
        if kind == "noise":
            assert not np.isin(images, x).any()
        else:
            assert (images.mean(axis=(1, 2, 3)) > 5).tolist() == [False, True, True]
            assert np.isin(images, x).all()
        found.append(images)
    np.testing.assert_array_equal(found[0], found[1])
    if kind != "kmeans":
        assert (found[0] != found[2]).any()


def test_a_regression_is_refused():
    data = Dataset.from_arrays(np.eye(4), np.arange(4.0), task="regression")
    with pytest.raises(ValueError, match="a search compares accuracies"):
        DistillationHyperModel(Settings(images_per_class=1), data)
