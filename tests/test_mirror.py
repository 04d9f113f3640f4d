"""Every module has its test file at the same place below tests/."""

import importlib.util
from pathlib import Path

PACKAGE = Path(importlib.util.find_spec("keras_isa").origin).parent
TESTS = Path(__file__).parent


def missing(package, tests):
    """Test files that a module of the package lacks; a list of public names needs none."""
    modules = (path.relative_to(package) for path in sorted(package.rglob("*.py")))
    wanted = (path.parent / f"test_{path.name}" for path in modules if path.name != "__init__.py")
    return [str(path) for path in wanted if not (tests / path).is_file()]


def test_every_module_has_its_test_file():
    assert missing(PACKAGE, TESTS) == []


def test_a_module_without_one_would_be_found(tmp_path):
    package, tests = tmp_path / "package", tmp_path / "tests"
    for folder in (package / "room", tests / "room"):
        folder.mkdir(parents=True)
    for name in ("__init__.py", "a.py", "room/__init__.py", "room/b.py"):
        (package / name).write_text("")
    (tests / "test_a.py").write_text("")
    assert missing(package, tests) == ["room/test_b.py"]
