"""The process of its own in which a service works."""

import os
import tempfile
import time
from pathlib import Path

import pytest

from tk_tools.serve.child import Child, ChildDied, TimeLimit


def leave_a_file(then):
    """Where it lies; first the process ends, or sleeps, or goes on."""
    handle, path = tempfile.mkstemp()
    os.close(handle)
    assert path.startswith(os.environ["TMPDIR"])
    if then == "die":
        os._exit(1)
    time.sleep(60 if then == "sleep" else 0)
    return path


def refuse(path):
    raise PermissionError(13, "Permission denied", path)


def test_what_a_function_raises_is_no_end_of_its_process():
    child = Child()
    try:
        with pytest.raises(PermissionError, match="/x"):
            child.call(refuse, "/x", seconds=60)
        assert child.alive
    finally:
        child.close()


def test_what_a_process_leaves_in_the_temporary_folder_goes_with_it(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    child = Child()
    path = Path(child.call(leave_a_file, "go on", seconds=60))
    assert path.is_file()
    assert tmp_path in path.parents
    with pytest.raises(TimeLimit):
        child.call(leave_a_file, "sleep", seconds=0.5)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ChildDied):
        child.call(leave_a_file, "die", seconds=60)
    assert list(tmp_path.iterdir()) == []
    child.call(leave_a_file, "go on", seconds=60)
    child.close()
    assert list(tmp_path.iterdir()) == []
