"""tk-list, tk-doctor and the umbrella `tk`."""

import json
import subprocess
from importlib.metadata import PackageNotFoundError, entry_points

import pytest

from tests.cli.conftest import SCRIPTS

OURS = sorted(point.name for point in entry_points(group="console_scripts") if point.module.startswith("tk_tools.cli."))


def test_list_names_every_tool_with_what_it_does(tk):
    rows = [json.loads(line) for line in tk("tk-list", "--json").out.splitlines()]
    assert [row["tool"] for row in rows] == OURS
    assert all(20 < len(row["what it does"]) <= 80 for row in rows)


def test_doctor_says_what_is_there_and_how_to_get_the_rest(tk, tmp_path):
    ran = tk("tk-doctor", "--json", "--weights-dir", tmp_path)
    rows = {row["what"]: row for row in map(json.loads, ran.out.splitlines())}
    assert ran.code == 0
    assert {rows[name]["state"] for name in ("torch", "soxr", "tensorboard")} == {"ok"}
    assert "tk-weights fetch wav2lip-gan" in rows["weights wav2lip-gan"]["detail"]


def test_doctor_names_the_package_that_brings_weights(tk, monkeypatch):
    monkeypatch.setattr("tk_tools.doctor.locate", lambda entry, weights_dir: None)
    rows = {row["what"]: row for row in map(json.loads, tk("tk-doctor", "--json").out.splitlines())}
    assert rows["weights ge2e"]["detail"].endswith("tk-weights fetch ge2e, or pip install --no-deps resemblyzer")
    assert rows["weights s3fd"]["detail"].endswith("tk-weights fetch s3fd")


def test_doctor_counts_a_missing_package(tk, monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("tk_tools.doctor.version", absent)
    ran = tk("tk-doctor", "--json")
    rows = {row["what"]: row for row in map(json.loads, ran.out.splitlines())}
    assert ran.code == 1
    assert (rows["av"]["state"], rows["distributed"]["state"]) == ("missing", "optional")


def test_doctor_finds_weights_in_the_named_folder(tk, tmp_path):
    (tmp_path / "wav2lip_gan.pth").write_bytes(b"weights")
    ran = tk("tk-doctor", "--json", "--weights-dir", tmp_path)
    rows = {row["what"]: row for row in map(json.loads, ran.out.splitlines())}
    assert rows["weights wav2lip-gan"] == {
        "what": "weights wav2lip-gan",
        "state": "ok",
        "detail": str(tmp_path / "wav2lip_gan.pth"),
    }


@pytest.mark.parametrize(("arguments", "code"), [(["info", "--help"], 0), ([], 0), (["nonsense"], 2), (["--bad"], 2)])
def test_umbrella(arguments, code):
    done = subprocess.run([SCRIPTS / "tk", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    if not arguments:
        assert all(tool in done.stdout for tool in OURS)
