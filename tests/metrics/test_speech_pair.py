"""Made speech: perfect for an equal pair, the numbers of the packages, and each damage shows where it should."""

import importlib.util
import sys
from functools import cache, partial

import numpy as np
import pytest
import soundfile
import torch

from tk_tools.errors import InputError, MissingPackage, WeightsError
from tk_tools.files.resample import resampled
from tk_tools.metrics import intelligibility
from tk_tools.metrics.speech_pair import MEASURES, SpeechOptions, find_absent, measure_speech, without
from tk_tools.nets.speaker_encoder import SpeakerEncoder
from tk_tools.weights.find import find_weights

RATE = 16000
TEXT = "People went to the river."
LISTENED = ("mcd", "stoi", "estoi", "pesq")
F0 = ("f0_rmse", "f0_cents", "f0_corr", "vde")


def at_our_rate(samples, rate):
    return np.concatenate(list(resampled([samples.astype(np.float32)], rate_in=rate, rate_out=RATE)))


@cache
def spoken(text=TEXT, voice="en-us+m3"):
    """(samples,) float32 at 16 kHz, a made voice."""
    from tk_tools.demo.speech import speak

    try:
        speech = speak(text, voice=voice)
    except MissingPackage as error:
        pytest.skip(str(error))
    return 0.5 * at_our_rate(speech.samples / np.float32(32768), speech.sample_rate)


def write(path, samples, rate=RATE, subtype="FLOAT"):
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with an encoder that has not learnt anything; enough to see that equal voices are equal."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    torch.save(SpeakerEncoder().state_dict(), folder / "pretrained.pt")
    return folder


@pytest.fixture
def compare(tmp_path, weights):
    """The measures of changed speech against the speech itself."""
    write(tmp_path / "real.wav", spoken())

    def call(made, rate=RATE, real=None, only=MEASURES, **values):
        options = SpeechOptions(weights_dir=weights, **values)
        options = without(options, {*MEASURES} - {*only} | {*find_absent(options)})
        reference = tmp_path / "real.wav" if real is None else write(tmp_path / "other.wav", real)
        return measure_speech(write(tmp_path / "made.wav", made, rate), reference, options)

    return call


def has_pesq():
    return importlib.util.find_spec("pesq") is not None


def test_an_equal_pair_is_perfect(compare):
    found = compare(spoken())
    assert found["left_out"] == {}
    perfect = {"mcd": 0, "f0_rmse": 0, "f0_cents": 0, "f0_corr": 1, "vde": 0, "stoi": 1, "estoi": 1, "speaker": 1}
    perfect |= {"loudness": 0, "duration": 1}
    assert {name: found[name] for name in perfect} == pytest.approx(perfect, abs=1e-6)


@pytest.mark.skipif(not has_pesq(), reason="no package pesq, which has no wheel")
def test_pesq_is_that_of_its_package_and_perfect_for_an_equal_pair(compare):
    import pesq

    real = spoken()
    assert compare(real)["pesq"] == pytest.approx(4.64, abs=0.01)
    made = (0.7 * real + 0.01 * np.random.default_rng(1).standard_normal(len(real))).astype(np.float32)
    assert compare(made)["pesq"] == pytest.approx(pesq.pesq(RATE, real, made, "wb"))


def test_pesq_is_not_asked_for_what_it_is_not_made_for():
    long = np.zeros((intelligibility.LONGEST_PESQ + 1) * RATE, np.float32)
    with pytest.raises(InputError, match="longer than 60 s"):  # its package would crash the process
        intelligibility.pesq_score(long, long)


def test_they_are_the_numbers_of_the_packages(compare):
    pystoi, pyloudnorm = pytest.importorskip("pystoi"), pytest.importorskip("pyloudnorm")
    real = spoken()
    made = (0.7 * real + 0.01 * np.random.default_rng(1).standard_normal(len(real))).astype(np.float32)
    found = compare(made)
    assert found["stoi"] == pytest.approx(pystoi.stoi(real, made, RATE))
    assert found["estoi"] == pytest.approx(pystoi.stoi(real, made, RATE, extended=True))
    meter = pyloudnorm.Meter(RATE)
    levels = [meter.integrated_loudness(samples.astype(np.float64)) for samples in (made, real)]
    assert found["loudness"] == pytest.approx(levels[0] - levels[1])


