"""Streams: what a batch may be, and what is said of one that cannot be read."""

import itertools

import keras
import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.training.inputs import AdaptedData
from keras_isa.training.reading import BatchReader, ReadBatches, opened, steps_of_a_pass


@pytest.fixture
def colour():
    """A set of three classes of colour images, and two batches that fit it."""
    distilled = DistilledData((4, 5, 3), 3, 1, class_names=("ant", "bee", "cat"))
    generator = np.random.default_rng(0)
    x = generator.normal(size=(12, 4, 5, 3)).astype("float32")
    return distilled, x, np.arange(12) % 3


def read(distilled, batches):
    return list(opened(batches, BatchReader(distilled)))


def check(found, x, y):
    np.testing.assert_array_equal(np.concatenate([images for images, _ in found]), x)
    labels = np.concatenate([labels for _, labels in found])
    assert labels.dtype == np.int32 and labels.tolist() == y.tolist()


def test_pairs_dictionaries_and_names(colour):
    distilled, x, y = colour
    names = np.array(distilled.class_names)[y]
    for batches in (
        [(x[:6], y[:6]), [x[6:], y[6:]]],
        [{"image": x[:6], "label": y[:6]}, {"label": y[6:], "image": x[6:], "id": None}],
        [(x[:6], names[:6]), (x[6:], names[6:].astype("S"))],
        [(x[:6], y[:6], None), (x[6:], y[6:, None])],
        [(x[:6].astype("float64"), y[:6]), (keras.ops.convert_to_tensor(x[6:]), y[6:])],
    ):
        check(read(distilled, batches), x, y)
        check(read(distilled, iter(batches)), x, y)


def test_channels_first_batches_are_turned_and_said_once(colour):
    distilled, x, y = colour
    first = np.moveaxis(x, -1, 1)
    with pytest.warns(UserWarning, match="`x` of shape .* channels-first") as caught:
        found = read(distilled, [(first[:6], y[:6]), (first[6:], y[6:])])
    assert sum("channels-first" in str(one.message) for one in caught) == 1
    check(found, x, y)


def test_entries_that_are_not_used_are_said_once(colour):
    distilled, x, y = colour
    with pytest.warns(UserWarning, match="'image' and 'label' are used, and not 'id'$") as caught:
        found = read(distilled, [{"image": x, "label": y, "id": 3}] * 2)
    assert sum(one.category is UserWarning for one in caught) == 1
    check(found[:1], x, y)


def test_an_unnamed_set_takes_the_names_of_a_stream(colour):
    _, x, y = colour

    class Named(list):
        class_names = ["ant", "bee", "cat"]

    def checked(distilled, batches):
        return AdaptedData.checked(distilled, batches, None, None, 0.0, 0, resumes=False)

    distilled = DistilledData((4, 5, 3), 3, 1)
    with pytest.raises(ValueError, match="`x` must hold images of shape"):
        checked(distilled, Named([(x[:, :2], y)]))
    assert distilled.class_names == ("0", "1", "2")
    given = checked(distilled, Named([(x, np.array(Named.class_names)[y])]))
    check(list(given.x), x, y)
    assert distilled.class_names == ("ant", "bee", "cat")
    batches = Named([(x, y)])
    batches.class_names = ["ant", "cat", "bee"]
    with pytest.raises(ValueError, match="same order; number the .* ant, cat, bee instead") as said:
        checked(distilled, batches)
    assert "select_classes" not in str(said.value)
    batches.class_names = "ant"
    with pytest.raises(TypeError, match="`class_names` must be a sequence of strings"):
        checked(distilled, batches)


def test_numbers_that_are_names_are_matched_and_said_once(colour):
    _, x, y = colour
    distilled = DistilledData((4, 5, 3), 3, 1, class_names=("0", "10", "2"))
    values = np.array([0, 10, 2])[y]
    with pytest.warns(UserWarning, match="labels are matched to the names") as caught:
        check(read(distilled, [(x[:6], values[:6]), (x[6:], values[6:])]), x, y)
    assert sum("matched to the names" in str(one.message) for one in caught) == 1

    class Named(list):
        class_names = ["0", "10", "2"]

    batches = Named([(x, y)])
    check(list(opened(batches, BatchReader(distilled, batches.class_names))), x, y)
    with pytest.raises(ValueError, match="`x` must have the class names of the distilled set"):
        BatchReader(distilled, ["0", "2", "10"])


