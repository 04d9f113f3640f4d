import contextlib
import itertools

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa import datasets


def halves(eights):
    x, y = eights
    return [(x[:70], y[:70]), (x[70:], y[70:])]


def test_a_generator(eights):
    dataset = datasets.from_batches(batch for batch in halves(eights))
    np.testing.assert_array_equal(dataset.x[..., 0], eights[0])
    np.testing.assert_array_equal(dataset.y, eights[1])
    assert (dataset.name, dataset.split, dataset.x.dtype) == ("batches", "train", np.uint8)


def test_tf_data(eights):
    tf = pytest.importorskip("tensorflow")
    x, y = eights
    pipeline = tf.data.Dataset.from_tensor_slices((x[..., None] / np.float32(255), y)).batch(32)
    dataset = datasets.from_batches(pipeline, class_names=[f"d{i}" for i in range(10)])
    np.testing.assert_array_equal(dataset.x[..., 0], x / np.float32(255))
    np.testing.assert_array_equal(dataset.y, y)
    assert dataset.pixel_range == (0.0, 1.0) and dataset.class_names[2] == "d2"


def test_torch_data_loader(crops):
    torch = pytest.importorskip("torch")
    images = np.stack(crops(0, 9, (6, 5)))
    tensors = torch.from_numpy(np.moveaxis(images, -1, 1) / np.float32(255)).requires_grad_()
    labels = torch.arange(9) % 3
    loader = [(tensors[:5], labels[:5]), (tensors[5:], labels[5:])]
    by_hand = datasets.from_batches(loader, channels_first=True, split="test")
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(tensors.detach(), labels), batch_size=4
    )
    dataset = datasets.from_batches(loader, channels_first=True)
    for one in (by_hand, dataset):
        np.testing.assert_array_equal(one.x, images / np.float32(255))
        assert one.y.tolist() == [0, 1, 2] * 3
    assert by_hand.split == "test"


