"""The programs of a card: how a distilled set is used in Keras, PyTorch and scikit-learn."""

from __future__ import annotations

import math

from keras_isa.asset.distilled_data import DistilledData

_LOADED = """distilled = keras_isa.load("{address}")
images, labels = distilled.to_numpy()  # as networks see them"""
_OWN_IMAGES = (
    """raw, _ = distilled.to_numpy(space="pixels")  # in place of these, images of your own"""
)
_NAMES = "print([distilled.class_names[guess] for guess in guesses])"


def programs(distilled: DistilledData, address: str) -> dict[str, str]:
    """Returns a program for each library, by its name.

    Args:
        distilled: The set.
        address: Where it is loaded from, as `keras_isa.load` takes it.
    """
    loaded = _LOADED.format(address=address)
    shape, classes = tuple(distilled.image_shape), distilled.num_classes
    rows = min(len(distilled.class_ids), 256)
    return {
        "Keras": _keras(loaded, shape, classes, rows),
        "PyTorch": _torch(loaded, shape, classes),
        "scikit-learn": _sklearn(loaded),
    }


def _keras(loaded: str, shape: tuple[int, ...], classes: int, rows: int) -> str:
    if len(shape) == 3:
        layers = [
            'keras.layers.Conv2D(64, 3, padding="same", activation="relu")',
            'keras.layers.Conv2D(128, 3, strides=2, padding="same", activation="relu")',
            "keras.layers.Flatten()",
        ]
    else:
        layers = ["keras.layers.Flatten()", 'keras.layers.Dense(256, activation="relu")']
    network = [f"keras.Input({shape})", *layers, f"keras.layers.Dense({classes})"]
    return f"""import keras
import keras_isa

{loaded}
model = keras.Sequential([
{_lines(network)}
])
# Labels are numbers around zero, not classes: regress on them, the largest output wins.
model.compile(keras.optimizers.Adam(1e-3), loss="mse")
model.fit(images, labels, batch_size={rows}, epochs=500, verbose=0)

{_OWN_IMAGES}
guesses = model.predict(distilled.preprocess(raw), verbose=0).argmax(axis=-1)
{_NAMES}"""


def _torch(loaded: str, shape: tuple[int, ...], classes: int) -> str:
    if len(shape) == 3:
        height, width, channels = shape
        to_tensor = "torch.from_numpy(array).permute(0, 3, 1, 2).contiguous()  # (N, C, H, W)"
        size = 128 * math.ceil(height / 2) * math.ceil(width / 2)
        layers = [
            f"torch.nn.Conv2d({channels}, 64, 3, padding=1)",
            "torch.nn.ReLU()",
            "torch.nn.Conv2d(64, 128, 3, stride=2, padding=1)",
            "torch.nn.ReLU()",
            "torch.nn.Flatten()",
        ]
    else:
        to_tensor, size = "torch.from_numpy(array)", 256
        layers = [
            "torch.nn.Flatten()",
            f"torch.nn.Linear({math.prod(shape)}, 256)",
            "torch.nn.ReLU()",
        ]
    network = [*layers, f"torch.nn.Linear({size}, {classes})"]
    return f"""import keras_isa
import torch

{loaded}


def tensor(array):
    return {to_tensor}


model = torch.nn.Sequential(
{_lines(network)}
)
optimizer = torch.optim.Adam(model.parameters(), 1e-3)
for _ in range(500):
    loss = torch.nn.functional.mse_loss(model(tensor(images)), torch.from_numpy(labels))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

{_OWN_IMAGES}
with torch.no_grad():
    guesses = model(tensor(distilled.preprocess(raw))).argmax(dim=1).tolist()
{_NAMES}"""


def _sklearn(loaded: str) -> str:
    return f"""import keras_isa
from sklearn.linear_model import Ridge

{loaded}
model = Ridge().fit(images.reshape(len(images), -1), labels)

{_OWN_IMAGES}
guesses = model.predict(distilled.preprocess(raw).reshape(len(raw), -1)).argmax(axis=-1)
{_NAMES}"""


def _lines(parts: list[str]) -> str:
    return "\n".join(f"    {part}," for part in parts)
