"""What `fit` is given: images, labels and names, what it validates on and starts from."""

import collections

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa import DistilledData, FRePoTrainer
from keras_isa.datasets import Dataset
from keras_isa.ops.splits import validation_mask
from keras_isa.training.inputs import (
    Given,
    checked_arrays,
    checked_data,
    dataset_or_pair,
    is_dataset,
    unpack,
)
from keras_isa.training.reading import BatchReader, opened

NAMES = ("ant", "bee", "cat")


def named(problem, names):
    x, y = problem
    return Dataset(x, y, names, "named", "train", (-5.0, 5.0))


def test_a_training_part_in_another_order_is_refused(make_trainer, problem):
    trainer = make_trainer()
    trainer.distilled.class_names = NAMES
    other = named(problem, ("cat", "bee", "ant"))
    with pytest.raises(ValueError, match="same order"):
        trainer.fit(other, verbose=0)
    trainer.fit(other.select_classes(NAMES), batch_size=24, steps_per_epoch=1, verbose=0)


def test_labels_may_be_names(make_trainer, problem):
    x, y = problem
    results = []
    for labels in (y, np.array(NAMES)[y]):
        trainer = make_trainer()
        trainer.distilled.class_names = NAMES
        trainer.fit(x, labels, batch_size=24, steps_per_epoch=2, verbose=0)
        results.append(trainer.distilled.to_numpy()[0])
    np.testing.assert_array_equal(*results)
    with pytest.raises(ValueError, match="dog"):
        trainer.fit(x, np.array(["ant", "bee", "dog"])[y], verbose=0)


def test_batches_of_another_shape_are_named(make_trainer, problem):
    x, y = problem
    batches = ((x[:, :2], y) for _ in range(2))
    with pytest.raises(ValueError, match=r"images of shape \(3, 3, 1\).*\(2, 3, 1\), in batch 0"):
        make_trainer().fit(batches, steps_per_epoch=1, verbose=0)


class Path:
    def __fspath__(self):
        return "folder"


def test_what_is_neither_images_nor_batches_is_refused_in_one_line(make_trainer, problem):
    x, y = problem
    data = named(problem, NAMES)
    stream = [(x[:24], y[:24])]
    for arguments, error, message in (
        (("folder",), TypeError, "`x` must hold images.*`keras_isa.datasets.load.*'folder'"),
        ((Path(),), TypeError, "read a file or folder with"),
        ((data, y), ValueError, "`y` must be None where `x` is a dataset"),
        (((data, data),), TypeError, "`x` must be one dataset, as the first that"),
        ((iter(stream), y), ValueError, "`y` must be None where `x` gives batches"),
        (([x, x], y), ValueError, "several inputs are not supported.* list of 2 arrays"),
        ((3,), TypeError, "`x` must hold images, or give batches of them, .* a int"),
        ((x,), ValueError, "`y` must hold the classes of the images"),
    ):
        with pytest.raises(error, match=message) as caught:
            make_trainer().fit(*arguments, verbose=0)
        assert "\n" not in str(caught.value)


class Holder:
    """Keeps arrays by the names that those of a dataset have, as examples of frameworks do."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y = x, y


class Scaled(Holder, keras.utils.PyDataset):
    """One batch, of other pixels than those it keeps."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.x / 16, self.y


class Examples(Holder):
    """A dataset as PyTorch has them, of one example at a time."""

    def __getitem__(self, index):
        return self.x[index], self.y[index]


class Coordinates(Holder):
    """An array with coordinates, as xarray has them."""

    shape, dtype = (48, 3, 3, 1), "float32"

    def __array__(self, dtype=None, copy=None):
        return np.ones(self.shape, self.dtype)


def test_what_gives_batches_by_itself_is_no_dataset(make_trainer, problem):
    x, y = problem
    trainer, stream = make_trainer(), Scaled(x, y)
    given = unpack(stream)
    assert given.x is stream and given.y is None
    with pytest.warns(UserWarning, match="give pixels in the unit"):
        images, _ = opened(given.x, BatchReader(trainer.distilled))[0]
    np.testing.assert_array_equal(images, x / 16)
    with pytest.raises(TypeError, match=r"give \(x.x, x.y\) for the arrays .*: a Examples"):
        trainer.fit(Examples(x, y), verbose=0)
    with pytest.raises(ValueError, match="`y` must hold the classes"):
        trainer.fit(Coordinates(x, y), verbose=0)
    for data, hint in ((Scaled(x, y), "from_batches"), (Examples(x, y), r"\(test.x, test.y\)")):
        with pytest.raises(TypeError, match=f"`test` must be a dataset .*{hint}"):
            dataset_or_pair(data, "test")


def test_what_only_holds_arrays_is_a_dataset(problem):
    class Bunch(dict):
        def __init__(self, **items):
            super().__init__(items)
            self.__dict__ = self

    Named = collections.namedtuple("Named", "x y name")
    for data in (Holder(*problem), Named(*problem, "mine"), Bunch(x=problem[0], y=problem[1])):
        assert is_dataset(data)
        given = unpack(data)
        assert given.x is problem[0] and given.y is problem[1]


