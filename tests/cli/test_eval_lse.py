"""tk-eval-lse: known shifts are found, rows and codes are exact, and a clip that cannot be measured says why."""

import json
import math

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner

from tests.media import ffmpeg
from tests.metrics.loudness import loudness_expert, make_clip, pictures, write_clip
from tk_tools.cli._main import run
from tk_tools.cli.eval_lse import COLUMNS, command
from tk_tools.files.digest import file_digest
from tk_tools.files.made_from import is_marked_synthetic, read_provenance
from tk_tools.files.media import probe
from tk_tools.files.provenance import Provenance, Source
from tk_tools.files.sync_file import SyncFile
from tk_tools.metrics.lip_sync import least_frames
from tk_tools.metrics.syncnet_v2 import SyncNetV2


@pytest.fixture(scope="module")
def expert(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "expert.pth"
    torch.save({"state_dict": loudness_expert().state_dict(), "optimizer": None, "global_step": 3}, path)
    return path


@pytest.fixture
def lse(capfd, monkeypatch, tmp_path):
    """Runs the command; gives (exit code, rows, stderr)."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TK_WEIGHTS", raising=False)

    def call(*arguments):
        code = run(command, [str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        if "--json" in arguments:
            return int(code), [json.loads(line) for line in out.splitlines()], err
        header, *lines = out.splitlines() or [""]
        assert header in ("", "\t".join(COLUMNS))
        return int(code), [dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in lines], err

    return call


def test_every_shift_of_a_face_file_is_found(lse, expert, tmp_path):
    for early in range(-5, 6):
        write_clip(tmp_path / "in" / f"{early + 5:02}.face.h5", *make_clip(20 + early, 80, early))
    code, rows, err = lse("--expert", expert, tmp_path / "in")
    assert code == 0
    assert [int(row["offset"]) for row in rows] == list(range(-5, 6))
    assert [row["path"] for row in rows] == [str(tmp_path / "in" / f"{n:02}.face.h5") for n in range(11)]
    assert {row["frames"] for row in rows} == {"80"}
    assert {row["faces"] for row in rows} == {"made"}
    assert all(float(row["lse_d"]) < 0.1 < float(row["lse_c"]) for row in rows)
    assert "11 clips: LSE-D 0.0" in err


def write_video(path, level, samples):
    soundfile.write(path.with_suffix(".wav"), samples, 16000)
    raw = np.ascontiguousarray(pictures(level)).tobytes()
    ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", "96x96", "-framerate", "25", "-i", "pipe:0"),
        *("-i", path.with_suffix(".wav"), "-ar", 44100, "-c:a", "flac", path),
        pictures=raw,
    )
    return path


@pytest.mark.parametrize("early", [-4, 0, 3])
def test_shift_of_a_video_is_found(lse, expert, tmp_path, early):
    level, samples = make_clip(7, 80, early)
    video = write_video(tmp_path / "a b.mkv", level, samples)
    code, (row,), _ = lse("--expert", expert, "--whole-frame", "--json", video)
    assert (code, row["offset"], row["frames"], row["faces"]) == (0, early, 80, "whole frame")


def test_protocol_names_all_that_the_numbers_depend_on(lse, expert, tmp_path):
    clip = write_clip(tmp_path / "a.face.h5", *make_clip(3, 60))
    _, (row,), _ = lse("--expert", expert, "--json", "--max-shift", 10, clip)
    assert row["tool"].startswith("tk-eval-lse ")
    assert row["protocol"] == {
        "judge": "expert",
        "weights": file_digest(expert),
        "crop": "wav2lip 96x96",
        "fps": 25,
        "face": "largest",
        "max_shift": 10,
        "beyond_ends": "left out",
    }
    _, (row,), _ = lse("--expert", expert, clip)
    assert f"weights={file_digest(expert)} crop=wav2lip-96x96 fps=25 max_shift=15" in row["protocol"]


def test_published_judge(lse, tmp_path):
    torch.manual_seed(0)
    weights = tmp_path / "syncnet_v2.model"
    torch.save(SyncNetV2().state_dict(), weights)
    clip = write_clip(tmp_path / "a.face.h5", *make_clip(3, 28), layout="syncnet")
    code, (row,), _ = lse("--weights-dir", tmp_path, "--json", clip)
    assert (code, row["frames"], row["protocol"]["judge"]) == (0, 27, "syncnet-v2")
    assert row["protocol"]["beyond_ends"] == "zeros"


def test_curves_are_kept(lse, expert, tmp_path):
    clips = [write_clip(tmp_path / f"{n}.face.h5", *make_clip(n, 50 + n)) for n in range(2)]
    _, rows, _ = lse("--expert", expert, "--curves", tmp_path / "c.sync.h5", *clips)
    with SyncFile(tmp_path / "c.sync.h5") as file:
        kept = list(file)
        assert file.params["weights"] == file_digest(expert)
    assert [curve.path for curve in kept] == clips
    assert [len(curve.distance) for curve in kept] == [46, 47]
    for row, curve in zip(rows, kept, strict=True):
        assert curve.curve.min() == pytest.approx(float(row["lse_d"]), rel=1e-4)
        assert curve.offset[curve.curve.argmin()] == int(row["offset"])
        assert np.nanmean(curve.distance, axis=0) == pytest.approx(curve.curve, rel=1e-5)


def test_the_summary_of_a_set(lse, expert, tmp_path):
    clips = [write_clip(tmp_path / f"{n}.face.h5", *make_clip(n, 60)) for n in range(3)]
    code, rows, err = lse("--expert", expert, "--summary", tmp_path / "all.json", *clips)
    summary = json.loads((tmp_path / "all.json").read_text())
    assert (code, summary["clips"], summary["protocol"]["judge"]) == (0, 3, "expert")
    mean = summary["means"]["lse_c"]
    assert mean["value"] == pytest.approx(np.mean([float(row["lse_c"]) for row in rows]), rel=1e-4)
    assert mean["low"] < mean["value"] < mean["high"]
    assert f"LSE-C {mean['value']:.4g} ({mean['low']:.4g} to {mean['high']:.4g})" in err


def test_curves_of_nothing_are_not_written(lse, expert, tmp_path):
    code, _, _ = lse("--expert", expert, "--curves", tmp_path / "c.sync.h5", tmp_path / "missing.mp4")
    assert code == 1
    assert not (tmp_path / "c.sync.h5").exists()


def bad_clips(folder):
    level, samples = make_clip(1, 60)
    write_clip(folder / "fps.face.h5", level, samples, fps=30)
    write_clip(folder / "layout.face.h5", level, samples, layout="lawdnet")
    write_clip(folder / "no-face.face.h5", level, samples, valid=np.arange(60) % 3 > 0)
    write_clip(folder / "short.face.h5", level[:27], samples[: 27 * 640])
    write_clip(folder / "some-face.face.h5", level, samples, valid=np.arange(60) < 20)
    write_clip(folder / "silent.face.h5", level, None)
    (folder / "text.mp4").write_text("no video")
    (folder / "zero.face.h5").write_bytes(b"")
    return {
        "fps.face.h5": "has 30 frames/s",
        "layout.face.h5": "has crops of layout lawdnet",
        "no-face.face.h5": "no five frames in a row with a face",
        "short.face.h5": "too short to measure: for shifts up to 15 frames, pictures and sound must both last 1.12 s",
        "some-face.face.h5": "too little of the face to measure: for shifts up to 15 frames",
        "silent.face.h5": "has no sound",
        "text.mp4": "is not a media file",
        "zero.face.h5": "is empty",
    }


def test_a_clip_that_cannot_be_measured_says_why(lse, expert, tmp_path):
    reasons = bad_clips(tmp_path)
    write_clip(tmp_path / "good.face.h5", *make_clip(2, 60))
    code, rows, err = lse("--expert", expert, tmp_path)
    assert code == 1
    found = {row["path"].rsplit("/", 1)[1]: row for row in rows}
    assert sorted(found) == sorted([*reasons, "good.face.h5"])
    assert found["good.face.h5"]["offset"] == "0"
    for name, reason in reasons.items():
        assert found[name]["error"].startswith(reason), name
        assert found[name]["lse_d"] == ""
        assert len([line for line in err.splitlines() if name in line]) == 1
    assert f"1 clip ({len(reasons)} more failed): LSE-D" in err


@pytest.mark.parametrize("max_shift", [1, 15, 20])
def test_the_shortest_clip_is_as_long_as_help_says(lse, expert, tmp_path, max_shift):
    help_text = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    assert f"shorter than {least_frames() / 25:.2f} s, which are {least_frames()} frames" in help_text
    assert "it needs 1.5 N + 5 frames" in help_text
    least = math.ceil(1.5 * max_shift) + 5
    for frames, code in ((least - 1, 1), (least, 0)):
        clip = write_clip(tmp_path / f"{frames}.face.h5", *make_clip(5, frames))
        found, (row,), err = lse("--expert", expert, "--max-shift", max_shift, clip)
        assert found == code
        if code:
            assert f"{least / 25:.2f} s ({least} frames) or more" in err
        else:
            assert row["frames"] == str(least)


def test_stretch_without_a_face_is_left_out(lse, expert, tmp_path):
    level, samples = make_clip(4, 100, 2)
    valid = np.ones(100, bool)
    valid[30:60] = False
    level[~valid] = 255
    clip = write_clip(tmp_path / "a.face.h5", level, samples, valid=valid)
    _, (row,), _ = lse("--expert", expert, "--json", clip)
    assert (row["offset"], row["frames_without_face"]) == (2, 30)


def test_other_rates_of_sound_are_converted(lse, expert, tmp_path):
    level, samples = make_clip(4, 80, -2)
    clip = write_clip(tmp_path / "a.face.h5", level, np.repeat(samples, 2), rate=32000)
    assert lse("--expert", expert, clip)[1][0]["offset"] == "-2"


def test_paths_from_standard_input(lse, expert, tmp_path, monkeypatch):
    clip = write_clip(tmp_path / "a.face.h5", *make_clip(4, 60))
    listing = tmp_path / "list"
    listing.write_text(f"{clip}\n")
    with open(listing) as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert [row["path"] for row in lse("--expert", expert, "-")[1]] == [str(clip)]
    with open("/dev/null") as stream:
        monkeypatch.setattr("sys.stdin", stream)
        code, rows, err = lse("--expert", expert)
    assert (code, rows) == (2, [])
    assert "no paths" in err


def test_wrong_judges(lse, expert, tmp_path):
    clip = write_clip(tmp_path / "a.face.h5", *make_clip(4, 60))
    other = tmp_path / "other.pth"
    torch.save(SyncNetV2().state_dict(), other)
    for arguments, code, words in (
        (("--expert", other), 1, "other.pth: holds SyncNet v2, the network of LSE, not a Wav2Lip sync expert"),
        (("--checkpoint", expert), 1, "holds a Wav2Lip sync expert, not SyncNet v2"),
        ((), 1, "tk-weights fetch syncnet-v2"),
        (("--expert", expert, "--checkpoint", other), 2, "give one of them"),
        (("--expert", tmp_path / "none"), 2, "does not exist"),
        (("--expert", tmp_path), 1, "is no run folder"),
        (("--expert", expert, "--max-shift", 0), 2, "max-shift"),
    ):
        found, rows, err = lse(*arguments, clip)
        assert (found, rows) == (code, []), words
        assert words in err
        assert "Traceback" not in err


def test_curves_take_no_other_file_s_place(lse, expert, tmp_path):
    clip = write_clip(tmp_path / "a.face.h5", *make_clip(0, 50))
    mine = tmp_path / "mine.sync.h5"
    mine.write_text("my notes")
    for target, code in ((clip, 2), (mine, 1), (tmp_path / "b.h5", 2)):
        before = target.read_bytes() if target.exists() else None
        found, rows, err = lse("--expert", expert, "--curves", target, clip)
        assert (found, rows) == (code, [])
        assert str(target) in err
        assert (target.read_bytes() if target.exists() else None) == before


def test_keep_prints_the_clips_for_which_it_holds_and_nothing_else(lse, expert, tmp_path, capfd):
    for early in (-4, 0, 2, 5):
        write_clip(tmp_path / "in" / f"{early + 5}.face.h5", *make_clip(20 + early, 80, early))
    (tmp_path / "in" / "bad.face.h5").write_bytes(b"")
    arguments = ["--expert", expert, "--keep", "abs(offset) <= 2 and lse_c > 0", tmp_path / "in"]
    assert run(command, list(map(str, arguments))) == 1  # one could not be read
    out, err = capfd.readouterr()
    assert out.splitlines() == [str(tmp_path / "in" / f"{n}.face.h5") for n in (5, 7)]
    assert "bad.face.h5" in err
    assert "4 clips (1 more failed), 2 kept" in err
    code, rows, _ = lse("--json", *arguments)
    assert (code, [row["offset"] for row in rows]) == (1, [0, 2])


@pytest.mark.parametrize("condition", ["lse_c >=", "sync > 3", "open('x')"])
def test_a_condition_that_is_none_is_wrong_usage(lse, expert, tmp_path, condition):
    code, rows, err = lse("--expert", expert, "--keep", condition, tmp_path)
    assert (code, rows) == (2, [])
    assert condition in err


def fix(expert, *arguments):
    return run(command, list(map(str, ["--expert", expert, "--whole-frame", "--fix", *arguments])))


def test_fix_moves_the_sound_to_its_pictures(lse, expert, tmp_path, capfd):
    clips = [write_video(tmp_path / f"{early + 5}.mkv", *make_clip(7, 80, early)) for early in (-4, 0, 3)]
    assert fix(expert, *clips, tmp_path / "fixed") == 0
    made = [tmp_path / "fixed" / f"{n}.mp4" for n in (1, 5, 8)]
    assert capfd.readouterr().out.splitlines() == list(map(str, made))
    code, rows, _ = lse("--expert", expert, "--whole-frame", "--json", *made)
    assert (code, [row["offset"] for row in rows]) == (0, [0, 0, 0])
    assert [row["frames"] for row in rows] == [
        76,
        80,
        80,
    ]  # late sound ends before its pictures now
    for path, clip in zip(made, clips, strict=True):
        info = probe(path)
        assert (info.fps, info.frame_count) == (25, 80)
        assert read_provenance(path).source.first.name == clip.name
    assert fix(expert, *clips, tmp_path / "fixed") == 0
    assert "0 done, 3 already there" in capfd.readouterr().err
    assert fix(expert, "--workers", 2, *clips, tmp_path / "two") == 0
    assert [(tmp_path / "two" / path.name).read_bytes() == path.read_bytes() for path in made] == [True] * 3


@pytest.mark.parametrize("mark", [True, False])
def test_what_is_marked_synthetic_stays_marked(expert, tmp_path, mark):
    level, samples = make_clip(7, 80)
    plain = write_video(tmp_path / "plain.mkv", level, samples)
    comment = Provenance({}, Source(name="a", digest="b")).comment(**({"synthetic": True} if mark else {}))
    ffmpeg("-i", plain, "-c:v", "libx264", "-c:a", "aac", "-metadata", f"comment={comment}", tmp_path / "a.mp4")
    assert fix(expert, tmp_path / "a.mp4", tmp_path / "fixed") == 0
    assert is_marked_synthetic(tmp_path / "fixed" / "a.mp4") is mark


def test_fix_leaves_out_what_is_not_to_be_kept(expert, tmp_path, capfd):
    clips = [write_video(tmp_path / f"{early + 5}.mkv", *make_clip(7, 80, early)) for early in (-4, 3)]
    assert fix(expert, "--keep", "offset > 0", *clips, tmp_path / "fixed") == 0
    out, err = capfd.readouterr()
    assert out == f"{tmp_path}/fixed/8.mp4\n"
    assert "1 done, 1 left out" in err
    assert [path.name for path in (tmp_path / "fixed").iterdir()] == ["8.mp4"]


def test_options_of_the_other_way_are_wrong_usage(expert, tmp_path, capfd):
    assert fix(expert, "--curves", "a.sync.h5", tmp_path, tmp_path / "out") == 2
    assert run(command, ["--expert", str(expert), "--force", str(tmp_path)]) == 2
    assert "goes with --fix" in capfd.readouterr().err


@pytest.fixture
def one_core():
    """As a worker has it: the last digits of a network's sums hang on how many cores share them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_core")
def test_workers_give_the_same_rows_and_curves(lse, expert, tmp_path):
    for early in (-4, 0, 3):
        write_clip(tmp_path / "in" / f"{early + 5}.face.h5", *make_clip(20 + early, 80, early))
    (tmp_path / "in" / "bad.face.h5").write_bytes(b"")
    ran = [
        lse("--expert", expert, "--workers", count, "--curves", tmp_path / f"{count}.sync.h5", tmp_path / "in")
        for count in (1, 2)
    ]
    assert ran[0][:2] == ran[1][:2]
    assert ran[0][0] == 1
    assert (tmp_path / "1.sync.h5").read_bytes() == (tmp_path / "2.sync.h5").read_bytes()


def test_a_shard_and_a_list_of_failures(lse, expert, tmp_path):
    for number in range(4):
        write_clip(tmp_path / "in" / f"{number}.face.h5", *make_clip(number, 60, 0))
    (tmp_path / "in" / "1.face.h5").write_bytes(b"")
    errors = tmp_path / "errors.ndjson"
    code, rows, _ = lse("--expert", expert, "--shard", "2/2", "--errors", errors, tmp_path / "in")
    assert code == 1
    assert [row["path"][-9:] for row in rows] == ["1.face.h5", "3.face.h5"]
    (failed,) = map(json.loads, errors.read_text().splitlines())
    assert failed["path"] == str(tmp_path / "in" / "1.face.h5")
    assert failed["tool"] == "tk-eval-lse"


def test_published_tracks_needs_its_detector_and_the_published_judge(lse, expert, tmp_path, monkeypatch):
    torch.save(SyncNetV2().state_dict(), tmp_path / "syncnet_v2.model")
    monkeypatch.setenv("TK_WEIGHTS", str(tmp_path))
    code, rows, err = lse("--published-tracks", tmp_path)
    assert (code, rows) == (1, [])
    assert "tk-weights fetch s3fd-syncnet" in err
    for options in (("--expert", expert), ("--whole-frame",), ("--keep", "lse_c > 3"), ("--fix",)):
        assert run(command, ["--published-tracks", *map(str, options), str(tmp_path)]) == 2


def test_silent_speech_is_told_and_not_measured(lse, expert, tmp_path):
    level, samples = make_clip(1, 60)
    clip = write_clip(tmp_path / "quiet.face.h5", level, np.zeros_like(samples))
    code, (row,), err = lse("--expert", expert, clip)
    assert (code, row["lse_d"]) == (1, "")
    assert row["error"] == "the sound is silent from start to end"
    assert str(clip) in err


def test_a_clip_whose_best_shift_is_the_last_tried_is_not_fixed(expert, tmp_path, capfd):
    clip = write_video(tmp_path / "far.mkv", *make_clip(7, 120, 8))
    assert fix(expert, "--max-shift", 8, clip, tmp_path / "fixed") == 1
    assert "no sync to be found: the best shift, 8, is the last that was tried" in capfd.readouterr().err
    assert not (tmp_path / "fixed" / "far.mp4").exists()
    assert fix(expert, "--max-shift", 12, clip, tmp_path / "fixed") == 0
    assert fix(expert, "--max-shift", 12, tmp_path / "crops.face.h5", tmp_path / "fixed" / "x.mp4") == 1
