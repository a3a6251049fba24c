"""Paths in, paths out: standard input as a stream, results as soon as they are there, NDJSON, shards, errors."""

import json
import os
import subprocess
import time

import pytest

from tests.cli.conftest import SCRIPTS
from tests.media import write_click_wav, write_clip


@pytest.fixture
def wavs(tmp_path):
    """A folder of four short sounds, a.wav to d.wav."""
    folder = tmp_path / "wavs"
    folder.mkdir()
    for name in "abcd":
        write_click_wav(folder / f"{name}.wav", 0.5, clicks=(0.2,))
    return folder


def test_paths_from_standard_input(tk, wavs, tmp_path):
    listed = f"{wavs}/a.wav\n\n{wavs}/b.wav\r\n{wavs}/c.wav".encode()
    for arguments in (("-", tmp_path / "one"), (tmp_path / "two",)):
        ran = tk("tk-mel", *arguments, stdin=listed)
        assert ran.code == 0
        assert ran.out == "".join(f"{arguments[-1]}/{name}.mel.h5\n" for name in "abc")
        assert "reading paths from standard input" in ran.err


def test_folders_may_be_named_on_standard_input(tk, wavs, tmp_path):
    ran = tk("tk-mel", "-", tmp_path / "out", stdin=f"{wavs}\n".encode())
    assert [path.name for path in ran.paths] == ["a.mel.h5", "b.mel.h5", "c.mel.h5", "d.mel.h5"]


def test_nul_between_paths(tk, wavs, tmp_path):
    (wavs / "a.wav").rename(wavs / "new\nline.wav")
    listed = f"{wavs}/new\nline.wav\0{wavs}/b.wav".encode()
    ran = tk("tk-mel", "-0", "-", tmp_path / "out", stdin=listed)
    assert ran.code == 0
    assert sorted(os.listdir(tmp_path / "out")) == ["b.mel.h5", "new\nline.mel.h5"]


def test_a_dash_beside_other_inputs_or_as_output_is_wrong_usage(tk, wavs, tmp_path):
    assert tk("tk-mel", "-", wavs, tmp_path / "out").code == 2
    assert tk("tk-mel", wavs, "-").code == 2


def test_ndjson_from_tool_to_tool(tk, tmp_path):
    clip = write_clip(tmp_path / "new\nline.mp4", frames=25, sound=1.0)
    sound = tk("tk-extract-audio", "--json", clip, tmp_path / "wavs")
    (line,) = sound.out.splitlines()
    row = json.loads(line)
    assert list(row) == sorted(row)
    assert row == {
        "path": f"{tmp_path}/wavs/new\nline.wav", "sample_rate": 16000, "samples": 16000, "seconds": 1.0,
        "source": str(clip), "status": "done",
    }  # fmt: skip
    mel = tk("tk-mel", "--json", "-", tmp_path / "mels", stdin=sound.out.encode())
    assert json.loads(mel.out)["source"] == row["path"]
    assert mel.code == 0
    again = tk("tk-mel", "--json", "-", tmp_path / "mels", stdin=sound.out.encode())
    assert json.loads(again.out)["status"] == "current"


def test_a_broken_ndjson_line_is_told(tk, wavs, tmp_path):
    ran = tk("tk-mel", "-", tmp_path / "out", stdin=f'{wavs}/a.wav\n{{"file": 3}}\n'.encode())
    assert ran.code == 1
    assert "line 2 of standard input" in ran.err
    assert len(ran.paths) == 1


def test_rows_of_errors(tk, wavs, tmp_path):
    bad = wavs / "bad \udcff.wav"
    bad.write_text("text")
    errors = tmp_path / "errors.ndjson"
    ran = tk("tk-mel", "--errors", errors, wavs, tmp_path / "none.wav", tmp_path / "out")
    assert ran.code == 1
    assert len(ran.paths) == 4
    rows = [json.loads(line) for line in errors.read_text().splitlines()]
    assert [row["path"] for row in rows] == [str(bad), str(tmp_path / "none.wav")]
    assert all(list(row) == ["error", "path", "tool"] and row["tool"] == "tk-mel" and row["error"] for row in rows)
    good = tk("tk-mel", "--errors", errors, wavs / "a.wav", tmp_path / "out")
    assert (good.code, errors.read_text()) == (0, "")