def test_a_pair_is_images_and_labels(make_trainer, problem):
    results = []
    for arguments in (problem, (tuple(problem),), (problem[0].tolist(), problem[1].tolist())):
        trainer = make_trainer()
        trainer.fit(*arguments, batch_size=24, steps_per_epoch=1, verbose=0)
        results.append(trainer.distilled.to_numpy()[0])
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([(1, 2), (3, 4), (5, 6)], "collect batches with `keras_isa.datasets.from_batches"),
        ((1, 2, 3), "sample weights are not supported. Received: tuple"),
        ("folder", "read a file or folder with"),
        (3, "a pair of arrays"),
    ],
)
def test_other_validation_data_are_refused(make_trainer, problem, data, message):
    with pytest.raises(TypeError, match=f"`validation_data` must be .*{message}"):
        make_trainer().fit(*problem, validation_data=data, verbose=0)


def test_integers_are_matched_to_class_names_that_are_numbers(make_trainer, problem):
    x, y = problem
    results, values = [], np.array([10, 2, 7])
    for labels, validation in (
        (np.array(["10", "2", "7"])[y], np.array(["10", "2", "7"])[y]),
        (values[y], values[y]),
    ):
        trainer = make_trainer()
        trainer.distilled.class_names = ("10", "2", "7")
        held_out = (x[:9], validation[:9])
        options = {"batch_size": 24, "steps_per_epoch": 1, "verbose": 0}
        if labels.dtype.kind == "U":
            trainer.fit(x, labels, validation_data=held_out, **options)
        else:
            with (
                pytest.warns(UserWarning, match="`y` .* class number 0 is '10': labels are matche"),
                pytest.warns(UserWarning, match="`validation_data` .* labels are matched"),
            ):
                trainer.fit(x, labels, validation_data=held_out, **options)
        results.append(trainer.distilled.to_numpy()[0])
    np.testing.assert_array_equal(*results)
    with pytest.raises(
        ValueError, match="`y` must hold the numbers that are class names, 10, 2, 7"
    ):
        trainer.fit(x, y, verbose=0)
    # The numbers of a dataset are class numbers, whatever its names.
    trainer.fit(named(problem, ("10", "2", "7")), batch_size=24, steps_per_epoch=1, verbose=0)


def test_channels_first_arrays_are_turned(problem):
    x, y = problem
    colour = np.concatenate([x, -x], axis=-1)
    distilled = DistilledData.from_samples(colour, y, 1)
    first = np.moveaxis(colour, -1, 1)
    with pytest.warns(UserWarning, match="`x` of shape .* read as channels-first"):
        images, _ = checked_arrays(distilled, Given(first, y))
    np.testing.assert_array_equal(images, colour)


def test_sequences_are_no_images(problem):
    x, y = problem
    images = DistilledData((3, 3, 1), 3, 1)
    data = Dataset(x.reshape(48, 3, 3), y, NAMES, "waves", "train", (-5.0, 5.0), axes="NTF")
    with pytest.raises(ValueError, match=r"images \(H, W, C\) of shape .* sequences \(T, F\) of"):
        checked_data(images, unpack(data))


def test_mirror_images_of_flat_features_are_refused(problem):
    flat = DistilledData.from_samples(problem[0].reshape(48, 9), problem[1], 1)
    with pytest.raises(ValueError, match="`flip` must be False for flat features"):
        FRePoTrainer(flat, lambda: keras_isa.models.MLP((9,), 3, width=4), flip=True)


