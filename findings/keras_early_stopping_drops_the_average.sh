#!/usr/bin/env bash
# An optimizer with use_ema and EarlyStopping(restore_best_weights=True) end without the average.
#
# `fit` puts the moving average of `use_ema` into the model when it ends, and only then calls
# `on_train_end`, where EarlyStopping puts back what it copied at the end of the best epoch: the
# weights that were trained, not their average. So the same optimizer leaves the average in the model
# without the callback and drops it with it, in silence. Validation during `fit` sees the trained
# weights in both cases, so that `val_loss` is no score of the model that one gets without the callback.
#
# Seen with keras 3.15.1 on jax 0.10.2, one weight w with the loss w, SGD at 1 and momentum 0.5 of the
# average, three epochs of one step from w = 0: the steps are -1, -2, -3 and the average is -2.25.
# `fit` leaves -2.25; with EarlyStopping it leaves -3. The last val_loss is -3 both times.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --no-compile \
    'keras==3.15.1' 'jax==0.10.2'
KERAS_HOME="$folder" KERAS_BACKEND=jax "$folder/env/bin/python" - <<'PYTHON'
import keras
import numpy as np


def left_by_fit(callbacks):
    model = keras.Sequential([
        keras.Input((1,)),
        keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"),
    ])
    optimizer = keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, loss=lambda truth, guess: guess)
    data = np.ones((1, 1), "float32"), np.ones((1, 1), "float32")
    history = model.fit(
        *data, epochs=3, validation_data=data, callbacks=callbacks, verbose=0
    ).history
    return float(model.get_weights()[0][0, 0]), history["val_loss"]


alone, losses = left_by_fit([])
stopping = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
restored, same = left_by_fit([stopping])
print(f"left by fit: {alone}, with EarlyStopping: {restored}; val_loss {losses}")
np.testing.assert_allclose(losses, [-1, -2, -3])
np.testing.assert_allclose(same, losses)
np.testing.assert_allclose([alone, restored], [-2.25, -3.0])
print("as described")
PYTHON
