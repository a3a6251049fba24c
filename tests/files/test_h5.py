"""HDF5 files are checked when they are written and when they are read, and what is wrong is told in one line."""

import subprocess
import sys

import h5py
import numpy as np
import pytest

from tk_tools.errors import InputError, OutputError
from tk_tools.files.h5 import Dataset, Kind, check_whole, create_h5, open_any_h5, open_h5, read_params, read_source
from tk_tools.files.provenance import Provenance, Source

KIND = Kind(
    name="test",
    suffix=".test.h5",
    schema=3,
    made_by="tk-test",
    meaning="a test",
    datasets={
        "x": Dataset(dtype="int16", shape=("rows", 2), meaning="numbers", attributes=("unit",)),
        "y": Dataset(dtype="float32", shape=("rows",), meaning="more", optional=True),
    },
)
MADE = Provenance({"rate": 3}, Source("a.mp4", "blake2b:00"))


def write(path, *, rows: int = 5, unit: str | None = "m", dtype="int16", columns: int = 2, y: int | None = None):
    with create_h5(path, KIND, MADE) as file:
        data = np.arange(rows * columns, dtype=dtype).reshape(rows, columns)
        file.create_dataset("x", data=data, fletcher32=True, chunks=(max(1, rows), columns))
        if unit is not None:
            file["x"].attrs["unit"] = unit
        if y is not None:
            file["y"] = np.zeros(y, np.float32)
    return path


def test_what_was_written_is_read(tmp_path):
    with open_h5(write(tmp_path / "a.test.h5", y=5), KIND) as file:
        assert file["x"][:].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]
        assert read_params(file) == {"rate": 3}
        assert read_source(file) == Source("a.mp4", "blake2b:00")
        assert file.attrs["tool"].startswith("tk-tools ")


@pytest.mark.parametrize(
    "wrong", [{"unit": None}, {"dtype": "int32"}, {"columns": 3}, {"y": 4}], ids=lambda wrong: next(iter(wrong))
)
def test_what_is_not_to_the_schema_never_appears(tmp_path, wrong):
    with pytest.raises(OutputError, match="not written whole"):
        write(tmp_path / "a.test.h5", **wrong)
    assert list(tmp_path.iterdir()) == []


def test_another_kind_and_another_schema(tmp_path):
    path = write(tmp_path / "a.test.h5")
    for changes, words in (
        ({"name": "mel", "made_by": "tk-mel"}, "is of kind test; expected mel .made by tk-mel"),
        ({"schema": 4}, "has schema 3 of test"),
    ):
        with pytest.raises(InputError, match=words):
            open_h5(path, Kind(**{**vars(KIND), **changes}))
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(InputError, match="not a file of tk-tools"):
        open_h5(tmp_path / "foreign.h5", KIND)


def test_no_hdf5(tmp_path):
    path = tmp_path / "a.h5"
    for content, words in ((b"", "0 bytes"), (b"text" * 100, "not an HDF5 file"), (None, "No such file")):
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        with pytest.raises(InputError, match=words):
            open_any_h5(path)
    path.mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        open_any_h5(path)


def test_cut_at_any_length(tmp_path):
    path = write(tmp_path / "a.test.h5", rows=3000)
    content = path.read_bytes()
    for part in np.linspace(0.01, 0.99, 15):
        path.write_bytes(content[: int(len(content) * part)])
        with pytest.raises(InputError):
            open_h5(path, KIND)


def test_a_changed_byte_is_found(tmp_path):
    path = write(tmp_path / "a.test.h5", rows=3000)
    content = bytearray(path.read_bytes())
    place = content.find(np.arange(2000, 2100, dtype=np.int16).tobytes())
    content[place] ^= 1
    path.write_bytes(content)
    with open_h5(path, KIND) as file, pytest.raises(InputError, match="/x is damaged"):
        check_whole(file, KIND)


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from tests.files.test_h5 import KIND, MADE
from tk_tools.errors import OutputError
from tk_tools.files.h5 import create_h5
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    with create_h5(Path(sys.argv[1]), KIND, MADE) as file:
        data = file.create_dataset("x", (0, 2), "int16", maxshape=(None, 2), chunks=(1000, 2), fletcher32=True)
        data.attrs["unit"] = "m"
        for block in range(50):
            data.resize((block + 1) * 1000, axis=0)
            data[block * 1000:] = block
except OutputError as error:
    print(error)
    sys.exit(1)
"""


@pytest.mark.parametrize("limit", [1000, 20_000, 100_000, 150_000])
def test_a_full_disk_leaves_nothing(tmp_path, limit):
    command = [sys.executable, "-c", FULL, str(tmp_path / "a.test.h5"), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith(f"{tmp_path}/a.test.h5: ")
    assert "grew past the size limit" in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("line", range(2))
def test_a_signal_while_hdf5_opens_the_file_leaves_nothing_to_complain_of(tmp_path, line):
    """The exception's traceback keeps the half-opened file alive for longer than create_h5 runs."""
    program = f"""
import sys
from pathlib import Path
import h5py
import numpy
from tests.files.test_h5 import write

def stop(*_):
    raise KeyboardInterrupt

def watch(frame, event, argument):
    if opened and event == "c_call":
        opened.append(event)
        if len(opened) == {line} + 2:
            sys.setprofile(None)
            stop()

def make_fid(*arguments, **options):
    made = usual(*arguments, **options)
    opened.append(made)
    return made

opened, usual = [], h5py._hl.files.make_fid
h5py._hl.files.make_fid = make_fid
sys.setprofile(watch)
try:
    write(Path({str(tmp_path / "a.test.h5")!r}))
except KeyboardInterrupt:
    opened.clear()
print("done")
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.stdout, ran.stderr) == ("done\n", "")
    assert list(tmp_path.iterdir()) == []
