#!/usr/bin/env bash
# A method named `train` of a Keras layer stops `fit` of a subclassed model on PyTorch, and only there.
#
# Seen with keras 3.15.1, torch 2.13.0, jax 0.10.2, Python 3.11. A layer has a method of its own, `train(self, steps,
# rate)`, that `fit` never needs. On JAX the model trains. On PyTorch `fit` raises a TypeError about a missing
# argument: a Keras layer is a torch.nn.Module there, and Keras's `fit` calls `train(True)` of the model, which
# calls `train(True)` of every sublayer: the method of torch that chooses the mode. A functional model trains, as
# its layers are not among the children that torch sees.
#
# Output seen:
#   jax: trained
#   torch: TypeError, train() missing 1 required positional argument: 'rate'
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2 torch==2.13.0
cat > "$folder/check.py" <<'PYTHON'
import keras
import numpy as np


class Pool(keras.layers.Dense):
    def train(self, steps, rate):
        return steps * rate


class Model(keras.Model):
    def __init__(self):
        super().__init__()
        self.pool = Pool(1)

    def call(self, x):
        return self.pool(x)


model = Model()
model.compile("sgd", "mse")
try:
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    found = "trained"
except TypeError as error:
    found = f"TypeError, {str(error).rpartition('Pool.')[2]}"
backend = keras.backend.backend()
print(f"{backend}: {found}")
assert (found == "trained") == (backend == "jax"), found
assert backend == "jax" or "missing 1 required positional argument: 'rate'" in found
PYTHON
for backend in jax torch; do
    KERAS_BACKEND=$backend "$folder/venv/bin/python" "$folder/check.py" 2> /dev/null
done
