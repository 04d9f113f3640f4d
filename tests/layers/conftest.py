"""Compiling is most of the time of these tests."""

import pytest


@pytest.fixture(autouse=True)
def _compile_fast(compile_fast):
    """All of them, unless they are marked slow."""
