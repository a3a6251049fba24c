"""One recording said in another voice: length, place, what the result hangs on, and what cannot be used."""

import numpy as np
import pytest
import soundfile
import torch

from tests.audio.voices import voice
from tests.media import find_click, write_clip
from tests.models.diffvc.drawn import small_diffvc, write_published, write_voice, write_weights
from tk_tools.audio.mel import mel
from tk_tools.audio.speaker import embed_speaker, load_encoder
from tk_tools.audio.vocoder import FRAMES_AT_ONCE, Vocoder
from tk_tools.errors import InputError, WeightsError
from tk_tools.files.made_from import is_marked_synthetic, read_provenance
from tk_tools.files.soundtrack import read_audio
from tk_tools.models.diffvc import inference
from tk_tools.models.diffvc.inference import Converter, infer
from tk_tools.models.diffvc.options import HIFIGAN, InferOptions
from tk_tools.models.diffvc.segments import LONGEST, SHORTEST
from tk_tools.models.diffvc.voice import Voice, read_voice
from tk_tools.nets.noise import drawn_noise

FEW = {"solver": "pf", "steps": 1, "device": "cpu"}  # drawn weights and more steps leave all bounds


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("convert")
    write_weights(folder, vocoder=True)
    write_published(folder / "vc.pt", small_diffvc())
    write_voice(folder / "low.wav", 2.0)
    write_voice(folder / "high.wav", 2.5, f0=220.0, swing=60.0)
    return folder


@pytest.fixture
def convert(folder, tmp_path):
    """Convert a source to the voice of low.wav, or of others: the facts and the samples."""

    def call(source, *recordings, name="out.wav", checkpoint="vc.pt", **options):
        options = InferOptions(**{**FEW, **options})
        vocoder = [folder / "generator"] if options.vocoder == HIFIGAN else []
        voices = recordings or [folder / "low.wav"]
        weights = folder / checkpoint, folder / "pretrained.pt"
        facts = infer(source, *weights, *vocoder, *voices, tmp_path / name, options)
        samples, rate = soundfile.read(tmp_path / name, dtype="int16")
        assert rate == 22050
        assert samples.ndim == 1
        return facts, samples

    return call


def test_the_result_is_as_long_as_the_whole_frames_of_the_source(folder, convert, tmp_path):
    for seconds in (1.0, 1.7):
        facts, samples = convert(write_voice(tmp_path / "s.wav", seconds), vocoder=HIFIGAN)
        assert len(samples) == int(seconds * 22050) // 256 * 256
        assert facts == {
            "seconds": pytest.approx(len(samples) / 22050, abs=1e-3),
            "segments": 1,
            "target_seconds": pytest.approx(2.0, abs=0.02),
            "vocoder": "HiFi-GAN (generator)",
        }
        assert np.abs(samples).max() > 0


def test_the_result_says_what_it_is_and_what_it_was_made_from(folder, convert, tmp_path):
    convert(folder / "high.wav")
    assert is_marked_synthetic(tmp_path / "out.wav")
    made = read_provenance(tmp_path / "out.wav")
    assert made.source.name == "high.wav + vc.pt + pretrained.pt + low.wav"
    assert made.params["steps"] == 1
    assert "device" not in made.params
    convert(folder / "high.wav", mark=False)
    assert not is_marked_synthetic(tmp_path / "out.wav")
    assert read_provenance(tmp_path / "out.wav") is not None


def test_the_result_hangs_on_all_that_is_asked_for_and_on_nothing_else(folder, convert):
    source, hifigan = folder / "high.wav", {"vocoder": HIFIGAN}
    _, first = convert(source, **hifigan)
    assert np.array_equal(convert(source, **hifigan)[1], first)
    for change in ({"seed": 1}, {"solver": "em"}, {"solver": "ml"}, {"steps": 2}, {"denoise": False}):
        assert not np.array_equal(convert(source, **hifigan | change)[1], first), change
    assert not np.array_equal(convert(source, source, **hifigan)[1], first)


def test_bfloat16_gives_nearly_the_same_mel(folder):
    target = mel(voice(22050, seconds=2.0), "diffvc")
    heard = Voice(np.full(256, 1 / 16, np.float32), (target,), seconds=2.0)
    source = mel(voice(22050, seconds=1.0, f0=200.0), "diffvc")
    made = [
        Converter(small_diffvc(), heard, 1, precision=precision).convert(source, "pf", drawn_noise(0, 0))
        for precision in ("fp32", "bf16")
    ]
    apart = np.abs(made[0] - made[1]).mean()
    assert 0 < apart < 0.02 * made[0].std()


