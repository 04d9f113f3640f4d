"""What a release says of itself, in several places."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = ("pyproject.toml", "CITATION.cff", "CHANGELOG.md", "LICENSE")
pytestmark = pytest.mark.skipif(
    not all((ROOT / name).is_file() for name in FILES), reason="needs the checkout"
)


def text(name):
    return (ROOT / name).read_text("utf-8")


def field(name):
    """A field of the citation at its top level."""
    (value,) = re.findall(rf"^{name}: (.+)$", text("CITATION.cff"), re.MULTILINE)
    return value


def test_the_version_is_the_same_everywhere():
    version = tomllib.loads(text("pyproject.toml"))["project"]["version"]
    newest = re.search(
        r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d|Unreleased)$", text(FILES[2]), re.M
    )
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert field("version") == version == newest[1]


def test_the_citation_names_the_package_and_its_licence():
    project = tomllib.loads(text("pyproject.toml"))["project"]
    assert field("cff-version") == "1.2.0" and field("type") == "software"
    assert field("title").replace("_", "-") == project["name"]
    assert field("license") == project["license"] == "Apache-2.0"
    assert "Apache License" in text("LICENSE")
    assert text("CITATION.cff").count("    title: ") == 2  # the two papers
