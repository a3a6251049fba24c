"""Our code gives the originals' numbers, and the runner cannot be satisfied by less."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.golden.cases.wav2lip_metrics import iou_pair
from tests.golden.compare import difference, run
from tests.golden.golden import Absent
from tk_tools.face.boxes import overlap

HERE = Path(__file__).parent
SLOW = {
    "lawdnet/dinet",  # networks of full size on pictures of full size
    "lawdnet/dinet_loud",
    "lawdnet/lawdnet",
    "lawdnet/lawdnet_468x360",
    "lawdnet/lawdnet_loud",
    "lawdnet/train_clip_step",
    "styletts2/inference_libritts",  # whole sentences by networks of full size
    "styletts2/inference_ljspeech",
    "styletts2/predictor_encoder",  # the network of style_encoder again
}


def _pairs():
    for path in sorted(HERE.glob("*/*.json")):
        name = f"{path.parent.name}/{path.stem}"
        yield pytest.param(path, id=name, marks=pytest.mark.slow if name in SLOW else ())


@pytest.mark.parametrize("path", list(_pairs()))
def test_golden(path):
    row = run(path, path.parent.name)
    if row.skipped:
        pytest.skip(row.reason)
    assert row.passed, str(row)


def write_pair(folder: Path, name: str, meta: dict, **arrays) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(meta))
    np.savez(folder / f"{name}.npz", **arrays)
    return folder / f"{name}.json"


def test_a_wrong_number_fails(tmp_path):
    source = HERE / "wav2lip" / "audio_frontend.json"
    arrays = dict(np.load(source.with_suffix(".npz")))
    arrays["mfcc"] = arrays["mfcc"] * 1.001
    row = run(write_pair(tmp_path / "wav2lip", "audio_frontend", json.loads(source.read_text()), **arrays), "wav2lip")
    assert not row.passed
    assert row.array == "mfcc"


def test_a_wrong_id_fails_where_the_json_itself_holds_what_came_out(tmp_path):
    meta = json.loads((HERE / "styletts2" / "text.json").read_text(encoding="utf-8"))
    meta["index"]["a"] += 1
    path = tmp_path / "styletts2" / "text.json"
    path.parent.mkdir()
    path.write_text(json.dumps(meta))
    row = run(path, "styletts2")
    assert (row.passed, row.reason) == (False, "index: not what the .json holds")


def test_tolerances_stated_as_differences_are_held(tmp_path):
    source = HERE / "styletts2" / "slm_alignment.json"
    arrays = dict(np.load(source.with_suffix(".npz")))
    arrays["alignment"][0, 0, 0] += 2e-4
    row = run(
        write_pair(tmp_path / "styletts2", "slm_alignment", json.loads(source.read_text()), **arrays), "styletts2"
    )
    assert (row.passed, row.array) == (False, "alignment")


def test_what_is_not_here_is_left_out_and_said(tmp_path, monkeypatch):
    from tests.golden import compare

    given = {"a": np.ones(2), "b": Absent("the weights x")}
    monkeypatch.setattr(compare, "cases_of", lambda system: {"case": lambda golden: given})
    path = write_pair(tmp_path / "any", "case", {"inputs": {}, "outputs": {"a": [2], "b": [2]}}, a=np.ones(2))
    row = run(path, "any")
    assert row.passed
    assert str(row).endswith("some not compared: the weights x")
    given["a"] = np.zeros(2)
    assert not run(path, "any").passed
    given["a"] = Absent("the weights x")
    row = run(path, "any")
    assert (row.passed, row.skipped) == (False, True)
    assert "skip  not here: the weights x" in str(row)


def test_nan_and_levels():
    assert difference(np.array([np.nan]), np.array([1.0])) == np.inf
    assert difference(np.array([250], np.uint8), np.array([252], np.uint8)) == 2
    assert difference(np.array([9.0]), np.array([10.0])) == pytest.approx(0.1)


def test_folders_beside_the_systems_are_no_failure(tmp_path):
    source = HERE / "wav2lip" / "lse.json"
    arrays = np.load(source.with_suffix(".npz"))
    write_pair(tmp_path / "wav2lip", "lse", json.loads(source.read_text()), **arrays)
    (tmp_path / "cases").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.golden", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=HERE.parent.parent,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 passed, 0 failed")


def test_unknown_names_fail_and_set_the_exit_code(tmp_path):
    write_pair(tmp_path / "wav2lip", "no_such_network", {"inputs": {}, "outputs": {"a": [1]}}, a=np.zeros(1))
    done = subprocess.run(
        [sys.executable, "-m", "tests.golden", str(tmp_path), "wav2lip"],
        capture_output=True,
        text=True,
        cwd=HERE.parent.parent,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "0 passed, 1 failed"
    assert "unknown name" in done.stdout


@pytest.mark.parametrize("shape", [list, lambda pair: {"boxes": pair}, lambda pair: {"a": pair[0], "b": pair[1]}])
def test_the_pair_of_iou_is_the_one_that_a_json_states(shape):
    pair = [[0, 0, 10, 10], [5, 0, 15, 10]]
    assert overlap(*iou_pair({"shot": [], "iou": shape(pair)})) == pytest.approx(1 / 3)
    assert overlap(*iou_pair({"shot": []})) == pytest.approx(35 / 114)
