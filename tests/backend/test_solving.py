"""The threads of the BLAS library while steps solve systems of equations."""

import keras
import numpy as np
import pytest
import threadpoolctl

from keras_isa import DistilledData, FRePoTrainer, backend
from keras_isa.models import ConvNet

MANY = 3


@pytest.fixture(autouse=True)
def _many_threads():
    with threadpoolctl.threadpool_limits(MANY, user_api="blas"):
        yield


def threads():
    """Numbers of threads that BLAS libraries may use, SciPy's among them, which JAX uses."""
    import scipy.linalg.cython_lapack  # noqa: F401 - it is there before it is asked

    pools = threadpoolctl.threadpool_info()
    return {pool["num_threads"] for pool in pools if pool["user_api"] == "blas"}


def threads_in(rows):
    with backend.solving(rows):
        return threads()


def test_small_systems_of_jax_are_solved_in_one_thread():
    one = {1} if backend.is_xla_on_cpu() else {MANY}
    assert threads_in(2000) == one
    assert threads_in(2001) == {MANY}
    assert threads() == {MANY}


def test_accelerators_and_other_backends_leave_the_threads_alone(monkeypatch):
    monkeypatch.setattr(backend, "is_xla_on_cpu", lambda: False)
    assert threads_in(1) == {MANY}


def test_fit_and_evaluate_keep_small_systems_in_one_thread(monkeypatch):
    monkeypatch.setattr(backend, "is_xla_on_cpu", lambda: True)
    found = {"fit": set(), "evaluate": set()}

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            found["fit"] |= threads()

        def on_test_batch_end(self, batch, logs=None):
            found["evaluate"] |= threads()

    images, class_ids = np.eye(16, dtype="float32").reshape(16, 4, 4, 1), np.arange(16) % 2
    distilled = DistilledData.from_samples(images, class_ids, 1)
    trainer = FRePoTrainer(distilled, lambda: ConvNet((4, 4, 1), 2, width=2), pool_size=1)
    trainer.compile()
    trainer.fit(images, class_ids, batch_size=8, steps_per_epoch=1, callbacks=[Look()], verbose=0)
    assert found["fit"] == {1}
    assert threads() == {MANY}
    trainer.evaluate(images, class_ids, callbacks=[Look()], verbose=0)
    assert found["evaluate"] == {1}
    assert threads() == {MANY}
