"""JAX asks the cache before it compiles."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys, warnings
warnings.simplefilter("error")
import jax
from keras_isa import backend

events = []
jax.monitoring.register_event_listener(lambda name, **kwargs: events.append(name))
used = backend.cache_programs(sys.argv[1])
value = jax.jit(lambda x: x * x + 3.0)(2.0).item()
hits = sum(name.endswith("cache_hits") for name in events)
print(json.dumps([used, value, hits, "tensorflow" in sys.modules]))
"""


@pytest.fixture
def run(tmp_path):
    def call(root=tmp_path / "cache", **environment):
        clean = {name: value for name, value in os.environ.items() if "COMPILATION" not in name}
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(root)],
            env={**clean, "KERAS_BACKEND": "jax", **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(result.stdout.splitlines()[-1])

    return call


def test_a_second_process_compiles_nothing(run, tmp_path):
    used, value, hits, imported = run()
    assert used and value == 7.0 and hits == 0 and not imported
    (folder,) = (tmp_path / "cache").iterdir()
    count = len(list(folder.iterdir()))
    assert count > 0
    assert run() == [True, 7.0, count, False]
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert run() == [True, 7.0, 0, False]


def test_a_choice_of_the_user_stays(run, tmp_path):
    assert run(JAX_ENABLE_COMPILATION_CACHE="0")[:3] == [False, 7.0, 0]
    assert run(JAX_COMPILATION_CACHE_DIR=str(tmp_path / "own"))[0] is False
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_cannot_be_made_changes_nothing(run, tmp_path):
    (tmp_path / "file").write_text("")
    assert run(tmp_path / "file")[1:3] == [7.0, 0]
