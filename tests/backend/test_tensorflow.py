"""What is special about TensorFlow."""

import keras
import pytest

from keras_isa import backend

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow alone")


def test_rules_of_numpy_for_dtypes_are_refused(monkeypatch):
    engine = backend.current()
    with engine.standard_settings():
        pass
    monkeypatch.setattr(engine, "_converts_dtypes", lambda: True)
    with (
        pytest.raises(ValueError, match="`dtype_conversion_mode` must be"),
        engine.standard_settings(),
    ):
        pass


@pytest.mark.parametrize("small", [False, True])
def test_a_loop_is_compiled_once_for_every_count(small):
    traced = []
    total = keras.Variable(0.0)

    def step(amount):
        traced.append(amount)
        total.assign(total + amount)

    call = backend.current().looped(step, [total], small=small)
    for count in (3, 5):
        call(count, keras.ops.convert_to_tensor(2.0))
    assert float(total.value) == 16.0
    assert len(traced) == 1
