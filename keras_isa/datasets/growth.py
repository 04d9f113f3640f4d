"""How much files may grow when they are unpacked."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Growth:
    """A bound on what a packed file becomes.

    Args:
        times: How many times its size the content may have.
        free: Bytes that it may have besides, as small files grow more.

    Example:

    >>> from keras_isa.datasets.growth import Growth
    >>> Growth(times=100, free=1000).most(50)
    6000
    """

    times: int
    free: int

    def most(self, packed: int) -> int:
        """Returns the bytes that `packed` bytes may become."""
        return packed * self.times + self.free

    @property
    def reason(self) -> str:
        """Why a file is refused."""
        return f"it grows more than {self.times} times, as no images do"

    def check(self, packed: int, unpacked: int) -> None:
        """Refuses a content that is too large.

        Args:
            packed: Bytes of the file.
            unpacked: Bytes that it says its content has, or that were read.

        Raises:
            ValueError: If it is. The message is only the reason.
        """
        if unpacked > self.most(packed):
            raise ValueError(self.reason)


# Files of images, and of labels and names beside them.
IMAGES = Growth(times=100, free=1 << 24)
# What numpy's and gzip's way of packing (deflate) reaches; others can grow a million times.
DEFLATE = Growth(times=1032, free=1 << 20)
