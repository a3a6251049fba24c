"""metrics.csv: columns that come later, rows that are taken back, files that are none."""

import pytest

from tk_tools.errors import InputError
from tk_tools.train.metrics_file import MetricsFile, read_metrics


def test_columns_come_when_they_are_first_seen(tmp_path):
    file = MetricsFile(tmp_path / "metrics.csv", last_step=0)
    file.add({"step": 1, "epoch": 0, "train/l1": 0.1})
    file.add({"step": 2, "epoch": 0, "train/l1": 1e-7, "val/l1": 3.0})
    file.add({"step": 3, "epoch": 1, "train/l1": 0.5})
    assert file.path.read_text() == "step,epoch,train/l1,val/l1\n1,0,0.1,\n2,0,1e-07,3\n3,1,0.5,\n"
    assert read_metrics(file.path) == file.rows


def test_rows_after_the_checkpoint_are_taken_back(tmp_path):
    file = MetricsFile(tmp_path / "metrics.csv", last_step=0)
    for step in range(1, 5):
        file.add({"step": step, "epoch": 0, "train/l1": step / 3})
    whole = file.path.read_text()
    again = MetricsFile(file.path, last_step=2)
    assert [row["step"] for row in again.rows] == [1, 2]
    for step in (3, 4):
        again.add({"step": step, "epoch": 0, "train/l1": step / 3})
    assert file.path.read_text() == whole


def test_a_torn_last_line_is_dropped(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("step,epoch,train/l1\n9,0,0.5\n10,0,0.5\n1,0")
    assert [row["step"] for row in MetricsFile(path, last_step=11).rows] == [9, 10]


@pytest.mark.parametrize("content", [b"\x00\xff", b"step,epoch\na,b\n", b"\xff\xfe"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "metrics.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"is no metrics\.csv of tk-train"):
        read_metrics(path)
