"""The page of a report: complete, harmless, and readable without its pictures."""

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from keras_isa import DistilledData
from keras_isa.evaluation import (
    Evaluation,
    NetworkScores,
    RegressionScores,
    SampleScores,
    Scores,
    Storage,
    make_report,
)

EVIL = "<script>alert(1)</script>\"'&{{7*7}}"


class Reader(HTMLParser):
    """Collects tags, attributes and text; complains about what is not closed."""

    VOID = {"meta", "link", "img", "br", "line", "circle", "polyline"}

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def evaluation(**changes):
    own, low = Scores((0.9, 0.92), (0.9, 0.9)), Scores((0.5, 0.52), (0.4, 0.4))
    about = {"recipe": {"steps": 3}, "network": "convnet"}
    networks = {"mlp": NetworkScores(Scores((0.7, 0.72), (0.5, 0.5)), 0.0015, {0.0015: 0.7})}
    result = Evaluation(
        own,
        {"random": low, "kmeans": low},
        2,
        2,
        12.0,
        Storage("identity", 6, 288, 2, 8),
        networks=networks,
        held_out=100,
        protocol=about,
        device="the CPU",
    )
    return dataclasses.replace(result, **changes)


def make(
    shape=(4, 4, 3),
    classes=("low", "middle", "high"),
    result=None,
    curves=True,
    count=2,
    provenance=None,
):
    rng = np.random.default_rng(0)
    y = np.arange(40 * len(classes)) % len(classes)
    x = rng.integers(0, 256, (len(y), *shape)).astype("uint8")
    axes = {3: "NHWC", 2: "NTF", 1: "NF"}[len(shape)]
    distilled = DistilledData.from_samples(x, y, count, class_names=classes, axes=axes)
    distilled.provenance.update(provenance or {})
    if curves:
        distilled.provenance["curves"] = [
            {"epoch": 1, "loss": 0.5, "val_accuracy": 0.5},
            {"epoch": 2, "loss": 0.25, "val_accuracy": 0.75},
        ]
    samples = SampleScores(rng.uniform(size=len(y)), (y + 1) % len(classes), y, classes, (0.5,))
    result = of_this_set(result or evaluation(), distilled)
    return make_report(distilled, result, samples=samples, x=x, command="keras-isa report x.keras")


def of_this_set(result, distilled):
    images = len(distilled.class_ids)
    return dataclasses.replace(result, storage=dataclasses.replace(result.storage, images=images))


def test_everything_is_there():
    page = Reader(make().page)
    for part in (
        "Beats k-means images of the same bytes: yes",
        "difference +40.0 points",
        "91.0 ± 1.0",
        "k-means, nearest real images",
        "50.0 % of the real training samples lie within reach",
        "keras-isa report x.keras",
        "(-20.0, rate 0.0015)",
        "chosen on 100 training images",
        "on the CPU, in 12 seconds",
        "288 bytes of images and labels and 8 bytes of preprocessing",
    ):
        assert part in " ".join(page.text.split()), part
    names = [tag for tag, _ in page.tags]
    assert names.count("svg") == 2 and names.count("img") == 6 + 15


def test_a_start_is_told_in_rows():
    before = {"method": "dm", "settings": {"width": 32}, "imported": {"format": "mtt"}}
    text = " ".join(Reader(make(provenance={"started_from": before}).page).text.split())
    assert "The set that it started from" in text and "imported formatmtt" in text  # cells of a row
    assert "started_from" not in text and '"width"' not in text
    assert "started from" not in Reader(make().page).text


def test_nothing_is_asked_of_the_network():
    page = make().page
    for tag, attributes in Reader(page).tags:
        assert tag not in ("script", "iframe", "object", "base", "form")
        for name in ("src", "href"):
            assert attributes.get(name, "data:").startswith("data:")
    assert re.findall(r"(?:https?:)?//|@import|url\(", page.split("data:image", 1)[0]) == []
    assert len(page) < 3e6


def test_pictures_have_texts():
    tags = Reader(make().page).tags
    texts = [attributes.get("alt", "") for tag, attributes in tags if tag == "img"]
    assert all(texts)
    assert "Distilled image 1 of class low" in texts
    assert any(re.fullmatch(r"Training image \d+, labelled low, seen as middle", t) for t in texts)
    (first, _) = [attributes for tag, attributes in tags if tag == "svg"]
    assert first["role"] == "img"
    assert first["aria-label"] == "Accuracy by epoch: val_accuracy from 0.5 to 0.75"


def test_names_are_text_and_no_markup():
    report = make(classes=("low", EVIL, "high"))
    page = Reader(report.page)
    assert not [tag for tag, _ in page.tags if tag == "script"]
    assert EVIL in page.text and "49" not in page.text


def test_large_sets_are_shown_in_part():
    classes = tuple(f"class {k}" for k in range(30))
    report = make(classes=classes, count=12)
    page = Reader(report.page)
    assert "20 of 30 classes are shown" in " ".join(page.text.split())
    assert "(10 of 12)" in page.text
    assert len(report.page) < 3e6


@pytest.mark.parametrize("shape", [(6,), (12, 2)], ids=["flat", "sequences"])
def test_what_is_no_picture_is_drawn_as_one(shape):
    page = Reader(make(shape=shape).page)
    assert sum(tag == "img" for tag, _ in page.tags) == 1
    assert "seen as" in page.text  # the hardest samples are a table


def test_one_network_and_nothing_else():
    own = Scores((0.9,), (0.9,))
    bare = evaluation(distilled=own, baselines={"kmeans": own}, networks={}, repeats=1, held_out=0)
    text = " ".join(Reader(make(result=bare, curves=False).page).text.split())
    assert "one network of each shows no spread" in text
    assert "None were tested" in text and "no record of them" in text


def test_regression():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 4)), rng.normal(size=30)
    distilled = DistilledData.from_samples(x, y, 5, task="regression")
    scores = RegressionScores.of(np.full((2, 2, 1), 0.25), np.array([[1.0], [3.0]]), ("height",))
    result = evaluation(distilled=scores, baselines={"kmeans": scores}, networks={})
    text = " ".join(
        Reader(make_report(distilled, of_this_set(result, distilled)).page).text.split()
    )
    assert "R²" in text and "0.750" in text
