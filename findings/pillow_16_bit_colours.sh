#!/usr/bin/env bash
# Pillow opens a PNG of 16 bits per colour as mode "RGB" and keeps the upper eight bits of each.
#
# A camera of 12 bits stores values up to 4095 in such files. Read through Pillow, the largest of
# them is 15, and neither an error nor a warning nor the mode says that anything is lost: a 16-bit
# grey PNG, beside it, opens as "I;16" with all of its bits. Only the raw mode in `Image.tile`,
# before the image is loaded, tells the two kinds of colour PNG apart.
#
# Seen with pillow 13.0.0: mode RGB, largest value 15, raw modes RGB;16B (16 bits) and RGB (8 bits).
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check 'pillow==13.0.0'
"$folder/env/bin/python" - "$folder" <<'PYTHON'
import struct
import sys
import zlib

from PIL import Image


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(path, bits, colour_type, values):
    """Two by one pixels of equal channels."""
    channels = {0: 1, 2: 3}[colour_type]
    size = {8: "B", 16: "H"}[bits]
    row = b"\0" + struct.pack(f">{2 * channels}{size}", *(v for v in values for _ in range(channels)))
    head = struct.pack(">IIBBBBB", 2, 1, bits, colour_type, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head))
        file.write(chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b""))


folder = sys.argv[1]
seen = {}
for name, bits, colour_type, values in (
    ("colour of 16 bits", 16, 2, (0, 4095)),
    ("grey of 16 bits", 16, 0, (0, 4095)),
    ("colour of 8 bits", 8, 2, (0, 255)),
):
    png(f"{folder}/a.png", bits, colour_type, values)
    with Image.open(f"{folder}/a.png") as image:
        raw = image.tile[0][3]
        extrema = image.getextrema()
        seen[name] = image.mode, raw, extrema[0] if isinstance(extrema[0], tuple) else extrema
    print(f"{name}: mode {seen[name][0]}, raw mode {seen[name][1]}, values {seen[name][2]}")
assert seen["colour of 16 bits"] == ("RGB", "RGB;16B", (0, 15)), seen
assert seen["grey of 16 bits"][0] == "I;16" and seen["grey of 16 bits"][2] == (0, 4095), seen
assert seen["colour of 8 bits"] == ("RGB", "RGB", (0, 255)), seen
print("as described")
PYTHON
