"""A search so small that it takes seconds: 120 digits, one block of width 4, a handful of steps."""

from types import SimpleNamespace

import pytest

from keras_isa.presets import Settings
from keras_isa.tuning import DistillationHyperModel, DistillationTuner

RECIPE = {"width": 4, "depth": 1, "steps": 3, "warmup_steps": 1, "augmentation": []}


@pytest.fixture(scope="session")
def settings():
    """The settings of a whole run of 18 steps."""
    return Settings(
        images_per_class=1,
        width=4,
        depth=1,
        normalization="identity",
        pool_size=2,
        max_online_steps=5,
        batch_size=16,
        steps=18,
        epochs=2,
        learning_rate=1e-2,
        regularization=1e-2,
        steps_per_execution=1,
        recipe=RECIPE,
    )


@pytest.fixture(scope="session")
def train(digits):
    """The first 120 training images."""
    whole = digits[0]
    names = ("name", "image_shape", "num_classes", "class_names", "pixel_range")
    facts = {name: getattr(whole, name) for name in names}
    return SimpleNamespace(x=whole.x[:120], y=whole.y[:120], **facts)


@pytest.fixture(scope="session")
def make_model(settings, train):
    """`make_model(...)` gives a hypermodel that scores by regression."""

    def make(space=None, **options):
        changes = options.pop("changes", {})
        options = {"objective": "krr", "steps": 4, "repeats": 1, **options}
        return DistillationHyperModel(settings.with_changes(**changes), train, space, **options)

    return make


@pytest.fixture(scope="module")
def shared_model(make_model):
    """One hypermodel for the searches of a module, as compiling takes most of their time."""
    return make_model()


@pytest.fixture
def make_tuner(shared_model, tmp_path):
    """`make_tuner("grid", ...)` gives a tuner in one folder; `make_tuner.said` has its reports."""
    said = []

    def make(kind="random", trials=3, model=None, **options):
        model = model or shared_model
        options = {"directory": tmp_path / "search", "report": said.append, **options}
        return DistillationTuner(model, kind, trials, **options)

    make.said = said
    return make
