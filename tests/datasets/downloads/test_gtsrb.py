import pytest

from keras_isa import datasets


def test_as_its_authors_distribute_it(format_samples, check_read, tmp_path):
    expected = format_samples.gtsrb(tmp_path)
    check_read(tmp_path, expected)
    (tmp_path / "GT-final_test.csv").rename(tmp_path / "GTSRB" / "GT-final_test.csv")
    check_read(tmp_path / "GTSRB", expected)


def test_as_torchvision_unpacks_it(format_samples, check_read, tmp_path):
    expected = format_samples.gtsrb(tmp_path)
    training = tmp_path / "GTSRB" / "Final_Training" / "Images"
    training.rename(tmp_path / "GTSRB" / "Training")
    training.parent.rmdir()
    check_read(tmp_path, expected)


def test_signs_of_other_countries_are_not_taken_for_it(format_samples, tmp_path):
    from keras_isa.datasets.downloads.registry import recognise_download

    format_samples.gtsrb(tmp_path)
    assert recognise_download(tmp_path).name == "gtsrb"
    (tmp_path / "GTSRB" / "Final_Training" / "Images" / "00043").mkdir()
    assert recognise_download(tmp_path) is None


def test_as_on_kaggle(format_samples, check_read, tmp_path):
    check_read(tmp_path, format_samples.gtsrb_kaggle(tmp_path))


def test_images_of_several_sizes(format_samples, tmp_path):
    format_samples.gtsrb(tmp_path, sizes=((8, 8), (9, 12)))
    with pytest.raises(ValueError, match=r"`image_size` \(--image-size\) must be given"):
        datasets.load(tmp_path)
    train, test = datasets.load(tmp_path, image_size=6)
    assert train.image_shape == test.image_shape == (6, 6, 3) and len(test) == 5
    summary = datasets.prepare("gtsrb", tmp_path, tmp_path / "set.npz", image_size=6)
    assert (summary.train, summary.test) == (43, 5)


@pytest.mark.parametrize("removed", ["labels", "part"])
def test_without_the_labels_of_the_test_part(format_samples, tmp_path, removed):
    import shutil

    format_samples.gtsrb(tmp_path)
    training = tmp_path / "GTSRB" / "Final_Training" / "Images"
    for folder in training.iterdir():
        for number in range(1, 5):
            shutil.copy(folder / "00000_00000.ppm", folder / f"00000_0000{number}.ppm")
    (tmp_path / "GT-final_test.csv").unlink()
    if removed == "part":
        shutil.rmtree(tmp_path / "GTSRB" / "Final_Test")
        train, test = datasets.load(tmp_path, split=0.2)
    else:
        with pytest.warns(UserWarning, match="Final_Test/Images not used.*GTSRB_Final_Test_GT.zip"):
            train, test = datasets.load(tmp_path, split=0.2)
    assert (len(train), len(test), len(set(test.y))) == (4 * 43, 43, 43)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("00000.ppm;8;8;1;1;6;6;43", "from 0 to 42. Received: '43'"),
        ("00000.ppm;8;8;1;1;6;6;-1", "from 0 to 42. Received: '-1'"),
        ("../../GT-final_test.csv;8;8;1;1;6;6;1", "only files inside of its folder"),
        ("00099.ppm;8;8;1;1;6;6;1", "must be complete. Received: no 00099.ppm"),
        ("00000.ppm;8", "GT-final_test.csv"),
    ],
)
def test_other_lines(format_samples, tmp_path, line, message):
    format_samples.gtsrb(tmp_path)
    table = tmp_path / "GT-final_test.csv"
    table.write_text(table.read_text() + line + "\n")
    with pytest.raises(ValueError, match=message):
        datasets.load(tmp_path)


def test_another_table(format_samples, tmp_path):
    format_samples.gtsrb(tmp_path)
    (tmp_path / "GT-final_test.csv").write_text("Filename,ClassId\n00000.ppm,3\n")
    with pytest.raises(ValueError, match="GT-final_test.csv \\(it has no column Filename"):
        datasets.load(tmp_path)
