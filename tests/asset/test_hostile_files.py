"""Damaged and forged files: an error or the right contents, and no harm."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import keras_isa
from keras_isa import datasets

KINDS = ("keras", "npz")
_FORGET = Path("/proc/self/clear_refs")


def counted(fuzz, kind, damage, *arguments, anything=False):
    """Counts of outcomes, where nothing may fail, take long or take much memory."""
    subject, failures = fuzz.Subject(kind), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of arrays whose names are damaged
        counts = fuzz.count(subject, damage(subject, *arguments), failures, anything)
    assert failures == []
    assert counts["slowest_seconds"] < 10
    if _FORGET.exists():
        assert counts["memory_growth_mb"] < 150
    return counts


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_files_are_refused(fuzz, kind):
    def some(subject):
        return dict(list(fuzz.truncated(subject).items())[::3])

    assert counted(fuzz, kind, some)["refused"] == 34


@pytest.mark.parametrize(
    "flips", [60, pytest.param(10_000, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_flipped_bytes_are_found_or_change_nothing(fuzz, kind, flips):
    counts = counted(fuzz, kind, fuzz.flipped, flips, 0)
    assert counts["refused"] + counts["equal"] == counts["cases"] == flips
    assert counts["refused"] > 0.8 * flips


@pytest.mark.parametrize("kind", KINDS)
def test_forged_members_raise_no_other_error(fuzz, kind):
    counts = counted(fuzz, kind, fuzz.forged, 60, 0, anything=True)
    assert counts["refused"] > 15


def test_a_flip_of_every_byte_that_says_something_is_found(fuzz):
    subject = fuzz.Subject("keras")
    for content in subject.members.values():
        start = subject.files[""].index(content)
        for place in range(start, start + len(content), 293):
            changed = bytearray(subject.files[""])
            changed[place] ^= 1
            outcome, *_ = fuzz.outcome(subject, lambda path, _, c=changed: path.write_bytes(c))
            assert outcome == "refused"


def checked_download(fuzz, name, cases):
    """Counts of outcomes of a damaged download; what no checksum covers may be read otherwise."""
    subject, failures = fuzz._downloads.Subject(name), []
    counts = fuzz.count(subject, cases(subject), failures, anything=not subject.checked)
    assert failures == [] and counts["slowest_seconds"] < 10
    if _FORGET.exists():
        assert counts["memory_growth_mb"] < 150
    return counts


@pytest.mark.parametrize("flips", [6, pytest.param(5000, marks=pytest.mark.slow)])
def test_downloads_with_flipped_bytes(fuzz, flips):
    counts = [
        checked_download(fuzz, name, lambda subject: fuzz.flipped(subject, flips, 1))
        for name in fuzz._downloads.samples()
    ]
    assert len(counts) >= 20 and sum(one["refused"] for one in counts) > 0.2 * flips * len(counts)


def test_downloads_that_are_cut_off(fuzz):
    for name in fuzz._downloads.samples():

        def some(subject):
            cases = list(fuzz.truncated(subject).items())
            return dict(cases[3 :: max(1, len(cases) // 4)])

        assert checked_download(fuzz, name, some)["refused"] > 0


@pytest.mark.parametrize(
    "name",
    [
        "imagenet_pickles",
        "mnist",
        "mnist_gz",
        "cifar100_tar",
        "imagenet_zip",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("cifar10_python", "cifar100_python", "cifar10_tar_gz")
        ),
    ],
)
def test_downloads_made_to_do_harm_are_refused(fuzz, name):
    counts = checked_download(fuzz, name, lambda subject: subject.attacks)
    assert counts["refused"] == counts["cases"] > 8


@pytest.mark.parametrize("kind", ["frepo", "dc", "rfad"])
@pytest.mark.parametrize("flips", [40, pytest.param(10_000, marks=pytest.mark.slow)])
def test_published_sets_of_others_do_no_harm(fuzz, kind, flips):
    pytest.importorskip({"frepo": "msgpack", "dc": "torch"}.get(kind, "numpy"))
    subject, failures = fuzz.subject_of(kind), []

    def outcomes(cases):
        return fuzz.count(subject, cases, failures, anything=True)

    found = [
        outcomes(dict(list(fuzz.truncated(subject).items())[::7])),
        outcomes(fuzz.flipped(subject, flips, 2)),
        outcomes(subject.attacks),
    ]
    assert failures == [] and max(one["slowest_seconds"] for one in found) < 10
    assert found[0]["refused"] == 15 and found[2]["refused"] == found[2]["cases"] > 1
    assert found[1]["refused"] > flips / 10
    if _FORGET.exists():
        assert max(one["memory_growth_mb"] for one in found) < 150


@pytest.mark.parametrize("kind", KINDS)
def test_attacks_do_no_harm(fuzz, attacks, kind):
    counts = counted(fuzz, kind, lambda subject: subject.attacks)
    harmless = len(attacks.HARMLESS) if kind == "keras" else 0
    assert counts["refused"] == counts["cases"] - harmless
    assert counts["equal"] == harmless


@pytest.mark.parametrize("name", ["objects as x_train", "objects as class_names"])
def test_the_traps_are_set(attacked, name):
    path, marker = attacked(name)
    with pytest.raises(ValueError, match="never unpickled"):
        datasets.load(path)
    assert not marker.exists()
    with np.load(path, allow_pickle=True) as archive:
        for file in archive[name.removeprefix("objects as ")]:
            file.close()
    assert marker.exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("name above", r"unexpected '\.\./marker'"),
        ("a member twice", "'config.json' twice"),
        ("compressed zeros", "compressed"),
        ("overlapping members", "overlap"),
    ],
)
def test_what_is_wrong_with_the_archive_is_said(attacked, name, message):
    path, _ = attacked(name)
    with pytest.raises(ValueError, match=f"{message}.*download or save it again. Received: path="):
        keras_isa.load(path)