def test_every_kind_of_stream_can_be_read_again(colour):
    distilled, x, y = colour

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return x[6 * index :][:6], y[6 * index :][:6]

    class Loader:
        def __iter__(self):
            return iter([(x[:6], y[:6]), (x[6:], y[6:])])

    for batches in (Batches(), Loader()):
        stream = opened(batches, BatchReader(distilled))
        for _ in range(2):
            check(list(stream), x, y)
    assert isinstance(stream, ReadBatches)


class Endless:
    """Batches without an end, which count how many were taken."""

    def __init__(self, batch):
        self.batch, self.taken = batch, 0

    def __iter__(self):
        while True:
            self.taken += 1
            assert self.taken < 100, "walked through"
            yield self.batch


class Unknown(keras.utils.PyDataset):
    """A PyDataset that does not say its length."""

    num_batches = None

    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def __getitem__(self, index):
        return self.batch


def test_batches_that_do_not_say_how_many_they_are_need_steps(make_trainer, problem):
    x, y = problem
    trainer = make_trainer()
    trainer.make_train_function = lambda *_, **__: pytest.fail("compiled")
    stream = Endless((x, y))
    for batches in (stream, Unknown((x, y)), itertools.cycle([(x, y)])):
        with pytest.raises(ValueError, match="`steps_per_epoch` must be given for batches that do"):
            trainer.fit(batches, epochs=2, verbose=0)
    assert stream.taken == 1  # the one that is looked at


def test_how_long_a_pass_is(colour):
    distilled, x, y = colour
    for batches, steps in (([(x, y)] * 2, None), (iter([(x, y)]), None), (Loader((x, y), 3), 3)):
        assert steps_of_a_pass(opened(batches, BatchReader(distilled))) == steps


class Loader(Endless):
    """As a DataLoader: batches with a length that are no list."""

    def __init__(self, batch, length):
        super().__init__(batch)
        self.length = length

    def __len__(self):
        return self.length


def test_tf_data(colour):
    tf = pytest.importorskip("tensorflow")
    distilled, x, y = colour
    examples = tf.data.Dataset.from_tensor_slices({"image": x, "label": y})
    stream = opened(examples.batch(6), BatchReader(distilled))
    check(list(stream), x, y)
    assert steps_of_a_pass(stream) == 2
    with pytest.raises(ValueError, match="`steps_per_epoch` must be given for batches that .*end"):
        steps_of_a_pass(opened(examples.batch(6).repeat(), BatchReader(distilled)))
    with pytest.raises(ValueError, match=r"seems to give single images; .*batch\(32\)"):
        opened(examples, BatchReader(distilled))


def bad_batches(x, y):
    weights = np.ones(6)
    yield (x, y, weights), ValueError, "sample weights are not supported.*tuple of 3"
    yield ((x, x), y), ValueError, "several inputs are not supported.*tuple of 2"
    yield ({"a": x, "b": x}, y), ValueError, "several inputs are not supported.*dict of 2"
    yield {"image": x, "mask": x}, ValueError, "Received: the keys image, mask"
    yield (x[0], y[0]), ValueError, "single images"
    yield x, ValueError, "pairs .*not images alone"
    yield (x,), ValueError, "pairs .*tuple of 1"
    yield 3, ValueError, "pairs .*a int"
    yield (x, np.eye(3)[y]), ValueError, "`y` .*argmax"
    yield (x, np.eye(3)[y] / 2 + 1 / 6), ValueError, "`y` .*soft labels"
    yield (x, y * 1.0), TypeError, "`y` must be class numbers"
    yield (x, y + 1), ValueError, "`y` must hold classes from 0 to 2"
    yield (x, ["ant"] * 5 + ["fox"]), ValueError, "'fox' at index 5|labels of one kind"
    yield (x[:0], y[:0]), ValueError, "`x` must hold at least one image"
    yield (x, y[:5]), ValueError, "`y` must hold one label per image"
    yield (x[:, :, :4], y), ValueError, r"`x` must hold images of shape \(4, 5, 3\).*\(4, 4, 3\)"
    yield (x[..., 0], y), ValueError, r"`x` must hold images of shape \(4, 5, 3\)"
    yield (["a.png"] * 6, y), TypeError, "`x` must hold numbers .* not names .* of files.*'a.png'"
    yield (3, (x, y)), ValueError, "`x` must give pairs .*leave out `enumerate`"
    yield (x, (y, y)), ValueError, "several labels per image .*tuple of 2"
    yield (x * np.nan, y), ValueError, "`x` must hold finite pixels"
    yield ("a.png", "ant"), ValueError, "single images"


