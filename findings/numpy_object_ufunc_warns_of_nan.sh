#!/usr/bin/env bash
# A Python function that asks `value != value` makes np.frompyfunc warn of an invalid value, or not.
#
# NumPy reads the floating-point flags after a loop over objects too, and whether CPython's comparison
# of NaN leaves the flag of an invalid operation depends on how it is compiled. In Python 3.11 the first
# calls leave none; after some hundred calls with floats the interpreter has specialised the branch, and
# the same call warns. In Python 3.13 the first call warns. Where warnings are errors, a column with
# missing cells is refused or not by what ran before. The results are right: the warning is to be
# silenced with np.errstate(invalid="ignore").
#
# Seen with NumPy 2.4.6: Python 3.11.7 [] then ['invalid value encountered in kind (vectorized)'];
# Python 3.13.0 the warning both times.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 3.11 3.13; do
    python=
    for found in "$(command -v "python$version")" "$HOME/.pyenv/versions/$version".*/bin/python; do
        if [ -n "$found" ] && "$found" -c 'import venv' 2>/dev/null; then python=$found; fi
    done
    if [ -z "$python" ]; then
        echo "there is no Python $version here, left out"
        continue
    fi
    "$python" -m venv "$folder/$version"
    "$folder/$version/bin/python" -m pip install --quiet --disable-pip-version-check 'numpy==2.4.6'
    "$folder/$version/bin/python" - <<'PYTHON'
import platform
import sys
import warnings

import numpy as np


def kind(value):
    if value != value:
        return "missing"
    return "number"


def messages():
    column = np.array([1.0, float("nan")], dtype=object)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert np.frompyfunc(kind, 1, 1)(column).tolist() == ["number", "missing"]
    return [str(one.message) for one in caught]


first = messages()
for _ in range(1000):
    kind(1.0)
later = messages()
print(platform.python_version(), "first:", first, "later:", later)
warning = ["invalid value encountered in kind (vectorized)"]
assert later == warning
assert first == ([] if sys.version_info < (3, 12) else warning)
PYTHON
done
