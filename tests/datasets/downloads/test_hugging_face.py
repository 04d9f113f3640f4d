import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from keras_isa import datasets


@pytest.fixture
def write(format_samples):
    """Writes a table of images as Parquet and returns the images."""

    def write(path, y, names=None, shape=(6, 6, 3), seed=0, **more):
        x = format_samples.images(len(y), shape, seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(format_samples.hugging_face_table(x, y, names, **more), path)
        return x

    return write


def test_parquet_in_several_files(format_samples, check_read, tmp_path):
    expected = format_samples.hugging_face(tmp_path / "set")
    (tmp_path / "set" / "README.md").write_text("---\ndataset_info:\n")
    (tmp_path / "set" / "dataset_infos.json").write_text("{}")
    check_read(tmp_path / "set", expected)
    check_read(tmp_path / "set" / "data", expected)


def test_saved_to_disk(format_samples, check_read, tmp_path):
    expected = format_samples.saved_to_disk(tmp_path / "set")
    check_read(tmp_path / "set", expected)


def test_images_are_read_again_where_they_are_asked_for(format_samples, tmp_path):
    from keras_isa.datasets.downloads.hugging_face import read

    x, y, *_ = format_samples.hugging_face(tmp_path)
    train = read(tmp_path).train
    rows = np.array([0, 4, 5, 11, 12, 23])
    found = train.select(rows)
    np.testing.assert_array_equal(np.stack(list(found)), x[rows])
    np.testing.assert_array_equal(found.labels, y[rows])
    np.testing.assert_array_equal(np.stack(list(found)), x[rows])


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("default/train/0000.parquet", "default/test/0000.parquet"),
        ("plain_text/train-00000-of-00001.parquet", "plain_text/test-00000-of-00001.parquet"),
        (
            "data/train-00000-of-00001-0123456789abcdef.parquet",
            "data/validation-00000-of-00001-fedcba9876543210.parquet",
        ),
        ("train.parquet", "valid.parquet"),
        ("mine-train.parquet", "mine-test.parquet"),
    ],
)
def test_names_of_files(write, check_read, tmp_path, train, test):
    y = np.array([1, 0, 1])
    x, x_test = (
        write(tmp_path / train, y, ["a", "b"]),
        write(tmp_path / test, y, ["a", "b"], seed=1),
    )
    check_read(tmp_path, (x, y, x_test, y, "ab"))


def test_a_single_file(write, tmp_path):
    x = write(tmp_path / "train-00000-of-00001.parquet", np.arange(20) % 2, ["a", "b"])
    train, test = datasets.load(tmp_path / "train-00000-of-00001.parquet", split=0.25)
    assert (len(train), len(test)) == (15, 5)
    found = np.concatenate([train.x, test.x])
    assert sorted(one.tobytes() for one in found) == sorted(one.tobytes() for one in x)


def test_labels_that_are_texts_and_numbers_without_names(write, check_read, tmp_path):
    y = np.array([1, 0, 1])
    x = write(tmp_path / "a" / "train.parquet", ["dog", "cat", "dog"])
    x_test = write(tmp_path / "a" / "test.parquet", ["dog", "cat", "cat"], seed=1)
    check_read(tmp_path / "a", (x, y, x_test, [1, 0, 0], ("cat", "dog")))
    x = write(tmp_path / "b" / "train.parquet", [30, 7, 30])
    x_test = write(tmp_path / "b" / "test.parquet", [7, 7, 30], seed=1)
    check_read(tmp_path / "b", (x, y, x_test, [0, 0, 1], ("7", "30")))
    write(tmp_path / "b" / "test.parquet", [7, 8])
    with pytest.raises(ValueError, match="no label that its training.*8 in the split test"):
        datasets.load(tmp_path / "b")


def test_texts_that_are_numbers_are_ordered_by_number(write, check_read, tmp_path):
    texts = [str(number) for number in (10, 2, 0, 1, 9)]
    x = write(tmp_path / "train.parquet", texts)
    x_test = write(tmp_path / "test.parquet", texts, seed=1)
    y = [4, 2, 0, 1, 3]
    check_read(tmp_path, (x, y, x_test, y, ("0", "1", "2", "9", "10")))


