import pytest

from keras_isa import datasets


def test_images_and_class_names(format_samples, check_read, tmp_path):
    expected = format_samples.stl10(tmp_path / "stl10_binary")
    check_read(tmp_path, expected)
    check_read(tmp_path / "stl10_binary", expected)
    (tmp_path / "stl10_binary" / "unlabeled_X.bin").write_bytes(b"")
    check_read(tmp_path, expected, warns="unlabeled_X.bin not used; its images have no labels")


def test_images_stay_on_disk(format_samples, tmp_path):
    from keras_isa.datasets.downloads.stl10 import read

    format_samples.stl10(tmp_path)
    part = read(tmp_path).train
    assert next(iter(part)).shape == (96, 96, 3)
    with open(tmp_path / "train_X.bin", "r+b") as file:
        file.write(b"\x07")
    assert next(iter(part))[0, 0, 0] == 7


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train_y.bin", b"\x00" * 20, "from 1 to 10"),
        ("train_y.bin", b"", "from 1 to 10"),
        ("test_X.bin", b"\x01" * 27647, "27,647 bytes, not 27648 for each of 10"),
    ],
)
def test_other_content(format_samples, tmp_path, name, content, message):
    format_samples.stl10(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name} \\(.*{message}"):
        datasets.load(tmp_path)


def test_no_key(format_samples, tmp_path):
    format_samples.stl10(tmp_path)
    with pytest.raises(ValueError, match="`key` must be None for stl10"):
        datasets.load(tmp_path, key="X")
