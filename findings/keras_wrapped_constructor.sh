#!/usr/bin/env bash
# Keras reads the names of a layer's constructor arguments past `functools.wraps`.
#
# Keras stores the arguments of every layer for `get_config`. A decorator around `__init__` that uses
# `functools.wraps` keeps `inspect.signature` as it was, and Keras looks with `getfullargspec`,
# which sees `(*args, **kwargs)`: the layer cannot be made, with an IndexError that names neither the
# decorator nor the layer. Setting `__signature__` on the wrapper helps, because that one is heeded.
#
# Seen with keras 3.15.1 (jax 0.10.2): plain and with `__signature__`, the configuration has units=3; with
# `functools.wraps` alone, IndexError: list index out of range.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check 'keras==3.15.1' 'jax==0.10.2'
KERAS_HOME="$folder" KERAS_BACKEND=jax "$folder/env/bin/python" - <<'PYTHON'
import functools
import inspect

import keras


def wrapped(function, signature):
    @functools.wraps(function)
    def run(*args, **kwargs):
        return function(*args, **kwargs)

    if signature:
        run.__signature__ = inspect.signature(function)
    return run


def made(decorate):
    def __init__(self, units, **kwargs):
        keras.layers.Layer.__init__(self, **kwargs)
        self.units = units

    layer = type("Units", (keras.layers.Layer,), {"__init__": decorate(__init__)})
    assert list(inspect.signature(layer.__init__).parameters) == ["self", "units", "kwargs"]
    try:
        return layer(3).get_config()["units"]
    except Exception as error:
        return f"{type(error).__name__}: {error}"


seen = {
    "plain": made(lambda function: function),
    "functools.wraps": made(lambda function: wrapped(function, signature=False)),
    "with __signature__": made(lambda function: wrapped(function, signature=True)),
}
for name, found in seen.items():
    print(f"{name}: {found}")
assert seen == {
    "plain": 3,
    "functools.wraps": "IndexError: list index out of range",
    "with __signature__": 3,
}
print("as described")
PYTHON
