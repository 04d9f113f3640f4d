"""Addresses on the Hugging Face Hub, and files that come from there and go there."""

import builtins
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_isa
from keras_isa.asset import hub as ours
from keras_isa.asset.hub import Address, check_repo, fetch, is_address, parse_address, upload

PLACE = "hf://user/repo/sets/two.keras"


@pytest.fixture
def stored(hub, attacks, tmp_path):
    """The hub with a good set at PLACE."""
    path = tmp_path / "two.keras"
    attacks.good_asset(path)
    hub.add("user/repo", "sets/two.keras", path.read_bytes())
    return hub


def refused(address, match):
    with pytest.raises(ValueError, match=match) as caught:
        keras_isa.load(address)
    message = str(caught.value)
    assert len(message.splitlines()) == 1 and message.endswith(f"Received: path={address}")
    assert "hf_Fake" not in message and caught.value.__context__ is None
    return message


# ------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hf://u/r/a.keras", Address("u/r", "a.keras")),
        ("hf://datasets/u/r/a.keras", Address("u/r", "a.keras")),
        ("hf://models/u/r/b/a.keras", Address("u/r", "b/a.keras", None, "model")),
        ("hf://u/r@v1.0/b/c/a.keras", Address("u/r", "b/c/a.keras", "v1.0")),
        ("hf://u/r@a%2Fb/a.keras", Address("u/r", "a.keras", "a/b")),
        ("hf://u/r@refs/pr/3/a.keras", Address("u/r", "a.keras", "refs/pr/3")),
        ("hf://u/r/with space @home.keras", Address("u/r", "with space @home.keras")),
    ],
)
def test_addresses(text, expected):
    assert is_address(text) and parse_address(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "hf:/u/r/a.keras",
        "HF://u/r/a.keras",
        "hf://",
        "hf://u",
        "hf://u/r",
        "hf://u/r/",
        "hf://u/r@/a.keras",
        "hf://u/r@v1",
        "hf://u/a.keras",
        "hf://u//a.keras",
        "hf://u/r//a.keras",
        "hf://u/r/../a.keras",
        "hf://u/r/./a.keras",
        "hf://u/r/a.npz",
        "hf://u/r/a\\b.keras",
        "hf://u/r/a\n.keras",
        "hf://u:secret@host/r/a.keras",
        "hf://spaces/u/r/a b/../c.keras",
    ],
)
def test_malformed_addresses_are_refused_before_anything_is_asked(hub, text):
    assert is_address(text)
    with pytest.raises(ValueError, match="`path` must .*Received: path="):
        keras_isa.load(text)
    assert hub.asked == []


def test_a_path_object_is_no_address():
    with pytest.raises(ValueError, match="must be a string where it is an address"):
        keras_isa.load(Path("hf://u/r/a.keras"))
    assert not is_address("hf") and not is_address(3) and not is_address(Path("a/hf:/b"))


@pytest.mark.parametrize(
    "repo", ["u", "u/r/s", "u/-", "u/a--b", "/r", "u/", "u/r.git", "datasets/r"]
)
def test_names_of_repositories(repo):
    assert check_repo("some-user/a_b.c") == "some-user/a_b.c"
    with pytest.raises(ValueError, match="`repo` must be USER/REPO"):
        check_repo(repo)
    with pytest.raises(TypeError, match="`repo`"):
        check_repo(None)


# ------------------------------------------------------------------ what is fetched


def test_a_set_is_fetched_once_and_then_there_without_network(stored, tmp_path, monkeypatch):
    from huggingface_hub import constants

    expected = keras_isa.load(tmp_path / "two.keras").to_numpy("pixels")
    for _ in range(2):
        for one, two in zip(keras_isa.load(PLACE).to_numpy("pixels"), expected, strict=True):
            np.testing.assert_array_equal(one, two)
    # It also asks other questions, of its own.
    assert [one for one in stored.asked_for("GET") if "resolve" in one] == [
        "/datasets/user/repo/resolve/main/sets/two.keras"
    ]
    assert fetch(PLACE).is_relative_to(stored.cache)
    asked = len(stored.asked)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    keras_isa.load(PLACE)
    assert len(stored.asked) == asked
    refused("hf://user/repo/sets/one.keras", "HF_HUB_OFFLINE forbids it")


def test_revisions_and_models(stored, tmp_path):
    content = (tmp_path / "two.keras").read_bytes()
    stored.add("user/repo", "a.keras", content, revision="v1")
    stored.add("user/net", "a.keras", content, kind="models")
    assert keras_isa.load("hf://user/repo@v1/a.keras").num_classes == 2
    assert keras_isa.load("hf://models/user/net/a.keras").num_classes == 2
    refused("hf://user/repo@v2/a.keras", "no branch, tag or commit v2")
    refused("hf://user/net/a.keras", "no repository of datasets user/net.*hf auth login.*models/")


def test_what_the_hub_has_not_or_gives_not(stored):
    refused("hf://user/repo/one.keras", "user/repo has no file one.keras")
    stored.refusals |= {
        "user/private": (401, "RepoNotFound"),
        "user/gated": (403, "GatedRepo"),
        "user/forbidden": (403, None),
        "user/broken": (418, None),
    }
    refused("hf://user/private/a.keras", "or it is private: log in with `hf auth login`")
    refused("hf://user/gated/a.keras", "lets in: ask on its page")
    refused("hf://user/forbidden/a.keras", "refuses .status 403.")
    refused("hf://user/broken/a.keras", "status 418")
    assert stored.asked_for("GET") == []