def test_class_names_that_differ_between_files(write, check_read, tmp_path):
    names = ["cat", "dog", "owl"]
    x = write(tmp_path / "train-00000-of-00002.parquet", [2, 0, 1], names)
    more = write(tmp_path / "train-00001-of-00002.parquet", [0, 1], ["ant", "owl"], seed=1)
    x_test = write(tmp_path / "test.parquet", [0, 1, 2, 3], ["owl", "fox", "dog", "cat"], seed=2)
    x, names = np.concatenate([x, more]), [*names, "ant"]
    expected = (x, [2, 0, 1, 3, 2], x_test[[0, 2, 3]], [2, 1, 0], names)
    check_read(tmp_path, expected, warns="class fox not used; the training part has no image of")


def test_columns_that_differ_between_files(write, tmp_path):
    write(tmp_path / "train.parquet", [0, 1], ["a", "b"])
    test = tmp_path / "test.parquet"
    write(test, [0, 1])
    with pytest.raises(ValueError, match="of one kind.*of named classes .*without class names in"):
        datasets.load(tmp_path)
    write(test, ["a", "b"])
    with pytest.raises(ValueError, match="of one kind.*texts in .*test.parquet"):
        datasets.load(tmp_path)
    for old, new in (("image", "picture"), ("label", "class")):
        write(test, [0, 1], ["a", "b"])
        table = pq.read_table(test)
        table = table.rename_columns([new if name == old else name for name in table.column_names])
        pq.write_table(table, test)
        with pytest.raises(ValueError, match=f"a column {old} of {old}s in every file.*{new}"):
            datasets.load(tmp_path)
    write(test, [0, 1], ["a", "a"])
    with pytest.raises(ValueError, match="`class_names` must differ"):
        datasets.load(tmp_path)


def test_splits_without_labels(write, check_read, tmp_path):
    names, y = ["a", "b"], np.array([1, 0, 1])
    x = write(tmp_path / "train.parquet", y, names)
    write(tmp_path / "test.parquet", [-1, -1], names)
    x_test = write(tmp_path / "validation.parquet", y, names, seed=1)
    expected = (x, y, x_test, y, names)
    check_read(tmp_path, expected, warns="test not used; no image in it has a label")


def test_splits_that_are_not_read(write, check_read, tmp_path):
    names, y = ["a", "b"], np.array([1, 0, 1])
    x = write(tmp_path / "train.parquet", y, names)
    x_test = write(tmp_path / "test.parquet", y, names, seed=1)
    write(tmp_path / "validation.parquet", y, names)
    check_read(tmp_path, (x, y, x_test, y, names), warns="validation not used; a training and")
    (tmp_path / "train.parquet").rename(tmp_path / "query.parquet")
    with pytest.raises(ValueError, match="must have a split train with labels"):
        datasets.load(tmp_path)


def test_images_without_a_label(write, check_read, tmp_path):
    names = ["a", "b"]
    x = write(tmp_path / "train.parquet", [1, -1, 0, 1], names)
    x_test = write(tmp_path / "test.parquet", [0], names, seed=1)
    expected = (x[[0, 2, 3]], [1, 0, 1], x_test, [0], names)
    check_read(tmp_path, expected, warns="1 images of train not used; they have no label")


def test_classes_that_do_not_occur(write, check_read, tmp_path):
    x = write(tmp_path / "train.parquet", [2, 0, 2], ["a", "b", "c"])
    x_test = write(tmp_path / "test.parquet", [0, 1], ["a", "b", "c"], seed=1)
    check_read(tmp_path, (x, [1, 0, 1], x_test[:1], [0], "ac"), warns="class b not used")


def test_a_key_among_several_columns_of_labels(format_samples, check_read, tmp_path):
    x = format_samples.images(3, (6, 6, 3))
    table = format_samples.hugging_face_table(x, [0, 1, 0], coarse_label=[1, 1, 0], note=["a"] * 3)
    features = {
        "label": {"names": ["apple", "bear"], "_type": "ClassLabel"},
        "coarse_label": {"names": ["food", "animal"], "_type": "ClassLabel"},
    }
    note = {"huggingface": json.dumps({"info": {"features": features}})}
    for name in ("train", "test"):
        pq.write_table(table.replace_schema_metadata(note), tmp_path / f"{name}.parquet")
    with pytest.raises(ValueError, match=r"`key` \(--key\) must name.*label, coarse_label, note"):
        datasets.load(tmp_path)
    with pytest.raises(ValueError, match="`key` .*one of label, coarse_label, note. .*'image'"):
        datasets.load(tmp_path, key="image")
    y = [1, 1, 0]
    check_read(tmp_path, (x, y, x, y, ("food", "animal")), key="coarse_label")


