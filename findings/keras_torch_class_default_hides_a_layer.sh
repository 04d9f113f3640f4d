#!/usr/bin/env bash
# A default in the body of a Keras layer's class hides the sublayer that the constructor assigns, on PyTorch only.
#
# Seen with keras 3.15.1, torch 2.13.0, jax 0.10.2, Python 3.11. A base class says `inner = None`, as one writes for an optional
# part, and the constructor of a subclass assigns a layer to `self.inner`. On JAX and TensorFlow `self.inner` is
# the layer. On PyTorch it stays None: a Keras layer is a torch.nn.Module there, which keeps submodules in a
# dictionary of its own and finds them by `__getattr__`, and Python asks `__getattr__` only if the class has no
# attribute of that name. The layer's weights are still among `self.weights`, nothing warns, and a call that has a
# branch for None takes it. An annotation without a value (`inner: keras.layers.Layer | None`) hides nothing.
#
# Output seen:
#   jax: is the layer True, weights 2
#   torch: is the layer False, weights 2
#   torch, annotation alone: is the layer True, weights 2
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2 torch==2.13.0
cat > "$folder/check.py" <<'PYTHON'
import keras


class WithDefault(keras.layers.Layer):
    inner = None


class Annotated(keras.layers.Layer):
    inner: keras.layers.Layer | None


def outcome(base):
    class Outer(base):
        def __init__(self):
            super().__init__()
            dense = keras.layers.Dense(3)
            dense.build((None, 2))
            self.inner = dense
            self.built = True

    outer = Outer()
    return isinstance(outer.inner, keras.layers.Dense), len(outer.weights)


backend = keras.backend.backend()
is_layer, weights = outcome(WithDefault)
print(f"{backend}: is the layer {is_layer}, weights {weights}")
assert (is_layer, weights) == (backend != "torch", 2)
if backend == "torch":
    is_layer, weights = outcome(Annotated)
    print(f"{backend}, annotation alone: is the layer {is_layer}, weights {weights}")
    assert (is_layer, weights) == (True, 2)
PYTHON
for backend in jax torch; do
    KERAS_BACKEND=$backend "$folder/venv/bin/python" "$folder/check.py" 2> /dev/null
done
