"""The Wav2Lip recipe and the scripts of bin/, as a user starts them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks import wav2lip_quality
from tests.cli.conftest import SCRIPTS
from tests.recipes.shell import shell

ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "recipes" / "wav2lip"


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipe") / "my videos"
    made = shell("tk-demo-data", "--clips", 4, "--seconds", 1.6, "--size", 160, folder)
    assert made.returncode == 0, made.stderr
    return folder


def test_demo_wants_a_face_and_a_speech_or_neither(tmp_path):
    assert shell(ROOT / "bin" / "demo", "face.mp4", cwd=tmp_path).returncode == 2


def test_stages_up_to_the_lists_and_again(videos, tmp_path):
    work = tmp_path / "work"
    run = (RECIPE / "run.sh", "--stop-stage", 2, "--val", "0.4", videos, work)
    first = shell(*run)
    assert first.returncode == 0, first.stderr
    assert len(list((work / "faces").glob("*.face.h5"))) == 4
    lists = [(work / "lists" / f"{name}.txt").read_text().splitlines() for name in ("train", "val")]
    assert sum(map(len, lists)) == 4
    times = {path: path.stat().st_mtime_ns for path in (work / "faces").iterdir()}
    assert shell(*run).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in (work / "faces").iterdir()} == times


def test_what_has_no_sound_or_no_face_is_not_dubbed(tmp_path):
    rows = ("path\tkind\tsample_rate", "/v/a.mp4\tvideo\t16000", "/v/b c.mp4\tvideo\t", "/v/d e.mp4\tvideo\t44100")
    (tmp_path / "rows.tsv").write_text("\n".join(rows) + "\n")
    for tool, says in {"tk-info": f"cat '{tmp_path}/rows.tsv'", "tk-crop-face": 'echo "/w/faces/d e.face.h5"'}.items():
        (tmp_path / tool).write_text(f"#!/bin/sh\n{says}\n")
        (tmp_path / tool).chmod(0o755)
    work = tmp_path / "work"
    path = f"PATH={tmp_path}:{os.environ['PATH']}"
    done = shell("env", path, RECIPE / "run.sh", "--stop-stage", 1, tmp_path, work)
    assert done.returncode == 0, done.stderr
    assert "left out: /v/b c.mp4 has no sound" in done.stderr
    assert (work / "videos.txt").read_text() == "/v/a.mp4\n/v/d e.mp4\n"
    assert (work / "usable.txt").read_text() == "/v/d e.mp4\n"


@pytest.mark.slow
def test_make_crops_each_clip_once(videos, tmp_path):
    plain = tmp_path / "videos"  # make splits names at spaces
    plain.symlink_to(videos)
    command = ("make", "-C", RECIPE, f"DATA={plain}", f"WORK={tmp_path / 'work'}", "-j2", "faces")
    assert shell(*command).returncode == 0
    assert len(list((tmp_path / "work" / "faces").glob("*.face.h5"))) == 4
    again = shell(*command)
    assert "tk-crop-face" not in again.stdout


def test_make_takes_a_training_that_was_stopped_for_unfinished(videos, tmp_path):
    """tk-train marks its best weights while it trains; a stand-in here is killed after that, and ends well later."""
    plain, tools, work = tmp_path / "videos", tmp_path / "tools", tmp_path / "work"
    plain.symlink_to(videos)
    tools.mkdir()
    (tools / "tk-crop-face").write_text('#!/bin/sh\nmkdir -p "$(dirname "$3")"; : > "$3"\n')
    (tools / "tk-split-list").write_text('#!/bin/sh\nmkdir -p "$7"; echo a > "$7/train.txt"; : > "$7/val.txt"\n')
    (tools / "tk-train").write_text(
        '#!/bin/sh\nwhile [ "$1" != --out ]; do shift; done\nmkdir -p "$2"; : > "$2/best.safetensors"\n'
        f'echo "$2" >> "{tmp_path}/trained"\n[ -e "{tmp_path}/calm" ] || kill -TERM $PPID $$\n'
    )
    for tool in tools.iterdir():
        tool.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}:{SCRIPTS}:{os.environ['PATH']}"}
    expert = work / "runs" / "expert"
    command = ["make", "-C", RECIPE, f"DATA={plain}", f"WORK={work}", f"{expert}/.done"]
    stopped = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert stopped.returncode != 0
    assert (expert / "best.safetensors").exists()
    (tmp_path / "calm").touch()
    for _ in range(2):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "trained").read_text().splitlines() == [str(expert)] * 2


@pytest.mark.slow
def test_whole_recipe_from_videos_to_report(videos, tmp_path):
    config, work = tmp_path / "conf", tmp_path / "work"
    config.mkdir()
    for name in ("expert", "generator", "gan"):
        (config / f"{name}.yaml").write_text("max_steps: 4\nvalidate_every: 2\ncheckpoint_every: 2\nwidth: 0.125\n")
    done = shell(RECIPE / "run.sh", "--preset", "tiny", "--config", config, "--val", "0.4", videos, work)
    assert done.returncode == 0, done.stderr
    assert (work / "talking.mp4").stat().st_size > 0
    report = {path.name for path in (work / "report").iterdir()}
    assert {"index.html", "lse.tsv", "talking.png", "sync.png", "expert.png", "generator.png", "gan.png"} <= report


@pytest.mark.slow  # a quarter of an hour on two cores
def test_what_preset_tiny_learns_holds_on_clips_it_never_saw(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{SCRIPTS}:{os.environ['PATH']}")
    made = shell("tk-demo-data", "-q", "--clips", "40", "--seconds", "4", "--workers", "2", tmp_path / "videos")
    assert made.returncode == 0, made.stderr
    done = shell(RECIPE / "run.sh", "--preset", "tiny", tmp_path / "videos", tmp_path / "work")
    assert done.returncode == 0, done.stderr
    runs = tmp_path / "work" / "runs"
    expert = wav2lip_quality.judge_expert(runs / "expert", tmp_path / "shifted")
    assert expert["shifts_found_exactly"] >= 0.9 * expert["clips"]
    assert expert["synced_told_from_shifted"] >= 0.9
    assert wav2lip_quality.judge_generator(runs / "gan", tmp_path / "dubbed")["mouth_correlation"] >= 0.6