def test_noise_shows_in_spectrum_intelligibility_and_quality(compare):
    real = spoken()
    noise = np.random.default_rng(0).standard_normal(len(real))
    noise *= np.sqrt(np.mean(real**2) / np.mean(noise**2))
    rows = [compare(real + noise * 10 ** (-snr / 20), only=LISTENED) for snr in (30, 15, 5, -5)]
    for name in ("stoi", "estoi", *(("pesq",) if has_pesq() else ())):
        values = [row[name] for row in rows]
        assert values == sorted(values, reverse=True), name
    assert [row["mcd"] for row in rows] == sorted(row["mcd"] for row in rows)
    assert rows[0]["mcd"] > 0
    noisy = compare(real + noise, only=F0)
    assert noisy["vde"] > 0.05


def test_another_pitch_shows_in_f0_alone(compare):
    import librosa

    real = spoken()
    changed = [librosa.effects.pitch_shift(real, sr=RATE, n_steps=semitones) for semitones in (1, 3)]
    rows = [compare(samples[: len(real)], only=F0) for samples in changed]
    for semitones, row in zip((1, 3), rows, strict=True):
        assert row["f0_cents"] == pytest.approx(100 * semitones, abs=50)
    assert rows[0]["f0_rmse"] < rows[1]["f0_rmse"]
    assert rows[0]["duration"] == 1
    assert rows[0]["f0_frames"] == "side by side"


def test_a_lower_level_shows_in_loudness_by_as_much(compare):
    only = ("loudness", "stoi", "speaker")
    rows = [compare(spoken() * np.float32(10 ** (-decibels / 20)), only=only) for decibels in (6, 12)]
    assert [row["loudness"] for row in rows] == pytest.approx([-6, -12], abs=0.1)
    assert rows[1]["stoi"] == pytest.approx(1, abs=1e-3)
    assert rows[1]["speaker"] > 0.99


def test_another_length_shows_in_duration_and_is_warped(compare):
    import librosa

    real = spoken()
    rows = [compare(librosa.effects.time_stretch(real, rate=1 / slower)) for slower in (1.1, 1.4)]
    assert [row["duration"] for row in rows] == pytest.approx([1.1, 1.4], abs=0.01)
    for row in rows:
        assert row["f0_frames"] == "warped"
        assert row["f0_corr"] > 0.8
        assert row["f0_cents"] < 150
        assert (row["stoi"], row["pesq"]) == (None, None)
        assert "s longer than its reference" in row["left_out"]["stoi"]
    strange = compare(spoken("The weather was good yesterday.", "en-us+f2"), only=("mcd",))
    assert strange["mcd"] > 1.5 * rows[1]["mcd"]


def test_other_rates_are_converted(compare):
    real = spoken()
    faster = np.concatenate(list(resampled([real], rate_in=RATE, rate_out=44100)))
    found = compare(faster, rate=44100, only=LISTENED)
    assert found["duration"] == pytest.approx(1, abs=1e-3)
    assert found["stoi"] > 0.99
    assert found["mcd"] < 1


@pytest.mark.parametrize("late", [0.1, -0.1])
def test_a_lag_is_found_and_taken_out(compare, late):
    real = spoken()
    shift = round(abs(late) * RATE)
    made = np.concatenate([np.zeros(shift, np.float32), real]) if late > 0 else real[shift:]
    off, on = compare(made, only=LISTENED), compare(made, only=LISTENED, align=True)
    assert off["stoi"] is None
    assert on["lag"] == pytest.approx(late, abs=1e-4)
    assert on["stoi"] == pytest.approx(1, abs=1e-3)
    assert on["mcd"] < 0.1
    assert on["duration"] == off["duration"]


def test_a_voice_of_the_same_length_is_compared_side_by_side_to_within_a_frame(compare):
    real = spoken()
    padded = {samples: np.concatenate([real, np.zeros(samples, np.float32)]) for samples in (300, 330)}
    assert compare(padded[300], only=("stoi",))["stoi"] == pytest.approx(1, abs=1e-3)
    assert compare(padded[330], only=("stoi",))["stoi"] is None


def test_other_definitions_give_other_numbers(compare):
    made = spoken() + 0.01 * np.random.default_rng(0).standard_normal(len(spoken())).astype(np.float32)
    usual, other = (compare(made, only=("mcd", "stoi"), mcd_rate=rate) for rate in (16000, 22050))
    assert usual["mcd"] != other["mcd"]
    assert usual["stoi"] == other["stoi"]


