"""How a source is read: the options of `load`, `prepare` and the command line."""

from __future__ import annotations

import dataclasses
import os

from keras_isa.datasets.images import check_image_size
from keras_isa.files import checked_path
from keras_isa.inputs.axes import check_axes
from keras_isa.inputs.targets import TASKS
from keras_isa.ops.arguments import one_of, true_or_false
from keras_isa.ops.splits import check_share

# The condition under which each option may be given, for messages.
_CONDITIONS = {
    "data_dir": "`source` is tfds:NAME",
    "download": "`source` is tfds:NAME",
    "axes": "`source` holds arrays",
    "split": "`source` has no test part of its own",
    "key": "`source` is a download with several kinds of labels",
    "task": "`source` holds arrays in an .npz file or a folder; for a table pass two arrays to "
    "`keras_isa.datasets.Dataset.from_arrays`",
}
_NOT_GIVEN = (None, False, "classification")


@dataclasses.dataclass(frozen=True)
class Options:
    """How a source is read, checked when the object is made.

    `refuse` checks that the options fit the source.

    Args:
        data_dir: Where TFDS keeps its data sets.
        download: Whether TFDS may download a data set.
        image_size: Height and width, or one number for both, to which all images are resized. The
            attribute is a pair or `None`.
        axes: What each axis of an array means, one of `keras_isa.inputs.axes.AXES`.
        split: Share of the images that becomes the test part, above 0 and below 1.
        key: Which labels are used if a download has several kinds of them.
        task: "classification", or "regression" where labels are numbers to predict.

    Raises:
        TypeError: `data_dir` is neither a string nor a path, `download` is no bool, or `key` is no
            string.
        ValueError: The value of `image_size`, `axes`, `split` or `task` is not possible.

    Example:

    >>> from keras_isa.datasets.options import Options
    >>> Options(image_size=8).image_size
    (8, 8)
    """

    data_dir: str | os.PathLike[str] | None = None
    download: bool = False
    image_size: int | tuple[int, int] | None = None
    axes: str | None = None
    split: float | None = None
    key: str | None = None
    task: str = "classification"

    def __post_init__(self) -> None:
        if self.data_dir is not None:
            checked_path(self.data_dir, "data_dir")
        true_or_false("download", self.download)
        check_axes(self.axes)
        one_of("task", self.task, TASKS)
        if self.key is not None and not isinstance(self.key, str):
            raise TypeError(f"`key` must be a string. Received: key={self.key!r}")
        split = None if self.split is None else check_share("split", self.split, zero=False)
        # The dataclass is frozen, so its values are replaced in this way.
        vars(self).update(image_size=check_image_size(self.image_size), split=split)

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
