"""Events are dropped from TensorBoard's files, which stay readable."""

import pytest

from keras_isa.callbacks.event_files import event_files, keep_events


@pytest.fixture
def write(tmp_path):
    """`write(name, steps)` writes a value of each step into a file, and returns its path."""
    from tensorboard.compat.proto import event_pb2, summary_pb2
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    def make(name, steps):
        writer = EventFileWriter(str(tmp_path / name))
        for step in steps:
            value = summary_pb2.Summary.Value(tag="loss", simple_value=step / 2)
            writer.add_event(event_pb2.Event(step=step, summary=summary_pb2.Summary(value=[value])))
        writer.close()
        (path,) = event_files(tmp_path / name)
        return path

    return make


def steps_in(path):
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    return [event.step for event in EventFileLoader(str(path)).Load() if event.summary.value]


def test_unwanted_events_and_a_torn_end_are_dropped(write):
    path = write("train", range(5))
    keep_events([path], lambda event: event.step < 3)
    assert steps_in(path) == [0, 1, 2]
    whole = path.read_bytes()
    path.write_bytes(whole + whole[-20:-1])
    keep_events([path], lambda event: True)
    assert path.read_bytes() == whole


def test_a_file_without_wanted_events_is_deleted(write, tmp_path):
    paths = [write("train", [5]), write("images", [])]
    assert event_files(tmp_path) == sorted(paths)
    keep_events(paths, lambda event: event.step < 5)
    assert event_files(tmp_path) == []


def test_a_file_of_wanted_events_is_left_alone(write):
    path = write("train", [0, 1])
    before = path.stat().st_mtime_ns, path.read_bytes()
    keep_events([path], lambda event: True)
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