def test_columns_that_are_unclear(format_samples, write, tmp_path):
    path = tmp_path / "train.parquet"
    write(path, [0, 1], caption=["a", "b"])
    table = pq.read_table(path)
    pq.write_table(table.append_column("mask", table["image"]), path)
    with pytest.raises(ValueError, match="one column of images.*image, mask"):
        datasets.load(tmp_path)
    pq.write_table(table.drop_columns("label"), path)
    with pytest.raises(ValueError, match="`key` .*one of caption. Received: key=None"):
        datasets.load(tmp_path)


def test_images_of_several_sizes_and_colours(format_samples, write, tmp_path):
    files = [
        format_samples.encoded(format_samples.images(1, shape, 0)[0], "JPEG")
        for shape in ((9, 6, 1), (6, 9, 3), (6, 6, 3))
    ]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = pa.array([{"bytes": one, "path": None} for one in files], kind)
    for name in ("train", "test"):
        pq.write_table(pa.table({"img": images, "label": [0, 1, 0]}), tmp_path / f"{name}.parquet")
    with pytest.raises(ValueError, match=r"`image_size` \(--image-size\) must be given"):
        datasets.load(tmp_path)
    train, _ = datasets.load(tmp_path, image_size=4)
    assert train.image_shape == (4, 4, 3)
    assert (train.x[0] == train.x[0][..., :1]).all() and not (
        train.x[1] == train.x[1][..., :1]
    ).all()


@pytest.mark.parametrize("content", [None, b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_damaged_images(tmp_path, content):
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    images = pa.array([{"bytes": content, "path": "a.png"}], kind)
    pq.write_table(pa.table({"image": images, "label": [0]}), tmp_path / "train.parquet")
    with pytest.raises(ValueError, match="train.parquet") as caught:
        datasets.load(tmp_path)
    assert "\n" not in str(caught.value) and "row 0" in str(caught.value)
    assert " at 0x" not in str(caught.value)


def test_sound_is_no_image(format_samples, write, tmp_path):
    write(tmp_path / "train.parquet", [0, 1])
    note = json.dumps({"info": {"features": {"image": {"_type": "Audio"}}}})
    table = pq.read_table(tmp_path / "train.parquet").replace_schema_metadata({"huggingface": note})
    pq.write_table(table, tmp_path / "train.parquet")
    with pytest.raises(ValueError, match="a table without a column of image files"):
        datasets.load(tmp_path)


def test_a_pointer_of_git_lfs(format_samples, tmp_path):
    format_samples.hugging_face(tmp_path)
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 15561616\n"
    (tmp_path / "data" / "train-00000-of-00002.parquet").write_text(pointer)
    with pytest.raises(ValueError, match="train-00000-of-00002.parquet .it is only a pointer"):
        datasets.load(tmp_path)


def test_labels_out_of_range(write, tmp_path):
    write(tmp_path / "train.parquet", [0, 2], ["a", "b"])
    with pytest.raises(ValueError, match="labels from 0 to 1 in its column label.*0 to 2"):
        datasets.load(tmp_path)


def test_missing_labels(write, tmp_path):
    write(tmp_path / "train.parquet", [0] * 70 + [None, 0])
    with pytest.raises(ValueError, match="train.parquet \\(row 70 has no label"):
        datasets.load(tmp_path)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0.0, 1.0], "convert whole numbers to integers.* with floats in the column label"),
        ([[0], [1]], "several classes per image; keep one class .* with lists in the column label"),
    ],
)
def test_labels_of_another_kind(write, tmp_path, labels, message):
    write(tmp_path / "train.parquet", labels)
    for key in (None, "label"):
        with pytest.raises(ValueError, match=f"an integer or a text as the label.*{message}"):
            datasets.load(tmp_path, key=key)
