#!/usr/bin/env bash
# The second derivative of the variance of `tf.nn.moments` is wrong: the mean is held fixed.
#
# The variance is computed from differences to `stop_gradient(mean)`. The first derivative does not
# depend on that, as the differences add up to zero; the second one does. Whatever normalises by it
# (Keras's BatchNormalization and GroupNormalization on TensorFlow too) has right gradients and wrong
# Hessian-vector products, without a word. `tf.math.reduce_variance` has both right.
#
# Seen with tensorflow 2.21.0 on a CPU: for two numbers the Hessian of the variance is
# [[0.5, -0.5], [-0.5, 0.5]]; `tf.nn.moments` gives [[1, 0], [0, 1]].
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --no-compile 'tensorflow==2.21.0'
TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" - <<'PYTHON' 2>/dev/null
import tensorflow as tf

x = tf.constant([1.0, 3.0])


def derivatives(variance):
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            value = variance(x)
        gradient = inner.gradient(value, x)
    return gradient.numpy().tolist(), outer.jacobian(gradient, x).numpy().tolist()


by_moments = derivatives(lambda x: tf.nn.moments(x, axes=[0])[1])
by_reduction = derivatives(tf.math.reduce_variance)
print("moments:", by_moments)
print("reduce_variance:", by_reduction)
assert by_moments[0] == by_reduction[0] == [-1.0, 1.0]
assert by_reduction[1] == [[0.5, -0.5], [-0.5, 0.5]]
assert by_moments[1] == [[1.0, 0.0], [0.0, 1.0]]
print("as described")
PYTHON
