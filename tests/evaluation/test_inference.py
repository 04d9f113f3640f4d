"""Test images as networks see them."""

import numpy as np

from keras_isa.evaluation import inference


def test_all_images_come_once_and_the_last_part_is_filled_up(monkeypatch):
    monkeypatch.setattr(inference, "CHUNK", 4)
    x = np.arange(10.0).reshape(10, 1)
    parts = list(inference.inference_batches(x, lambda pixels: pixels + 1))
    assert [images.shape for _, images in parts] == [(4, 1)] * 3
    rows = np.concatenate([np.arange(10)[rows] for rows, _ in parts])
    np.testing.assert_array_equal(rows, np.arange(10))
    found = [images[: rows.stop - rows.start] for rows, images in parts]
    np.testing.assert_array_equal(np.concatenate(found), x + 1)
