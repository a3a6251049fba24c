"""tk-embed: one embedding for a file, a speaker or a window; what holds no voice is told; how alike voices are."""

import json
import os

import numpy as np
import pytest
import soundfile
from PIL import Image

from tests.audio.speaker_weights import write_ge2e
from tests.audio.voices import voice
from tests.cli.test_common import without_roots_rights
from tests.media import ffmpeg, write_click_wav
from tk_tools.audio import speaker
from tk_tools.errors import WeightsError
from tk_tools.files.embed_file import read_embed_file
from tk_tools.files.resample import resampled
from tk_tools.files.soundtrack import read_audio
from tk_tools.weights.find import find_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_ge2e(tmp_path_factory.mktemp("weights") / "drawn")


@pytest.fixture(autouse=True)
def _weights(monkeypatch, weights):
    monkeypatch.setenv("TK_WEIGHTS", str(weights))


def write_voice(
    path, seconds=2.0, rate=16000, *, f0=120.0, channels=1, subtype="PCM_16", change=lambda samples: samples
):
    """A wav of `voice`, made at 16 kHz, in new folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = voice(seconds=seconds, f0=f0, gap=(0, 0))
    if rate != 16000:
        samples = np.concatenate(list(resampled([samples], rate_in=16000, rate_out=rate)))
    soundfile.write(path, np.repeat(change(samples)[:, None], channels, axis=1), rate, subtype=subtype)
    return path


@pytest.fixture
def wavs(tmp_path):
    """Two speakers, of two recordings and of one."""
    for name, f0 in (("low/a", 90.0), ("low/b", 100.0), ("high/a", 240.0)):
        write_voice(tmp_path / "wavs" / f"{name}.wav", f0=f0)
    return tmp_path / "wavs"


def encoder(weights):
    return speaker.load_encoder(weights / "pretrained.pt")


@pytest.mark.parametrize("preset", speaker.STEPS)
def test_a_file_gives_the_embedding_of_its_utterance(tk, wavs, tmp_path, weights, preset):
    ran = tk("tk-embed", "--json", "--preset", preset, wavs, tmp_path / "out")
    assert ran.code == 0
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert [row["path"] for row in rows] == [f"{tmp_path}/out/{name}.embed.h5" for name in ("high/a", "low/a", "low/b")]
    assert {row["rows"] for row in rows} == {1}
    embed = read_embed_file(rows[0]["path"])
    whole = speaker.embed_utterance(
        encoder(weights), read_audio(wavs / "high" / "a.wav", rate=16000), step=speaker.STEPS[preset]
    )
    assert embed.values == pytest.approx(whole[None], abs=1e-6)
    assert (embed.preset, embed.per) == (preset, "file")


def test_windows_have_their_times_and_the_mean_of_the_file(tk, tmp_path):
    source = write_voice(tmp_path / "a.wav", seconds=5)
    (file,) = tk("tk-embed", source, tmp_path / "file").paths
    (windows,) = tk("tk-embed", "--per", "window", source, tmp_path / "window").paths
    embed = read_embed_file(windows)
    assert embed.values.shape == (5, 256)
    assert np.diff(embed.starts) == pytest.approx(np.full(4, 0.8), abs=0.1)
    assert embed.mean == pytest.approx(read_embed_file(file).values[0], abs=1e-6)


def test_a_speaker_is_the_mean_of_the_files_of_a_folder(tk, wavs, tmp_path, weights):
    ran = tk("tk-embed", "--per", "speaker", "--workers", "2", wavs, tmp_path / "out")
    assert ran.code == 0
    assert ran.paths == [tmp_path / "out" / f"{name}.embed.h5" for name in ("high", "low")]
    low, high = (read_embed_file(tmp_path / "out" / f"{name}.embed.h5") for name in ("low", "high"))
    sounds = [read_audio(wavs / "low" / name, rate=16000) for name in ("a.wav", "b.wav")]
    assert low.values[0] == pytest.approx(speaker.embed_speaker(encoder(weights), sounds, step=80), abs=1e-6)
    assert (low.files, high.files) == (("a.wav", "b.wav"), ("a.wav",))
    one = tk("tk-embed", "--per", "speaker", wavs / "low", tmp_path / "one.embed.h5")
    assert one.paths == [tmp_path / "one.embed.h5"]
    assert one.paths[0].read_bytes() == (tmp_path / "out" / "low.embed.h5").read_bytes()
    both = tk("tk-embed", "--per", "speaker", wavs, tmp_path / "one.embed.h5")
    assert (both.code, both.out) == (2, "")
    assert "the inputs lie in 2 folders" in both.err


def test_speakers_from_standard_input_in_any_order(tk, wavs, tmp_path, monkeypatch):
    monkeypatch.chdir(wavs / "low")
    listed = "a.wav\n../high/a.wav\nb.wav\n"
    ran = tk("tk-embed", "--per", "speaker", "-", tmp_path / "out", stdin=listed.encode())
    assert [path.name for path in ran.paths] == ["low.embed.h5", "high.embed.h5"]
    assert read_embed_file(ran.paths[0]).files == ("a.wav", "b.wav")


def test_a_speaker_is_made_again_when_one_of_the_files_changes(tk, wavs, tmp_path):
    first = tk("tk-embed", "--per", "speaker", wavs, tmp_path / "out")
    before = [path.read_bytes() for path in first.paths]
    assert "2 already there" in tk("tk-embed", "--per", "speaker", wavs, tmp_path / "out").err
    write_voice(wavs / "low" / "b.wav", f0=110.0)
    write_voice(wavs / "high" / "new.wav", f0=250.0)
    again = tk("tk-embed", "--per", "speaker", wavs, tmp_path / "out")
    assert "2 done (2 replaced)" in again.err
    assert all(path.read_bytes() != content for path, content in zip(first.paths, before, strict=True))


def test_other_weights_make_all_again(tk, wavs, tmp_path, weights):
    tk("tk-embed", wavs, tmp_path / "out")
    other = write_ge2e(tmp_path / "other")
    content = (other / "pretrained.pt").read_bytes()
    (other / "pretrained.pt").write_bytes(content + b"\0")  # the same tensors under another digest
    assert "3 done (3 replaced)" in tk("tk-embed", "--weights-dir", other, wavs, tmp_path / "out").err


def test_a_bad_file_of_a_speaker_is_told_each_time_and_the_others_count(installed, wavs, tmp_path):
    write_click_wav(wavs / "low" / "c.wav", clicks=())
    (wavs / "low" / "d.wav").write_text("only a text")
    closed = write_voice(wavs / "low" / "e.wav")
    closed.chmod(0)
    (wavs / "none").mkdir()
    write_click_wav(wavs / "none" / "a.wav", clicks=())
    errors = tmp_path / "errors.ndjson"
    arguments = ("--per", "speaker", "--errors", errors, wavs, tmp_path / "out")
    for _ in range(2):
        ran = installed("tk-embed", *arguments, preexec_fn=without_roots_rights)
        assert ran.code == 1
        assert [path.name for path in ran.paths] == ["high.embed.h5", "low.embed.h5"]
        told = [json.loads(line) for line in errors.read_text().splitlines()]
        assert {os.path.relpath(row["path"], wavs) for row in told} == {
            "low/c.wav",
            "low/d.wav",
            "low/e.wav",
            "none/a.wav",
        }
        for path, why in (("low/c.wav", "silent"), ("low/d.wav", "not a media file"), ("low/e.wav", "denied")):
            assert any(f"{path}: " in line and why in line for line in ran.err.splitlines())
        assert read_embed_file(tmp_path / "out" / "low.embed.h5").files == ("a.wav", "b.wav")


def test_any_rate_and_number_of_channels_and_clipping_and_a_video(tk, tmp_path):
    plain = write_voice(tmp_path / "in" / "plain.wav", seconds=3)
    write_voice(tmp_path / "in" / "8000.wav", seconds=3, rate=8000)
    write_voice(tmp_path / "in" / "96000.wav", seconds=3, rate=96000)
    write_voice(tmp_path / "in" / "stereo.wav", seconds=3, channels=2)
    write_voice(tmp_path / "in" / "clipped.wav", seconds=3, change=lambda samples: np.clip(5 * samples, -1, 1))
    ffmpeg(
        "-f", "lavfi", "-i", "color=black:s=64x64:r=25:d=3", "-i", plain, "-c:a", "pcm_s16le", tmp_path / "in/film.mkv"
    )
    assert tk("tk-embed", tmp_path / "in", tmp_path / "out").code == 0
    embeds = {path.name.partition(".")[0]: read_embed_file(path).values[0] for path in (tmp_path / "out").iterdir()}
    for name in ("8000", "96000", "stereo", "film"):
        assert embeds[name] @ embeds["plain"] > 0.999, name
    assert embeds["clipped"] @ embeds["plain"] < 0.9999


def test_what_holds_no_voice_is_told_and_the_others_are_done(tk, tmp_path):
    folder = tmp_path / "in"
    good = write_voice(folder / "good.wav")
    rng = np.random.default_rng(0)
    soundfile.write(folder / "silence.wav", np.zeros(32000), 16000)
    soundfile.write(folder / "noise.wav", 0.003 * rng.standard_normal(48000), 16000)
    write_voice(folder / "blink.wav", seconds=0.05)
    write_voice(folder / "word.wav", seconds=0.4)
    write_voice(folder / "nan.wav", subtype="FLOAT", change=lambda samples: np.where(samples > 0.1, np.nan, samples))
    (folder / "torn.wav").write_bytes(good.read_bytes()[:20000])
    ran = tk("tk-embed", folder, tmp_path / "out")
    assert (ran.code, [path.name for path in ran.paths]) == (1, ["good.embed.h5"])
    for name, why in {
        "silence": "the sound is silent",
        "noise": "no speech is heard in it",
        "blink": "no speech is heard in it",
        "word": "s of speech are heard in it; at least 0.5 s are needed",
        "nan": "is not a number",
        "torn": "is cut short",
    }.items():
        assert any(f"{name}.wav: " in line and why in line for line in ran.err.splitlines()), name
    assert os.listdir(tmp_path / "out") == ["good.embed.h5"]


def test_a_file_of_another_kind_is_told(tk, tmp_path):
    mel = tk("tk-mel", write_voice(tmp_path / "a.wav"), tmp_path / "a.mel.h5").paths[0]
    ran = tk("tk-embed", mel, tmp_path / "out")
    assert (ran.code, ran.out) == (1, "")
    assert "not a media file" in ran.err
    ran = tk("tk-embed", "--matrix", tmp_path / "alike.png", tmp_path / "a.wav", mel)
    assert (ran.code, ran.out) == (1, "")
    assert "is not an HDF5 file" in ran.err
    assert "is of kind mel; expected embed" in ran.err


def test_missing_weights_are_told_once(tk, wavs, tmp_path, monkeypatch):
    def missing(name, weights_dir=None):
        raise WeightsError("the weights ge2e are not on this machine; run `tk-weights fetch ge2e`")

    monkeypatch.setattr("tk_tools.weights.find.find_weights", missing)
    ran = tk("tk-embed", wavs, tmp_path / "out")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.count("tk-weights fetch ge2e") == 1
    assert not (tmp_path / "out").exists()


def test_a_matrix_of_the_files_of_a_pipe(tk, wavs, tmp_path):
    made = tk("tk-embed", wavs, tmp_path / "out")
    picture = tmp_path / "alike.png"
    ran = tk("tk-embed", "--matrix", picture, "-", stdin=made.out.encode())
    header, *rows = (line.split("\t") for line in ran.out.splitlines())
    assert (ran.code, header) == (0, ["path", *map(str, made.paths)])
    assert [row[0] for row in rows] == header[1:]
    values = np.array([[float(cell) for cell in row[1:]] for row in rows])
    embeds = np.concatenate([read_embed_file(path).values for path in made.paths])
    assert values == pytest.approx(embeds @ embeds.T, abs=1e-5)
    assert "2 folders as speakers: one voice " in ran.err
    assert "1 pairs), two voices" in ran.err
    with Image.open(picture) as image:
        assert image.size[0] > 500
    objects = [
        json.loads(line) for line in tk("tk-embed", "--json", "--matrix", picture, tmp_path / "out").out.splitlines()
    ]
    assert [row["cosine"][row["path"]] for row in objects] == [1, 1, 1]


def test_a_matrix_keeps_what_is_not_its_own(tk, wavs, tmp_path):
    made = tk("tk-embed", wavs, tmp_path / "out").paths
    mine = tmp_path / "mine.png"
    Image.new("RGB", (8, 8)).save(mine)
    before = mine.read_bytes()
    for arguments, why in (
        (("--matrix", mine, *made), "not made by these tools"),
        (("--matrix", tmp_path / "alike.txt", *made), "is no NAME.png"),
        (("--matrix", tmp_path / "new.png", "--per", "speaker", *made), "--per has no part in --matrix"),
    ):
        ran = tk("tk-embed", *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert why in ran.err
    assert mine.read_bytes() == before


@pytest.mark.data
def test_real_speakers_are_told_apart(tk, tmp_path, monkeypatch):
    """Embeddings and matrix of LibriSpeech, from the commands: what the original code gave is in the goldens."""
    monkeypatch.delenv("TK_WEIGHTS")
    recordings = os.path.join(os.environ.get("TK_DATA", "/nonexistent"), "speech", "librispeech")
    if not os.path.isdir(recordings):
        pytest.skip("no sample media: set TK_DATA")
    try:
        find_weights("ge2e")
    except WeightsError as error:
        pytest.skip(str(error))
    assert tk("tk-embed", recordings, tmp_path / "out").code == 0
    ran = tk("tk-embed", "--matrix", tmp_path / "alike.png", tmp_path / "out")
    assert (
        "one voice 0.821 (0.724 to 0.906, 36 pairs), two voices 0.480 (0.324 to 0.718, 240 pairs), EER 0.0 %" in ran.err
    )
