#!/usr/bin/env bash
# neural-tangents 0.6.5, the last release (its repository is archived), with jax 0.10.2 on Python 3.11.
# It computes the infinitely wide kernels of KIP and of RFAD's evaluation.
#
# Expected: pip takes both versions without a word, as the release asks for jax 0.4.16 or later and
# sets no limit above; so the import works, or pip refuses.
# Seen: pip installs both and `pip check` finds nothing broken; the import ends with
# ImportError: cannot import name 'Jaxpr' from 'jax.core'.
# A resolver or a lock file is no sign that the kernels can be computed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check neural-tangents==0.6.5 jax==0.10.2 jaxlib==0.10.2
"$folder/venv/bin/pip" check
if "$folder/venv/bin/python" -c 'import neural_tangents' 2> "$folder/error"; then
    echo "it can be imported now"
    exit 1
fi
tail -n 1 "$folder/error"
grep -q "cannot import name 'Jaxpr' from 'jax.core'" "$folder/error"
echo "as described"
