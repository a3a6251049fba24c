"""tk-info and tk-check: what is in a file, and whether it is whole."""

import json

import h5py
import numpy as np
import pytest

from tests.media import write_clip
from tk_tools.files.ffmpeg import write_video
from tk_tools.files.provenance import Provenance, Source
from tk_tools.files.wav import write_wav


@pytest.fixture
def frames_file(tk, clip, tmp_path):
    ran = tk("tk-extract-frames", "--codec", "png", clip, tmp_path / "clip.frames.h5")
    assert ran.code == 0
    return ran.paths[0]


def rows(ran):
    return [json.loads(line) for line in ran.out.splitlines()]


def test_info_tells_kind_rates_and_what_made_the_file(tk, clip, frames_file):
    video, frames = rows(tk("tk-info", "--json", clip, frames_file))
    assert (video["kind"], video["frames"], video["fps"], video["sample_rate"]) == ("video", 50, 25.0, 44100)
    assert (frames["kind"], frames["frames"], frames["seconds"], frames["codec"]) == ("frames", 50, 2.0, "png")
    assert frames["source"] == "clip.mp4"
    assert frames["params"]["codec"] == "png"


def test_info_prints_tab_separated_values_into_a_pipe(tk, clip):
    header, row = tk("tk-info", clip).out.splitlines()
    facts = dict(zip(header.split("\t"), row.split("\t"), strict=True))
    assert facts["path"] == str(clip)
    assert (facts["width"], facts["height"]) == ("64", "64")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_both_count_the_pictures_of_a_varying_rate_as_they_are_stored(tk, tmp_path, suffix):
    clip = write_clip(tmp_path / f"clip{suffix}", frames=40, times="N*40+gte(N\\,30)*400+gte(N\\,35)*900", sound=None)
    (info,), (check,) = rows(tk("tk-info", "--json", clip)), rows(tk("tk-check", "--json", clip))
    assert check["frames"] == 40
    assert info["frames"] == (40 if suffix == ".mp4" else None)


@pytest.mark.parametrize("mark", [True, False])
def test_info_tells_whether_a_file_is_marked_synthetic(tk, clip, tmp_path, mark):
    made = Provenance({}, Source(name="a", digest="b"))
    comment = made.comment(synthetic=True) if mark else made.comment()
    write_wav(tmp_path / "a.wav", [np.zeros(100, np.int16)], 16000, comment=comment)
    write_video(tmp_path / "a.mp4", [np.zeros((64, 64, 3), np.uint8)] * 3, fps=25, metadata={"comment": comment})
    found = rows(tk("tk-info", "--json", tmp_path / "a.wav", tmp_path / "a.mp4", clip))
    assert [row["marked_synthetic"] for row in found] == [mark, mark, False]
    assert tk("tk-info", tmp_path / "a.wav").out.splitlines()[1].endswith(f"\t{mark}\t")


def test_info_names_a_bad_file_and_goes_on(tk, clip, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video")
    ran = tk("tk-info", "--json", bad, clip)
    assert ran.code == 1
    assert [("error" in row) for row in rows(ran)] == [True, False]
    assert str(bad) in ran.err


def test_check_reads_whole_files(tk, clip, frames_file):
    ran = tk("tk-check", "--json", clip, frames_file)
    assert ran.code == 0
    assert [row["frames"] for row in rows(ran)] == [50, 50]


@pytest.mark.parametrize("share", [0.2, 0.6, 0.99])
def test_check_finds_an_hdf5_file_that_is_cut_short(tk, frames_file, share):
    whole = frames_file.read_bytes()
    frames_file.write_bytes(whole[: int(len(whole) * share)])
    ran = tk("tk-check", frames_file)
    assert ran.code == 1
    assert "Traceback" not in ran.err


def test_check_finds_a_flipped_byte(tk, frames_file):
    with h5py.File(frames_file) as file:
        place = file["video/data"].id.get_chunk_info(0).byte_offset + 1000
    damaged = bytearray(frames_file.read_bytes())
    damaged[place] ^= 0xFF
    frames_file.write_bytes(damaged)
    ran = tk("tk-check", frames_file)
    assert ran.code == 1
    assert "/video/data is damaged" in ran.err


def test_check_finds_sound_that_does_not_fit_the_pictures(tk, frames_file):
    with h5py.File(frames_file, "r+") as file:
        samples = file["audio/samples"]
        samples.resize(samples.shape[0] - 2000, axis=0)
    ran = tk("tk-check", frames_file)
    assert ran.code == 1
    assert "/audio has 30000 samples, the pictures last 32000" in ran.err


def test_check_finds_a_missing_attribute(tk, frames_file):
    with h5py.File(frames_file, "r+") as file:
        del file["video/data"].attrs["codec"]
    ran = tk("tk-check", frames_file)
    assert ran.code == 1
    assert "/video/data lacks the attribute codec" in ran.err


@pytest.mark.parametrize("tool", ["tk-info", "tk-check"])
def test_a_file_without_a_part_of_its_kind_does_not_stop_the_others(tk, frames_file, tmp_path, tool):
    bad = tmp_path / "a.frames.h5"
    bad.write_bytes(frames_file.read_bytes())
    with h5py.File(bad, "r+") as file:
        del file.attrs["source"]
    ran = tk(tool, "--json", bad, frames_file)
    assert ran.code == 1
    assert f"{bad}: lacks the root attribute source" in ran.err
    assert [("error" in row) for row in rows(ran)] == [True, False]
