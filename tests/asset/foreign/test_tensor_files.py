"""Files of PyTorch."""

import builtins
import os
import pickle
import re

import numpy as np
import pytest

from keras_isa.asset.foreign.tensor_files import labels_beside, read_pair, read_results

X = np.arange(24, dtype="float32").reshape(2, 3, 2, 2)
Y = np.array([0, 1])


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize("old", [False, True])
def test_results_of_dc_have_a_set_for_each_experiment(torch, tmp_path, old):
    sets = [[torch.tensor(X + k, requires_grad=True), torch.tensor(Y)] for k in range(3)]
    path = tmp_path / "res_DM_CIFAR10_ConvNet_1ipc.pt"
    options = {"_use_new_zipfile_serialization": not old}
    torch.save({"data": sets, "accs_all_exps": {"ConvNet": [1.0]}}, path, **options)
    found = read_results(path, 0)
    np.testing.assert_array_equal(found.images, X)
    np.testing.assert_array_equal(found.labels, Y)
    assert found.unused == ("2 of 3 sets (`index`, --index, chooses one)", "accs_all_exps")
    np.testing.assert_array_equal(read_results(path, 2).images, X + 2)
    with pytest.raises(ValueError, match="3 sets, and so none with the index 3"):
        read_results(path, 3)


def test_one_pair_and_bare_tensors_are_read(torch, tmp_path):
    torch.save([torch.tensor(X), torch.tensor(Y)], tmp_path / "data.pt")
    np.testing.assert_array_equal(read_results(tmp_path / "data.pt", 0).images, X)
    torch.save(torch.tensor(X).bfloat16(), tmp_path / "images_best.pt")
    torch.save(torch.tensor(Y), tmp_path / "labels_best.pt")
    for found in (
        read_pair(tmp_path / "images_best.pt"),
        read_results(tmp_path / "images_best.pt", 0),
    ):
        np.testing.assert_array_equal(found.images, X)
        np.testing.assert_array_equal(found.labels, Y)


def test_what_is_no_set_is_refused(torch, tmp_path):
    path = tmp_path / "images.pt"
    for content, message in (
        ({"weights": torch.tensor(X)}, "no `data`, but weights"),
        ({"data": [torch.tensor(X)]}, "no pair of images and labels"),
        ([], "no pair"),
        (torch.tensor(X), "no labels.pt beside it"),
    ):
        torch.save(content, path)
        with pytest.raises(ValueError, match=message):
            read_results(path, 0)
    torch.save([1, 2], path)
    with pytest.raises(ValueError, match="no tensor of images"):
        read_pair(path)
    # A view of one number that says it is a million of them.
    torch.save(torch.zeros(1).expand(1_000_000), path)
    with pytest.raises(ValueError, match="larger than the file"):
        read_pair(path)


def test_no_code_in_a_file_is_run(torch, tmp_path):
    marker = tmp_path / "marker"

    class Trap:
        def __reduce__(self):
            return builtins.open, (os.fspath(marker), "w")

    (tmp_path / "images.pt").write_bytes(pickle.dumps(Trap(), protocol=2))
    torch.save({"data": Trap()}, tmp_path / "results.pt")
    for path in tmp_path.glob("*.pt"):
        with pytest.raises(ValueError, match="^PyTorch refuses it: .* holds more than tensors$"):
            read_results(path, 0)
    assert not marker.exists()


def test_labels_lie_beside_images(tmp_path):
    (tmp_path / "labels_zca_5.pt").touch()
    assert labels_beside(tmp_path / "images_zca_5.pt").name == "labels_zca_5.pt"
    with pytest.raises(ValueError, match="its name has no `images`"):
        labels_beside(tmp_path / "best.pt")
    with pytest.raises(ValueError, match=re.escape("there is no labels_6.pt beside it")):
        labels_beside(tmp_path / "images_6.pt")
