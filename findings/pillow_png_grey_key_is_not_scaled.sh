#!/usr/bin/env bash
# Pillow scales grey pixels of a PNG of 2 or 4 bits to 0 to 255, but not the grey that is transparent.
#
# The chunk tRNS of a grey PNG holds one grey in the bits of the image. Pillow puts it as it is into
# `info["transparency"]`, and compares it with pixels that it has multiplied by 85 or 17. So the
# transparent pixels are opaque, and `convert("LA")` and `convert("RGBA")` give the wrong alpha. With
# one bit the key becomes 255, and with eight bits nothing is scaled: there the alpha is right.
# The file is valid by the PNG specification (section 11.3.2.1); here the key is 1.
#
# Seen with pillow 13.0.0: alpha 255 everywhere with 2 and 4 bits; with 1 and 8 bits 0 where the
# pixel is 1.
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


def png(path, bits, greys, transparent):
    """One row of greys, one of which is transparent."""
    text = "".join(format(grey, f"0{bits}b") for grey in greys).ljust(32, "0")
    row = b"\0" + int(text, 2).to_bytes(4, "big")[: -(-len(greys) * bits // 8)]
    head = struct.pack(">IIBBBBB", len(greys), 1, bits, 0, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head))
        file.write(chunk(b"tRNS", struct.pack(">H", transparent)))
        file.write(chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b""))


folder = sys.argv[1]
seen = {}
for bits in (1, 2, 4, 8):
    greys = [0, 1, 2**bits - 1, 0]
    png(f"{folder}/a.png", bits, greys, transparent=1)
    with Image.open(f"{folder}/a.png") as image:
        key = image.info["transparency"]
        pixels, alpha = (list(image.convert("LA").getchannel(band).tobytes()) for band in "LA")
    seen[bits] = alpha
    print(f"{bits} bits: greys {greys}, pixels {pixels}, key {key}, alpha {alpha}")
assert seen[1] == [255, 0, 0, 255], seen
assert seen[2] == seen[4] == [255, 255, 255, 255], seen
assert seen[8] == [255, 0, 255, 255], seen
print("as described")
PYTHON
