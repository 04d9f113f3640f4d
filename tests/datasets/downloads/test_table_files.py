import pytest

from keras_isa.datasets.downloads.table_files import files_by_split, table_files


@pytest.fixture
def folder(tmp_path):
    """Makes a folder with empty files of some names."""

    def make(*names):
        for name in names:
            path = tmp_path / "set" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "set"

    return make


def by_split(folder):
    found = files_by_split(folder)
    return {split: [one.relative_to(folder).as_posix() for one in found[split]] for split in found}


@pytest.mark.parametrize(
    "names",
    [
        {"train": ["train.parquet"], "test": ["Testing.parquet"]},
        {"train": ["training.parquet"], "validation": ["dev.parquet"]},
        {"train": ["pets-train.arrow"], "test": ["pets-test.arrow"]},
        {"train": ["train/0000.parquet", "train/0001.parquet"], "query": ["query/0000.parquet"]},
        {"train": ["partial-train/0000.parquet"], "validation": ["val/0000.parquet"]},
        {"train": [f"train/data-0000{i}-of-00002.arrow" for i in range(2)]},
        {"train": ["a-b-train-00000-of-00001-0123456789abcdef.parquet"]},
        {"train": ["train.parquet"], "test-a": ["test-a.parquet"], "test-b": ["test-b.parquet"]},
    ],
)
def test_splits(folder, names):
    folder = folder(*sum(names.values(), []), "README.md", ".train.parquet", "cache-1.arrow")
    assert by_split(folder) == names


@pytest.mark.parametrize(
    ("names", "received"),
    [
        (["small/train.parquet", "large/train.parquet"], "large, small"),
        (["cats-train.parquet", "dogs-train.parquet"], "cats, dogs"),
        (["cats-train.parquet", "cats-test.parquet", "dogs-test.parquet"], "cats, dogs"),
        (["cats-train-00000-of-00001.parquet", "train.parquet"], "set, cats"),
        (["cats-train/0000.parquet", "dogs-train/0000.parquet"], "cats, dogs"),
        (["README.md"], "no table"),
    ],
)
def test_several_sets(folder, names, received):
    folder = folder(*names)
    with pytest.raises(ValueError, match=f"folder of one set.*set with {received}; pass one"):
        files_by_split(folder)


@pytest.mark.parametrize(
    ("names", "split"),
    [
        (["train.parquet", "Training.parquet"], "train"),
        (["train.parquet", "train.arrow"], "train"),
        (["train.parquet", "train/0000.parquet"], "train"),
        (["train.parquet", "train-00000-of-00001.parquet"], "train"),
        (["train-00000-of-00001.parquet", "train-00000-of-00002.parquet"], "train"),
        (["train/0000.parquet", "partial-train/0000.parquet"], "train"),
        (["train.parquet", "val.parquet", "valid.parquet"], "validation"),
    ],
)
def test_several_tables_of_one_split(folder, names, split):
    folder = folder(*names)
    with pytest.raises(ValueError, match=f"one table, or .* for the split {split}. .*keep one of"):
        files_by_split(folder)


def test_missing_and_surplus_files(folder):
    path = folder("data/train-00001-of-00002.parquet")
    message = "complete. .*data without some of the 2 files train-.-of-00002.parquet"
    with pytest.raises(ValueError, match=message):
        files_by_split(path)
    only = path / "data" / "train-00001-of-00002.parquet"
    assert files_by_split(only) == {"train": [only]}  # as it is named
    folder("data/train-00000-of-00002.parquet")
    assert len(files_by_split(path)["train"]) == 2
    folder("data/train-00000-of-00002-0123456789abcdef.parquet")
    with pytest.raises(ValueError, match="data with more than the 2 files train"):
        files_by_split(path)


def test_no_tables(folder):
    path = folder("a.csv")
    assert table_files(path) == table_files(path / "a.csv") == []
