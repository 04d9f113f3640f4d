"""Trains a PyTorch network on a distilled set.

    pip install torch
    python examples/train_on_distilled_torch.py digits_ipc1.keras
    python examples/train_on_distilled_torch.py digits_ipc1.keras --epochs 50    # a quick look

The set is one that `keras-isa distill digits` or examples/quick_start.py wrote. Its file is read
with whatever backend Keras has; from `to_numpy()` on, everything is plain PyTorch. Prints the test
accuracy, and that of the same network trained on as many random real images.
"""

import argparse
import os
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

try:
    import torch
except ImportError:
    sys.exit("this example needs PyTorch: pip install torch")

import keras_isa

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("path", help="a distilled set, a .keras file")
parser.add_argument("--epochs", type=int, default=500, help="passes over the set")
arguments = parser.parse_args()

try:
    distilled = keras_isa.load(arguments.path)
    # The file says what it was made of.
    train, test = keras_isa.datasets.load_recorded(distilled.provenance)
except ValueError as error:
    parser.error(str(error))

real = keras_isa.DistilledData.from_samples(
    train.x, train.y, distilled.class_counts, preprocessing=distilled.preprocessing
)


def channels_first(images):
    """(N, H, W, C) of Keras to the (N, C, H, W) of PyTorch."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


# Raw pixels to the space that the images of the set live in.
test_images = channels_first(distilled.preprocess(test.x))


def accuracy(images, labels):
    torch.manual_seed(0)
    images, labels = channels_first(images), torch.from_numpy(labels)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(images.shape[1], 64, 3, padding="same"),
        torch.nn.ReLU(),
        torch.nn.AvgPool2d(2),
        torch.nn.Conv2d(64, 128, 3, padding="same"),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.LazyLinear(labels.shape[1]),
    )
    model(images[:1])  # makes the weights of the last layer
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(arguments.epochs):
        # The labels are learned numbers around zero, not classes: regress on them.
        loss = torch.nn.functional.mse_loss(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        guesses = model(test_images).argmax(dim=1).numpy()
    return 100 * (guesses == test.y).mean()


print(f"{'trained on':24}test accuracy in %")
for name, images in {"distilled images": distilled, "random real images": real}.items():
    count = len(images.class_ids)
    print(f"{f'{count} {name}':24}{accuracy(*images.to_numpy()):18.1f}")
