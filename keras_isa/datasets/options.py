"""How a source is read: the options of `load`, `prepare` and the command line."""

from __future__ import annotations

import dataclasses
import os

from keras_isa.datasets.images import check_image_size
from keras_isa.files import checked_path
from keras_isa.inputs.axes import check_axes
from keras_isa.ops.arguments import true_or_false
from keras_isa.ops.splits import check_share

# The condition under which each option may be given, for messages.
_CONDITIONS = {
    "data_dir": "`source` is tfds:NAME",
    "download": "`source` is tfds:NAME",
    "axes": "`source` holds arrays",
    "split": "`source` has no test part of its own",
    "key": "`source` is a download with several kinds of labels",
}
_NOT_GIVEN = (None, False)
# Options that downloads do not have.
NOT_FOR_DOWNLOADS = ("data_dir", "download", "axes")


@dataclasses.dataclass(frozen=True, repr=False)
class Options:
    """How a source is read. `Options.checked` makes it from the arguments of a caller.

    Args:
        data_dir: Where TFDS keeps its data sets.
        download: Whether TFDS may download a data set.
        image_size: Height and width to which all images are resized.
        axes: What each axis of an array means, one of `keras_isa.inputs.axes.AXES`.
        split: Share of the images that becomes the test part, above 0 and below 1.
        key: Which labels are used if a download has several kinds of them.
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
        """Returns the options after a check of each. `refuse` checks that they fit the source.

        Raises:
            TypeError: `data_dir` is neither a string nor a path, `download` is no bool, or `key` is
                no string.
            ValueError: The value of `image_size`, `axes` or `split` is not possible.

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
        """Raises a ValueError for the first of these options that is given.

        Args:
            source: The source that the caller has named.
            names: Names of options that this source does not have.
        """
        for name in names:
            value = getattr(self, name)
            if value not in _NOT_GIVEN:
                shown = os.fspath(value) if name == "data_dir" else value
                raise ValueError(
                    f"`{name}` must not be given unless {_CONDITIONS[name]}. Received: {name}="
                    f"{shown}, source={source!s}"
                )

    def __repr__(self) -> str:
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        given = (f"{name}={value!r}" for name, value in values.items() if value not in _NOT_GIVEN)
        return f"Options({', '.join(given)})"
