"""Every wrong argument is refused by name, with what was received, before any long work."""

import types
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

import keras_isa
from keras_isa import (
    DistilledData,
    FRePoTrainer,
    datasets,
    evaluation,
    export,
    layers,
    models,
    ops,
    presets,
)
from keras_isa.evaluation import Recipe
from keras_isa.models import ModelPool
from keras_isa.presets import Settings

NAN, INF = float("nan"), float("inf")
NAMES = ("ant", "bee", "cat")
SHAPE = (4, 4, 1)
X = np.random.default_rng(0).integers(0, 256, (12, *SHAPE)).astype("uint8")
Y = np.arange(12) % 3
BROKEN = np.where(np.arange(12).reshape(12, 1, 1, 1) == 5, NAN, X)
EYE = np.eye(3)
COUNTS = (0, -1, 2.5, True, "4")  # none of them is a positive integer


class Says(NamedTuple):
    """A wrong value, and what the message says of it where that is not the value or its kind."""

    value: Any
    text: str


def told(value):
    """What a message may say of a value."""
    if isinstance(value, Says):
        return [value.text]
    if hasattr(value, "dtype"):
        return [str(value.shape), str(value.shape[1:]), str(value.dtype), type(value).__name__]
    return [repr(value), type(value).__name__, *([value] if isinstance(value, str) else [])]


def wrong(call, **arguments):
    """One case for each value in a list of wrong values of each argument.

    `call(ready, argument=value)` puts it among valid ones. In messages an argument may go by
    another name: `kind__preprocessing` says that `kind` is called `preprocessing` there.
    """
    for keyword, values in arguments.items():
        keyword, _, name = keyword.partition("__")
        for number, value in enumerate(values):
            # Without the address of a function: it differs between the processes of a test run.
            shown = told(value)[0].partition(" at 0x")[0][:30]
            label = f"{call.__name__}-{keyword}-{number}-{shown}"
            bad = {keyword: value.value if isinstance(value, Says) else value}
            yield pytest.param(name or keyword, told(value), partial(call, **bad), id=label)


def on(function, **valid):
    """A call of `function` with a wrong argument among valid ones."""
    return named(function.__name__, lambda ready, **bad: function(**{**valid, **bad}))


def method(owner, name, **valid):
    """The same of a method of something in `ready`."""
    return named(
        name, lambda ready, **bad: getattr(getattr(ready, owner), name)(**{**valid, **bad})
    )


def named(name, call):
    call.__name__ = name
    return call


def build():
    inputs = keras.Input(SHAPE)
    features = keras.layers.Flatten()(inputs)
    return keras.Model(inputs, [keras.layers.Dense(3)(features), features])


@pytest.fixture(scope="module")
def ready():
    """What takes a while to make: a compiled trainer and its set."""
    distilled = DistilledData.from_samples(X, Y, 1, class_names=NAMES)
    trainer = FRePoTrainer(distilled, build, pool_size=1)
    trainer.compile()
    return types.SimpleNamespace(distilled=distilled, trainer=trainer)


PART = datasets.Dataset.from_arrays(X, Y, class_names=NAMES)
SHUFFLED = Says(PART.select_classes(["cat", "bee", "ant"]), "cat, bee, ant")
PATHS = [None, 3, "no/such/a.keras"]
LABELS = [
    Says(Y[:11], "11 labels for 12"),
    Says(Y + 1, "a label 3 at index 2"),
    Says(Y - 1, "a label -1 at index 0"),
    Y / 2,
    Y > 0,
    EYE[Y],
    Says(["dog"] * 12, "'dog'"),
]


def with_a_word(array):
    """Objects, numbers but for one word."""
    objects = array.astype(object)
    objects[2, 0, 0, 0] = "a"
    return objects


IMAGES = [
    Says(BROKEN, "1 such images, the first at index 5"),
    X * 1j,
    Says(with_a_word(X), "'a' at"),
    X[:0],
    X[:, 0, 0, 0],
    Says([[1], [1, 2]], "shape (2,)"),
]


def batches(ready, **bad):
    return next(ready.distilled.batches(**bad))


