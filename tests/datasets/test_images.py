import numpy as np
import pytest

from keras_isa.datasets.images import check_image_size, file_shape, fit_image, read_image


@pytest.mark.parametrize("size", [(20, 20), (64, 64), (128, 128), (213, 213), (427, 427)])
def test_squares_are_resized_by_area(photos, size):
    tf = pytest.importorskip("tensorflow")
    square = photos[0][:, 106:533]
    expected = tf.image.resize(square[None], size, method="area")[0].numpy()
    found = fit_image(photos[0], size)
    assert found.dtype == np.uint8 and found.shape == (*size, 3)
    assert np.abs(found - expected).max() < 0.51
    floats = fit_image(photos[0] / 255.0, size)
    assert floats.dtype == np.float32
    np.testing.assert_allclose(floats * 255, expected, atol=1e-2)


def test_by_hand():
    image = np.array([[0, 3, 6]], "uint8")[..., None]  # each new pixel covers one and a half
    assert fit_image(np.repeat(image, 2, 0), (2, 3))[0, :, 0].tolist() == [0, 3, 6]
    wide = np.array([[[0.0], [3.0], [6.0]]] * 3)
    assert fit_image(wide, (2, 2))[..., 0].tolist() == [[1.0, 5.0]] * 2
    larger = fit_image(np.array([[[10.0], [20.0]]] * 2), (4, 4))
    assert larger[0, :, 0].tolist() == [10, 10, 20, 20]


@pytest.mark.parametrize(
    ("shape", "size", "cut"),
    [
        ((4, 8, 1), (4, 4), (slice(0, 4), slice(2, 6))),
        ((8, 4, 1), (4, 4), (slice(2, 6), slice(0, 4))),
        ((8, 8, 1), (4, 8), (slice(2, 6), slice(0, 8))),
        ((8, 9, 2), (8, 4), (slice(0, 8), slice(2, 6))),
    ],
)
def test_the_centre_is_cut_out(shape, size, cut):
    image = np.arange(np.prod(shape), dtype="uint8").reshape(shape)
    np.testing.assert_array_equal(fit_image(image, size), image[cut])


def test_a_very_long_image_keeps_a_pixel():
    assert fit_image(np.ones((1, 500, 1), "uint8"), (500, 1)).shape == (500, 1, 1)


@pytest.mark.parametrize("size", [0, -1, 1.5, True, (3,), (3, 0), (3, 4, 5), "32", (2.0, 2)])
def test_bad_sizes_are_refused(size):
    with pytest.raises(ValueError, match="`image_size` must be a positive integer, or two"):
        check_image_size(size)


def test_grey_and_colour(tmp_path, photos, image_file):
    piece = photos[1][:10, :14]
    colour = image_file(tmp_path / "colour.png", piece)
    grey = image_file(tmp_path / "grey.jpg", piece[..., 0], quality=95)
    np.testing.assert_array_equal(read_image(colour, 3), piece)
    assert read_image(grey, 1).shape == (10, 14, 1)
    np.testing.assert_array_equal(read_image(grey, 3), np.repeat(read_image(grey, 1), 3, -1))


def test_an_open_file(tmp_path, photos, image_file):
    path = image_file(tmp_path / "a.png", photos[1][:10, :14])
    with open(path, "rb") as file:
        np.testing.assert_array_equal(read_image(file, 3), photos[1][:10, :14])


def test_what_is_no_image_of_eight_bits_is_refused(tmp_path, photos, image_file):
    deep = image_file(tmp_path / "deep.png", photos[0][:9, :9, 0].astype("uint16") * 256)
    text = tmp_path / "text.png"
    text.write_text("no image")
    short = image_file(tmp_path / "short.png", photos[0][:50, :50])
    short.write_bytes(short.read_bytes()[:-2000])
    for path in (deep, text, short, tmp_path / "absent.png"):
        with pytest.raises(ValueError, match=f"undamaged images.*{path.name}") as caught:
            read_image(path, 3)
        assert "\n" not in str(caught.value)


def test_the_shape_of_several_files(tmp_path, image_file):
    grey = image_file(tmp_path / "grey.png", np.zeros((2, 3), "uint8"))
    colour = image_file(tmp_path / "colour.png", np.full((2, 2, 3), (9, 5, 1), "uint8"))
    assert file_shape([grey]) == (2, 3, 1)
    assert file_shape([grey, colour]) == (None, None, 3)
    (tmp_path / "no.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="undamaged images of eight bits .*no.png"):
        file_shape([grey, tmp_path / "no.png"])