def test_flat_features_are_distilled(problem):
    x, y = problem[0].reshape(48, 9), problem[1]
    distilled = DistilledData.from_samples(x, y, {0: 1, 1: 2, 2: 3})
    start = distilled.to_numpy()[0]
    trainer = FRePoTrainer(
        distilled, lambda: keras_isa.models.MLP((9,), 3, width=16), regularization=1e-2, pool_size=2
    )
    trainer.compile()
    history = trainer.fit(x, y, batch_size=24, steps_per_epoch=3, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert distilled.to_numpy()[0].shape == (6, 9)
    assert np.abs(distilled.to_numpy()[0] - start).max() > 0


def test_pixels_in_another_unit_are_warned_of():
    x = np.linspace(0, 255, 4 * 3 * 3 * 3).reshape(4, 3, 3, 3).astype("uint8")
    distilled = DistilledData.from_samples(x, [0, 1, 0, 1], 1)
    for scale, said in ((1 / 255, "from 0 to 1,"), (257.0, "from 0 to 65535,")):
        with pytest.warns(UserWarning, match=f"`x` holds numbers {said} .* from 0 to 255: give"):
            checked_arrays(distilled, Given(x * scale, [0, 1, 0, 1]))
    for darker in (x, x // 8, x * 2.0):
        checked_arrays(distilled, Given(darker, [0, 1, 0, 1]))
    # As `Normalize` of other libraries leaves them, and the reverse.
    share, signed = x / np.float32(255), x / np.float32(127.5) - 1
    for own, pixel_range, others in (
        (share, (0.0, 1.0), (signed, (share - 0.45) / 0.22)),
        (signed, (-1.0, 1.0), (share,)),
    ):
        distilled = DistilledData.from_samples(own, [0, 1, 0, 1], 1, pixel_range=pixel_range)
        checked_arrays(distilled, Given(own, [0, 1, 0, 1]))
        for other in others:
            with pytest.warns(UserWarning, match="give pixels in the unit"):
                checked_arrays(distilled, Given(other, [0, 1, 0, 1]))


def test_the_parts_of_keras_datasets_are_not_taken_for_two_batches(problem):
    with pytest.raises(TypeError, match="`x` must be one pair of arrays.* Received: a pair of pai"):
        unpack((problem, problem))
    assert unpack([problem, problem]).y is None  # two batches
    assert unpack(problem).y is problem[1]


def test_a_set_without_names_takes_those_of_the_data(make_trainer, problem):
    trainer = make_trainer()
    assert trainer.distilled.class_names == ("0", "1", "2")
    trainer.fit(named(problem, NAMES), batch_size=24, steps_per_epoch=1, verbose=0)
    assert trainer.distilled.class_names == NAMES


def test_a_set_that_starts_from_a_dataset_takes_its_pixel_range(make_trainer, problem):
    for distilled, expected in (
        (DistilledData((3, 3, 1), 3, 1), (-5.0, 5.0)),
        (DistilledData((3, 3, 1), 3, 1, pixel_range=(0, 1)), (0.0, 1.0)),
        (DistilledData.from_samples(*problem, 1, pixel_range=(-1, 1)), (-1.0, 1.0)),
    ):
        trainer = make_trainer(distilled=distilled)
        trainer.fit(named(problem, NAMES), batch_size=24, steps_per_epoch=1, verbose=0)
        assert distilled.pixel_range == expected


def test_a_preset_adapts_to_its_data_whatever_the_set_starts_from():
    train, _ = keras_isa.datasets.load("digits")
    trainer = FRePoTrainer.from_preset("digits", verbose=False, width=4, depth=1, pool_size=1)
    noise = np.random.default_rng(0).normal(size=(10, 8, 8, 1)).astype("float32")
    trainer.distilled.images.assign(noise)
    trainer.compile(keras.optimizers.SGD(0.0))
    trainer.fit(train, epochs=1, steps_per_epoch=1, verbose=0)
    np.testing.assert_array_equal(trainer.distilled.to_numpy()[0], noise)
    assert np.array(trainer.distilled(train.x)).std() == pytest.approx(1, abs=1e-3)
    again = trainer.distilled.preprocessing.get_weights()
    trainer.fit(train.x[:500], train.y[:500], epochs=1, steps_per_epoch=1, verbose=0)
    np.testing.assert_array_equal(trainer.distilled.preprocessing.get_weights(), again)


def test_a_preset_whitens_with_its_own_data():
    tiny = {"width": 4, "depth": 1, "pool_size": 2, "steps": 2, "batch_size": 16}
    trainer = FRePoTrainer.from_preset("cifar10-cpu", [1, 2, *[1] * 8], verbose=False, **tiny)
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (40, 32, 32, 3)).astype("uint8"), np.arange(40) % 10
    trainer.fit(x, y, verbose=0)
    distilled = trainer.distilled
    assert distilled.class_counts == (1, 2, *[1] * 8)
    whitened = distilled.preprocess(x).reshape(40, -1)
    # The spanned directions have one variance but for the ridge, 39 of 3072.
    covariance = np.linalg.svd(whitened, compute_uv=False)[:39] ** 2 / 40
    assert covariance.max() / covariance.min() < 1.5


def test_held_out_images_never_reach_a_batch(make_trainer, problem, fit, networks):
    x, y = problem
    poisoned = x.copy()
    poisoned[validation_mask(y, 3, 0.25, seed=0)] = 1e6
    histories, pools = [], []
    for images in (x, poisoned):
        trainer = make_trainer()
        history = fit(trainer, images, y, epochs=3, validation_split=0.25, batch_size=12)
        histories.append(history.history)
        pools.append(networks(trainer))
    for name in FRePoTrainer.metric_names:
        assert histories[0][name] == histories[1][name], name
    for one, other in zip(*pools, strict=True):
        np.testing.assert_array_equal(one, other)
    # The poison was where it should be.
    assert min(histories[1]["val_loss"]) > 1e6 > max(histories[0]["val_loss"])


def test_batches_cannot_be_split(make_trainer, problem):
    with pytest.raises(ValueError, match="`validation_split` needs arrays.*Received: x=list"):
        make_trainer().fit([problem], validation_split=0.2, verbose=0)
