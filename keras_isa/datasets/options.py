"""How a source is read: what `load`, `prepare` and the command line take beside its name."""

from __future__ import annotations

import dataclasses
import os

from keras_isa.datasets.images import check_image_size
from keras_isa.files import checked_path
from keras_isa.inputs.axes import check_axes
from keras_isa.ops.arguments import true_or_false
from keras_isa.ops.splits import check_share

# What each is for, in messages.
_PURPOSES = {
    "data_dir": "`source` is tfds:NAME",
    "download": "`source` is tfds:NAME",
    "axes": "`source` holds arrays",
    "split": "`source` has no test part of its own",
    "key": "`source` is a download with several kinds of labels",
}
_UNGIVEN = (None, False)
# What a download tells by itself.
NOT_FOR_DOWNLOADS = ("data_dir", "download", "axes")


@dataclasses.dataclass(frozen=True, repr=False)
class Options:
    """How a source is read, checked once; `Options.checked` makes one of what a caller gave.

    Args:
        data_dir: Where TFDS keeps its sets.
        download: Whether TFDS may fetch a set.
        image_size: Height and width that all images are brought to.
        axes: Which axis of an array is what, one of `keras_isa.inputs.axes.AXES`.
        split: Share of the images that is held out as test part, above 0 and below 1.
        key: Which labels are meant where a download has several.
    """

    data_dir: str | os.PathLike[str] | None = None
    download: bool = False
    image_size: tuple[int, int] | None = None
    axes: str | None = None
    split: float | None = None
    key: str | None = None

    @classmethod
    def checked(
        cls,
        *,
        data_dir: str | os.PathLike[str] | None = None,
        download: bool = False,
        image_size: int | tuple[int, int] | None = None,
        axes: str | None = None,
        split: float | None = None,
        key: str | None = None,
    ) -> Options:
        """Returns the options, each checked by itself; what fits a source is known later.

        Raises:
            TypeError: `data_dir` is neither a string nor a path, `download` no bool, or `key` no
                string.
            ValueError: `image_size`, `axes` or `split` is none.

        Example:

        >>> from keras_isa.datasets.options import Options
        >>> Options.checked(image_size=8, split=0.25)
        Options(image_size=(8, 8), split=0.25)
        """
        if data_dir is not None:
            checked_path(data_dir, "data_dir")
        if split is not None:
            split = check_share("split", split)
            if split == 0:
                raise ValueError("`split` must be above 0 and below 1. Received: split=0.0")
        if key is not None and not isinstance(key, str):
            raise TypeError(f"`key` must be a string. Received: key={key!r}")
        return cls(
            data_dir=data_dir,
            download=true_or_false("download", download),
            image_size=check_image_size(image_size),
            axes=check_axes(axes),
            split=split,
            key=key,
        )

    def refuse(self, source: str | os.PathLike[str], *names: str) -> None:
        """Raises a ValueError for the first of these options that is given, as a source has no use.

        Args:
            source: What the caller named.
            names: Names of options that mean nothing for it.
        """
        for name in names:
            value = getattr(self, name)
            if value not in _UNGIVEN:
                shown = os.fspath(value) if name == "data_dir" else value
                raise ValueError(
                    f"`{name}` must not be given unless {_PURPOSES[name]}. Received: {name}="
                    f"{shown}, source={source!s}"
                )

    def __repr__(self) -> str:
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        given = (f"{name}={value!r}" for name, value in values.items() if value not in _UNGIVEN)
        return f"Options({', '.join(given)})"
