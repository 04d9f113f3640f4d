import numpy as np
import pytest

from keras_isa import datasets


def test_two_tables(format_samples, check_read, tmp_path):
    check_read(tmp_path, format_samples.pixel_csv(tmp_path))


def test_one_table(format_samples, tmp_path):
    x, y, *_ = format_samples.pixel_csv(tmp_path)
    path = tmp_path / "fashion-mnist_train.csv"
    with pytest.warns(UserWarning, match="has no test part"):
        train, test = datasets.load(path)
    assert (len(train), len(test)) == (9, 3)
    found = {
        image.tobytes(): label
        for part in (train, test)
        for image, label in zip(part.x, part.y, strict=True)
    }
    assert found == {image.tobytes(): label for image, label in zip(x, y, strict=True)}


def test_a_table_as_spreadsheets_write_it(format_samples, tmp_path):
    format_samples.pixel_csv(tmp_path)
    path = tmp_path / "fashion-mnist_train.csv"
    train, _ = datasets.load(path, split=0.25)
    path.write_text(path.read_text(), encoding="utf-8-sig", newline="\r\n")
    again, _ = datasets.load(path, split=0.25)
    np.testing.assert_array_equal(again.x, train.x)
    np.testing.assert_array_equal(again.y, train.y)


def test_a_test_table_without_labels(format_samples, tmp_path):
    format_samples.pixel_csv(tmp_path)
    path = tmp_path / "fashion-mnist_test.csv"
    rows = path.read_text().splitlines()
    path.write_text("\n".join(row.partition(",")[2] for row in rows) + "\n")
    with pytest.warns(UserWarning, match="fashion-mnist_test.csv not used; they have no column"):
        train, test = datasets.load(tmp_path, split=0.5)
    assert (len(train), len(test)) == (6, 6)


def test_columns_by_row_and_column_and_classes_that_do_not_occur(tmp_path):
    head = ",".join(
        ["label", *(f"{row}x{column}" for row in range(1, 5) for column in range(1, 5))]
    )
    rows = [",".join(map(str, [4 * (i % 2), *range(i, i + 16)])) for i in range(10)]
    (tmp_path / "mnist_train.csv").write_text("\n".join([head, *rows]))
    with pytest.warns(UserWarning, match="class 1, class 2, class 3 not used"):
        train, test = datasets.load(tmp_path / "mnist_train.csv", split=0.2)
    assert train.class_names == ("0", "4") and train.image_shape == (4, 4, 1)
    assert sorted(np.concatenate([train.x, test.x])[:, 0, 0, 0].tolist()) == list(range(10))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1" + ",300" * 16, "a pixel must be .* from 0 to 255, but row 7 has 300; multiply"),
        ("1,255" + ",-1" * 15, "row 7 has -1"),
        ("1,1" + ",0.5" * 15, "row 7 has 0.5; multiply pixels from 0 to 1 by 255 and round them"),
        ("1" + ",12.9" * 16, "row 7 has 12.9"),
        ("1" + ",nan" * 16, "row 7 has nan"),
        ("1" + ",1e40" * 16, "row 7 has inf"),
        ("0.5" + ",1" * 16, "a label must be .* from 0 to 65535, but row 7 has 0.5"),
        ("-1" + ",1" * 16, "a label must be .*row 7 has -1"),
        ("65536" + ",1" * 16, "a label must be .*row 7 has 65536"),
        ("1,2", "columns"),
        ("cat" + ",1" * 16, "whole numbers; number classes that have names from 0 on.*'cat'"),
        ("1" + ",cat" * 16, "labels and pixels must be whole numbers: .*'cat'"),
    ],
)
def test_other_lines(format_samples, tmp_path, line, message):
    format_samples.pixel_csv(tmp_path)
    path = tmp_path / "fashion-mnist_test.csv"
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ValueError, match=f"fashion-mnist_test.csv \\(.*{message}"):
        datasets.load(tmp_path)


@pytest.mark.parametrize("names", ["pixel{}", "{}"])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("sort", ["as text", "reversed", "by column"])
def test_columns_in_another_order(format_samples, check_read, tmp_path, names, first, sort):
    expected = format_samples.pixel_csv(tmp_path)
    grid = np.arange(16).reshape(4, 4)
    places = {"as text": sorted(range(16), key=str), "reversed": range(15, -1, -1)}
    places = [*places.get(sort, grid.T.reshape(-1).tolist())]
    by_row = sort == "by column" and names == "{}"  # called as 0x3
    path = tmp_path / "fashion-mnist_train.csv"
    rows = [row.split(",") for row in path.read_text().splitlines()]
    called = [
        f"{first + place // 4}x{first + place % 4}" if by_row else names.format(first + place)
        for place in places
    ]
    rows = [["label", *called], *([row[0], *(row[1 + k] for k in places)] for row in rows[1:])]
    path.write_text("\n".join(map(",".join, rows)) + "\n")
    check_read(tmp_path, expected)


@pytest.mark.parametrize(
    "names",
    [
        [*range(15), 16],
        [*range(15), 14],
        [*range(2, 18)],
        [*range(15), "1x1"],
        [f"{row}x{column}" for row in range(2) for column in range(8)],
        [f"{row}x{row}" for row in range(16)],
    ],
)
def test_columns_with_a_gap_or_twice(tmp_path, names):
    rows = [["label", *map(str, names)], *([str(k % 2), *map(str, range(16))] for k in range(10))]
    (tmp_path / "train.csv").write_text("\n".join(map(",".join, rows)))
    with pytest.raises(ValueError, match=r"train.csv \(the names of its pixels must count each"):
        datasets.load(tmp_path / "train.csv")


def test_no_rows(format_samples, tmp_path):
    format_samples.pixel_csv(tmp_path)
    path = tmp_path / "fashion-mnist_test.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(ValueError, match="it has no rows"):
        datasets.load(tmp_path)


def test_tables_that_cannot_be_told_apart(format_samples, tmp_path):
    format_samples.pixel_csv(tmp_path)
    (tmp_path / "fashion-mnist_test.csv").rename(tmp_path / "more.csv")
    with pytest.raises(ValueError, match="one table for training and one for testing.*more.csv"):
        datasets.load(tmp_path)
