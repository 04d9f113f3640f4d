#!/usr/bin/env bash
# NumPy's loadtxt with dtype=uint8 cut numbers that are no bytes, up to some version without an error.
#
# A table of pixels, as Kaggle has them, is read with `np.loadtxt(..., dtype=np.uint8)`. In NumPy 2.1.3
# 0.99 becomes 0, 12.9 becomes 12, 300 becomes 44 and -1 becomes 255, with one DeprecationWarning,
# which Python hides when it comes from a library. So pixels from 0 to 1 become a black set. NumPy
# 2.4.6 raises. Reading floats and checking them is right on both.
#
# Seen with numpy 2.1.3: [1 0 0 12] and [1 44 255]; with numpy 2.4.6: ValueError twice.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for package in 'numpy==2.1.3' 'numpy==2.4.6'; do
    python3 -m venv "$folder/$package"
    "$folder/$package/bin/python" -m pip install --quiet --disable-pip-version-check "$package"
    "$folder/$package/bin/python" - <<'PYTHON'
import warnings

import numpy as np


def read(line):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = np.loadtxt([line], dtype=np.uint8, delimiter=",").tolist()
        except ValueError as error:
            return f"ValueError: {str(error)[:40]}", 0
    return found, len(caught)


shares, others = read("1,0.5,0.99,12.9"), read("1,300,-1")
print(np.__version__, "fractions:", shares, "beyond a byte:", others)
if np.__version__ == "2.1.3":
    assert shares[0] == [1, 0, 0, 12] and others[0] == [1, 44, 255]
else:
    assert shares[0].startswith("ValueError") and others[0].startswith("ValueError")
PYTHON
done
echo "as described"
