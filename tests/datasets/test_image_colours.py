import struct
from zlib import compress, crc32

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from keras_isa.datasets.image_header import read_header
from keras_isa.datasets.images import read_image
from keras_isa.inputs.pil_images import shown_images


@pytest.fixture
def saved(tmp_path):
    def save(image, name="a.png", **options):
        image.save(tmp_path / name, **options)
        return tmp_path / name

    return save


def test_what_is_transparent_lies_on_white(saved):
    pixels = np.array([[[10, 20, 30, 255], [99, 5, 7, 0], [10, 20, 30, 51]]], "uint8")
    shown = read_image(saved(Image.fromarray(pixels)), 3)[0].tolist()
    assert shown == [[10, 20, 30], [255, 255, 255], [206, 208, 210]]  # 0.2 of it, 0.8 of white
    grey = np.array([[[10, 255], [99, 0], [10, 51]]], "uint8")
    path = saved(Image.fromarray(grey, "LA"))
    assert read_header(path).channels == 1
    assert read_image(path, 1)[0, :, 0].tolist() == [10, 255, 206]


def test_transparent_colours_of_palettes_and_of_others(saved):
    image = Image.new("P", (3, 1))
    image.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200])
    image.putdata([0, 1, 2])
    expected = [[200, 0, 0], [255, 255, 255], [0, 0, 200]]
    for name in ("a.png", "a.gif"):
        assert read_image(saved(image, name, transparency=1), 3)[0].tolist() == expected
    path = saved(image, transparency=bytes([255, 0, 255]))
    assert read_image(path, 3)[0].tolist() == expected
    colours = Image.fromarray(np.array([[[9, 9, 9], [1, 2, 3]]], "uint8"))
    path = saved(colours, transparency=(1, 2, 3))
    assert read_image(path, 3)[0].tolist() == [[9, 9, 9], [255, 255, 255]]
    greys = Image.fromarray(np.array([[7, 8]], "uint8"))
    assert read_image(saved(greys, transparency=8), 1)[0, :, 0].tolist() == [7, 255]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_transparent_grey_of_few_bits(tmp_path, bits):
    most = 2**bits - 1
    greys = [0, 1, most - 1, most] if bits > 1 else [0, 1, 0, 1]
    path = grey_png(tmp_path / "a.png", greys, bits, transparent=1)
    expected = [255 if grey == 1 else grey * 255 // most for grey in greys]
    assert read_image(path, 1)[0, :, 0].tolist() == expected
    if bits == 1:
        return  # in a list such an image has to be converted
    with Image.open(path) as image, pytest.warns(UserWarning, match="laid on white"):
        assert shown_images([image, image], "x")[1][0].tolist() == expected


def grey_png(path, greys, bits, transparent):
    """A PNG file by the definition of the format, with one row of greys."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(kind + data))

    row = int("".join(f"{grey:0{bits}b}" for grey in greys).ljust(32, "0"), 2)
    size = struct.pack(">IIBBBBB", len(greys), 1, bits, 0, 0, 0, 0)
    pixels = compress(b"\0" + row.to_bytes(4, "big")[: -(-len(greys) * bits // 8)])
    chunks = chunk(b"IHDR", size) + chunk(b"tRNS", struct.pack(">H", transparent))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    return path


def test_printing_colours(saved):
    inks = np.zeros((8, 8, 4), "uint8")
    inks[..., 1] = inks[..., 2] = 255  # magenta and yellow are red
    for name in ("a.jpg", "a.tif"):
        path = saved(Image.fromarray(inks, "CMYK"), name)
        assert read_header(path).channels == 3
        assert np.abs(read_image(path, 3).astype(int) - [255, 0, 0]).max() < 6


def test_lab(saved):
    # Under D50 sRGB's red is L* 54.29, a* 80.81, b* 69.89; in Pillow a* and b* have 128 more.
    lab = Image.merge("LAB", [Image.new("L", (4, 4), value) for value in (138, 209, 198)])
    shown = read_image(saved(lab, "a.tif"), 3)
    assert np.abs(shown.astype(int) - [255, 0, 0]).max() < 8


def test_a_colour_profile_is_followed(saved):
    wide = profile(b"wide gamut\0", 2.2, DISPLAY_P3)
    pixels = np.full((2, 2, 3), (200, 100, 50), "uint8")
    path = saved(Image.fromarray(pixels), icc_profile=wide)
    shown = read_image(path, 3)[0, 0].astype(int)
    assert shown[0] > 215 and shown[2] < 45  # more colourful in sRGB
    clear = np.dstack([pixels, np.full((2, 2, 1), 255, "uint8")])
    path = saved(Image.fromarray(clear), "clear.png", icc_profile=wide)
    assert read_image(path, 3)[0, 0].tolist() == shown.tolist()


def test_a_profile_is_known_by_what_it_does(saved):
    linear = profile(b"sRGB built-in\0", 1.0, SRGB)
    pixels = np.array([[[64, 64, 64], [255, 10, 0], [1, 2, 200]]], "uint8")
    shown = read_image(saved(Image.fromarray(pixels), icc_profile=linear), 3)
    light = pixels / 255
    curve = np.where(light < 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(shown - 255 * curve).max() < 1.5


def test_a_gamma_is_followed(saved):
    def read(gamma, image, channels=3, srgb=False):
        told = PngImagePlugin.PngInfo()
        if srgb:
            told.add(b"sRGB", b"\0")
        told.add(b"gAMA", struct.pack(">I", round(gamma * 100_000)))
        return read_image(saved(image, pnginfo=told), channels)

    pixels = np.full((2, 2, 4), (0, 64, 255, 255), "uint8")
    clear, plain = Image.fromarray(pixels), Image.fromarray(pixels[..., :3])
    for image in (clear, plain, plain.quantize()):
        assert read(1.0, image)[0, 0].tolist() == [0, round(255 * (64 / 255) ** (1 / 2.2)), 255]
    assert read(1.0, plain.getchannel("G"), 1)[0, 0].tolist() == [136]
    profiled = plain.copy()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    profiled.info["icc_profile"] = srgb.tobytes()
    for options in ((0.45455, plain), (0.0, plain), (1.0, plain, 3, True), (1.0, profiled)):
        same = read(*options)
        assert same[0, 0].tolist() == [0, 64, 255]


def test_a_profile_of_srgb_or_of_nothing_changes_nothing(saved):
    pixels = np.full((2, 2, 3), (200, 100, 50), "uint8")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for same in (srgb, b"no profile"):
        path = saved(Image.fromarray(pixels), icc_profile=same)
        np.testing.assert_array_equal(read_image(path, 3), pixels)
    path = saved(Image.fromarray(pixels[..., 0]), icc_profile=srgb)  # colours' profile of a grey
    np.testing.assert_array_equal(read_image(path, 1)[..., 0], pixels[..., 0])


SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141))
DISPLAY_P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))


def profile(text, gamma, primaries):
    """A profile by the definition of the format; the primaries are XYZ of red, green and blue."""

    def fixed(*values):
        return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))

    def xyz(*values):
        return b"XYZ \0\0\0\0" + fixed(*values)

    description = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {
        b"desc": description + bytes(-len(description) % 4),
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(*primaries[0]),
        b"gXYZ": xyz(*primaries[1]),
        b"bXYZ": xyz(*primaries[2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    place, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, tag in tags.items():
        table += name + struct.pack(">II", place + len(data), len(tag))
        data += tag
    head = struct.pack(">I4s4s4s4s4s", 0, b"\0\0\0\0", b"\x02\x10\0\0", b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += fixed(0.9642, 1.0, 0.8249) + bytes(48)
    size = place + len(data)
    return struct.pack(">I", size) + head[4:] + struct.pack(">I", len(tags)) + table + data
