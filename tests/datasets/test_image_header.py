import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from keras_isa.datasets import image_header
from keras_isa.datasets.image_header import Header, UnreadableImage, read_header
from keras_isa.datasets.images import read_image

# What is stored of an image that is shown, by the definition of the orientation in EXIF.
STORED = {
    1: lambda shown: shown,
    2: lambda shown: shown[:, ::-1],
    3: lambda shown: shown[::-1, ::-1],
    4: lambda shown: shown[::-1],
    5: lambda shown: shown.swapaxes(0, 1),
    6: lambda shown: shown.swapaxes(0, 1)[::-1],
    7: lambda shown: shown.swapaxes(0, 1)[::-1, ::-1],
    8: lambda shown: shown.swapaxes(0, 1)[:, ::-1],
}


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of_16_bits(path, pixels):
    """Writes `(H, W)` or `(H, W, 3)` uint16 by the definition of the format."""
    kind = 0 if pixels.ndim == 2 else 2
    size = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, kind, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", size)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


@pytest.fixture(scope="module")
def shown():
    """A quarter of each colour, `(16, 24, 3)`."""
    image = np.zeros((16, 24, 3), "uint8")
    image[:8, :8], image[8:, :8], image[8:, 8:] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    return image


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".jpg"])
def test_every_orientation(tmp_path, shown, suffix, orientation):
    path, exif = tmp_path / f"a{suffix}", Image.Exif()
    exif[0x0112] = orientation
    options = {".webp": {"lossless": True}, ".jpg": {"quality": 100, "subsampling": 0}}
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](shown)))
    stored.save(path, exif=exif, **options.get(suffix, {}))
    assert read_header(path) == Header(16, 24, 3, 8, False)
    difference = np.abs(read_image(path, 3).astype(int) - shown).max()
    assert difference <= (3 if suffix == ".jpg" else 0)


def test_an_orientation_behind_the_pixels(tmp_path, shown):
    path, exif = tmp_path / "a.png", Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(STORED[6](shown))).save(path)
    whole = path.read_bytes()
    words = png_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    path.write_bytes(whole[:-12] + words + whole[-12:])
    assert read_header(path) == Header(16, 24, 3, 8, False)
    np.testing.assert_array_equal(read_image(path, 3), shown)


def test_an_orientation_that_is_none_is_left_out(tmp_path, shown):
    for number in (0, 9, 6000):
        exif = Image.Exif()
        exif[0x0112] = number
        Image.fromarray(shown).save(tmp_path / "a.png", exif=exif)
        assert read_header(tmp_path / "a.png").height == 16
        np.testing.assert_array_equal(read_image(tmp_path / "a.png", 3), shown)


def deep_files(folder, shown):
    grey = shown[..., 0].astype("uint16") * 16
    png_of_16_bits(folder / "colour.png", shown.astype("uint16") * 16)
    png_of_16_bits(folder / "grey.png", grey)
    Image.fromarray(grey).save(folder / "grey.tif")
    Image.fromarray(grey).save(folder / "packed.tif", compression="tiff_lzw")
    Image.fromarray(grey).save(folder / "grey.jp2")
    Image.fromarray(shown[..., 0].astype("float32")).save(folder / "float.tif")
    Image.fromarray(shown[..., 0].astype("int32")).save(folder / "long.tif")
    colour = (shown.astype(">u2") * 16).tobytes()
    (folder / "colour.ppm").write_bytes(b"P6 24 16 4095\n" + colour)
    (folder / "grey.pgm").write_bytes(b"P5 24 16 65535\n" + grey.astype(">u2").tobytes())
    Image.fromarray(shown).save(folder / "colour.sgi", bpc=2)
    (folder / "colour.tif").write_bytes(tiff_of_16_bits(shown))


def tiff_of_16_bits(shown):
    """A file of 16-bit red, green and blue, by the definition of the format."""
    data = (shown.astype("<u2") * 16).tobytes()
    height, width = shown.shape[:2]
    entries = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, 3, 8),  # three depths, stored at byte 8
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, 14),
        (277, 3, 1, 3),
        (278, 3, 1, height),
        (279, 4, 1, len(data)),
    ]
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    head = b"II*\0" + struct.pack("<I", 14 + len(data)) + struct.pack("<HHH", 16, 16, 16)
    return head + data + directory


def test_depth_beyond_eight_bits_is_found(tmp_path, shown):
    deep_files(tmp_path, shown)
    found = {path.name: read_header(path).bits for path in tmp_path.iterdir()}
    wide = {"float.tif": 32, "long.tif": 32}
    assert len(found) == 11 and found == {name: wide.get(name, 16) for name in found}
    for path in tmp_path.iterdir():
        with pytest.raises(ValueError, match=r"(16|32) bits per channel"):
            read_image(path, 3)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.jpg", {}),
        ("a.bmp", {}),
        ("a.gif", {}),
        ("a.webp", {}),
        ("a.tif", {}),
        ("a.tif", {"compression": "tiff_lzw"}),
        ("a.jp2", {}),
        ("a.ppm", {}),
        ("a.tga", {}),
        ("a.sgi", {}),
        ("a.pcx", {}),
        ("a.qoi", {}),
        ("a.dib", {}),
    ],
)
def test_eight_bits_in_every_format(tmp_path, shown, name, options):
    Image.init()
    if f".{name[2:]}" not in Image.registered_extensions():
        pytest.skip("not in this Pillow")
    Image.fromarray(shown).save(tmp_path / name, **options)
    assert read_header(tmp_path / name) == Header(16, 24, 3, 8, False)


