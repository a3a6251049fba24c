"""Mels become sound of the right length in the right place, in pieces as at once; wrong weights are named."""

import json

import numpy as np
import pytest
import torch

from tests.audio.voices import voice
from tk_tools.audio import vocoder as module
from tk_tools.audio.mel import mel
from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.audio.vocoder import load_generator, open_vocoder
from tk_tools.errors import WeightsError
from tk_tools.nets.hifigan import HiFiGAN, HiFiGANConfig
from tk_tools.weights.save import save_safetensors

SMALL = HiFiGANConfig(channels=32)
V1 = {
    "resblock": "1", "upsample_rates": [8, 8, 2, 2], "upsample_kernel_sizes": [16, 16, 4, 4],
    "upsample_initial_channel": 512, "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]], "num_mels": 80, "n_fft": 1024, "hop_size": 256,
    "win_size": 1024, "sampling_rate": 22050, "fmin": 0, "fmax": 8000, "fmax_for_loss": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def small():
    """A narrow generator whose sound is loud enough to compare."""
    torch.manual_seed(0)
    net = HiFiGAN(SMALL).eval()
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if name.endswith("weight_g"):
                tensor.mul_(1.5)
    return net


@pytest.fixture
def published(tmp_path, small):
    """Its weights as HiFi-GAN's own training leaves them."""
    torch.save({"generator": small.state_dict()}, tmp_path / "generator")
    (tmp_path / "config.json").write_text(json.dumps(V1))
    return tmp_path / "generator"


def cut(frames):
    """Pieces of 1, 2, 3, ... frames, and of none."""
    size, start = 1, 0
    while start < len(frames):
        yield frames[start : start + size]
        yield frames[:0]
        start, size = start + size, 2 * size


def whole_and_pieces(vocoder, frames, monkeypatch, at_once):
    monkeypatch.setattr(module, "FRAMES_AT_ONCE", len(frames))
    whole = vocoder.sound(frames)
    monkeypatch.setattr(module, "FRAMES_AT_ONCE", at_once)
    blocks = list(vocoder.blocks(cut(frames)))
    assert len(blocks) > 3
    assert np.array_equal(np.concatenate(blocks), vocoder.sound(frames))
    return whole, np.concatenate(blocks)


def test_hifigan_in_pieces_is_hifigan_at_once(published, small, monkeypatch):
    frames = np.random.default_rng(0).uniform(-11, 1, (200, 80)).astype(np.float32)
    vocoder = open_vocoder(published)
    whole, pieces = whole_and_pieces(vocoder, frames, monkeypatch, at_once=40)
    with torch.no_grad():
        wanted = small(torch.from_numpy(frames.T)[None])[0, 0].numpy()
    assert whole.shape == (256 * 200,)
    assert whole.dtype == np.float32
    assert np.abs(wanted).mean() > 1e-3
    assert np.allclose(whole, wanted, atol=1e-5)
    assert np.allclose(pieces, wanted, atol=1e-5)


def test_no_frame_is_heard_from_farther_than_the_context(small):
    frames = torch.zeros(1, 80, 60)
    frames[:, :, 30] = 5.0
    with torch.no_grad():
        changed = (small(frames) - small(torch.zeros_like(frames)))[0, 0].reshape(60, 256).abs().amax(dim=1)
    reached = changed.nonzero().flatten() - 30
    assert reached.abs().max() in (small.context, small.context - 1)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_frames(published, count):
    frames = np.full((count, 80), -5, np.float32)
    for weights in (None, published):
        assert open_vocoder(weights).sound(frames).shape == (256 * count,)


@pytest.fixture(scope="module")
def speech():
    return voice(rate=22050, seconds=3.0)[: 256 * 256]


def envelope(samples):
    return np.convolve(np.abs(samples), np.hanning(512), mode="same")


def test_griffin_lim_puts_the_sound_where_it_was(speech):
    made = open_vocoder(None).sound(mel(speech, DIFFVC))
    assert made.shape == speech.shape
    assert made.dtype == np.float32
    there, here = (envelope(x) - envelope(x).mean() for x in (speech, made))
    agreement = [np.dot(np.roll(here, shift), there) for shift in range(-300, 301)]
    assert abs(np.argmax(agreement) - 300) < 32
    ends = [np.sqrt(np.mean(np.square(x[part]))) for part in (slice(256), slice(-256, None)) for x in (made, speech)]
    assert ends[0] == pytest.approx(ends[1], rel=0.5)
    assert ends[2] == pytest.approx(ends[3], rel=0.5)


def test_griffin_lim_in_pieces_is_griffin_lim_at_once(speech, monkeypatch):
    vocoder = open_vocoder(None)
    whole, pieces = whole_and_pieces(vocoder, mel(speech, DIFFVC), monkeypatch, at_once=32)
    assert np.linalg.norm(pieces - whole) < 1e-3 * np.linalg.norm(whole)


def test_weights_of_our_own_runs(tmp_path, small):
    own = HiFiGANConfig(channels=32, rates=(8, 32), kernels=(16, 64), block_kernels=(3,), dilations=(1, 2))
    net = HiFiGAN(own)
    settings = {"rates": own.rates, "dilations": own.dilations, "batch_size": 4}
    (tmp_path / "run").mkdir()
    save_safetensors(tmp_path / "run" / "best.safetensors", net.state_dict(), {"settings": settings})
    loaded = load_generator(tmp_path / "run")
    assert loaded.config == own
    assert all(torch.equal(value, loaded.state_dict()[key]) for key, value in net.state_dict().items())


def test_what_config_json_has_other_than_the_mel_is_named(published):
    other = {**V1, "sampling_rate": 24000, "fmax": 12000}
    published.with_name("config.json").write_text(json.dumps(other))
    with pytest.raises(WeightsError, match="sampling_rate 24000 instead of 22050, fmax 12000 instead of 8000"):
        open_vocoder(published)


def test_config_json_of_another_system_or_none(published, small):
    published.with_name("config.json").write_text(json.dumps({"sampling_rate": 16000}))
    assert load_generator(published).config == SMALL
    published.with_name("config.json").unlink()
    assert load_generator(published).config == SMALL


def test_small_blocks_are_told(published):
    published.with_name("config.json").write_text(json.dumps({**V1, "resblock": "2"}))
    with pytest.raises(WeightsError, match="blocks of V3"):
        load_generator(published)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (HiFiGANConfig(bands=100, channels=32), "mels of 100 bands and 256 samples"),
        (HiFiGANConfig(channels=32, rates=(8, 8, 4), kernels=(16, 16, 8)), None),
        (HiFiGANConfig(channels=32, rates=(8, 8, 5), kernels=(16, 16, 10)), "80 bands and 320 samples"),
    ],
)
def test_a_generator_of_another_mel(tmp_path, config, words):
    torch.save({"generator": HiFiGAN(config).state_dict()}, tmp_path / "generator")
    if words is None:
        assert load_generator(tmp_path / "generator").config == config
    else:
        with pytest.raises(WeightsError, match=words):
            load_generator(tmp_path / "generator")


def test_another_network(tmp_path):
    torch.save({"conv_pre.weight": torch.zeros(3)}, tmp_path / "g")
    with pytest.raises(WeightsError, match="is not a HiFi-GAN vocoder but an unknown network"):
        open_vocoder(tmp_path / "g")
    with pytest.raises(WeightsError, match="no such"):
        open_vocoder(tmp_path / "missing")
