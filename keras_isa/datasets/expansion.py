"""Limits for the size of unpacked files, against archives that would fill the disk or memory."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class ExpansionLimit:
    """A limit for the unpacked size of a file.

    Args:
        ratio: How many times larger than the packed file the content may be.
        allowance: Bytes that the content may have in addition, because small files expand more.

    Example:

    >>> from keras_isa.datasets.expansion import ExpansionLimit
    >>> ExpansionLimit(ratio=100, allowance=1000).max_bytes(50)
    6000
    """

    ratio: int
    allowance: int

    def max_bytes(self, packed: int) -> int:
        """Returns the most bytes that a file of `packed` bytes may expand to."""
        return packed * self.ratio + self.allowance

    @property
    def reason(self) -> str:
        """Why a file is refused, for a message."""
        return f"it expands more than {self.ratio} times, which images never do"

    def check(self, packed: int, unpacked: int) -> None:
        """Raises a ValueError for content that is too large.

        Args:
            packed: Bytes of the file.
            unpacked: Bytes of its content, as read or as the file announces.

        Raises:
            ValueError: If the content is too large. The message is only the reason.
        """
        if unpacked > self.max_bytes(packed):
            raise ValueError(self.reason)


# For files with images, and the labels and names beside them.
IMAGES = ExpansionLimit(ratio=100, allowance=1 << 24)
# The most that deflate, the compression of numpy and gzip, can reach. Other methods can expand a
# million times.
DEFLATE = ExpansionLimit(ratio=1032, allowance=1 << 20)
