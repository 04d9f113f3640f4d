"""The evaluation of sets and baselines by one protocol."""

import importlib
import json

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa.datasets import Dataset
from keras_isa.evaluation import Recipe, Storage, Students, dc_recipe
from keras_isa.layers import SiameseAugmentation
from keras_isa.optimizers import SGD


def test_result_is_repeatable_and_survives_the_file(distilled, data, network, tmp_path):
    train, test = data
    options = {"repeats": 3, "network": network}
    result = keras_isa.evaluate(distilled, test, train=train, **options)
    assert set(result.baselines) == {"random", "kmeans"}
    for scores in (result.distilled, *result.baselines.values()):
        assert len(scores.accuracies) == len(scores.krr_accuracies) == 3
        assert all(0 <= value <= 1 for value in (*scores.accuracies, *scores.krr_accuracies))
        # With 19 test images every accuracy is a multiple of 1 / 19.
        assert all(abs(value * 19 - round(value * 19)) < 1e-9 for value in scores.accuracies)
    assert np.mean(result.distilled.krr_accuracies) > 0.5  # the classes are easy to tell apart

    distilled.save(tmp_path / "set.keras")
    again = keras_isa.evaluate(str(tmp_path / "set.keras"), test, train=train, **options)
    assert (again.distilled, again.baselines) == (result.distilled, result.baselines)
    arrays = keras_isa.evaluate(keras_isa.load(tmp_path / "set.keras"), (test.x, test.y), **options)
    assert arrays.distilled == result.distilled
    assert arrays.baselines == {}


def test_the_protocol_of_dc_is_in_the_file(data, asked, tmp_path):
    train, test = data
    recipe = dc_recipe(width=4, depth=1, epochs=3, batch_size=4, augmentation=("crop",))
    made = keras_isa.DistilledData.from_samples(train.x, train.y, 2, recipe=recipe.to_dict())
    made.save(tmp_path / "set.keras")
    keras_isa.evaluate(tmp_path / "set.keras", (test.x, test.y), repeats=1)
    (call,) = asked
    students = call["students"]
    assert students.steps == 3 * 2  # six images in batches of four
    optimizer = students._looped._optimizer.optimizer
    assert type(optimizer) is SGD and optimizer.momentum == 0.9
    assert type(students._augmentation) is SiameseAugmentation
    kinds = [type(layer).__name__ for layer in students._reader.network.layers]
    assert "GroupNormalization" in kinds


def test_flat_features_are_not_augmented(data):
    train, test = ((part.x.reshape(len(part), -1), part.y) for part in data)
    distilled = keras_isa.DistilledData.from_samples(*train, 5, recipe={"width": 200, "steps": 2})
    assert keras_isa.evaluate(distilled, test, repeats=1).distilled.krr_accuracies[0] > 0.7
    settings = keras_isa.presets.Settings(1, width=4, pool_size=1)
    keras_isa.FRePoTrainer.from_settings(settings, distilled)  # with the recipe of settings
    assert distilled.recipe["augmentation"] == []
    distilled.recipe["augmentation"] = ["crop"]  # as it says itself
    with pytest.raises(ValueError, match="`augmentation` must be empty for flat features.*'crop'"):
        keras_isa.evaluate(distilled, test, repeats=1)


