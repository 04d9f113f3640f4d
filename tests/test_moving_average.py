"""The moving average of a set, which is judged and kept in its place."""

import keras
import numpy as np
import pytest

from keras_isa.optimizers import Lamb

MOMENTUM = 0.8


class Steps(keras.callbacks.Callback):
    """Keeps the set after each step, and what later callbacks see of it when an epoch ends."""

    def __init__(self):
        super().__init__()
        self.steps, self.ends = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append(self.model.distilled.to_numpy()[0])

    def on_epoch_end(self, epoch, logs=None):
        self.ends.append(self.model.distilled.to_numpy()[0])


def lamb(kind=Lamb, **options):
    return kind(1e-2, epsilon=1e-6, **options)


def averaging(**options):
    return lamb(use_ema=True, ema_momentum=MOMENTUM, **options)


def averaging_of_keras():
    return averaging(kind=keras.optimizers.Lamb)


def groups():
    several = keras.optimizers.OptimizerMap(averaging())
    several[".*labels"] = averaging()
    return keras.optimizers.MultiOptimizer(several)


@pytest.mark.parametrize("optimizer", [averaging, groups, averaging_of_keras])
@pytest.mark.parametrize("held_out", [0.0, 0.25])
def test_the_average_is_kept_and_the_trained_set_goes_on(
    make_trainer, problem, fit, optimizer, held_out
):
    plain, seen = Steps(), Steps()
    options = {"epochs": 3, "validation_split": held_out}
    fit(make_trainer(lamb()), *problem, callbacks=[plain], **options)
    trainer = make_trainer(optimizer())
    fit(trainer, *problem, callbacks=[seen], **options)
    # The average changes nothing of what is trained.
    np.testing.assert_allclose(seen.steps, plain.steps, atol=1e-4)
    average, wanted = seen.steps[0], []
    for step, images in enumerate(seen.steps):
        corrected = 1 if optimizer is averaging_of_keras else 1 - MOMENTUM ** (step + 1)
        average = average + (1 - MOMENTUM) / corrected * (images - average)
        if step % 4 == 3:
            wanted.append(average)
    kept = trainer.distilled.to_numpy()[0]
    if not held_out:
        np.testing.assert_allclose(kept, wanted[-1], atol=1e-5)
        return
    np.testing.assert_allclose(seen.ends, wanted, atol=1e-5)
    epoch = trainer.distilled.provenance["selection"]["epoch"]
    np.testing.assert_allclose(kept, wanted[epoch - 1], atol=1e-5)


def test_held_out_images_judge_the_average(make_trainer, problem, fit):
    trainer, seen = make_trainer(averaging()), Steps()
    history = fit(trainer, *problem, validation_data=problem, callbacks=[seen])
    assert np.abs(trainer.distilled.to_numpy()[0] - seen.steps[-1]).max() > 1e-4
    found = trainer.evaluate(*problem, return_dict=True, verbose=0)
    assert found["loss"] == pytest.approx(history.history["val_loss"][0], rel=1e-5)


def test_a_killed_run_with_an_average_ends_as_if_it_had_not_been(
    make_trainer, problem, fit, tmp_path
):
    class Killed(Exception):
        pass

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise Killed

    options = {"epochs": 3, "validation_split": 0.25}
    whole = make_trainer(averaging())
    fit(whole, *problem, **options)
    with pytest.raises(Killed):
        fit(make_trainer(averaging()), *problem, **options, resume=tmp_path, callbacks=[Kill()])
    resumed = make_trainer(averaging())
    fit(resumed, *problem, **options, resume=tmp_path)
    for one, other in zip(resumed.distilled.to_numpy(), whole.distilled.to_numpy(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_error_in_validation_leaves_the_trained_set(make_trainer, problem, fit):
    class Fails(keras.callbacks.Callback):
        def on_test_end(self, logs=None):
            raise RuntimeError("validation failed")

    trainer, seen = make_trainer(averaging()), Steps()
    with pytest.raises(RuntimeError, match="validation failed"):
        fit(trainer, *problem, validation_split=0.25, callbacks=[seen, Fails()])
    np.testing.assert_allclose(trainer.distilled.to_numpy()[0], seen.steps[-1], atol=1e-6)
