"""How long a trial is."""

from __future__ import annotations

from typing import NamedTuple


class Length(NamedTuple):
    """How long a run is."""

    epochs: int
    steps_per_epoch: int
    total: int
    """Steps after which the learning rate has come down; a run may end before."""