def test_one_utterance_is_converted_as_published(folder, monkeypatch):
    """What infer does with one utterance and one recording is DiffVC.convert, whose numbers tests/golden holds."""
    monkeypatch.setattr(inference, "BOUND", np.inf)
    encoder = load_encoder(folder / "pretrained.pt")
    network, heard = small_diffvc(), read_voice([folder / "low.wav"], encoder)
    source = mel(read_audio(folder / "high.wav"), "diffvc")[:202]  # no multiple of 4
    made = Converter(small_diffvc(), heard, 3).convert(source, "ml", drawn_noise(0, 0))
    mels = [torch.from_numpy(frames.T.copy())[None] for frames in (source, heard.references[0])]
    masks = [torch.ones(1, 1, frames.shape[-1]) for frames in mels]
    embedding = torch.from_numpy(heard.embedding)[None]
    with torch.no_grad():
        given = (mels[0], masks[0], mels[1], masks[1], embedding)
        _, wanted = network.convert(*given, solver="ml", steps=3, noise=drawn_noise(0, 0))
    assert made.std() > 0.1
    assert np.abs(made - wanted[0].T.numpy()).max() < 1e-4 * np.abs(made).max()


def test_several_recordings_of_the_target_are_one_voice(folder):
    encoder = load_encoder(folder / "pretrained.pt")
    recordings = [folder / "low.wav", folder / "high.wav"]
    both = read_voice(recordings, encoder)
    samples = [read_audio(path, rate=16000) for path in recordings]
    assert np.allclose(both.embedding, embed_speaker(encoder, samples, step=80), atol=1e-6)
    assert both.seconds == pytest.approx(4.5)
    whole = [mel(read_audio(path), "diffvc") for path in recordings]
    assert [len(reference) for reference in both.references] == [len(frames) for frames in whole]
    assert np.array_equal(both.references[1], whole[1])


def test_the_encoder_hears_each_recording_by_itself(folder, monkeypatch):
    network, seen = small_diffvc(), []
    network.encoder.register_forward_hook(lambda module, given, made: seen.append(made))
    both = read_voice([folder / "low.wav", folder / "high.wav"], load_encoder(folder / "pretrained.pt"))
    given = []
    conditions = network.decoder.conditions
    monkeypatch.setattr(network.decoder, "conditions", lambda *asked: given.extend(asked) or conditions(*asked))
    converter = Converter(network, both, 1)
    for _ in range(2):
        converter.convert(both.references[0], "pf", drawn_noise(0, 0))
    target, mask, mean, *_ = given
    seen = seen[:2]  # the others are what was converted
    assert len(given) == 5
    assert [made.shape[-1] for made in seen] == [len(reference) for reference in both.references]
    assert torch.equal(mean, torch.cat(seen, dim=-1))
    assert torch.equal(target[0].T, torch.from_numpy(np.concatenate(both.references)))
    assert mask.shape == (1, 1, target.shape[-1])


def test_no_more_than_twenty_seconds_of_the_target_are_heard(folder, convert, tmp_path):
    long = write_voice(tmp_path / "long.wav", 15.0)
    other = write_voice(tmp_path / "other.wav", 15.0, f0=130.0)
    facts, _ = convert(folder / "high.wav", long, other, folder / "low.wav")
    assert facts["target_seconds"] == pytest.approx(20, abs=0.02)
    options = InferOptions(**FEW)
    weights = folder / "vc.pt", folder / "pretrained.pt"
    said = inference.check_shared(*weights, [long, other, folder / "low.wav"], options)
    assert "recordings last 32 s" in said
    assert "first 20 s" in said
    assert inference.check_shared(*weights, [folder / "low.wav"], options) is None


def test_a_long_source_is_converted_in_segments(folder, convert, tmp_path, monkeypatch):
    converted = []

    def convert_loudly(self, frames, *others):
        converted.append(frames)
        return frames

    monkeypatch.setattr(Converter, "convert", convert_loudly)
    source = write_voice(tmp_path / "long.wav", 40.0)
    facts, samples = convert(source, denoise=False)
    assert facts["segments"] == len(converted) in (3, 4)
    assert max(map(len, converted)) <= LONGEST
    there, here = mel(read_audio(source), "diffvc"), mel(samples, "diffvc")
    assert len(samples) == 256 * len(there)
    loud = there > -6
    assert np.corrcoef(there[loud], here[loud])[0, 1] > 0.8  # what was said, when it was said: Griffin-Lim of the mel


def test_each_segment_has_noise_of_its_own():
    like = torch.zeros(1, 80, 8)
    first, second = drawn_noise(5, 0), drawn_noise(5, 1)
    draws = [first(like), first(like), second(like), drawn_noise(6, 0)(like)]
    assert torch.equal(draws[0], drawn_noise(5, 0)(like))
    for a in range(4):
        for b in range(a):
            assert (draws[a] - draws[b]).abs().mean() > 0.5


