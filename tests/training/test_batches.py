"""fit on batches: every kind of stream, its end, its classes, and the set that starts from it."""

import functools

import keras
import numpy as np
import pytest

from keras_isa import DistilledData


def _tf_data(batches):
    tf = pytest.importorskip("tensorflow")
    images, class_ids = (np.concatenate(part) for part in zip(*batches, strict=True))
    return tf.data.Dataset.from_tensor_slices((images, class_ids)).batch(len(batches[0][0]))


def _py_dataset(batches):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return len(batches)

        def __getitem__(self, index):
            return batches[index]

    return Batches()


def _torch_loader(batches):
    torch = pytest.importorskip("torch")
    images, class_ids = (np.concatenate(part) for part in zip(*batches, strict=True))
    dataset = torch.utils.data.TensorDataset(torch.from_numpy(images), torch.from_numpy(class_ids))
    return torch.utils.data.DataLoader(dataset, batch_size=len(batches[0][0]))


def _generator(batches):
    yield from batches


def divided(problem, count):
    return [tuple(part[start::count] for part in problem) for start in range(count)]


@pytest.fixture(scope="module")
def one_by_one(make_trainer, problem):
    """`one_by_one(count, steps)` gives the set after steps on so many batches in turn."""

    @functools.cache
    def find(count, steps, **options):
        trainer, batches = make_trainer(**options), divided(problem, count)
        for step in range(steps):
            trainer.train_on_batch(*batches[step % count])
        return trainer.distilled.to_numpy()

    return find


@pytest.mark.parametrize("wrap", [_tf_data, _py_dataset, _torch_loader, _generator])
def test_batches_are_used_one_by_one_and_in_order(make_trainer, problem, one_by_one, wrap):
    source = wrap(divided(problem, 4))
    trainer = make_trainer(steps_per_execution=3)
    trainer.fit(source, steps_per_epoch=4, verbose=0)
    assert int(trainer.optimizer.iterations.value) == 4
    wanted = one_by_one(4, 4, steps_per_execution=3)
    for result, expected in zip(trainer.distilled.to_numpy(), wanted, strict=True):
        np.testing.assert_allclose(result, expected, atol=1e-6)


@pytest.mark.parametrize("wrap", [_tf_data, _py_dataset, _torch_loader, list])
def test_batches_that_end_begin_again(make_trainer, problem, one_by_one, wrap):
    trainer = make_trainer()
    trainer.fit(wrap(divided(problem, 2)), steps_per_epoch=5, verbose=0)
    for result, wanted in zip(trainer.distilled.to_numpy(), one_by_one(2, 5), strict=True):
        np.testing.assert_allclose(result, wanted, atol=1e-6)


@pytest.mark.parametrize("wrap", [_py_dataset, list])
def test_without_a_number_of_steps_an_epoch_is_one_pass(make_trainer, problem, wrap):
    trainer = make_trainer()
    trainer.fit(wrap([problem, problem]), epochs=2, verbose=0)
    assert int(trainer.optimizer.iterations.value) == 4


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize(("steps", "epochs"), [(3, [0, 1]), (None, [0]), (5, [0, 1])])
def test_training_ends_with_a_generator(make_trainer, problem, steps, epochs):
    trainer = make_trainer()
    history = trainer.fit(_generator([problem] * 5), epochs=4, steps_per_epoch=steps, verbose=0)
    assert history.epoch == epochs
    assert int(trainer.optimizer.iterations.value) == 5


@pytest.mark.parametrize(("shift", "message"), [(1, "from 0 to 2.* label 3"), (-1, "label -1")])
def test_classes_of_batches_are_checked(make_trainer, problem, shift, message):
    trainer = make_trainer()
    x, y = problem
    before = trainer.distilled.to_numpy()[0]
    with pytest.raises(ValueError, match=message):
        trainer.fit(_py_dataset([(x, y + shift)]), verbose=0)
    np.testing.assert_array_equal(trainer.distilled.to_numpy()[0], before)


def test_batches_can_be_validated_with_arrays(make_trainer, problem):
    history = make_trainer().fit(
        _py_dataset([problem, problem]), validation_data=problem, epochs=2, verbose=0
    )
    assert len(history.history["val_accuracy"]) == 2


@pytest.mark.parametrize("wrap", [None, _py_dataset])
def test_an_empty_set_starts_from_real_images(make_trainer, problem, wrap):
    distilled = DistilledData((3, 3, 1), 3, 2)
    assert distilled.empty
    trainer = make_trainer(keras.optimizers.SGD(0.0), distilled=distilled, seed=3)
    data = problem if wrap is None else [wrap([problem])]
    trainer.fit(*data, steps_per_epoch=1, verbose=0)
    wanted = DistilledData.from_samples(*problem, 2, preprocessing=None, seed=3).to_numpy()
    for found, drawn in zip(distilled.to_numpy(), wanted, strict=True):
        np.testing.assert_array_equal(found, drawn)
    assert not distilled.empty
    trainer.distilled.images.assign(wanted[0] + 1)  # a set of the user's stays
    trainer.fit(*problem, steps_per_epoch=1, verbose=0)
    np.testing.assert_array_equal(distilled.to_numpy()[0], wanted[0] + 1)
