"""Files of PyTorch are read by PyTorch."""

import sys

import numpy as np
import pytest

from keras_isa.backend.torch_files import read_tensors


def test_containers_keep_their_form(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"a": (torch.ones(2, 3), 5), 7: [torch.tensor(2)], "b": "word"}, tmp_path / "a.pt")
    found = read_tensors(tmp_path / "a.pt")
    assert list(found) == ["a", "7", "b"] and found["b"] == "word" and found["a"][1] == 5
    np.testing.assert_array_equal(found["a"][0], np.ones((2, 3)))
    assert found["7"][0].shape == ()


def test_without_pytorch_the_reason_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match="no code in them is run; it is not installed"):
        read_tensors(tmp_path / "a.pt")
