"""Runs the Python of the pages, `python -m pytest docs -n 0`: a page is one program."""

import os
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest  # noqa: E402 - the backend first
from sybil import Sybil  # noqa: E402
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser  # noqa: E402

_FLAGS = ELLIPSIS | NORMALIZE_WHITESPACE


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Pages write files: every page has a folder of its own."""
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("page"))
    yield
    os.chdir(before)


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=ELLIPSIS | NORMALIZE_WHITESPACE),
        SkipParser(),
    ],
    patterns=["*.md"],
    excludes=["_build/*"],
    fixtures=["workspace"],
).pytest()