def test_the_other_distortion_and_tracker_go_with_other_lengths_too(compare):
    pytest.importorskip("mel_cepstral_distance")
    pytest.importorskip("pyworld")
    real = spoken()
    made = np.concatenate([real, np.zeros(1600, np.float32)])
    found = compare(made, only=("mcd", *F0), mcd="kubichek", f0="harvest")
    assert found["f0_frames"] == "warped"
    assert found["f0_cents"] < 100
    assert 0 < found["mcd"] < compare(0.5 * made[::-1], only=("mcd",), mcd="kubichek")["mcd"]


def test_words_are_heard_and_compared(compare, tmp_path, monkeypatch):
    pytest.importorskip("jiwer")
    (tmp_path / "words.tsv").write_text(f"made\t{TEXT}\n")
    heard = "people went to a river"
    monkeypatch.setattr("tk_tools.metrics.speech_pair.open_recogniser", lambda name, device: lambda samples: heard)
    found = compare(spoken(), only=("wer", "cer"), transcripts=tmp_path / "words.tsv")
    assert (found["wer"], found["word_edits"], found["words"]) == (pytest.approx(1 / 5), 1, 5)
    assert 0 < found["cer"] < found["wer"]
    assert found["heard"] == heard
    (tmp_path / "others.tsv").write_text("another\tone\n")
    found = compare(spoken(), only=("wer", "cer"), transcripts=tmp_path / "others.tsv")
    assert found["wer"] is None
    assert "no transcript of made" in found["left_out"]["wer"]


def test_what_a_short_clip_cannot_give_is_left_out_with_the_reason(compare):
    real = spoken()[6000 : 6000 + 3200]  # 0.2 s
    found = compare(real, real=real)
    assert found["mcd"] == 0
    assert {name for name in MEASURES if found[name] is None} >= {"stoi", "estoi", "loudness"}
    assert found["left_out"]["stoi"] == "less than 0.4 s of speech in the reference"
    assert found["left_out"]["loudness"] == "shorter than 0.4 s"


def test_breath_without_voice_has_no_pitch(compare):
    noise = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)
    found = compare(noise, real=noise[::-1].copy())
    assert (found["f0_rmse"], found["f0_corr"]) == (None, None)
    assert found["left_out"]["f0_rmse"] == "no frame is voiced in both"
    assert found["left_out"].get("speaker") in (None, "no speech is heard in it")


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros(RATE, np.float32), "is silent from start to end"),
        (np.zeros(0, np.float32), "holds no sound"),
        (np.full(1000, 0.1, np.float32), "lasts 0.062 s; at least 0.1 s"),
        (np.array([0.1] * 4000 + [np.nan] * 4000, np.float32), "is not a number"),
    ],
    ids=["silent", "empty", "short", "nan"],
)
def test_what_cannot_be_compared_is_told_of_either_file(tmp_path, samples, said):
    good, bad = write(tmp_path / "good.wav", spoken()), write(tmp_path / "bad.wav", samples)
    with pytest.raises(InputError, match=said) as made:
        measure_speech(bad, good)
    assert made.value.path == str(bad)
    with pytest.raises(InputError, match=said) as reference:
        measure_speech(good, bad)
    assert (reference.value.path, "its reference" in reference.value.message) == (str(good), True)


def test_a_file_against_itself_is_refused(tmp_path):
    made = write(tmp_path / "a.wav", spoken())
    with pytest.raises(InputError, match="is its own reference"):
        measure_speech(made, made)


def test_what_is_absent_is_known_before(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("TK_WEIGHTS", raising=False)
    monkeypatch.setattr("tk_tools.weights.find._in_package", lambda reference: None)
    monkeypatch.setitem(sys.modules, "pesq", None)
    absent = find_absent(SpeechOptions())
    assert set(absent) == {"pesq", "speaker"}
    assert "tk-weights fetch ge2e" in absent["speaker"]
    assert "pip install pesq" in absent["pesq"]


def test_another_speaker_is_further_away_than_another_sentence(tmp_path):
    try:
        find_weights("ge2e")
    except WeightsError as error:
        pytest.skip(str(error))
    measure = partial(measure_speech, options=SpeechOptions(absent=frozenset(MEASURES) - {"speaker"}))
    real = write(tmp_path / "real.wav", spoken())
    other_text = "The weather was very good yesterday."
    near = measure(write(tmp_path / "near.wav", spoken(other_text)), real)["speaker"]
    far = measure(write(tmp_path / "far.wav", spoken(other_text, "en-us+f4")), real)["speaker"]
    assert far < near - 0.05