def test_without_a_network(hub, monkeypatch):
    from huggingface_hub import constants

    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(hub.endpoint, "http://127.0.0.1:1")
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # it tries again and again
    refused(PLACE, "look at the network and HF_ENDPOINT")


def test_a_token_that_cannot_be_sent_is_not_shown(stored, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_Fake\xe9TokenThatMustNotBeSeen")
    refused(PLACE, "cannot be fetched")


# ------------------------------------------------------------------ sizes


@pytest.mark.parametrize(
    ("size", "match"),
    [(10**15, "GB of memory"), (10**9, "bytes, and the disk"), (None, "does not say ")],
)
def test_what_is_too_large_is_not_fetched(stored, monkeypatch, size, match):
    stored.sizes["sets/two.keras"] = size
    if size == 10**9:
        monkeypatch.setattr("keras_isa.memory.available_bytes", lambda: 10**10)
        usage = type("Usage", (), {"free": 10**8})
        monkeypatch.setattr(ours.shutil, "disk_usage", lambda folder: usage)
    refused(PLACE, match)
    assert stored.asked_for("GET") == []


def test_more_than_was_said_is_not_kept(stored):
    stored.sizes["sets/two.keras"] = 100
    refused(PLACE, "more than the 100 bytes")
    blobs = [path for path in stored.cache.rglob("*") if path.is_file() and "blobs" in path.parts]
    # Some versions leave an empty file to go on with.
    assert sum(path.stat().st_size for path in blobs) <= 100


# ------------------------------------------------------------------ strangers


@pytest.mark.parametrize("every", [12, pytest.param(1, marks=pytest.mark.slow)])
def test_a_hostile_file_is_refused_as_on_the_disk(hub, attacks, attacked, every):
    names = [name for name in attacks.ASSET_ATTACKS if name not in attacks.HARMLESS][::every]
    path, marker = attacked(names[0])
    good = path.with_name("good.keras")
    attacks.good_asset(good)
    content = good.read_bytes()
    for number, name in enumerate(names):
        path.write_bytes(content)
        attacks.ASSET_ATTACKS[name](path, marker)
        with pytest.raises(ValueError) as on_disk:
            keras_isa.load(path)
        hub.add("eve/sets", f"{number}.keras", path.read_bytes())
        address = f"hf://eve/sets/{number}.keras"
        with pytest.raises(ValueError) as from_hub:
            keras_isa.load(address)
        assert str(from_hub.value) == str(on_disk.value).replace(str(path), address), name
        assert not marker.exists()


# ------------------------------------------------------------------ what is sent


def test_upload_sends_what_is_named(hub, tmp_path):
    for name in ("README.md", "a.keras", "secret.txt"):
        (tmp_path / name).write_text(f"---\nlicense: mit\n---\n{name}")
    url = upload(tmp_path, "user/new", ["README.md", "a.keras"])
    assert url == f"{hub.endpoint}/datasets/user/new"
    assert sorted(path for *_, path in hub.files) == ["README.md", "a.keras"]
    sent = hub.files["datasets", "user/new", "main", "a.keras"]
    assert sent == (tmp_path / "a.keras").read_bytes()


@pytest.mark.parametrize("status", [401, 403, 400])
def test_an_upload_that_is_refused(hub, tmp_path, monkeypatch, status):
    (tmp_path / "README.md").write_text("hello")
    hub.refusals["user/new"] = status, None
    with pytest.raises(
        ValueError, match="`repo` cannot be written to: .*Received: repo="
    ) as caught:
        upload(tmp_path, "user/new", ["README.md"])
    message = str(caught.value)
    assert hub.token not in message and hub.files == {}
    assert ("hf auth login" if status < 404 and status > 400 else "no, Bearer ***") in message


def test_what_the_hub_says_of_a_card_is_passed_on(hub, tmp_path):
    (tmp_path / "README.md").write_text("hello")
    hub.card_errors.append('"license" must be one of these')
    with pytest.raises(ValueError, match='"license" must be one of these'):
        upload(tmp_path, "user/new", ["README.md"])
    assert hub.files == {}


# ------------------------------------------------------------------ the package


def test_without_the_package(monkeypatch):
    def missing(name, *rest, **more):
        if name.partition(".")[0] == "huggingface_hub":
            raise ImportError(name)
        return real(name, *rest, **more)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"pip install keras_isa\[hub\]"):
        keras_isa.load(PLACE)
    with pytest.raises(ImportError, match=r"pip install keras_isa\[hub\]"):
        ours.check_installed()


@pytest.mark.slow
def test_the_endpoint_of_the_environment_is_asked(stored, tmp_path):
    root = Path(keras_isa.__file__).parents[1]
    paths = {"HF_HOME": str(tmp_path / "home"), "PYTHONPATH": str(root)}
    environment = {**os.environ, **paths, "HF_ENDPOINT": stored.endpoint}
    code = f"import keras_isa; print(keras_isa.load({PLACE!r}).num_classes)"
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert run.stdout.split() == [b"2"], run.stderr
