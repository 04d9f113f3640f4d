#!/usr/bin/env bash
# Matplotlib installs a font that claims to have every character, and draws boxes for most of them.
#
# To learn before drawing whether a label can be drawn, one looks for the first installed font whose
# character map has all of its characters. With "Last Resort High-Efficiency" among them the answer
# is always yes: its map has a glyph for every code point, and each is a box that names a range.
#
# Seen with matplotlib 3.11.2: the font is in `font_manager.fontManager.ttflist` of a fresh
# installation, and its map has Chinese, Gujarati and an unassigned character; DejaVu Sans has none
# of the three.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check 'matplotlib==3.11.2'
MPLCONFIGDIR="$folder/config" "$folder/env/bin/python" - <<'PYTHON'
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

maps = {
    entry.name: FT2Font(entry.fname).get_charmap()
    for entry in font_manager.fontManager.ttflist
    if entry.name in ("Last Resort High-Efficiency", "DejaVu Sans")
}
seen = {}
for name, charmap in sorted(maps.items()):
    seen[name] = [ord(one) in charmap for one in ("\u4e2d", "\u0a95", "\u0378")]
    print(f"{name}: {len(charmap):,} characters, of Chinese, Gujarati, unassigned: {seen[name]}")
assert seen["Last Resort High-Efficiency"] == [True, True, True], seen
assert seen["DejaVu Sans"] == [False, False, False], seen
print("as described")
PYTHON