def test_the_shards_are_the_whole(tk, wavs, tmp_path):
    whole = tk("tk-mel", wavs, tmp_path / "whole")
    parts = [tk("tk-mel", "--shard", f"{index}/3", wavs, tmp_path / "parts") for index in (1, 2, 3)]
    assert [part.code for part in parts] == [0, 0, 0]
    assert [[path.name for path in part.paths] for part in parts] == [
        ["a.mel.h5", "d.mel.h5"],
        ["b.mel.h5"],
        ["c.mel.h5"],
    ]
    for path in whole.paths:
        assert (tmp_path / "parts" / path.name).read_bytes() == path.read_bytes()


def test_an_empty_shard_is_no_fault(tk, wavs, tmp_path):
    assert tk("tk-mel", "--shard", "3/3", wavs / "a.wav", tmp_path / "out").code == 0


def test_quiet_and_verbose(tk, wavs, tmp_path):
    bad = wavs / "bad.wav"
    bad.write_text("text")
    said = {}
    for option in ("-qq", "-q", "", "-v"):
        arguments = [option] if option else []
        said[option] = tk("tk-mel", "--force", *arguments, wavs, tmp_path / "out").err
    assert said["-qq"].count("\n") == said["-q"].count("\n") == 1
    assert "4 done, 1 failed" in said[""]
    assert all(str(bad) in text and "Traceback" not in text for text in said.values())


def test_the_first_result_comes_before_standard_input_ends(wavs, tmp_path):
    for workers in ("1", "2"):
        process = subprocess.Popen(
            [SCRIPTS / "tk-mel", "--workers", workers, "-", tmp_path / workers],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        process.stdin.write(f"{wavs}/a.wav\n")
        process.stdin.flush()
        assert process.stdout.readline() == f"{tmp_path}/{workers}/a.mel.h5\n"
        process.stdin.write(f"{wavs}/b.wav\n")
        out, _ = process.communicate(timeout=60)
        assert out == f"{tmp_path}/{workers}/b.mel.h5\n"
        assert process.returncode == 0


def test_a_pipe_of_three_tools(tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("a b.mp4", "it's.mp4"):
        write_clip(clips / name, frames=25, sound=1.0)
    command = f"find clips -name '*.mp4' | sort | '{SCRIPTS}/tk-extract-audio' - wavs/ | '{SCRIPTS}/tk-mel' - mels/"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "mels/a b.mel.h5\nmels/it's.mel.h5\n"


def test_standard_input_is_left_alone_when_inputs_are_named(wavs, tmp_path):
    command = f"'{SCRIPTS}/tk-mel' wavs/a.wav out; '{SCRIPTS}/tk-extract-frames' wavs/a.wav out; cat"
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, input="rest\n", capture_output=True, text=True, check=True
    )
    assert done.stdout == "out/a.mel.h5\nrest\n"


def test_thousands_of_paths_are_a_stream(tk, wavs, tmp_path):
    listed = "".join(f"{wavs}/none-{number}.wav\n" for number in range(3000)).encode() + f"{wavs}/a.wav\n".encode()
    start = time.monotonic()
    ran = tk("tk-mel", "-qq", "-", tmp_path / "out", stdin=listed)
    assert ran.code == 1
    assert len(ran.paths) == 1
    assert ran.err.count("\n") == 3000
    assert time.monotonic() - start < 30


def test_errors_take_no_other_file_s_place(tk, wavs, tmp_path):
    mine = wavs / "a.wav"
    before = mine.read_bytes()
    ran = tk("tk-mel", "--errors", mine, mine, tmp_path / "out")
    assert (ran.code, ran.out) == (2, "")
    assert "is no list of failed inputs" in ran.err
    assert mine.read_bytes() == before
    for _ in range(2):  # its own list may be written again
        assert tk("tk-mel", "--errors", tmp_path / "bad.ndjson", tmp_path / "none.wav", tmp_path / "out").code == 1
