"""The DiffVC recipe, as a user starts it."""

from __future__ import annotations

import csv
import os
import subprocess
from pathlib import Path

import pytest

from tests.recipes.shell import shell

RECIPE = Path(__file__).parents[2] / "recipes" / "diffvc"


def rows(path):
    with open(path, encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


@pytest.mark.slow
def test_stages_up_to_the_lists_and_again(voices, tmp_path):
    work = tmp_path / "work"
    run = (RECIPE / "run.sh", "--stop-stage", 3, "--val", "0.3", "--textgrids", voices, voices, work)
    first = shell(*run)
    assert first.returncode == 0, first.stderr
    made = [len(list((work / kind).glob("voice0?/*.h5"))) for kind in ("mels", "embeds", "avg")]
    assert made == [6, 6, 6]
    lists = [(work / "lists" / f"{name}.txt").read_text().splitlines() for name in ("train", "val")]
    assert sum(map(len, lists)) == 6
    times = {path: path.stat().st_mtime_ns for path in work.rglob("*.h5")}
    assert shell(*run).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in work.rglob("*.h5")} == times


def test_a_thousand_speakers_are_each_paired_with_the_next(tmp_path):
    """Stage 0 with a tk-info of the test's own: a pipe that closed early once ended the script."""
    tools, wavs = tmp_path / "tools", tmp_path / "my wavs"
    tools.mkdir()
    wavs.mkdir()
    (tools / "tk-info").write_text(
        '#!/bin/sh\necho path\nfor i in $(seq 1000 1999); do printf "%s/s %s/c/a.wav\\tsound\\n" "$1" "$i"; done\n'
    )
    (tools / "tk-info").chmod(0o755)
    done = subprocess.run(
        [RECIPE / "run.sh", "--stop-stage", "0", wavs, tmp_path / "work"],
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pairs = [line.split("\t") for line in (tmp_path / "work/speakers.txt").read_text().splitlines()]
    assert len(pairs) == 1000
    assert pairs[0] == ["s 1000", "s 1001"]
    assert pairs[-1] == ["s 1999", "s 1000"]


@pytest.mark.slow
def test_whole_recipe_from_recordings_to_similarity(voices, tmp_path):
    """Networks so small, and so few steps, that nothing is learnt: it is about every stage finding its files."""
    config, work = tmp_path / "conf", tmp_path / "work"
    config.mkdir()
    steps = "max_steps: 2\nvalidate_every: 2\ncheckpoint_every: 2\nbatch_size: 2\ncrop_frames: 16\n"
    (config / "encoder.yaml").write_text(
        f"{steps}network: {{channels: 16, filters: 16, layers: 1, picture_channels: 8}}\n"
    )
    (config / "decoder.yaml").write_text(f"{steps}network: {{channels: 8, condition: 8}}\nsample_steps: 1\n")
    settings = ("--preset", "tiny", "--config", config, "--val", "0.3", "--steps", "1", "--vocoder", "griffin-lim")
    done = shell(RECIPE / "run.sh", *settings, "--textgrids", voices, voices, work)
    assert done.returncode == 0, done.stderr
    converted = sorted(path.relative_to(work / "converted") for path in (work / "converted").rglob("*.wav"))
    assert converted
    assert all(path.name.startswith("voice0") for path in converted)
    assert all(path.name[:7] != path.parts[0] for path in converted)  # in the other's voice
    similarity = rows(work / "report" / "similarity.tsv")
    assert [row["when"] for row in similarity] == ["before", "after"]
    assert all(0 < float(row["similarity"]) <= 1 for row in similarity)
    report = {path.name for path in (work / "report").iterdir()}
    assert {"index.html", "encoder.png", "decoder.png"} <= report
    again = shell(RECIPE / "run.sh", *settings, "--stop-stage", 5, "--textgrids", voices, voices, work)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("finished already") == 2


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.skipif("TK_DATA" not in os.environ, reason="TK_DATA names no folder of sample media")
def test_preset_tiny_moves_real_voices_towards_the_wanted_one(tmp_path):
    """Half an hour: the recipe as it stands, on a minute and a half of speech."""
    recordings = Path(os.environ["TK_DATA"], "speech", "librispeech")
    settings = ("--preset", "tiny", "--steps", 6, "--vocoder", "griffin-lim")
    done = shell(RECIPE / "run.sh", *settings, recordings, tmp_path)
    assert done.returncode == 0, done.stderr
    before, after = (float(row["similarity"]) for row in rows(tmp_path / "report" / "similarity.tsv"))
    assert after > before + 0.03
