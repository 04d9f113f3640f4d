"""Distilled data as files for other tools, and as a picture for people.

The functions take any object with the interface of `keras_isa.DistilledData`: `to_numpy(space=...)`
with the spaces "pixels" and "model", `class_names`, `class_ids`, `pixel_range`, `images_per_class`.
"""

import csv
import os
from typing import Any

import numpy as np

from keras_isa.asset.lettering import drawable, fonts_for
from keras_isa.asset.sequence_plot import draw_sequences
from keras_isa.files import atomic_path, check_writable, checked_path, make_folder, safe_file_name
from keras_isa.inputs.axes import kind_of
from keras_isa.inputs.class_names import first_ten
from keras_isa.ops.arguments import whole_number

TILE = 96  # pixels, the smallest side of a picture's tile
MAX_TILES = 20  # columns and rows of a picture


def save_grid(
    distilled: Any,
    path: str | os.PathLike,
    columns: int | None = None,
    title: str | None = None,
) -> None:
    """Draw the distilled images as one PNG, a column of tiles per class.

    Rows for regression have tiles of their own, with their targets in the units of the data.

    Row k holds the k-th image of every class. With one image per class the tiles wrap into several
    rows instead (ten classes: two rows of five). Each tile shows the 1st to the 99th percentile of
    its own image from black to white, because distilled images leave the pixel range; it is
    enlarged without smoothing. Class names are drawn as they are, with boxes for characters that no
    installed font has. Flat features are laid out as a square, row by row. Sequences are
    drawn as lines over their steps, each feature over its own range in the set; at most 10 features
    are drawn. At most 20 columns and 20 rows are drawn, and the title says so.

    Args:
        distilled: the set, a `DistilledData`.
        path: the .png file to write, replaced when it exists.
        columns: tiles per row; None for as many as there are classes, wrapped when there is one
            image per class. Fewer columns than classes wrap the classes into several bands.
        title: what stands above the images; by default how many they are.

    Raises:
        ValueError: when the file cannot be written, or `columns` is not positive.

    Example:
        >>> import pathlib, tempfile
        >>> import keras_isa
        >>> from keras_isa.asset.export import save_grid
        >>> distilled = keras_isa.DistilledData((8, 8, 1), 2, 1, class_names=("cat", "dog"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_grid(distilled, pathlib.Path(folder) / "set.png")
        ...     sorted(path.name for path in pathlib.Path(folder).iterdir())
        ['set.png']
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    if columns is not None:
        whole_number("columns", columns)
    check_writable(path)
    images, labels = distilled.to_numpy(space="pixels")
    if _is_regression(distilled):
        groups = [np.array([row]) for row in range(len(images))]
        captions = [" ".join(f"{value:.4g}" for value in row) for row in labels]
        title = title or f"{len(images)} distilled images, {first_ten(distilled.class_names)}"
    else:
        class_ids, captions = np.asarray(distilled.class_ids), distilled.class_names
        groups = [np.flatnonzero(class_ids == c) for c in range(len(captions))]
        title = title or f"{len(images)} distilled images, {len(groups)} classes"
    places = _layout(groups, columns)
    if len(places) < len(images):
        title += f"; {len(places)} shown"
    # A font is chosen for all that is drawn, and what none has is drawn as boxes.
    fonts, missing = fonts_for([*captions, title])
    names = [drawable(caption, missing) for caption in captions]
    title = drawable(title, missing)
    if images.ndim == 3:
        title = title.replace("images", "sequences")
        names = [_shorten(name, 28) for name in names]
        figure = draw_sequences(images, places, names, title, fonts)
    else:
        figure = _tiles(_as_pictures(images), places, names, title, fonts)
    with atomic_path(path) as temporary:
        FigureCanvasAgg(figure).print_figure(temporary, format="png", dpi=100)


def _tiles(
    images: np.ndarray,
    places: list[tuple[int, int, int, int]],
    names: list[str],
    title: str,
    fonts: list[str],
) -> Any:
    """A figure of images `(n, H, W, C)`, pixel by pixel, with the names of their classes."""
    from matplotlib.figure import Figure

    height, width = 1 + np.max(places, axis=0)[:2]
    scale = max(1, -(-TILE // min(images.shape[1:3])))
    tile_height, tile_width = images.shape[1] * scale, images.shape[2] * scale
    gap, caption, head = 8, 20, 34  # pixels
    canvas_width = max(width * (tile_width + gap) + gap, 8 * len(title))
    canvas_height = head + height * (tile_height + caption + gap) + gap
    left = (canvas_width - width * (tile_width + gap) + gap) // 2

    figure = Figure(figsize=(canvas_width / 100, canvas_height / 100), dpi=100, facecolor="white")
    figure.text(0.5, 1 - 0.5 * head / canvas_height, title, ha="center", va="center", fontsize=9)
    # Without a transform a text is placed in pixels.
    options = {"transform": None, "ha": "center", "fontsize": 8, "parse_math": False}
    options["fontfamily"] = fonts
    for row, column, class_id, index in places:
        x = left + column * (tile_width + gap)
        y = canvas_height - head - row * (tile_height + caption + gap) - caption - tile_height
        # Whole pixels, placed one to one: figimage does not resample.
        tile = contrasted(images[index]).repeat(scale, axis=0).repeat(scale, axis=1)
        tile = np.broadcast_to(tile, (tile_height, tile_width, 3))
        figure.figimage(tile, xo=x, yo=y, origin="upper", resize=False)
        name = _shorten(names[class_id], tile_width // 7)
        figure.text(x + tile_width / 2, y + tile_height + 4, name, va="bottom", **options)
    return figure


def export_npz(distilled: Any, path: str | os.PathLike) -> None:
    """Write the distilled data as one .npz that NumPy reads without pickle.

    Arrays: `images` (n, H, W, C), (n, T, F) or (n, F) float32 in pixel space, `labels` (n, C)
    float32, `images_model_space` of the same shape, float32 as networks see them, `class_ids` (n,)
    int64, `class_names` (C,) strings. For regression `labels` are standardised, `targets`
    (n, K) are the same in the units of the data, and `class_names` the names of the targets.

    Args:
        distilled: the set, a `DistilledData`.
        path: the .npz file to write, replaced when it exists.

    Raises:
        ValueError: when the file cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> import keras_isa
        >>> from keras_isa.asset.export import export_npz
        >>> distilled = keras_isa.DistilledData((8, 8, 1), 2, 1, class_names=("cat", "dog"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     export_npz(distilled, pathlib.Path(folder) / "set.npz")
        ...     sorted(path.name for path in pathlib.Path(folder).iterdir())
        ['set.npz']
    """
    check_writable(path)
    images, targets = distilled.to_numpy(space="pixels")
    model_images, labels = distilled.to_numpy(space="model")
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(
            file,
            images=images,
            labels=labels,
            images_model_space=model_images,
            class_ids=np.asarray(distilled.class_ids, "int64"),
            class_names=np.array(distilled.class_names, dtype=np.str_),
            **({"targets": targets} if _is_regression(distilled) else {}),
        )


def export_png(distilled: Any, folder: str | os.PathLike) -> None:
    """Write every distilled image as an 8-bit PNG, and the labels as a table.

    Files are `<class index>_<class name>/<k>.png`, k counting from 0 within the class; characters
    of a name that are unsafe in a file name become `_`. The pixel range becomes 0 to 255, and what
    lies outside is clipped: the pictures are for looking at, `export_npz` keeps the values.
    `labels.csv`, written last, has the columns file, class, and one per class with the learned
    label values. Images for regression are in one folder, `images`, and the table has their targets
    in the units of the data.

    Args:
        distilled: the set, a `DistilledData`.
        folder: the folder to write into, created when missing. Files of the same names are
            replaced, others stay.

    Raises:
        ValueError: when the folder cannot be created or written, or when the images are sequences
            or flat features or have neither 1 nor 3 channels.

    Example:
        >>> import pathlib, tempfile
        >>> import keras_isa
        >>> from keras_isa.asset.export import export_png
        >>> distilled = keras_isa.DistilledData((8, 8, 1), 2, 1, class_names=("cat", "dog"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     export_png(distilled, folder)
        ...     sorted(path.name for path in pathlib.Path(folder).iterdir())
        ['0_cat', '1_dog', 'labels.csv']
    """
    from PIL import Image

    folder = checked_path(folder, "folder")
    images, labels = distilled.to_numpy(space="pixels")
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            "`distilled` must have images of 1 or 3 channels to be written as PNG; use export_npz, "
            "or save_grid for a picture of sequences. Received: "
            f"{kind_of(images.shape[1:])} of shape {tuple(images.shape[1:])}"
        )
    make_folder(folder)
    check_writable(folder / "labels.csv")
    low, high = distilled.pixel_range
    pixels = np.clip((images - low) / (high - low) * 255, 0, 255).round().astype("uint8")
    if pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    regression = _is_regression(distilled)
    rows = [["file", *(() if regression else ("class",)), *distilled.class_names]]
    groups = ("images",) if regression else distilled.class_names
    for class_id, name in enumerate(groups):
        place = f"{class_id}_{safe_file_name(name).strip('._') or 'class'}"
        if regression:
            place = name
        (folder / place).mkdir(exist_ok=True)
        for k, index in enumerate(np.flatnonzero(distilled.class_ids == class_id)):
            file = f"{place}/{k}.png"
            with atomic_path(folder / file) as temporary:
                Image.fromarray(pixels[index]).save(temporary)
            about = [file] if regression else [file, name]
            rows.append([*about, *(f"{value:.9g}" for value in labels[index])])
    with (
        atomic_path(folder / "labels.csv") as temporary,
        open(temporary, "w", newline="", encoding="utf-8") as table,
    ):
        csv.writer(table).writerows(rows)


def _is_regression(distilled: Any) -> bool:
    return getattr(distilled, "is_regression", False)


def _layout(groups: list[np.ndarray], columns: int | None) -> list[tuple[int, int, int, int]]:
    """Places of the images that are drawn, in order: row, column, class and index of the image."""
    depth = max(map(len, groups))
    if columns is None:
        columns = len(groups)
        if depth == 1 and columns > 5:
            # One image per class: rows twice as wide as high, so that ten classes give two of five.
            columns = min(max(5, int(np.ceil(np.sqrt(2 * columns)))), MAX_TILES)
    places, top = [], 0
    for start in range(0, len(groups), columns):
        band = groups[start : start + columns]
        for column, group in enumerate(band):
            places += [(top + k, column, start + column, int(i)) for k, i in enumerate(group)]
        top += max(map(len, band))
    return sorted(place for place in places if max(place[:2]) < MAX_TILES)


def _as_pictures(images: np.ndarray) -> np.ndarray:
    """Images as they are; flat features (n, F) as squares (n, side, side, 1), the rest empty."""
    if images.ndim == 4:
        return images
    side = int(np.ceil(np.sqrt(images.shape[1])))
    rest = side * side - images.shape[1]
    squares = np.pad(images, ((0, 0), (0, rest)), constant_values=np.nan)
    return squares.reshape(-1, side, side, 1)


def contrasted(image: np.ndarray) -> np.ndarray:
    """Return an image as bytes, its 1st to 99th percentile spread over 0 to 255.

    Args:
        image: floats (H, W, C); of other than 1 or 3 channels the mean is taken.

    Returns:
        uint8 array (H, W, 1) or (H, W, 3).

    Example:
        >>> import numpy as np
        >>> from keras_isa.asset.export import contrasted
        >>> contrasted(np.array([[[2.0], [4.0]]])).ravel().tolist()
        [0, 255]
    """
    image = np.asarray(image, "float64")
    if image.shape[-1] not in (1, 3):
        image = image.mean(axis=-1, keepdims=True)
    finite = image[np.isfinite(image)]
    low, high = np.percentile(finite, [1, 99]) if finite.size else (0.0, 1.0)
    span = high - low if high > low else 1.0
    return np.nan_to_num(np.clip((image - low) / span, 0, 1) * 255).round().astype("uint8")


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: max(length - 1, 1)] + "\N{HORIZONTAL ELLIPSIS}"