@pytest.fixture
def series():
    """Sequences `(N, 12, 2)` to train and to test; each class has its level, in two units."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    levels = np.array([[1, 1], [-1, 1], [1, -1]])[y][:, np.newaxis]
    x = ((levels + rng.normal(size=(60, 12, 2))) * [1, 100]).astype("float32")
    return (x[:42], y[:42]), (x[42:], y[42:])


def of_sequences(filters=keras.layers.Conv1D):
    inputs = keras.Input((12, 2) if filters is keras.layers.Conv1D else (8, 8, 1))
    features = keras.layers.Flatten()(filters(8, 3, activation="relu")(inputs))
    return keras.Model(inputs, [keras.layers.Dense(3)(features), features])


def test_sequences_and_networks_for_them(series):
    train, test = series
    distilled = keras_isa.DistilledData.from_samples(
        *train, 5, axes="NTF", recipe={"width": 32, "steps": 2}
    )
    options = {"baselines": ["kmeans"], "repeats": 2}
    for network in (None, of_sequences):
        result = keras_isa.evaluate(distilled, test, train=train, network=network, **options)
        assert np.mean(result.distilled.krr_accuracies) > 0.8
    recipe = keras_isa.evaluation.Recipe(width=4, steps=2)  # its augmentation is for images
    keras_isa.evaluate(distilled, test, repeats=1, recipe=recipe)
    with pytest.raises(
        ValueError, match=r"`network` must .* sequences of shape \(12, 2\).*8, 8, 1"
    ):
        keras_isa.evaluate(distilled, test, network=lambda: of_sequences(keras.layers.Conv2D))
    distilled.provenance["flip"] = True
    with pytest.raises(ValueError, match="`flip` must be False for sequences"):
        keras_isa.evaluate(distilled, test, repeats=1)


def test_kmeans_weighs_the_features_of_sequences_alike(series, monkeypatch):
    module = importlib.import_module("keras_isa.evaluation.real_sets")
    (x, y), test = series
    seen = []
    kmeans = module.kmeans_indices

    def noted(x, *arguments):
        seen.append(x)
        return kmeans(x, *arguments)

    monkeypatch.setattr(module, "kmeans_indices", noted)
    distilled = keras_isa.DistilledData.from_samples(
        x, y, 1, axes="NTF", recipe={"width": 2, "steps": 1}
    )
    keras_isa.evaluate(distilled, test, train=(x, y), baselines=["kmeans"], repeats=1)
    np.testing.assert_allclose(seen[0].std(axis=(0, 1)), 1, rtol=1e-4)


def test_seed_is_used(distilled, data, network, asked):
    keras_isa.evaluate(distilled, data[1], seed=11, network=network)
    assert [call["seed"] for call in asked] == [11]


def test_the_set_and_its_recipe_reach_the_students(distilled, data, network, asked):
    _, test = data
    keras_isa.evaluate(distilled, test, repeats=2, network=network)
    (call,) = asked
    images, labels = distilled.to_numpy("model")
    np.testing.assert_array_equal(call["images"], images)
    np.testing.assert_array_equal(call["labels"], labels)
    np.testing.assert_array_equal(call["x"], test.x)
    np.testing.assert_array_equal(call["y"], test.y)
    assert call["preprocess"] is distilled
    assert call["regularization"] == 1e-2 and call["flip"] is True  # as distilled with
    assert call["students"].steps == 7 and call["students"].repeats == 2
    other = Recipe(steps=3, augmentation=())
    keras_isa.evaluate(distilled, test, recipe=other, network=network)
    assert asked[-1]["students"].steps == 3 and asked[-1]["students"].repeats == 5


def test_baselines_are_real_images_as_many_per_class(distilled, data, network, asked):
    train, test = data
    keras_isa.evaluate(distilled, test, train=train, repeats=4, seed=2, network=network)
    random, kmeans, own = asked
    assert own["images"].shape == (6, 3, 3, 1)
    assert random["images"].shape == (4, 6, 3, 3, 1) and random["labels"].shape == (4, 6, 3)
    assert kmeans["images"].shape == (6, 3, 3, 1)
    real = np.array(distilled(train.x)).reshape(len(train.x), -1)
    expected = (np.eye(3) - 1 / 3) / np.sqrt(3 / 10)
    choices = []
    for images, labels in [*zip(random["images"], random["labels"], strict=True)] + [
        (kmeans["images"], kmeans["labels"])
    ]:
        distances = np.abs(images.reshape(6, 1, -1) - real[None]).max(axis=2)
        rows = distances.argmin(axis=1)
        assert distances.min(axis=1).max() < 1e-5
        assert len(set(rows.tolist())) == 6
        assert train.y[rows].tolist() == [0, 0, 1, 1, 2, 2]
        np.testing.assert_allclose(labels, expected[train.y[rows]], atol=1e-6)
        choices.append(rows.tolist())
    assert len({tuple(rows) for rows in choices[:4]}) > 1  # a new draw for each network


def test_choice_of_baselines(distilled, data, network, asked):
    train, test = data
    result = keras_isa.evaluate(distilled, test, train=train, baselines=["kmeans"], network=network)
    assert list(result.baselines) == ["kmeans"]
    result = keras_isa.evaluate(distilled, test, train=train, baselines=(), network=network)
    assert result.baselines == {} and len(asked) == 3
    for baselines in (["coreset"], "random"):
        with pytest.raises(ValueError, match="`baselines` must name one or more of random, kmeans"):
            keras_isa.evaluate(distilled, test, train=train, baselines=baselines)
    with pytest.raises(ValueError, match="`train` must be given for the baselines full"):
        keras_isa.evaluate(distilled, test, baselines=["random", "full"])


def test_progress_is_shown_on_request(distilled, data, network, asked, capsys):
    keras_isa.evaluate(distilled, data[1], network=network)
    assert capsys.readouterr().out == ""
    keras_isa.evaluate(distilled, data[1], network=network, verbose=True)
    assert "Training networks on: distilled" in capsys.readouterr().out


def test_a_long_evaluation_is_forecast(distilled, data, network, monkeypatch, capsys):
    train, test = data
    monkeypatch.setattr(keras_isa.evaluation.Students, "seconds_per_step", lambda *_: 2.0)
    given = {"train": train, "network": network, "repeats": 2}
    found = [keras_isa.evaluate(distilled, test, **given, verbose=verbose) for verbose in (0, 2)]
    # Three sets of two networks, 7 steps each, of 2 seconds for both networks.
    line = "evaluation: about 42 s (6 networks, 7 steps each)\n"
    assert capsys.readouterr().out == line
    assert found[0].distilled == found[1].distilled
    monkeypatch.undo()
    keras_isa.evaluate(distilled, test, **given, verbose=2)
    assert capsys.readouterr().out == ""


def test_data_that_do_not_fit_are_refused(distilled, data, asked):
    train, test = data

    def refuse(match, error=ValueError, **options):
        with pytest.raises(error, match=match):
            keras_isa.evaluate(distilled, **{"test": test, **options})

    other = Dataset(test.x, test.y, ("high", "middle", "low"), "means", "test", (0, 1))
    refuse(r"`test` must have the class names.*test.select_classes\(", test=other)
    words = np.array(["low", "middle", "tall"])[test.y]
    refuse("tall", test=(test.x, words))
    refuse("`train` must have the class names", train=other)
    refuse(
        r"`test` must hold images of shape \(3, 3, 1\).*`image_size`", test=(test.x[:, :2], test.y)
    )
    refuse("from 0 to 2.*label 3", test=(test.x, test.y + 1))
    refuse("`train` must hold images", train=(train.x[..., [0, 0]], train.y))
    refuse("`y_test` must hold one label per image", test=(test.x, test.y[:-1]))
    refuse("`y_test` must be class numbers", TypeError, test=(test.x, test.y * 1.0))
    refuse("`x_test` must hold finite pixels", test=(test.x * np.nan, test.y))
    refuse("class 2 has 0", train=(train.x[train.y < 2], train.y[train.y < 2]))
    for wrong in (test.x, (test.x,), (test.x, test.y, test.y), {"x": test.x, "y": test.y}, 3):
        refuse("`test` must be a dataset with .x and .y, or a pair", TypeError, test=wrong)
    refuse("`repeats` must be a positive integer", repeats=0)
    assert asked == []  # all of it before any training


def test_file_that_cannot_be_read(data, tmp_path):
    with pytest.raises(ValueError, match="there is none"):
        keras_isa.evaluate(tmp_path / "absent.keras", data[1])


def test_classes_by_name(distilled, data, network):
    _, test = data
    words = np.array(test.class_names)[test.y]
    by_number, by_name = (
        keras_isa.evaluate(distilled, (test.x, y), network=network, repeats=1).to_dict()
        for y in (test.y, words)
    )
    assert by_number["accuracy_mean"] == by_name["accuracy_mean"]


def test_baselines_take_as_many_numbers_as_the_set(data, asked):
    train, test = data
    made = keras_isa.DistilledData.from_samples(train.x, train.y, 4, parametrization="bases:2")
    result = keras_isa.evaluate(made, (test.x, test.y), train=(train.x, train.y), repeats=1)
    shape = train.x.shape[1:]
    rows = 4 * made.num_classes
    numbers = 2 * np.prod(shape) + rows * (2 + made.num_classes)
    each = numbers // (np.prod(shape) + made.num_classes) // made.num_classes
    assert result.storage == Storage("bases:2", rows, 4 * numbers, max(1, each), 8)
    sizes = [call["labels"].shape[-2] for call in asked]
    assert sizes == [made.num_classes * max(1, each)] * 2 + [rows]


def test_hard_labels_and_another_augmentation(distilled, data, network, asked):
    train, test = data
    result = keras_isa.evaluate(
        distilled, test, train=train, network=network, labels="hard", augmentation=["crop"]
    )
    expected = (np.eye(3) - 1 / 3) / np.sqrt(3 / 10)
    np.testing.assert_allclose(asked[-1]["labels"], expected[distilled.class_ids], atol=1e-6)
    assert result.protocol["labels"] == "hard"
    assert result.protocol["recipe"]["augmentation"] == ["crop"]
    with pytest.raises(ValueError, match="`labels` must be one of 'learned', 'hard'"):
        keras_isa.evaluate(distilled, test, labels="soft")
    with pytest.raises(ValueError, match="`augmentation` must name one or more of"):
        keras_isa.evaluate(distilled, test, augmentation=["blur"])


def test_hard_labels_are_no_logits(distilled, data, asked):
    """Real images have classes, whatever the labels of the set are."""
    train, test = data
    recipe = Recipe(width=2, steps=2, loss="logit_cross_entropy", augmentation=())
    for labels, losses in (
        ("learned", ["cross_entropy", "cross_entropy", "logit_cross_entropy"]),
        ("hard", ["cross_entropy"] * 3),
    ):
        asked.clear()
        keras_isa.evaluate(distilled, test, train=train, recipe=recipe, labels=labels, repeats=1)
        assert [call["students"].recipe.loss for call in asked] == losses


def test_other_architectures_with_a_searched_rate(data, monkeypatch):
    train, test = data
    made = keras_isa.DistilledData.from_samples(train.x, train.y, 2, class_names=train.class_names)
    recipe = Recipe(width=2, depth=1, steps=3, warmup_steps=1, augmentation=())
    options = {"recipe": recipe, "repeats": 2, "networks": ["convnet", "mlp"]}
    result = keras_isa.evaluate(made, test, train=train, baselines=(), **options)
    (name,) = result.networks  # the own one is no other
    found = result.networks[name]
    assert name == "mlp" and result.held_out == 3  # a tenth of 30
    assert len(found.scores.accuracies) == 2
    assert found.learning_rate in found.searched
    rates = [recipe.learning_rate * factor for factor in (0.2, 1, 5)]
    assert sorted(found.searched) == pytest.approx(rates)
    alone = keras_isa.evaluate(made, test, **options)
    assert alone.networks["mlp"].learning_rate == recipe.learning_rate
    assert alone.networks["mlp"].searched == {} and alone.held_out == 0
    assert "without training images none is searched" in str(alone)
    assert json.loads(json.dumps(result.to_dict()))["networks"]["mlp"]["learning_rate"] > 0


def test_other_architectures_that_do_not_fit(data, network, asked):
    train, test = data
    made = keras_isa.DistilledData.from_samples(train.x, train.y, 2, class_names=train.class_names)
    with pytest.raises(ValueError, match="`networks` must name one or more of convnet"):
        keras_isa.evaluate(made, test, networks=["resnet50"])
    with pytest.raises(ValueError, match="`networks` must be empty where `network` builds"):
        keras_isa.evaluate(made, test, networks=["mlp"], network=network)
    assert asked == []


def test_a_network_that_diverges_does_not_lose_the_rest(data, monkeypatch):
    train, test = data
    made = keras_isa.DistilledData.from_samples(train.x, train.y, 2, class_names=train.class_names)
    accuracies = Students.accuracies

    def diverged(students, *arguments, **options):
        found = accuracies(students, *arguments, **options)
        return found * np.nan if students.recipe.network == "mlp" else found

    monkeypatch.setattr(Students, "accuracies", diverged)
    recipe = Recipe(width=2, depth=1, steps=2, augmentation=())
    options = {"recipe": recipe, "repeats": 1, "networks": ["mlp"], "baselines": ()}
    result = keras_isa.evaluate(made, test, train=train, **options)
    assert result.networks["mlp"].scores.accuracies == (0.0,)
    assert result.networks["mlp"].searched == {}


def test_all_baselines(data, network):
    train, test = data
    made = keras_isa.DistilledData.from_samples(train.x, train.y, 2, class_names=train.class_names)
    recipe = Recipe(steps=2, augmentation=(), learning_rate=0.03)
    options = {"recipe": recipe, "repeats": 2, "baselines": keras_isa.evaluation.BASELINES}
    result = keras_isa.evaluate(made, test, train=train, network=network, **options)
    assert list(result.baselines) == ["random", "kmeans", "herding", "soft", "full"]
    assert all(len(scores.accuracies) == 2 for scores in result.baselines.values())
    # 500 steps on all images; two on the others.
    assert np.mean(result.baselines["full"].accuracies) > 0.6