def test_few_bits_are_eight(tmp_path):
    bits = np.array([[0, 1], [1, 0]], bool)
    Image.fromarray(bits).save(tmp_path / "bits.png")
    rows = b"\0" + bytes([0b00011011]) + b"\0" + bytes([0b11100100])
    size = struct.pack(">IIBBBBB", 4, 2, 2, 0, 0, 0, 0)  # two bits of grey
    chunks = [(b"IHDR", size), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    two = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)
    (tmp_path / "two.png").write_bytes(two)
    (tmp_path / "ten.pgm").write_bytes(b"P5 2 1 10\n" + bytes([0, 10]))
    for name in ("bits.png", "two.png", "ten.pgm"):
        assert (read_header(tmp_path / name).channels, read_header(tmp_path / name).bits) == (1, 8)
    assert read_image(tmp_path / "bits.png", 1)[..., 0].tolist() == [[0, 255], [255, 0]]
    assert read_image(tmp_path / "two.png", 1)[0, :, 0].tolist() == [0, 85, 170, 255]
    assert read_image(tmp_path / "ten.pgm", 1)[0, :, 0].tolist() == [0, 255]


def test_a_palette_is_grey_where_its_colours_are(tmp_path, photos):
    grey, colour = tmp_path / "grey.png", tmp_path / "colour.gif"
    piece = photos[1][:10, :14]
    Image.fromarray(piece[..., 0]).convert("P").save(grey)
    Image.fromarray(piece).convert("P").save(colour)
    with Image.open(grey) as image:
        assert image.mode == "P"
    assert read_header(grey).channels == 1 and read_header(colour).channels == 3
    np.testing.assert_array_equal(read_image(grey, 1)[..., 0], piece[..., 0])


def test_more_frames_than_one(tmp_path, shown):
    frames = [Image.fromarray(np.full((6, 5, 3), value, "uint8")) for value in (0, 255)]
    for name in ("a.gif", "a.webp", "a.png", "a.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        assert read_header(tmp_path / name).animated
        assert not read_image(tmp_path / name, 3).any()
    # A photograph with a second version of it, as telephones store, is one image.
    frames[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=frames[1:])
    assert not read_header(tmp_path / "a.jpg").animated


def test_the_suffix_may_lie(tmp_path, shown):
    Image.fromarray(shown).save(tmp_path / "a.jpg", format="PNG")
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg", 3), shown)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".gif", ".webp", ".bmp", ".tif", ".jp2"])
def test_files_that_end_too_early_are_found(tmp_path, photos, suffix):
    path = tmp_path / f"a{suffix}"
    Image.fromarray(photos[0][:60, :60]).save(path)
    whole = path.read_bytes()
    assert read_header(path).height == 60
    for part in (len(whole) * 2 // 3, len(whole) // 2):
        path.write_bytes(whole[:part])
        with pytest.raises(UnreadableImage) as caught:
            read_header(path)
        assert caught.value.reason == image_header.DAMAGED


def test_bytes_behind_the_end_do_no_harm(tmp_path, photos):
    path = tmp_path / "a.jpg"
    Image.fromarray(photos[0][:60, :60]).save(path)
    path.write_bytes(path.read_bytes() + b"a film of the same moment")
    assert read_header(path).height == 60


def test_what_is_no_image(tmp_path, monkeypatch):
    names = {name: tmp_path / name for name in ("empty.jpg", "text.jpg", "link.jpg", "pipe.jpg")}
    names["empty.jpg"].touch()
    names["text.jpg"].write_text("<html>404</html>")
    names["link.jpg"].symlink_to(tmp_path / "absent.jpg")
    os.mkfifo(names["pipe.jpg"])  # opening it would wait for ever
    postscript = tmp_path / "drawing.jpg"
    postscript.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    large = tmp_path / "large.png"
    Image.fromarray(np.zeros((30, 30), "uint8")).save(large)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    expected = {
        names["empty.jpg"]: image_header.EMPTY,
        names["text.jpg"]: image_header.DAMAGED,
        names["link.jpg"]: image_header.NO_FILE,
        names["pipe.jpg"]: image_header.NO_FILE,
        postscript: image_header.DAMAGED,
        large: image_header.TOO_LARGE,
    }
    for path, reason in expected.items():
        with pytest.raises(UnreadableImage) as caught:
            read_header(path)
        assert caught.value.reason == reason, path
