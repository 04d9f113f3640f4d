#!/usr/bin/env bash
# ddranking 0.2.0: the label-robust and the augmentation-robust score leave the range of 0 to 1.
#
# Its documentation gives both scores for accuracies as fractions: (exp(a) - exp(-1)) / (exp(1) - exp(-1)),
# with a from -1 to 1. Its training returns accuracies in percent, which go into the same formula, so that an
# ordinary gain of 29 points scores 1.7e12, and one of -20 points below zero. A run with hard labels also
# has its label-robust score twice in the results. Here the trainings are replaced by known accuracies, in
# percent as the package has them and as fractions; what computes the scores is the package's own.
# torchvision, timm and kornia, which load data and networks, are stood in for: no score needs them.
#
# Seen with Python 3.11, torch 2.13.0 (CPU), numpy 1.26.4:
#   percent   lrs [-0.1565..., -0.1565...]   ars [1672621810804.27...]
#   fractions lrs [0.2189..., 0.2189...]     ars [0.4120...]
# Fails if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    torch==2.13.0 numpy==1.26.4 scipy==1.15.3 pandas==2.2.3 tqdm==4.67.1 pyyaml==6.0.2
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps ddranking==0.2.0
cat > "$folder/scores.py" <<'PYTHON'
import sys
from unittest.mock import MagicMock


class StandIn(MagicMock):
    __path__ = []


for name in ("torchvision", "timm", "kornia"):
    for part in ("", ".transforms", ".transforms.functional", ".datasets", ".models", ".data",
                 ".augmentation", ".utils"):
        sys.modules[name + part] = StandIn()

import torch
from ddranking.metrics import AugmentationRobustScore, LabelRobustScoreHard, aug_robust, hard_label


def scores(kind, module, helpers, **more):
    """The results that a meter writes, for known accuracies in place of trainings."""
    meter, kept = object.__new__(kind), {}
    about = {"num_eval": 1, "ipc": 1, "num_classes": 2, "use_dist": False, "rank": 0}
    vars(meter).update(about, save_path=None, eval_full_data=True)
    vars(meter).update(label_type="soft", soft_label_mode="M")
    for name, accuracies in helpers.items():
        left = iter(accuracies)
        setattr(meter, name, lambda left=left, **_: (next(left), 0.1))
    meter._get_random_data_helper = lambda eval_iter: (None,) * (3 if "hard" in module.__name__ else 4)
    module.save_results = lambda results, path: kept.update(results)
    meter.compute_metrics(image_tensor=torch.zeros(2, 3, 4, 4), syn_lr=0.1, **more)
    return kept


found = {}
for name, unit in (("percent", 100), ("fractions", 1)):
    hard = {"_compute_hard_label_metrics_helper": [0.40 * unit, 0.85 * unit, 0.20 * unit]}
    both = {
        "_compute_with_aug_metrics_helper": [0.48 * unit, 0.20 * unit],
        "_compute_without_aug_metrics_helper": [0.45 * unit, 0.15 * unit],
    }
    lrs = scores(LabelRobustScoreHard, hard_label, hard)["lrs"]
    labels = {"soft_labels": torch.zeros(2, 2)}
    ars = scores(AugmentationRobustScore, aug_robust, both, **labels)["ars_list"]
    found[name] = lrs, ars
    print(name, "lrs", lrs, "ars", ars)

(lrs, ars), (lrs_fractions, ars_fractions) = found["percent"], found["fractions"]
assert len(lrs) == 2 and lrs[0] == lrs[1] < 0, "the score of one run is there once, or in range"
assert ars[0] > 1e12, "percent are no longer taken for fractions"
assert abs(lrs_fractions[0] - 0.2189486635) < 1e-9 and abs(ars_fractions[0] - 0.4120775456) < 1e-9
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/scores.py" | grep -E "^(percent|fractions)"
echo "as described"
