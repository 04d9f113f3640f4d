#!/usr/bin/env bash
# The moving average of a Keras optimizer keeps the weights of its first step far longer than others.
#
# With use_ema=True and a momentum m, Keras begins the average with the weights after the first step,
# which keep the share m**(t - 1) of it after t steps. optax.ema corrects the average for its start
# (debias=True is its default), so that the first step has the share (1 - m) m**(t - 1) / (1 - m**t). With m = 0.99, a common choice, and 100 steps that is 37 %
# in Keras and 0.6 % in optax: a short run's average hardly leaves its start, and a recipe that is
# carried over from optax with the same momentum keeps other weights.
#
# Seen with keras 3.15.1 on jax 0.10.2 and optax 0.2.6: a weight that is 1 after the first step and 0
# after each of the other 99 has the average 0.370 in Keras and 0.006 in optax.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --no-compile \
    'keras==3.15.1' 'jax==0.10.2' 'optax==0.2.6'
KERAS_HOME="$folder" KERAS_BACKEND=jax JAX_PLATFORMS=cpu "$folder/env/bin/python" - <<'PYTHON'
import keras
import numpy as np
import optax

STEPS, MOMENTUM = 100, 0.99

weight = keras.Variable([2.0])
optimizer = keras.optimizers.SGD(1.0, use_ema=True, ema_momentum=MOMENTUM)
for step in range(STEPS):  # to 1, to 0, and no further
    optimizer.apply([keras.ops.array([1.0 if step < 2 else 0.0])], [weight])
optimizer.finalize_variable_values([weight])  # puts the average into the weight
by_keras = float(weight[0])

average = optax.ema(MOMENTUM)
state = average.init(np.zeros(1, "float32"))
for step in range(STEPS):
    found, state = average.update(np.array([1.0 if step == 0 else 0.0], "float32"), state)
by_optax = float(found[0])

print(f"share of the first step after {STEPS}: {by_keras:.3f} in Keras, {by_optax:.3f} in optax")
np.testing.assert_allclose(by_keras, MOMENTUM ** (STEPS - 1), rtol=1e-3)
share = (1 - MOMENTUM) * MOMENTUM ** (STEPS - 1) / (1 - MOMENTUM**STEPS)
np.testing.assert_allclose(by_optax, share, rtol=1e-3)
print("as described")
PYTHON
