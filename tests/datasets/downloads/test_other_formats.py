import pytest

from keras_isa import datasets
from keras_isa.datasets.downloads.other_formats import check_other_formats

FILES = [
    ("camelyonpatch_level_2_split_train_x.h5", "HDF5; read the arrays in it with h5py"),
    ("Galaxy10_DECals.HDF5", "HDF5"),
    ("data.mdb", "LMDB database"),
    ("fashion-train.tfrecord", "TFRecord files; give tfds:NAME"),
    ("fashion-train.tfrecord-00000-of-00010", "TFRecord files"),
    ("images.pt", "a file of PyTorch; .* weights_only=True"),
    ("images.pth", "a file of PyTorch"),
    ("data.pkl", "a pickle, which can run any code"),
    ("data.pickle", "a pickle"),
    ("digits.mat", "a MATLAB file; for SVHN pass the folder with train_32x32.mat"),
    ("train.csv", "a table without a first column label"),
    ("iris.arff", r"a table or a text; read features \(N, F\) and labels"),
    ("wine.xlsx", "a table or a text"),
    ("train.rec", "RecordIO of MXNet"),
    ("train.beton", "a file of FFCV"),
    ("images.rar", "an archive of another kind; unpack it"),
    ("images.tar.zst", "an archive of another kind"),
    ("images.tar.Z", "an archive of another kind"),
    ("images.zip.001", "a part or a copy of an archive; join the parts"),
    ("images.tar.gz.1", "a part or a copy of an archive"),
    ("images.zip.crdownload", "a download that has not finished"),
    ("mnist.npz.gz", "a compressed file; unpack it, for instance with gunzip"),
    ("train.csv.gz", "a compressed file; unpack it, for instance with gunzip"),
    ("cats.mp4", "a video; write its frames"),
    ("cats.sqlite", "an SQLite database"),
    ("train.ipynb", "a notebook or a program; pass the data"),
    ("images.7z", "an archive of another kind"),
]


@pytest.mark.parametrize(("name", "message"), FILES)
def test_files_and_folders_of_them(tmp_path, name, message):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / name).write_bytes(b"content")
    (folder / "README.md").write_text("about")
    (tmp_path / "empty").mkdir()
    for source in (folder, folder / name, tmp_path):
        with pytest.raises(ValueError, match=f"in a supported format.*{message}") as caught:
            datasets.load(source)
        assert "\n" not in str(caught.value)
        with pytest.raises(ValueError, match=message):
            datasets.prepare("mine", source, tmp_path / "set.npz")


@pytest.mark.parametrize(
    "names",
    [
        ("cifar10.1_v6_data.npy", "cifar10.1_v6_labels.npy"),
        ("cat.npy", "dog.npy"),
        ("kmnist-train-imgs.npz", "kmnist-train-labels.npz"),
        ("cat/0.npy", "dog/0.npy"),
        ("arrays/x_train.npy", "arrays/y_train.npy"),
    ],
)
def test_a_folder_of_arrays(tmp_path, names):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "readme.html").write_text("about")
    with pytest.raises(ValueError, match="a folder of arrays; pass the .npz file.*numpy.savez$"):
        datasets.load(tmp_path)


def test_the_archive_beside_its_folder_says_nothing(tmp_path):
    (tmp_path / "cifar-10-batches-mat").mkdir()
    (tmp_path / "cifar-10-batches-mat" / "test_batch.mat").write_bytes(b"")
    (tmp_path / "cifar-10-matlab.tar.gz").write_bytes(b"")
    with pytest.raises(ValueError, match="a MATLAB file; .*scipy.io.loadmat"):
        datasets.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cat.JPG", "a single image; pass the folder"),
        ("a.txt", "a text"),
        ("data.yaml", "as for YOLO"),
    ],
)
def test_single_files(tmp_path, name, message):
    (tmp_path / name).write_bytes(b"content")
    with pytest.raises(ValueError, match=message):
        datasets.load(tmp_path / name)


def test_web_dataset(tmp_path):
    shards, unpacked = tmp_path / "shards", tmp_path / "unpacked"
    shards.mkdir()
    unpacked.mkdir()
    for number in range(2):
        (shards / f"train-{number:04d}.tar").write_bytes(b"")
        (unpacked / f"{number:06d}.jpg").write_bytes(b"")
        (unpacked / f"{number:06d}.cls").write_text("1")
    for folder in (shards, unpacked):
        with pytest.raises(ValueError, match="WebDataset.*train/CLASS/FILE"):
            datasets.load(folder)


def test_a_folder_of_archives(tmp_path):
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"")
    with pytest.raises(ValueError, match="a folder of archives; pass one of them"):
        datasets.load(tmp_path)


def test_tables_without_images(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"label": [1], "text": ["a"]}), tmp_path / "train.parquet")
    with pytest.raises(ValueError, match="a table without a column of image files"):
        datasets.load(tmp_path)


def test_class_folders_beside_a_table_are_left_alone(tmp_path):
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "0.png").touch()
    (tmp_path / "labels.csv").write_text("file,label\n")
    check_other_formats(tmp_path)
    check_other_formats(tmp_path / "cat")
    check_other_formats(tmp_path / "nothing")
    images = (tmp_path / "cat").rename(tmp_path.parent / f"{tmp_path.name} images")
    (tmp_path / "cat").symlink_to(images)
    check_other_formats(tmp_path)
