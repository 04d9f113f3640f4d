"""The choice of settings for a data set."""

import pytest

from keras_isa.presets import derive_settings, preset_for, read_preset, settings_for

MNIST = ((28, 28, 1), 10)
CIFAR10 = ((32, 32, 3), 10)
CIFAR100 = ((32, 32, 3), 100)
IMAGENET64 = ((64, 64, 3), 1000)
IMAGENETTE = ((128, 128, 3), 10)


@pytest.mark.parametrize(
    "name,problem,accelerated,cpu",
    [
        ("digits", ((8, 8, 1), 10), "digits", "digits"),
        ("tfds:mnist", MNIST, "mnist", "mnist-cpu"),
        ("tfds:mnist:3.0.1", MNIST, "mnist", "mnist-cpu"),
        ("/data/sets/mnist.npz", MNIST, "mnist", "mnist-cpu"),
        ("fashion_mnist.npz", MNIST, "fashion_mnist", "fashion_mnist-cpu"),
        ("/data/cifar10", CIFAR10, "cifar10", "cifar10-cpu"),
        ("tfds:cifar100", CIFAR100, "cifar100", None),
        ("tfds:imagenet_resized/64x64", IMAGENET64, "imagenet64", None),
        ("tfds:imagenet_resized/64x64:0.1.0", IMAGENET64, "imagenet64", None),
        ("tfds:imagenet64", IMAGENET64, "imagenet64", None),
        ("tfds:imagenette/160px-v2", IMAGENETTE, "imagenette128", None),
        ("/data/imagewoof128", IMAGENETTE, "imagewoof128", None),
        ("tiny_imagenet.npz", ((64, 64, 3), 200), "tiny_imagenet", None),
    ],
)
def test_known_names(stub, name, problem, accelerated, cpu):
    assert preset_for(stub(name, *problem), accelerated=True) == accelerated
    assert preset_for(stub(name, *problem), accelerated=False) == cpu


@pytest.mark.parametrize(
    "name,problem",
    [
        ("arrays", MNIST),
        ("/data/mnist/images.npz", MNIST),
        ("my_mnist.npz", MNIST),
        ("mnist-cpu.npz", MNIST),
        ("tfds:kmnist", MNIST),
        ("tfds:imagenet_resized/32x32", IMAGENET64),
        ("tfds:imagenet_resized", IMAGENET64),
        # Another data set of the same name.
        ("mnist.npz", ((28, 28, 3), 10)),
        ("mnist.npz", ((32, 32, 1), 10)),
        ("mnist.npz", ((28, 28, 1), 9)),
        ("mnist.npz", ((784,), 10)),
        ("tfds:cifar10", CIFAR100),
        ("digits", ((16, 16, 1), 10)),
    ],
)
def test_other_data_get_derived_settings(stub, name, problem):
    dataset = stub(name, *problem)
    for accelerated in (False, True):
        assert preset_for(dataset, accelerated) is None
        derived = derive_settings(*problem, len(dataset), 1, accelerated)
        assert settings_for(dataset, 1, accelerated) == derived


def test_a_preset_comes_with_the_hardware(stub):
    dataset = stub("tfds:cifar10", *CIFAR10)
    for size in (1, 10, [1] * 9 + [50]):
        assert settings_for(dataset, size, accelerated=True) == read_preset("cifar10", size)[0]
        assert settings_for(dataset, size, accelerated=False) == read_preset("cifar10-cpu", size)[0]


@pytest.mark.parametrize("name,problem", [("cifar100", CIFAR100), ("imagenette128", IMAGENETTE)])
def test_without_a_variant_a_cpu_derives_but_keeps_the_kind(stub, name, problem):
    dataset = stub(f"{name}.npz", *problem)
    for size in (1, 10):
        settings = settings_for(dataset, size, accelerated=False)
        published = read_preset(name, size)[0]
        derived = derive_settings(*problem, len(dataset), size, accelerated=False)
        assert (settings.preprocessing, settings.flip) == (published.preprocessing, published.flip)
        assert settings.recipe["augmentation"] == published.recipe["augmentation"]
        for key in ("width", "batch_size", "steps", "learning_rate"):
            assert getattr(settings, key) == getattr(derived, key)
        assert settings.recipe["steps"] == derived.recipe["steps"]
    assert settings.preprocessing != derived.preprocessing


def test_an_explicit_preset_is_taken_as_it_is(stub):
    for name in ("arrays", "fashion_mnist.npz"):
        for preset in ("mnist", "mnist-cpu", "fashion_mnist"):
            for accelerated in (False, True):
                chosen = settings_for(stub(name, *MNIST), 10, accelerated, preset=preset)
                assert chosen == read_preset(preset, 10)[0]


def test_an_explicit_preset_must_fit(stub):
    for problem, told in (
        (CIFAR10, "shape (32, 32, 3) and 10 classes"),
        (((28, 28, 1), 47), "shape (28, 28, 1) and 47 classes"),
        (((784,), 10), "shape (784,) and 10 classes"),
    ):
        with pytest.raises(ValueError) as error:
            settings_for(stub("mnist", *problem), 1, True, preset="mnist")
        assert str(error.value) == (
            "`preset` must fit the data; mnist is for images of shape (28, 28, 1) and 10 classes. "
            f"Received: {told}"
        )
    with pytest.raises(ValueError, match="`preset` must be one of .*Received: preset='emnist'"):
        settings_for(stub("mnist", *MNIST), 1, True, preset="emnist")
    with pytest.raises(ValueError, match="`images_per_class` must be a positive integer"):
        settings_for(stub("mnist", *MNIST), 0, True)


def test_a_regression_has_settings_of_its_own():
    about = (8, 8, 3), 2, 500, 10
    classes = derive_settings(*about, accelerated=False)
    settings = derive_settings(*about, accelerated=False, task="regression")
    assert settings.images_per_class == 10 and classes.images_per_class == 10
    assert (settings.regularization, settings.normalization) == (1e-2, "identity")
    assert settings.recipe["augmentation"] == [] != classes.recipe["augmentation"]
    assert classes.flip and not settings.flip  # to mirror an image may change its targets