def test_bad_batches_are_named_by_their_number(colour):
    distilled, x, y = colour
    x, y = x[:6], y[:6]
    for batch, error, message in bad_batches(x, y):
        for before in ([], [(x, y)] * 2):
            batches = iter([*before, batch])
            with pytest.raises(error, match=f"({message}).*in batch {len(before)}") as caught:
                read(distilled, batches)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize("batches", [[], (), iter([])])
def test_no_batch_is_refused(colour, batches):
    with pytest.raises(ValueError, match="at least one batch"):
        opened(batches, BatchReader(colour[0]))


def test_the_first_batch_is_looked_at_before_anything_is_compiled(make_trainer, problem):
    x, y = problem
    trainer = make_trainer()  # a set that is filled already
    trainer.make_train_function = lambda *_, **__: pytest.fail("compiled")
    for batch, message in (
        ({"image": x, "mask": x}, "keys image, mask"),
        ((x[0], y[0]), "single images"),
        ((x, y, np.ones(len(x))), "sample weights"),
        (((x, x), y), "several inputs"),
    ):
        with pytest.raises(ValueError, match=message):
            trainer.fit([batch], steps_per_epoch=1, verbose=0)


def test_dictionaries_train_as_pairs_do(make_trainer, problem):
    x, y = problem
    results = []
    for batches in ([(x[:24], y[:24])], [{"label": y[:24], "image": x[:24]}]):
        trainer = make_trainer()
        trainer.fit(batches, steps_per_epoch=2, verbose=0)
        results.append(trainer.distilled.to_numpy()[0])
    np.testing.assert_array_equal(*results)


def test_a_cycle_trains_as_its_batches_do(make_trainer, problem):
    x, y = problem
    results = []
    for batches in ([(x[:24], y[:24])], itertools.cycle([(x[:24], y[:24])])):
        trainer = make_trainer()
        trainer.fit(batches, steps_per_epoch=2, epochs=2, verbose=0)
        results.append(trainer.distilled.to_numpy()[0])
    np.testing.assert_array_equal(*results)


def test_a_bad_later_batch_ends_training_with_its_number(make_trainer, problem):
    x, y = problem
    batches = [(x[:24], y[:24])] * 3 + [(x[:24], y[:24] + 5)]
    for stream in (batches, (batch for batch in batches)):
        with pytest.raises(ValueError, match="`y` must hold classes from 0 to 2.*in batch 3"):
            make_trainer().fit(stream, steps_per_epoch=4, verbose=0)


def test_a_stream_in_another_unit_is_warned_of_once():
    x = np.linspace(0, 255, 4 * 3 * 3 * 3).reshape(4, 3, 3, 3).astype("uint8")
    distilled = DistilledData.from_samples(x, [0, 1, 0, 1], 1)
    reader = BatchReader(distilled)
    with pytest.warns(UserWarning, match="`x` holds numbers from 0 to 1, and the distilled set"):
        reader((x / np.float32(255), [0, 1, 0, 1]), 0)
    reader((x / np.float32(255), [0, 1, 0, 1]), 1)
    BatchReader(distilled)((x, [0, 1, 0, 1]), 0)


def test_weights_in_a_dictionary_are_refused():
    x = np.zeros((2, 3, 3, 1), "uint8")
    reader = BatchReader(DistilledData((3, 3, 1), 2, 1))
    batch = {"image": x, "label": [0, 1], "sample_weight": None}
    reader(batch, 0)
    with pytest.raises(ValueError, match="weights are not supported.*the key sample_weight"):
        reader({**batch, "sample_weight": [1.0, 2.0]}, 0)
