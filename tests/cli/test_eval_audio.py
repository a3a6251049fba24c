"""tk-eval-audio: rows of made speech against real, whatever kind of file; what cannot be compared says why."""

import json
import sys

import numpy as np
import pytest
import soundfile
import torch

from tests.audio.voices import voice
from tests.media import ffmpeg, write_clip
from tk_tools.audio import speaker
from tk_tools.files.soundtrack import read_audio
from tk_tools.nets.speaker_encoder import SpeakerEncoder
from tk_tools.weights.find import find_weights

RATE = 16000
NAMES = ("a", "b.1")


def write(path, samples, rate=RATE, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **options)
    return path


def speech(name):
    return voice(seconds=1.2, f0=110.0 + 40 * NAMES.index(name), noise=0.001)


def noisy(samples, level=0.01):
    return samples + level * np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    for name in NAMES:
        write(folder / f"{name}.flac", speech(name))
    return folder


@pytest.fixture(autouse=True)
def _weights(tmp_path_factory, monkeypatch):
    """An encoder that has not learnt anything lies where weights are looked for."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    torch.save(SpeakerEncoder().state_dict(), folder / "pretrained.pt")
    monkeypatch.setenv("TK_WEIGHTS", str(folder))


@pytest.fixture
def measured(tk):
    def call(*arguments):
        ran = tk("tk-eval-audio", "--json", *arguments)
        return ran.code, {row["path"].rpartition("/")[2]: row for row in map(json.loads, ran.out.splitlines())}, ran.err

    return call


def test_rows_hold_the_measures_and_how_they_were_taken(measured, real, tmp_path):
    for name in NAMES:
        write(tmp_path / "made" / f"{name}.wav", noisy(speech(name)))
    code, rows, err = measured("--summary", tmp_path / "all.json", "--reference", real, tmp_path / "made")
    assert (code, list(rows)) == (0, ["a.wav", "b.1.wav"])
    row = rows["a.wav"]
    assert row["tool"].startswith("tk-eval-audio ")
    assert row["reference"] == f"{real}/a.flac"
    assert row["protocol"]["mcd"] == "espnet 16000 Hz"
    assert row["protocol"]["f0"] == "pyin"
    assert row["protocol"]["speaker_weights"].startswith("blake2b:")
    assert row["mcd"] > 0
    assert row["f0_cents"] < 20
    assert row["duration"] == 1
    assert 0 < row["stoi"] < 1
    assert "2 clips: mcd" in err
    assert " to " in err
    summary = json.loads((tmp_path / "all.json").read_text())
    assert (summary["clips"], summary["means"]["mcd"]["count"]) == (2, 2)
    assert summary["protocol"] == row["protocol"]
    assert summary["means"]["mcd"]["low"] < summary["means"]["mcd"]["value"] < summary["means"]["mcd"]["high"]


def test_a_table_has_its_columns_and_one_clip_no_interval(tk, real, tmp_path):
    ran = tk("tk-eval-audio", "--reference", real, write(tmp_path / "a.wav", noisy(speech("a"))))
    header, cells = (line.split("\t") for line in ran.out.splitlines())
    row = dict(zip(header, cells, strict=True))
    assert (ran.code, row["duration"], row["wer"], row["error"]) == (0, "1", "", "")
    assert float(row["stoi"]) > 0.5
    assert "1 clip: mcd " in ran.err
    assert " to " not in ran.err.partition("1 clip: ")[2]


def test_videos_and_compressed_sounds_are_compared_too(measured, real, tmp_path):
    sound = real / "a.flac"
    write_clip(tmp_path / "silent.mp4", frames=30, sound=None)
    video = ("-i", tmp_path / "silent.mp4", "-i", sound, "-map", "0:v", "-map", "1:a", "-c:v", "copy")
    ffmpeg(*video, "-c:a", "aac", "-b:a", "128k", tmp_path / "a.mp4")
    ffmpeg("-i", sound, "-b:a", "128k", tmp_path / "a.mp3")
    code, rows, _ = measured("--reference", real, tmp_path / "a.mp4", tmp_path / "a.mp3")
    assert code == 0
    for row in rows.values():
        assert row["duration"] == pytest.approx(1, abs=0.1)
        assert row["f0_cents"] < 30
    assert rows["a.mp4"]["stoi"] > 0.9


def test_other_lengths_are_told_once_and_aligned_when_asked(measured, real, tmp_path):
    for name in NAMES:
        write(tmp_path / f"{name}.wav", np.concatenate([np.zeros(1600, np.float32), speech(name)]))
    code, rows, err = measured("--reference", real, tmp_path)
    assert code == 0
    assert rows["a.wav"]["stoi"] is None
    assert rows["a.wav"]["left_out"]["stoi"] == "0.1 s longer than its reference; --align compares what both have"
    assert rows["a.wav"]["f0_frames"] == "warped"
    assert "left empty in 2 of 2 rows" in err
    assert err.count("longer than its reference") == 1
    code, rows, err = measured("--align", "--reference", real, tmp_path)
    assert (code, rows["a.wav"]["lag"]) == (0, pytest.approx(0.1, abs=1e-3))
    assert rows["a.wav"]["stoi"] == pytest.approx(1, abs=0.01)
    assert "left empty" not in err.replace("pesq", "")


def test_each_fault_is_in_its_row_and_the_others_are_measured(measured, real, tmp_path):
    write(tmp_path / "stranger.wav", speech("a"))
    write(tmp_path / "b.1.wav", np.zeros(RATE, np.float32))
    (tmp_path / "c.wav").write_bytes(b"")
    good = write(tmp_path / "made" / "a.wav", speech("a"))
    lost = tmp_path / "lost.wav"
    places = [tmp_path / "stranger.wav", tmp_path / "b.1.wav", tmp_path / "c.wav", lost, good, real / "a.flac"]
    code, rows, err = measured("--reference", real, *places)
    assert code == 1
    assert rows["a.wav"]["mcd"] == pytest.approx(0, abs=0.05)
    assert "has no reference: no stranger.* in" in rows["stranger.wav"]["error"]
    assert rows["b.1.wav"]["error"] == "is silent from start to end"
    assert "has no reference" in rows["c.wav"]["error"]
    assert "has no reference" in rows["lost.wav"]["error"]
    assert "is its own reference" in rows["a.flac"]["error"]
    assert "Traceback" not in err
    assert err.count("stranger.wav") == 1


@pytest.mark.parametrize("option", ["--voice", "--reference"])
def test_other_words_in_the_voice_that_is_wanted(measured, real, tmp_path, option):
    for name in ("said", "said-again"):
        write(tmp_path / f"{name}.wav", noisy(speech("a")))
    code, rows, err = measured(option, real, tmp_path)
    assert (code, len(rows)) == (0, 2)
    row = rows["said.wav"]
    assert 0 < row["speaker"] <= 1
    assert (row["mcd"], row["reference"]) == (None, str(real))
    assert row["protocol"]["compared_with"] == "a voice, 2 recordings"
    assert ("taken for recordings of the voice" in err) == (option == "--reference")


def test_a_voice_is_the_mean_of_its_recordings(measured, real, tmp_path):
    write(tmp_path / "made" / "made.wav", speech("a"))
    found = measured("--voice", real, tmp_path / "made")[1]["made.wav"]["speaker"]
    encoder = speaker.load_encoder(find_weights("ge2e"))
    sounds = [read_audio(path, rate=RATE) for path in sorted(real.iterdir())]
    made = speaker.embed_utterance(encoder, read_audio(tmp_path / "made" / "made.wav", rate=RATE))
    assert found == pytest.approx(float(made @ speaker.embed_speaker(encoder, sounds)), abs=1e-6)


def test_recordings_of_no_use_are_left_out_of_the_voice_and_told(measured, real, tmp_path):
    voices = tmp_path / "voices"
    for name in NAMES:
        write(voices / f"{name}.wav", speech(name))
    write(voices / "silent.wav", np.zeros(RATE, np.float32))
    write(tmp_path / "said.wav", noisy(speech("a")))
    code, rows, err = measured("--voice", voices, tmp_path / "said.wav")
    assert code == 0
    assert f"left out of the voice: {voices}/silent.wav: the sound is silent" in err
    expected = measured("--voice", real, tmp_path / "said.wav")[1]["said.wav"]["speaker"]
    assert rows["said.wav"]["speaker"] == pytest.approx(expected, abs=1e-4)
    code, rows, err = measured("--voice", voices / "silent.wav", tmp_path / "said.wav")
    assert (code, rows) == (1, {})
    assert "silent.wav: cannot be the voice to compare with: the sound is silent" in err


def test_one_of_the_voices_recordings_is_not_measured_by_them(measured, real):
    code, rows, _ = measured("--voice", real, real / "a.flac")
    assert code == 1
    assert "one of the recordings" in rows["a.flac"]["error"]


def test_workers_give_the_same_rows(measured, real, tmp_path):
    for name in NAMES:
        write(tmp_path / f"{name}.wav", noisy(speech(name)))
    write(tmp_path / "stranger.wav", speech("a"))
    one, two = (measured("--workers", count, "--reference", real, tmp_path)[:2] for count in (1, 2))
    assert one == two
    assert one[0] == 1


def test_pairs_out_of_a_list(measured, real, tmp_path):
    made = write(tmp_path / "made 1.wav", noisy(speech("a")))
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text(f"{made}\t{real}/a.flac\n{made}.lost\t{real}/a.flac\n")
    code, rows, _ = measured("--pairs", pairs)
    assert (code, list(rows)) == (1, ["made 1.wav", "made 1.wav.lost"])
    assert rows["made 1.wav"]["reference"] == f"{real}/a.flac"
    assert rows["made 1.wav.lost"]["error"] == "does not exist"
    pairs.write_text(f"{made}\t{real}/lost.flac\n")
    assert measured("--pairs", pairs)[1]["made 1.wav"]["error"] == f"has no reference: {real}/lost.flac does not exist"


def test_what_is_not_here_is_told_by_name_and_the_rest_is_measured(measured, real, tmp_path, monkeypatch):
    monkeypatch.setenv("TK_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("tk_tools.weights.find._in_package", lambda reference: None)
    for package in ("pesq", "faster_whisper", "jiwer"):
        monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / "words.tsv").write_text("a\tone two\n")
    made = write(tmp_path / "a.wav", noisy(speech("a")))
    options = ("--transcripts", tmp_path / "words.tsv", "--summary", tmp_path / "all.json")
    code, rows, err = measured(*options, "--reference", real, made)
    assert code == 0
    assert rows["a.wav"]["mcd"] > 0
    assert [rows["a.wav"][name] for name in ("pesq", "speaker", "wer")] == [None] * 3
    for said in ("pesq is absent", "speaker is absent", "wer, cer are absent", "tk-weights fetch ge2e", "pip install"):
        assert said in err
    assert set(json.loads((tmp_path / "all.json").read_text())["absent"]) == {"pesq", "speaker", "wer", "cer"}


def test_wrong_usage(tk, real, tmp_path):
    for arguments in ((), ("--reference", real, "--pairs", real / "a.flac"), ("--reference", real, "--mcd-rate", 8000)):
        assert tk("tk-eval-audio", *arguments, real).code == 2
    ran = tk("tk-eval-audio", "--reference", tmp_path, real)
    assert (ran.code, ran.out) == (1, "")
    assert "holds no file of the kinds" in ran.err
    (tmp_path / "words.tsv").write_text("alone\n")
    ran = tk("tk-eval-audio", "--transcripts", tmp_path / "words.tsv", "--reference", real, real / "a.flac")
    assert (ran.code, ran.out) == (1, "")
    assert "line 1 is not a name and its words" in ran.err


def test_the_installed_command_reads_a_stream(installed, real, tmp_path):
    paths = [write(tmp_path / f"{name}.wav", speech(name)) for name in NAMES]
    ran = installed("tk-eval-audio", "--reference", real, stdin="".join(f"{path}\n" for path in paths).encode())
    assert ran.code == 0, ran.err
    assert [line.split("\t")[0] for line in ran.out.splitlines()] == ["path", *map(str, paths)]
    empty = installed("tk-eval-audio", "--reference", real)
    assert (empty.code, empty.out.count("\n")) == (2, 1)
