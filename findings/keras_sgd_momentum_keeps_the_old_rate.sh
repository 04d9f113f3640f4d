#!/usr/bin/env bash
# SGD with momentum and weight decay in Keras is not that of PyTorch, and differs most at a drop of the rate.
#
# Two things are unlike: Keras multiplies the gradient by the learning rate before it enters the
# velocity, so that after a drop (a step schedule of papers that train with PyTorch) the old rate lives
# on in the momentum for some ten steps; and `weight_decay` is decoupled, so it shrinks the weight and
# never enters the velocity. With a constant rate and no weight decay both are the same numbers.
#
# Seen with keras 3.15.1 (jax 0.10.2) and torch 2.13.0, SGD at 0.1 with momentum 0.9 on a gradient
# of 1, the rate divided by 10 after three steps: the step after the drop is 0.254 in Keras and 0.0344
# in PyTorch. With weight decay 0.1 and a gradient of 0, three steps leave 0.9703 of a weight of 1 in
# Keras and 0.9444 in PyTorch.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check --no-compile \
    'keras==3.15.1' 'jax==0.10.2' 'torch==2.13.0'
KERAS_HOME="$folder" KERAS_BACKEND=jax "$folder/env/bin/python" - <<'PYTHON'
import keras
import numpy as np
import torch


def by_keras(rates, gradient, decay):
    weight = keras.Variable(np.ones(1, "float32"))
    optimizer = keras.optimizers.SGD(rates[0], momentum=0.9, weight_decay=decay or None)
    seen = []
    for rate in rates:
        optimizer.learning_rate = rate
        optimizer.apply([keras.ops.full((1,), gradient)], [weight])
        seen.append(float(np.asarray(weight.value)[0]))
    return seen


def by_torch(rates, gradient, decay):
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=rates[0], momentum=0.9, weight_decay=decay)
    seen = []
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        weight.grad = torch.full((1,), gradient)
        optimizer.step()
        seen.append(float(weight.detach()[0]))
    return seen


constant = [0.1] * 4
np.testing.assert_allclose(by_keras(constant, 1.0, 0.0), by_torch(constant, 1.0, 0.0), rtol=1e-6)
dropped = [0.1, 0.1, 0.1, 0.01]
runs = by_keras(dropped, 1.0, 0.0), by_torch(dropped, 1.0, 0.0)
steps = [abs(values[3] - values[2]) for values in runs]
print(f"step after the drop: Keras {steps[0]:.4f}, PyTorch {steps[1]:.4f}")
decayed = [by_keras([0.1] * 3, 0.0, 0.1)[-1], by_torch([0.1] * 3, 0.0, 0.1)[-1]]
print(f"weight after decay: Keras {decayed[0]:.4f}, PyTorch {decayed[1]:.4f}")
np.testing.assert_allclose(steps, [0.2539, 0.0344], rtol=2e-3)
np.testing.assert_allclose(decayed, [0.9703, 0.9444], rtol=5e-4)
print("as described")
PYTHON
