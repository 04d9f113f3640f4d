#!/usr/bin/env bash
# Pillow gives the size of a TIFF already turned by its orientation, that of other formats as stored.
#
# To learn the size of a photograph as it is shown without decoding it, one reads `size` and swaps
# its sides where the orientation is 5 to 8. For a TIFF that is wrong: `size` comes turned before
# anything is loaded, while `getexif()` goes on naming the orientation until then.
#
# Seen with pillow 13.0.0, 40x20 pixels stored with orientation 6: JPEG, PNG and WebP have the size
# (40, 20), TIFF has (20, 40), and the four of them say orientation 6.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check 'pillow==13.0.0'
"$folder/env/bin/python" - "$folder" <<'PYTHON'
import sys

from PIL import Image

seen = {}
for suffix in ("jpg", "png", "webp", "tif"):
    path = f"{sys.argv[1]}/photo.{suffix}"
    stored, exif = Image.new("RGB", (40, 20), "red"), Image.Exif()
    exif[0x0112] = 6
    stored.save(path, exif=exif)
    with Image.open(path) as image:
        seen[suffix] = image.size, Image.Image.getexif(image).get(0x0112)
    print(f"{suffix}: size {seen[suffix][0]}, orientation {seen[suffix][1]}, before loading")
assert all(seen[suffix] == ((40, 20), 6) for suffix in ("jpg", "png", "webp")), seen
assert seen["tif"] == ((20, 40), 6), seen
print("as described")
PYTHON
