"""Pictures of the set: when they are drawn, and where."""

import pytest

from keras_isa.callbacks import DistilledImages

FIT = {"batch_size": 8, "steps_per_epoch": 1, "verbose": 0}


def test_pictures_every_few_epochs_and_after_the_last(make, problem, tmp_path):
    images = DistilledImages(tmp_path, every=3, tensorboard=False)
    make().fit(*problem, callbacks=[images], **{**FIT, "epochs": 5})
    names = sorted(path.name for path in (tmp_path / "images").iterdir())
    assert names == ["epoch-0002.png", "epoch-0004.png"]


def test_pictures_for_tensorboard_only(make, problem, tmp_path, read_events):
    images = DistilledImages(tmp_path, files=False)
    make().fit(*problem, callbacks=[images], **{**FIT, "epochs": 30})
    steps = [step for step, _ in read_events(tmp_path / "images")["distilled_set"]]
    assert steps == list(range(1, 30, 2))  # about twenty
    assert not list(tmp_path.rglob("*.png"))


def test_pictures_of_epochs_that_run_now_are_dropped(tmp_path):
    images = DistilledImages(tmp_path, tensorboard=False)
    for name in ("epoch-0001.png", "epoch-0002.png", "epoch-last.png", "other.png"):
        (tmp_path / "images" / name).write_text("")
    images.on_train_begin()
    images.on_epoch_begin(2)
    names = sorted(path.name for path in (tmp_path / "images").iterdir())
    assert names == ["epoch-0001.png", "epoch-last.png", "other.png"]


def test_bad_places_are_refused(tmp_path):
    (tmp_path / "file").write_text("hello")
    with pytest.raises(ValueError, match="must "):
        DistilledImages(tmp_path / "file" / "log")
    with pytest.raises(TypeError, match="must be a string or a path"):
        DistilledImages(3)


def test_bad_options_of_pictures(tmp_path):
    for every in (0, -1, 1.5):
        with pytest.raises(ValueError, match="`every` must be a positive integer"):
            DistilledImages(tmp_path, every=every)
    with pytest.raises(TypeError, match="`files` must be True or False"):
        DistilledImages(tmp_path, files="no")
    with pytest.raises(ValueError, match="`files` or `tensorboard` must be True"):
        DistilledImages(tmp_path, files=False, tensorboard=False)
