"""Membership inference: can an attacker tell which images a network has learned from?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_isa.asset.distilled_data import DistilledData
from keras_isa.asset.recipe import Recipe
from keras_isa.evaluation.bench import Bench, TestData
from keras_isa.evaluation.evaluate import evaluation_recipe
from keras_isa.evaluation.full_data import FullData
from keras_isa.evaluation.students import Students
from keras_isa.global_settings import in_standard_settings
from keras_isa.inputs.arrays import select
from keras_isa.ops.arguments import instance_of, seed_number, whole_number, words_of
from keras_isa.training.inputs import checked_data, dataset_or_pair

# Images of each kind that an attack looks at, at most.
_MOST_IMAGES = 5000
_FOLDS = 5
_NORMAL = 1.959964  # the normal deviate of a 95 % interval


def _learners(seed: int, images: int) -> dict[str, Callable[[], Any]]:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier

    neighbours = min(25, images // 2)
    return {
        "logistic_regression": lambda: LogisticRegression(max_iter=1000),
        "k_nearest_neighbours": lambda: KNeighborsClassifier(n_neighbors=neighbours),
        "random_forest": lambda: RandomForestClassifier(
            n_estimators=100, min_samples_leaf=5, random_state=seed
        ),
        "mlp": lambda: MLPClassifier(
            (32,), alpha=1e-2, early_stopping=True, max_iter=200, random_state=seed
        ),
    }


ATTACKS = ("threshold", "logistic_regression", "k_nearest_neighbours", "random_forest", "mlp")


def auc_interval(auc: float, members: int, others: int) -> tuple[float, float]:
    """Returns the 95 % interval of an area under the ROC curve.

    Source: the standard error of Hanley and McNeil, "The Meaning and Use of the Area under a
    Receiver Operating Characteristic (ROC) Curve" (1982).

    Args:
        auc: The area.
        members: Positive examples.
        others: Negative examples.

    Example:

    >>> from keras_isa.evaluation.membership import auc_interval
    >>> [round(end, 3) for end in auc_interval(0.5, 100, 100)]
    [0.42, 0.58]
    """
    first, second = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc)
    variance += (members - 1) * (first - auc**2) + (others - 1) * (second - auc**2)
    half = _NORMAL * np.sqrt(max(variance, 0.0) / (members * others))
    return max(0.0, float(auc - half)), min(1.0, float(auc + half))


def attack_auc(
    member_logits: np.ndarray,
    member_labels: np.ndarray,
    other_logits: np.ndarray,
    other_labels: np.ndarray,
    *,
    attacks: Sequence[str] = ATTACKS,
    seed: int = 0,
) -> dict[str, float]:
    """Returns how well attackers tell members from others by what a network says of them.

    An attacker sees the logits, the loss and the class of an image. `threshold` takes images of low
    loss for members; the others learn from examples of both kinds and are tested on examples that
    they have not seen, in five folds. Source: the attacks of Shokri et al. (2017) and Yeom et al.
    (2018), as the experiments of FRePo use them.

    Args:
        member_logits: Outputs `(N, C)` for images that the network has learned from.
        member_labels: Their classes `(N,)`.
        other_logits: Outputs `(M, C)` for images that it has not.
        other_labels: Their classes `(M,)`.
        attacks: Names out of `keras_isa.evaluation.ATTACKS`.
        seed: Seed of folds and attackers.

    Returns:
        The area under the ROC curve by attack: 0.5 for guessing, 1 for certainty.

    Raises:
        TypeError: If labels are no integers.
        ValueError: If an attack is unknown or none is named, there are fewer than 10 images of a
            kind, or logits and labels do not fit.

    Example:

    >>> import numpy as np
    >>> from keras_isa.evaluation import attack_auc
    >>> rng, y = np.random.default_rng(0), np.arange(40) % 2
    >>> sure, unsure = 9 * np.eye(2)[y], rng.normal(size=(40, 2))
    >>> attack_auc(sure, y, unsure, y, attacks=["threshold"])["threshold"] > 0.9
    True
    """
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    attacks, seed = _checked_attacks(attacks), seed_number(seed)
    members, own = _checked_outputs("member", member_logits, member_labels)
    others, theirs = _checked_outputs("other", other_logits, other_labels)
    if members.shape[1] != others.shape[1]:
        raise ValueError(
            "`member_logits` and `other_logits` must have the same classes. Received shapes: "
            f"{members.shape} and {others.shape}"
        )
    logits, y = np.concatenate([members, others]), np.concatenate([own, theirs])
    losses = _cross_entropies(logits, y)
    truth = np.repeat([1, 0], [len(members), len(others)])
    seen = np.concatenate([logits, losses[:, None], np.eye(logits.shape[1])[y]], axis=1)
    found = {}
    learners = _learners(seed, len(truth))
    for name in attacks:
        if name == "threshold":
            found[name] = float(roc_auc_score(truth, -losses))
            continue
        areas = []
        for fitted, held in StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(
            seen, truth
        ):
            attacker = make_pipeline(StandardScaler(), learners[name]())
            attacker.fit(seen[fitted], truth[fitted])
            areas.append(roc_auc_score(truth[held], attacker.predict_proba(seen[held])[:, 1]))
        found[name] = float(np.mean(areas))
    return found


@dataclasses.dataclass(frozen=True)
class MembershipResult:
    """How well members are told from others by networks of several kinds.

    Args:
        areas: By what networks were trained on (`"distilled"`, `"real"`), by attack, the areas of
            the networks.
        members: Images that the set was distilled from, and that attackers looked at.
        others: Images that no network has seen.
    """

    areas: dict[str, dict[str, tuple[float, ...]]]
    members: int
    others: int

    def to_dict(self) -> dict[str, Any]:
        """Returns means, and intervals of Hanley and McNeil, as JSON-compatible values."""
        return {
            kind: {
                attack: {
                    "auc": float(np.mean(values)),
                    "interval": list(self.interval(values)),
                    "networks": list(values),
                }
                for attack, values in attacks.items()
            }
            for kind, attacks in self.areas.items()
        }

    def interval(self, values: Sequence[float]) -> tuple[float, float]:
        """Returns the interval of a mean area, for the choice of images.

        Args:
            values: Areas of the networks, which see the same images.
        """
        return auc_interval(float(np.mean(values)), self.members, self.others)

    def __str__(self) -> str:
        lines = [f"{'area under the ROC curve':28}" + "".join(f"{k:>26}" for k in self.areas)]
        for attack in next(iter(self.areas.values())):
            cells = []
            for attacks in self.areas.values():
                low, high = self.interval(attacks[attack])
                cells.append(f"{np.mean(attacks[attack]):.3f} ({low:.3f} to {high:.3f})")
            lines.append(f"{attack.replace('_', ' '):28}" + "".join(f"{c:>26}" for c in cells))
        lines.append(
            "0.5 is guessing. A low area says that these attacks failed on these images, and is no "
            "proof of privacy."
        )
        return "\n".join(lines)


@in_standard_settings
def membership_inference(
    distilled: DistilledData,
    members: Any,
    others: Any,
    *,
    recipe: Recipe | None = None,
    attacks: Sequence[str] = ATTACKS,
    repeats: int = 2,
    seed: int = 0,
) -> MembershipResult:
    """Attacks networks that were trained on a set, and ones trained on its real images.

    Args:
        distilled: The set.
        members: The images that it was distilled from, a dataset or a pair of arrays.
        others: Images of the same kind that it was not distilled from.
        recipe: How networks are trained; by default as the set says.
        attacks: As in `attack_auc`.
        repeats: Networks of each kind.
        seed: Seed of networks and attackers.

    Returns:
        The areas. They measure these attacks; a low area is no claim of privacy.

    Raises:
        TypeError, ValueError: If the data do not fit the set.

    Example:

    >>> import keras_isa
    >>> from keras_isa.evaluation import Recipe, membership_inference
    >>> train, test = keras_isa.datasets.load("digits")
    >>> distilled = keras_isa.DistilledData.from_samples(train.x, train.y, 1)
    >>> options = {"recipe": Recipe(width=2, steps=2), "attacks": ["threshold"], "repeats": 1}
    >>> sorted(membership_inference(distilled, train, test, **options).areas)
    ['distilled', 'real']
    """
    if instance_of("distilled", distilled, DistilledData).is_regression:
        raise ValueError("`distilled` must have classes. Received: a set for regression")
    attacks = _checked_attacks(attacks)
    repeats, seed = whole_number("repeats", repeats), seed_number(seed)
    recipe = evaluation_recipe(distilled, recipe)
    x, y = _checked(members, distilled, "members")
    x_others, y_others = _checked(others, distilled, "others")
    for name, classes in (("members", y), ("others", y_others)):
        if len(classes) < 2 * _FOLDS:
            raise ValueError(
                f"`{name}` must hold {2 * _FOLDS} images or more, for attackers to learn from. "
                f"Received: {len(classes)}"
            )
    count = min(len(y), len(y_others), _MOST_IMAGES)
    rng = np.random.default_rng(seed)
    looked_at = []
    for images, classes in ((x, y), (x_others, y_others)):
        rows = np.sort(rng.permutation(len(classes))[:count])
        looked_at.append(TestData.of(distilled, select(images, rows), classes[rows]))
    bench = Bench(distilled, looked_at[1], recipe, repeats=repeats, seed=seed)
    own = bench.students(len(distilled.class_ids))
    own.train(*distilled.to_numpy(), seed=seed)
    trained = {"distilled": [own], "real": FullData(bench, x, y).networks(repeats)}
    options = {"attacks": attacks, "seed": seed}
    areas = {
        kind: _areas_of(groups, looked_at[0], looked_at[1], options)
        for kind, groups in trained.items()
    }
    return MembershipResult(areas, count, count)


def _areas_of(
    groups: list[Students], members: TestData, others: TestData, options: dict[str, Any]
) -> dict[str, tuple[float, ...]]:
    each = []
    for group in groups:
        logits = [group.logits(one.x, one.preprocess) for one in (members, others)]
        for first, second in zip(*logits, strict=True):
            each.append(attack_auc(first, members.y, second, others.y, **options))
    return {name: tuple(found[name] for found in each) for name in each[0]}


def _checked_attacks(attacks: Sequence[str]) -> tuple[str, ...]:
    attacks = words_of("attacks", attacks, ATTACKS)
    if not attacks:
        raise ValueError(
            f"`attacks` must name one or more of {', '.join(ATTACKS)}. Received: attacks=()"
        )
    return attacks


def _checked_outputs(kind: str, logits: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    logits, labels = np.asarray(logits), np.asarray(labels)
    if logits.ndim != 2 or logits.dtype.kind not in "fiu" or not np.isfinite(logits).all():
        raise ValueError(
            f"`{kind}_logits` must be finite numbers (N, C). Received: shape={logits.shape}, "
            f"dtype={logits.dtype}"
        )
    if len(logits) < 2 * _FOLDS:
        raise ValueError(
            f"`{kind}_logits` must hold {2 * _FOLDS} images or more. Received: {len(logits)}"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(f"`{kind}_labels` must be class numbers. Received: dtype={labels.dtype}")
    fits = labels.shape == logits.shape[:1]
    if not fits or labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(
            f"`{kind}_labels` must hold a class from 0 to {logits.shape[1] - 1} for each of the "
            f"{len(logits)} images. Received: shape={labels.shape}"
            + (f", values from {labels.min()} to {labels.max()}" if labels.size else "")
        )
    return logits.astype("float64"), labels


def _cross_entropies(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    from scipy.special import log_softmax

    return -np.take_along_axis(log_softmax(logits, axis=1), y[:, np.newaxis], axis=1)[:, 0]


def _checked(data: Any, distilled: DistilledData, name: str) -> tuple[Any, np.ndarray]:
    given = dataset_or_pair(data, name)
    return checked_data(distilled, given, (f"x_{name}", f"y_{name}"), name, named=True)
