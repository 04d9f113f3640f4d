import keras
import numpy as np
import pytest

from keras_isa.callbacks import NaNGuard
from keras_isa.inputs.arrays import to_numpy

FIT = {"batch_size": 8, "epochs": 2, "steps_per_epoch": 4, "verbose": 0}


class Poison(keras.callbacks.Callback):
    """Puts a NaN into the set after some calls, a number of times."""

    def __init__(self, calls, times=1):
        super().__init__()
        self.calls, self.times, self.seen = calls, times, 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen >= self.calls and self.times:
            self.times -= 1
            images = to_numpy(self.model.distilled.images)
            images[0] = np.nan
            self.model.distilled.images.assign(images)


SCHEDULE = keras.optimizers.schedules.CosineDecay(1e-2, 100)


@pytest.mark.parametrize("rate", [1e-2, SCHEDULE], ids=["number", "schedule"])
@pytest.mark.parametrize("calls", [1, 3, 4, 8])
def test_goes_back_and_halves_the_rate(make, problem, rate, calls):
    trainer, guard = make(rate), NaNGuard()
    before = float(to_numpy(*trainer.rate_variables))
    with pytest.warns(UserWarning, match="training diverged: it goes back.*half.*time 1 of 5"):
        trainer.fit(*problem, callbacks=[Poison(calls), guard], **FIT)
    assert guard.returns == 1
    assert float(to_numpy(*trainer.rate_variables)) == pytest.approx(before / 2)
    for array in trainer.distilled.to_numpy():
        assert np.isfinite(array).all()
    # Training went on.
    assert trainer.distilled.provenance["steps"] > 0 or calls == 8


def test_the_halved_rate_is_the_one_that_trains(make, problem):
    moves = []
    for scale in (1.0, 0.5):
        trainer = make(SCHEDULE)
        trainer.rate_variables[0].assign(scale)
        start = trainer.distilled.to_numpy()[0]
        trainer.fit(*problem, batch_size=24, steps_per_epoch=1, verbose=0)
        moves.append(np.abs(trainer.distilled.to_numpy()[0] - start).sum())
    assert moves[1] == pytest.approx(moves[0] / 2, rel=1e-3)


def test_without_trouble_it_changes_nothing(make, problem):
    plain, guarded, guard = make(), make(), NaNGuard()
    plain.fit(*problem, **FIT)
    guarded.fit(*problem, callbacks=[guard], **FIT)
    assert guard.returns == 0
    for one, other in zip(plain.distilled.to_numpy(), guarded.distilled.to_numpy(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings("ignore:training diverged")
def test_gives_up_with_the_last_good_set(make, problem):
    trainer, guard = make(), NaNGuard(tries=2)
    with pytest.raises(RuntimeError, match="diverged 3 times.*lower learning_rate"):
        trainer.fit(*problem, callbacks=[Poison(1, times=99), guard], **{**FIT, "epochs": 9})
    assert guard.returns == 3
    assert np.isfinite(trainer.distilled.to_numpy()[0]).all()


def test_a_state_that_is_not_finite_at_the_start_is_refused(make, problem):
    trainer = make()
    trainer.distilled.labels.assign(np.full(trainer.distilled.labels.shape, np.inf))
    with pytest.raises(ValueError, match="`fit` must start from a finite state"):
        trainer.fit(*problem, callbacks=[NaNGuard()], **FIT)


@pytest.mark.parametrize("tries", [0, -1, 1.5, True, None])
def test_bad_tries(tries):
    with pytest.raises(ValueError, match="`tries` must be a positive integer. Received: tries="):
        NaNGuard(tries)
