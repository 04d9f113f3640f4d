"""Distils a folder of your own images, one folder per class.

    python examples/image_folder.py flowers/ --image-size 64
    python examples/image_folder.py                          # digits, written as PNG files first
    python examples/image_folder.py --steps 50 --networks 1  # a quick look

The folder holds train/CLASS/FILE and test/CLASS/FILE, or just CLASS/FILE, of which a fifth becomes
the test part. Without one, ./digit_images is written from scikit-learn's digits, to look at and to
imitate. Settings are derived from shape, size and hardware. Writes FOLDER_distilled.keras and its
picture into the current folder, and prints a table.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
from PIL import Image

import keras_isa
from keras_isa.asset.export import save_grid

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("folder", type=Path, nargs="?", help="your images [default: digits]")
parser.add_argument("--image-size", type=int, help="bring all to this height and width")
parser.add_argument("--ipc", type=int, default=1, help="images per class")
parser.add_argument("--steps", type=int, help="distillation steps [default: what suits the data]")
parser.add_argument("--networks", type=int, default=5, help="networks that are trained on each set")
arguments = parser.parse_args()
if arguments.networks < 1:
    parser.error("--networks must be positive")


def write_digits(folder):
    """Writes scikit-learn's digits as folder/train/CLASS/NUMBER.png and folder/test/..."""
    for part in keras_isa.datasets.load("digits"):
        for number, (image, class_id) in enumerate(zip(part.x, part.y, strict=True)):
            file = folder / part.split / part.class_names[class_id] / f"{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.round(image[..., 0] * 255 / 16).astype("uint8")
            Image.fromarray(pixels).save(file)


folder = arguments.folder
if folder is None:
    folder = Path("digit_images")
    write_digits(folder)

try:
    train, test = keras_isa.datasets.load(folder, image_size=arguments.image_size)
    accelerated = keras_isa.backend.has_accelerator()
    settings = keras_isa.presets.settings_for(train, arguments.ipc, accelerated)
    settings = settings.with_changes(steps=arguments.steps)
    # The set starts from real images, and gets class names and pixel range of the data.
    trainer = keras_isa.FRePoTrainer.for_data(train, settings)
    distilled = trainer.distilled
    if arguments.image_size:  # for whoever reads the images again, `keras-isa evaluate` for one
        distilled.provenance["load_options"] = {"image_size": arguments.image_size}
    print(f"{train}\n{test}\n{settings}")
    trainer.fit(train, validation_split=settings.validation_split, verbose=2)
except ValueError as error:
    parser.error(str(error))

name = f"{folder.resolve().name}_distilled"
distilled.save(f"{name}.keras")
save_grid(distilled, f"{name}.png")
print(f"wrote {name}.keras and {name}.png")
print(keras_isa.evaluate(distilled, test, train=train, repeats=arguments.networks))