def test_py_dataset(eights):
    class Halves(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return halves(eights)[index]

    np.testing.assert_array_equal(datasets.from_batches(Halves()).y, eights[1])


def test_one_pass_of_iterators_that_begin_again(eights):
    class Flow:  # as those of ImageDataGenerator in older releases of Keras
        def __init__(self):
            self.given = itertools.cycle(halves(eights))

        def __len__(self):
            return 2

        def __iter__(self):
            return self

        def __next__(self):
            return next(self.given)

    class Numbered(Flow, keras.utils.PyDataset):  # as those of today
        __getitem__ = halves(eights).__getitem__

    numbered = Numbered()
    next(numbered)
    for batches in (Flow(), numbered):
        np.testing.assert_array_equal(datasets.from_batches(batches).y, eights[1])


def test_what_says_that_it_has_no_end_is_refused(eights):
    class Endless(keras.utils.PyDataset):
        num_batches = None

        def __getitem__(self, index):
            return halves(eights)[0]

    class Silent(Endless):
        num_batches = keras.utils.PyDataset.num_batches

    endless = [Endless(), Silent(), itertools.cycle(halves(eights))]
    with contextlib.suppress(ImportError):
        import tensorflow as tf

        endless.append(tf.data.Dataset.from_tensor_slices(eights).batch(32).repeat())
    for batches in endless:
        with pytest.raises(ValueError, match=r"`batches` must end .*`\.repeat\(\)`.*islice"):
            datasets.from_batches(batches)
    taken = datasets.from_batches(itertools.islice(Endless(), 2))
    assert len(taken) == 140


def test_names_and_flat_features():
    batches = [(np.zeros((2, 7), "uint8"), ["b", "a"]), (np.ones((1, 7), "uint8"), ["b"])]
    dataset = datasets.from_batches(batches)
    assert (dataset.image_shape, dataset.class_names) == ((7,), ("a", "b"))
    assert dataset.y.tolist() == [1, 0, 1]


def test_dictionaries_and_channels_first_and_other_numbers():
    x = np.arange(4 * 3 * 8 * 9, dtype="uint8").reshape(4, 3, 8, 9)
    batches = [
        {"id": 7, "image": x[:2], "label": [3, 5]},
        {"id": 8, "image": x[2:], "label": [5, 3]},
    ]
    with (
        pytest.warns(UserWarning, match="read as channels-first images"),
        pytest.warns(UserWarning, match="2 different class numbers, 3, 5"),
        pytest.warns(UserWarning, match="`batches` gives .* 'image' .* and not 'id'$") as said,
    ):
        dataset = datasets.from_batches(batches)
    assert sum("'id'" in str(one.message) for one in said) == 1
    np.testing.assert_array_equal(dataset.x, np.moveaxis(x, 1, -1))
    assert dataset.class_names == ("3", "5") and dataset.y.tolist() == [0, 1, 1, 0]


def test_class_names_that_the_pipeline_has():
    class Named(list):
        class_names = ["0", "1", "10", "2"]  # as text, as Keras sorts folders

    x = np.arange(4 * 8 * 8, dtype="uint8").reshape(4, 8, 8)
    for names in (None, Named.class_names):
        dataset = datasets.from_batches(Named([(x, [0, 1, 2, 3])]), class_names=names)
        assert dataset.class_names == ("0", "1", "10", "2") and dataset.y.tolist() == [0, 1, 2, 3]


def test_a_pipeline_without_an_end_is_stopped(monkeypatch):
    from keras_isa import memory

    def forever():
        while True:
            yield np.zeros((2048, 128, 128), "uint8"), np.zeros(2048, int)

    monkeypatch.setattr(memory, "available_bytes", lambda: 10**8)
    with pytest.raises(ValueError, match="`batches` has given 0.3 GB and has not ended"):
        datasets.from_batches(forever())


IMAGES = np.zeros((2, 4, 4, 1), "uint8")


@pytest.mark.parametrize(
    ("batches", "error", "message"),
    [
        (3, TypeError, "`batches` must be an iterable"),
        ([], ValueError, "at least one batch"),
        ([IMAGES], ValueError, "pairs .*ndarray"),
        ([(IMAGES,)], ValueError, "pairs .*tuple of 1"),
        ([(IMAGES, [0, 1], [1, 1])], ValueError, "pairs .*sample weights.*tuple of 3"),
        ([{"image": IMAGES, "mask": IMAGES}], ValueError, "pairs .*keys image, mask"),
        (
            [{"image": IMAGES, "label": [0, 1], "labels": 3}],
            ValueError,
            "keys image, label, labels",
        ),
        ([((IMAGES, IMAGES), [0, 1])], ValueError, "several inputs .*tuple of 2"),
        ([(IMAGES[:1], ([0], [1]))], ValueError, "several labels per image .*tuple of 2"),
        ([(IMAGES[[0, 1, 0]], [np.zeros(3, int)] * 2)], ValueError, "several labels .*list of 2"),
        ([(IMAGES, {"kind": [0, 1]})], ValueError, "several labels per image .*dict of 1"),
        (enumerate([(IMAGES, [0, 1])]), ValueError, "leave out `enumerate`.*number and a tuple"),
        ([([b"\xff\xd8\0\x10"] * 2, [0, 1])], ValueError, "`images` .*bytes of files; decode"),
        ([(["a.png", "b.png"], [0, 1])], TypeError, "`x_train` .*not names .*files; decode.*a.png"),
        ([(IMAGES[0], 1)], ValueError, r"single images; .*batch\(32\)"),
        ([(IMAGES, [0, 1]), (IMAGES[:, :3], [0, 1])], ValueError, "images of one shape"),
        ([(IMAGES, [0, 1]), (IMAGES, [[0], [1]])], ValueError, "labels of one shape"),
        ([(IMAGES, [0])], ValueError, "`y_train` must hold one label per image"),
        ([(IMAGES, [0.0, 1.0])], TypeError, "`y_train`"),
    ],
)
def test_bad_batches_are_refused(batches, error, message):
    with pytest.raises(error, match=message):
        datasets.from_batches(batches)


def test_channels_first_needs_four_axes():
    with pytest.raises(ValueError, match="`channels_first` must be False"):
        datasets.from_batches([(IMAGES[..., 0], [0, 1])], channels_first=True)


def test_batches_that_mean_different_things_are_refused(eights):
    x, y = eights
    with pytest.raises(ValueError, match="`batches` must have the pixel unit of batch 0.*batch 1"):
        datasets.from_batches([(x, y), (x / np.float32(255), y)])


class _Samples:
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return np.zeros((2, 2)), 0


@pytest.mark.parametrize(("given", "hint"), [(lambda: [], "call"), (_Samples(), "DataLoader")])
def test_what_gives_no_batches_is_told_how(given, hint):
    with pytest.raises(TypeError, match=f"`batches` must be an iterable .*{hint}"):
        keras_isa.datasets.from_batches(given)
