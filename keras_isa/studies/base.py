"""What a study says; running, keeping and writing it is the same for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from keras_isa.studies.experiment import Experiment
from keras_isa.studies.result import Column, Findings
from keras_isa.studies.statistics import Paired

# The cells of a study: what was found, by the name of the cell and the seed.
Runs = Mapping[str, Mapping[int, Mapping[str, Any]]]
# In what was found of a run that diverged, the reason.
DIVERGED = "diverged"
# The columns of `score_row`.
SCORE_COLUMNS = (
    Column("setting", "setting", "text"),
    Column("student", "networks, %", "percent"),
    Column("student_least", "least seed, %", "percent"),
    Column("krr", "KRR, %", "percent"),
    Column("difference", "difference, points", "points"),
    Column("interval", "95 % interval", "interval"),
    Column("verdict", "says", "text"),
)


class Study:
    """Base of the studies: cells that are measured for each seed, and what follows from them.

    A subclass sets `name`, `title`, `question`, `source` and what it needs, and says in `cells`
    what is measured, in `findings` what follows, and in `draw` how it looks.

    Args:
        experiment: Data, settings and the folder of sets.

    Raises:
        ValueError: If the study does not suit the method or the images per class.
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    question: ClassVar[str] = ""
    # Where the paper has it.
    source: ClassVar[str] = ""
    # Methods that it is of, `None` for all with crucial samples and ISA.
    methods: ClassVar[tuple[str, ...] | None] = None
    # Images per class and seeds, where nothing else is asked for.
    images_per_class: ClassVar[int] = 1
    seeds: ClassVar[int] = 5
    # The least images of the set, and why.
    least_images: ClassVar[tuple[int, str]] = (1, "")

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        own = experiment.settings.method
        if self.methods is not None and own not in self.methods:
            raise ValueError(
                f"`method` must be {' or '.join(self.methods)} for the study {self.name}. "
                f"Received: {own}"
            )
        if not hasattr(experiment.settings, "crucial_fraction"):
            raise ValueError(
                "`method` must have the settings crucial_fraction and isa_interval. Received: "
                f"{own}"
            )
        least, why = self.least_images
        counts = experiment.settings.images_per_class
        each = [counts] * experiment.train.num_classes if isinstance(counts, int) else counts
        if sum(each) < least:
            raise ValueError(
                f"`images_per_class` must give {least} images or more for the study {self.name}: "
                f"{why}. Received: {sum(each)}"
            )

    @property
    def options(self) -> dict[str, Any]:
        """What a result depends on beside the experiment, JSON-compatible; by default nothing."""
        return {}

    @property
    def judged_on(self) -> str:
        """What the numbers are of, for the page."""
        own = self.experiment
        return f"{own.networks} trained on each set, scored on {len(own.test.y):,} {own.scored_on}"

    def prepare(self, note: Callable[[str], None]) -> None:
        """Measures what the cells depend on; by default nothing.

        Args:
            note: Takes lines about the work.
        """

    def cells(self, seed: int) -> dict[str, Callable[[], dict[str, Any]]]:
        """What is measured for a seed: functions that return JSON-compatible values, by name.

        Args:
            seed: The seed.
        """
        raise TypeError(f"{type(self).__name__} does not define `cells`")

    def enough(self, runs: Runs, note: Callable[[str], None]) -> bool:
        """Whether no further seed is needed; by default every seed is.

        Args:
            runs: The cells so far, of whole seeds.
            note: Takes lines about the work.
        """
        return False

    def findings(self, runs: Runs) -> Findings:
        """What follows from the cells.

        Args:
            runs: The cells, of whole seeds.
        """
        raise TypeError(f"{type(self).__name__} does not define `findings`")

    def draw(self, runs: Runs) -> Any:
        """Draws the cells.

        Args:
            runs: The cells, of whole seeds.

        Returns:
            A `matplotlib.figure.Figure`.
        """
        raise TypeError(f"{type(self).__name__} does not define `draw`")


def measured(runs: Runs, cell: str) -> dict[int, Mapping[str, Any]]:
    """Returns what was found by seed, without runs that diverged.

    Args:
        runs: Cells.
        cell: Name of the cell.
    """
    return {seed: found for seed, found in runs[cell].items() if DIVERGED not in found}


def column(runs: Runs, cell: str, score: str) -> dict[int, float]:
    """Returns a score of a cell by seed, without runs that diverged.

    Args:
        runs: Cells.
        cell: Name of the cell.
        score: Name of the score.
    """
    return {seed: found[score] for seed, found in measured(runs, cell).items()}


def mean(runs: Runs, cell: str, score: str) -> float | None:
    """Returns the mean of a score over seeds, `None` if all runs diverged.

    Args:
        runs: Cells.
        cell: Name of the cell.
        score: Name of the score.
    """
    values = list(column(runs, cell, score).values())
    return sum(values) / len(values) if values else None


def gain(runs: Runs, cell: str, base: str, score: str = "student") -> Paired:
    """Returns the differences between two cells, seed by seed.

    Args:
        runs: Cells.
        cell: Name of the cell.
        base: Name of the one that it is compared with.
        score: Name of the score.
    """
    return Paired.of(column(runs, cell, score), column(runs, base, score))


def shown_seed(runs: Runs) -> tuple[int, list[str]]:
    """Returns a seed for a picture of one seed, and the cells of which its run has not diverged.

    Args:
        runs: Cells, not all of them diverged.
    """
    seeds = sorted({seed for name in runs for seed in measured(runs, name)})
    there = {seed: [name for name in runs if seed in measured(runs, name)] for seed in seeds}
    best = max(seeds, key=lambda seed: (len(there[seed]), -seed))
    return best, there[best]


def score_row(runs: Runs, cell: str, base: str | None, shown: str) -> dict[str, Any]:
    """Returns the row of a table of accuracies, with the difference to another cell.

    Args:
        runs: Cells that `Experiment.scores` gave.
        cell: Name of the cell.
        base: Name of the one that it is compared with, or `None`.
        shown: What the table calls it.
    """
    students = column(runs, cell, "student").values()
    found = {} if base in (None, cell) else gain(runs, cell, base).to_dict()
    return {
        "setting": shown,
        "student": mean(runs, cell, "student"),
        "student_least": min(students, default=None),
        "krr": mean(runs, cell, "krr"),
        "difference": found.get("difference"),
        "interval": found.get("interval"),
        "verdict": found.get("verdict"),
    }