def evaluate(ready, **bad):
    return keras_isa.evaluate(**{"distilled": ready.distilled, "test": (X, Y), **bad})


# fmt: off
# A table: one function after the other, whatever is valid of it first.
CASES = [
    *wrong(on(ops.crucial_indices, losses=[1.0, 2.0], fraction=0.5),
        fraction=[0, 1.5, -0.1, NAN, INF, True, "half", None], keep=["best", None],
        losses=[EYE, np.zeros(0), np.array([1j]), np.array(["a"]), Says(None, "object")]),
    *wrong(on(ops.residual_losses), residuals=[np.ones(3), Says([[1], []], "list")]),
    *wrong(on(ops.kernel_regression, target_features=EYE, synthetic_features=EYE,
        synthetic_labels=EYE), regularization=[-1e-6, NAN, INF, True, "1", None],
        target_features=[np.ones((2, 4)), np.ones(3)],
        synthetic_features=[np.ones((0, 3)), np.ones((2, 3)), EYE * 1j],
        synthetic_labels=[np.ones((2, 3)), np.ones(3)]),
    *wrong(on(ops.kernel_regression_from_kernels, cross_kernel=EYE, synthetic_kernel=EYE,
        synthetic_labels=EYE), regularization=[-1e-6, None],
        cross_kernel=[np.ones((2, 4)), np.ones(3), EYE * 1j],
        synthetic_kernel=[np.ones((0, 3)), np.ones((2, 3)), np.ones((3, 2)), EYE * 1j],
        synthetic_labels=[np.ones((2, 3)), np.ones(3)]),
    *wrong(on(ops.encode_labels, class_ids=Y, num_classes=3),
        num_classes=[1, 3.0, True, "3"],
        class_ids=[Y / 2, Y > 0, EYE.astype(int), Says(Y - 1, "-1 to 1"), Says(Y + 1,
        "1 to 3")]),
    *wrong(on(ops.label_margin), labels=[np.ones(3), np.ones((3, 1)), EYE * 1j]),
    *wrong(on(ops.isa_loss, residuals=EYE, partner_residuals=EYE),
        interval=[(0.5, 0), (0, NAN), (0, 1, 2), 0.5, "01", None], reduction=["sum", None],
        partner_residuals=[EYE[:2]], residuals=[np.ones(3)]),
    *wrong(on(ops.isa_loss_all_pairs), residuals=[np.ones(3), EYE * 1j]),
    *wrong(on(ops.nearest_partners), features=[np.ones(3), np.array([["a"]])]),
    *wrong(on(ops.same_class_partners, features=EYE),
        class_ids=[np.array([0, 1]), np.ones(3), EYE.astype(int)]),
    *wrong(on(ops.class_counts, images_per_class=1, available=[4, 5, 6], class_names=NAMES),
        images_per_class=[*(0, -1, 1.5, True, None, "all", "proportional:0",
        "proportional:-1", 9), Says([1, 2], "2 numbers"), Says([1, 0, 1],
        "0"), Says({"dog": 1}, "'dog'"), Says({"ant": 1, 0: 1},
        "0"), Says({"ant": 1, "bee": 1, "cat": 1.5}, "1.5")], available=[[], [1, -1, 2], 3],
        class_names=[Says(["ant"], "1")]),
    *wrong(on(ops.apply_affine, images=X, matrices=np.ones((1, 2, 3))),
        images=[X[0], X * 1j], matrices=[np.ones((1, 2, 2)), np.ones((5, 2, 3)), np.ones(6)]),
    *wrong(on(ops.affine_parameters, angle=np.ones(3)), zoom_y=[np.ones(2), EYE]),
    *wrong(on(ops.adjust_color, images=X), images=[X[0]], contrast=[np.ones(5)],
        brightness=[Says("light", "<U5")]),
    *wrong(on(ops.cut_out, images=X, top=0, left=0, height=1, width=1),
        top=[np.ones((2, 1))], width=[np.ones(3)]),
    *wrong(on(ops.KeySequence), key=[np.arange(3), np.ones(2), Says("ab", "<U2")]),
    *wrong(on(layers.CrucialSamples), fraction=[0, NAN], keep=["worst"]),
    *wrong(on(layers.InfiniteSemanticAugmentation), interval=["01", (1, 0)],
        pairing=["near", None], reduction=["sum"], seed=[-1, 0.5, True, 2**32]),
    *wrong(on(layers.KernelRidgeRegression), regularization=[None, -1]),
    *wrong(on(layers.KernelRidgeRegression().call), inputs=[Says((EYE, EYE), "2")]),
    *wrong(on(layers.Standardization), channels=COUNTS),
    *wrong(on(layers.Standardization(1).adapt), images=[Says(X[..., [0, 0]],
        "(12, 4, 4, 2)"), X * 1j, X[:0], None, Says(BROKEN, "NaN"), 3]),
    *wrong(on(layers.Standardization(3).call), images=[X]),
    *wrong(on(layers.ZCAWhitening), regularization=["a", -1, NAN, True], blocks=COUNTS,
        standardize=["no", 1]),
    *wrong(on(layers.ZCAWhitening(blocks=2).adapt),
        images=[X[:, :3], Says(BROKEN, "NaN"), Y, "images"]),
    *wrong(on(layers.PatchConv2D, filters=4), filters=COUNTS,
        kernel_size=[2, 0, (3, 5), None], implementation=["gpu", None], strides=[2]),
    *wrong(on(layers.EvaluationAugmentation),
        operations=[None, Says([], "none"), "blur", ["crop", "crop"], [1, 2]],
        seed=[-1, "0"]),
    *wrong(on(layers.EvaluationAugmentation(seed=0).call, training=True),
        batches__images=[X[:, 0, 0].astype("float32")]),
    *wrong(on(layers.SiameseAugmentation), operations=["crop, flip", 3], seed=[1.5],
        per_image=["yes", None]),
    *wrong(on(layers.preprocessing_layer, kind="zca", image_shape=SHAPE),
        kind__preprocessing=["pca", None], image_shape=[(), (4, 4, 1, 1), None, "441"]),
    *wrong(on(models.ConvNet, input_shape=SHAPE, num_classes=3),
        input_shape=[None, (4, 4), (4, 4, 1.5), (4, 4, True), (1, 8, 1), (4, 0, 1), "441"],
        num_classes=COUNTS, width=COUNTS, depth=[3, *COUNTS], normalization=["layer", None],
        implementation=["gpu"]),
    *wrong(on(models.MLP, input_shape=(4,), num_classes=3), input_shape=[SHAPE, 4, (0,)],
        depth=COUNTS, normalization=["layer"]),
    *wrong(on(models.default_network, num_classes=3), image_shape=[(4, 4, 1, 1), None, "4"]),
    *wrong(on(models.default_flops, image_shape=SHAPE, num_classes=3, width=4),
        width=[NAN, 0], depth=[-1]),
    *wrong(on(models.with_features, build=build, layer="flatten"),
        build__feature_extractor=["resnet", Says(keras.Sequential(name="made"), "made")],
        layer__feature_layer=[3, None], num_classes=COUNTS),
    *wrong(on(DistilledData, image_shape=SHAPE, num_classes=3, images_per_class=1),
        image_shape=[(4, 4, 1, 1), (4.5, 4, 1), "441", 4, None], num_classes=COUNTS,
        images_per_class=[0, 1.0, None, "proportional", Says([1, 0, 1], "0"), Says([1],
        "1 numbers")],
        class_names=[Says(["a", "b"], "2"), "abc", Says(["a", "a", "b"], "'a' twice"), 3],
        preprocessing=["zca", np.mean],
        pixel_range=[Says((1, 0), "(1.0, 0.0)"), Says((0, INF), "(0.0, inf)"), "01", None],
        learn_labels=["no", 1], recipe=["fast", [1]], provenance=[3]),
    *wrong(on(DistilledData.from_samples, x=X, y=Y, images_per_class=1, class_names=NAMES),
        x=IMAGES, y=LABELS, num_classes=COUNTS,
        images_per_class=[Says(5, "=5"), Says({"dog": 1}, "'dog'"), True],
        preprocessing=["pca", 3], seed=[-3, 0.5, None]),
    *wrong(on(DistilledData.from_arrays, images=X[:3], labels=EYE),
        images=[Says(BROKEN[3:6], "nan at"), X[:2], X[:3] * 1j],
        labels=[Says(EYE * NAN, "nan at"), np.array([["a"] * 3] * 3)]),
    *wrong(method("distilled", "to_numpy"), space=["raw", None]),
    *wrong(batches, batch_size=COUNTS),
    *wrong(method("distilled", "learn"), labels=["yes", None]),
    *wrong(method("distilled", "draw_real_images", x=X), y=[Says(Y + 1, "label 3"), Y / 2]),
    *wrong(method("distilled", "save"), path=[*PATHS, "a.h5"]),
    *wrong(on(keras_isa.load), path=PATHS),
    *wrong(on(export.save_grid, distilled=None, path="a.png"), columns=COUNTS),
    *wrong(on(export.export_npz, distilled=None), path=PATHS),
    *wrong(on(export.export_png, distilled=None), folder=PATHS[:2]),
    *wrong(on(FRePoTrainer, distilled=DistilledData(SHAPE, 3, 1), feature_extractor=build),
        distilled=[[1], None], feature_extractor=[None, Says(dict, "dict")],
        feature_layer=["top", 3], pool_size=COUNTS, max_online_steps=COUNTS,
        regularization=[-1, INF, "1"], crucial_fraction=[0, 1.5, NAN],
        augmentation=["nearest"], flip=[1, None], seed=[-1, 2**32, 1.5, True]),
    *wrong(on(ModelPool, feature_extractor=build, image_shape=SHAPE, num_classes=3),
        size=COUNTS, max_online_steps=[0], image_shape=[None, (4, 4, 1, 1)], num_classes=[2.5],
        seed=["0"], feature_extractor=[3]),
    *wrong(method("trainer", "compile"), optimizer=["adam", 1e-3], inner_optimizer=["adam"],
        steps_per_execution=["all", None, *COUNTS]),
    *wrong(on(FRePoTrainer.from_preset, preset="digits", verbose=False),
        preset=["mnits", None], images_per_class=[0, Says([1, 2], "2 numbers")],
        stpes__settings=[Says(3, "stpes")], steps=COUNTS, pool_size=["ten"], seed=[None, -1]),
    *wrong(on(FRePoTrainer.from_settings, settings=Settings(1), distilled=None),
        settings=[{}], distilled=[[1]]),
    *wrong(method("trainer", "fit", x=X, y=Y, verbose=0), x=[None, X[:, :3], *IMAGES],
        y=[None, *LABELS], batch_size=COUNTS, epochs=COUNTS, steps_per_epoch=COUNTS,
        initial_epoch=[-1, 0.5], validation_split=[1, -0.1, NAN, True, "0.1", None],
        validation_data=[*(3, (X, Y, Y), SHUFFLED, Says((X, Y[:2]), "2 labels"),
        Says((X, Y + 2), "a label 3")), *(Says((BROKEN, Y), "1 such images"),
        Says((X[:, :3], Y), "(3, 4, 1)"), Says((X, None), "None"))],
        callbacks=[Says([print], "print"), "tensorboard"]),
    *wrong(method("trainer", "fit", verbose=0, validation_split=0.5),
        x__validation_split=[[(X, Y)]]),
    *wrong(method("trainer", "evaluate", x=X, y=Y), x=IMAGES, y=[None, *LABELS]),
    *wrong(method("trainer", "evaluate"), x=[SHUFFLED]),
    *wrong(evaluate, distilled__path=[1.5, "no.keras"],
        test=[X, (X, Y, Y), SHUFFLED, Says((X[:, :3], Y), "(3, 4, 1)")],
        test__y_test=[Says((X, Y + 1), "a label 3")],
        train__x_train=[Says((BROKEN, Y), "1 such")], repeats=COUNTS,
        baselines=["random", None, ["best"]], recipe=[{"steps": 3}, "fast"],
        network=["resnet"], seed=["a", -1]),
    *wrong(on(Recipe), width=COUNTS, depth=COUNTS, steps=COUNTS, warmup_steps=[-1, 1.5],
        batch_size=COUNTS, learning_rate=[0, -1, NAN, "fast", None],
        augmentation=[None, "crop", ["blur"], ["crop", "crop"]], epochs=COUNTS, shuffle=["no"],
        loss=["hinge"], optimizer=["lamb"], momentum=[1.0, NAN, 0.9], weight_decay=[-1, 0.1],
        schedule=["flat"], normalization=["layer"], constant_width=[0], strategy=["none"]),
    *wrong(on(Recipe.from_dict), values__recipe=["fast", Says({"stepz": 3}, "stepz")]),
    *wrong(on(Settings, images_per_class=1), images_per_class=[0, "1", (), (1, 0)],
        preprocessing=["whiten", None], width=COUNTS, depth=COUNTS, normalization=["layer"],
        dtype_policy=["bfloat16", 16], pool_size=COUNTS, max_online_steps=COUNTS,
        batch_size=COUNTS, steps=COUNTS, epochs=COUNTS, learning_rate=[0, INF],
        inner_learning_rate=[-1, True],
        final_learning_rate=[2.0, NAN], regularization=[-1], crucial_fraction=[1.1],
        isa_interval=[0.5, (1, 0)], pairing=["far"], reduction=["sum"], flip=["no"],
        learn_labels=[0], validation_split=[1], steps_per_execution=["most", 0], recipe=[5]),
    *wrong(on(presets.read_preset, images_per_class=1), preset=["no", 3]),
    *wrong(on(presets.derive_settings, image_shape=SHAPE, num_classes=3, train_size=9,
        images_per_class=1, accelerated=False), image_shape=[(4, 4, 1, 1)], num_classes=COUNTS,
        train_size=COUNTS, images_per_class=[0]),
    *wrong(on(presets.settings_for, dataset=PART, images_per_class=1, accelerated=False),
        dataset=[X], preset=[Says("digits", "3 classes")]),
    *wrong(on(datasets.load, source="digits"), source=[None, "mnits", 3], data_dir=[5],
        download=["no"], classes=["1", 7, Says([], "none"), Says([10], "10"), Says([1, "1"],
        "twice"), Says([1.5], "1.5")], image_size=[0, (8,), 2.5, True]),
    *wrong(on(datasets.Dataset.from_arrays, x=X, y=Y), x__x_train=IMAGES,
        y__y_train=[Says(Y - 1, "-1"), Y / 2, EYE[Y]],
        split=["dev"], class_names=[3, "abc"], name=[None], pixel_range=["ab"]),
    *wrong(on(datasets.train_test_from_arrays, x_train=X, y_train=Y, x_test=X, y_test=Y),
        x_test=[X[:, 1:], Says(X / 1, "x_test of float32")], y_test=[Says(Y + 1, "a label 3")]),
    *wrong(on(datasets.from_batches),
        batches=[5, Says([], "none"), Says([(X, Y, Y)], "tuple of 3")]),
    *wrong(on(datasets.split_train_validation, dataset=PART, fraction=0.5), dataset=[(X, Y)],
        fraction=[1, -0.1, NAN, True], seed=[-1, None]),
    *wrong(on(datasets.prepare, name="a", source="digits", output="a.npz"), name=[3],
        source=[None], output=[None], kind=["h5"], image_size=[0]),
]
# fmt: on


@pytest.mark.parametrize(("argument", "received", "call"), CASES)
def test_a_wrong_argument_is_named(ready, monkeypatch, argument, received, call):
    def long_work(*args, **kwargs):
        raise AssertionError("training began")

    monkeypatch.setattr(keras.Model, "fit", long_work)
    monkeypatch.setattr(evaluation.Students, "train", long_work)
    with pytest.raises((ValueError, TypeError), match=f"`{argument}`") as caught:
        call(ready)
    before, _, after = str(caught.value).partition("Received")
    assert any(words in after for words in received), str(caught.value)
    # Keras frames what is raised inside a layer's call, in lines of its own.
    assert "\n" not in before or "Exception encountered" in before