@pytest.mark.parametrize(
    ("rate", "options"),
    [(8000, {}), (96000, {}), (44100, {"noise": 0.01})],
)
def test_other_rates_and_channels(folder, convert, tmp_path, rate, options):
    sound = voice(rate, seconds=1.0, **options)
    soundfile.write(tmp_path / "s.wav", np.stack([sound, 0.5 * sound], axis=1), rate)
    facts, samples = convert(tmp_path / "s.wav", tmp_path / "s.wav", vocoder=HIFIGAN)
    assert len(samples) in (22050 // 256 * 256, 22050 // 256 * 256 - 256)
    assert ("nothing is heard above 4000 Hz" in facts.get("warning", "")) == (rate == 8000)


def test_a_clipped_source_is_converted_and_told(folder, convert, tmp_path):
    soundfile.write(tmp_path / "s.wav", np.clip(30 * voice(22050, seconds=1.0), -1, 1), 22050)
    facts, _ = convert(tmp_path / "s.wav", tmp_path / "s.wav")
    assert facts["segments"] == 1
    assert "% of its samples are clipped" in facts["warning"]


def test_a_very_short_source_is_converted(folder, convert, tmp_path):
    write_voice(tmp_path / "short.wav", 0.05)
    assert len(convert(tmp_path / "short.wav")[1]) == 4 * 256
    soundfile.write(tmp_path / "none.wav", np.full(200, 0.1), 22050)
    with pytest.raises(InputError, match=r"too short: a frame lasts 0\.012 s"):
        convert(tmp_path / "none.wav", name="none-out.wav")
    assert not (tmp_path / "none-out.wav").exists()


def test_a_silent_source_stays_silent(folder, convert, tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(22050), 22050)
    facts, samples = convert(tmp_path / "silent.wav")
    assert facts["warning"] == "is silent, and so is the result"
    assert len(samples) == 22050 // 256 * 256
    assert np.abs(samples).max() < 33  # -60 dBFS


def test_a_video_s_sound_begins_with_its_pictures(folder, convert, tmp_path, monkeypatch):
    monkeypatch.setattr(Converter, "convert", lambda self, frames, *others: frames)
    clip = write_clip(tmp_path / "late.mp4", sound_delay=0.3)
    _, samples = convert(clip, denoise=False)
    assert find_click(samples, 22050, 0.7) == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros(32000), "is silent"),
        (0.001 * np.eye(1, 32000, 16000)[0], "no speech"),
        (voice(seconds=0.3, gap=(0, 0)), r"at least 0\.5 s"),
        (np.zeros(0), "no sound"),
        (np.append(voice(), np.nan), "not a number"),
    ],
)
def test_what_is_no_voice_is_named(folder, convert, tmp_path, samples, said):
    target = tmp_path / "target.wav"
    soundfile.write(target, samples, 16000, subtype="FLOAT")
    with pytest.raises(InputError, match=said) as caught:
        convert(folder / "high.wav", target)
    assert caught.value.path == str(target)
    assert not (tmp_path / "out.wav").exists()
    both = read_voice([target, folder / "low.wav"], load_encoder(folder / "pretrained.pt"))
    assert both.left_out.keys() == {target}
    assert both.seconds == pytest.approx(2)
    weights = folder / "vc.pt", folder / "pretrained.pt"
    told = inference.check_shared(*weights, [target, folder / "low.wav"], InferOptions(**FEW))
    assert f"left out of the target: {target}: " in told


def test_a_broken_source_leaves_nothing(folder, convert, tmp_path):
    soundfile.write(tmp_path / "nan.wav", np.append(voice(22050, seconds=3), np.nan), 22050, subtype="FLOAT")
    whole = (folder / "high.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    for name, said in (("nan.wav", "not a number"), ("cut.wav", "cut short")):
        with pytest.raises(InputError, match=said):
            convert(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("nan.wav", "cut.wav")] == []


def test_weights_whose_mel_is_not_finite_are_told(folder, convert):
    network = small_diffvc()
    with torch.no_grad():
        network.decoder.estimator.final_conv.bias.fill_(3e38)
    write_published(folder / "wild.pt", network)
    with pytest.raises(WeightsError, match="not finite"):
        convert(folder / "high.wav", checkpoint="wild.pt")


def test_no_more_than_a_segment_is_held(folder, tmp_path, monkeypatch):
    """However long a source is; that the vocoder and the embedding stream as well, their own tests say."""
    read, held, blocks = 0, [], 60
    rng = np.random.default_rng(0)

    def frames(source, faults):
        nonlocal read
        for _ in range(blocks):
            read += 256
            yield rng.uniform(-8, 0, (256, 80)).astype(np.float32)

    def write(path, pieces, rate, comment):
        written = 0
        for piece in pieces:
            written += len(piece)
            held.append(read - written // 256)
        return written

    samples_of = Vocoder("none", lambda mel: np.zeros(256 * len(mel), np.float32), context=0)
    monkeypatch.setattr(inference, "_frames", frames)
    monkeypatch.setattr(inference, "_vocoder", lambda *which: samples_of)
    monkeypatch.setattr(inference, "write_wav", write)
    monkeypatch.setattr(Converter, "convert", lambda self, mel, *others: mel)
    weights = folder / "vc.pt", folder / "pretrained.pt"
    facts = infer(folder / "high.wav", *weights, folder / "low.wav", tmp_path / "out.wav", InferOptions(**FEW))
    assert facts["seconds"] == pytest.approx(blocks * 256 * 256 / 22050, abs=1e-3)
    assert facts["segments"] > 10
    assert max(held) <= LONGEST + SHORTEST + 256 + FRAMES_AT_ONCE
    assert held[-1] == 0
