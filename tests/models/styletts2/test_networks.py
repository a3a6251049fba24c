"""What the networks promise beside the golden numbers: true phases, no ear for padding, gradients, finite losses."""

import math

import numpy as np
import pytest
import torch

from tests.models.styletts2.drawn import ALIGNER, MANY_VOICES, ONE_VOICE, PITCH, drawn, small
from tk_tools.models.styletts2.aligner import HIDDEN_SHARE, TextAligner, draw_hidden
from tk_tools.models.styletts2.decoder import Decoder
from tk_tools.models.styletts2.discriminators import SpectrogramDiscriminator
from tk_tools.models.styletts2.excitation import BREATH, HARMONICS, HISS, Excitation, harmonics
from tk_tools.models.styletts2.losses import MelDistance, duration_losses, relativistic_loss, spelling_loss
from tk_tools.models.styletts2.pitch_extractor import PitchExtractor
from tk_tools.models.styletts2.prosody import ProsodyPredictor
from tk_tools.models.styletts2.sizes import HOP, SAMPLE_RATE, STEP
from tk_tools.models.styletts2.style_diffusion import StyleDiffusion, moves
from tk_tools.models.styletts2.text_encoder import TextEncoder
from tk_tools.nets.noise import drawn_noise
from tk_tools.nets.padding import padding_mask
from tk_tools.nets.period_discriminator import Judgement


def test_harmonics_stay_true_for_minutes():
    frames = 120 * SAMPLE_RATE // HOP
    sines = harmonics(torch.full((1, frames), 203.7))[0, -HOP - 1000 : -HOP].double().numpy()
    # the phase of a frame's middle is that of its end: frames add up from their beginning
    n = np.arange(frames * HOP)[-HOP - 1000 : -HOP] + 0.5 + HOP / 2
    wanted = np.sin(2 * np.pi * float(np.float32(203.7)) / SAMPLE_RATE * n[:, None] * np.arange(1, HARMONICS + 1))
    assert np.abs(sines - wanted).max() < 1e-3


def test_the_excitation_follows_the_pitch():
    excitation = drawn(Excitation())
    pitch = torch.tensor([[200.0] * 40 + [0.0] * 40])
    heard = []
    with torch.no_grad():
        excitation.l_linear.weight.copy_(torch.eye(1, HARMONICS))
        excitation.l_linear.bias.zero_()
        for gain in (0.0, 1.0):
            heard.append(excitation(pitch, lambda like, gain=gain: gain * torch.ones_like(like))[0])
    silent, noisy = heard
    assert silent.shape == (80 * HOP,)
    rising = ((silent[:-1] <= 0) & (silent[1:] > 0)).sum()
    assert abs(int(rising) - 200 * (0.5 - HOP / SAMPLE_RATE)) <= 1  # its first and its last half frame stand still
    assert (silent[40 * HOP :] == 0).all()
    assert torch.allclose(torch.atanh(noisy[-10:]), torch.tensor(HISS))
    assert torch.allclose((torch.atanh(noisy) - torch.atanh(silent))[:1000], torch.tensor(BREATH), atol=1e-6)


@torch.no_grad()
def test_pitch_and_distances_are_in_single_precision_among_halves():
    torch.manual_seed(0)
    pitch = torch.full((1, 400), 203.0).bfloat16()
    assert torch.equal(harmonics(pitch), harmonics(pitch.float()))
    network, extractor = ProsodyPredictor(ONE_VOICE).eval(), PitchExtractor(PITCH).eval()
    mel, laid_out = torch.randn(1, 80, 20), torch.randn(1, ONE_VOICE.hidden + ONE_VOICE.style, 10)
    excitation, distance, waves = Excitation(), MelDistance(), torch.randn(2, 1, 6000)
    wanted = excitation(pitch.float(), torch.zeros_like), distance(*waves)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(excitation(pitch, torch.zeros_like), wanted[0])
        assert torch.equal(distance(*waves), wanted[1])
        curves = extractor(mel), *network.contour(laid_out, torch.randn(1, ONE_VOICE.style))
    for curve in curves:
        assert curve.dtype == torch.float32
        assert not torch.equal(curve, curve.bfloat16().float())


@torch.no_grad()
def test_padding_is_not_heard():
    torch.manual_seed(0)
    tokens, lengths = torch.randint(1, 178, (2, 12)), torch.tensor([7, 12])
    encoder, predictor = drawn(TextEncoder(ONE_VOICE)), drawn(ProsodyPredictor(ONE_VOICE))
    known, style = torch.randn(2, ONE_VOICE.hidden, 12), torch.randn(2, ONE_VOICE.style)
    both, alone = encoder(tokens, lengths), encoder(tokens[:1, :7], lengths[:1])
    torch.testing.assert_close(both[:1, :, :7], alone)
    assert (both[0, :, 7:] == 0).all()
    encoded = predictor.text_encoder(known, style, lengths)
    alone = predictor.text_encoder(known[:1, :, :7], style[:1], lengths[:1])
    torch.testing.assert_close(encoded[:1, :7], alone)
    durations = predictor.durations(encoded, lengths)
    torch.testing.assert_close(durations[:1, :7], predictor.durations(alone, lengths[:1]))


@pytest.mark.parametrize("sizes", [ONE_VOICE, MANY_VOICES], ids=["istftnet", "hifigan"])
def test_the_decoder_learns_on_a_processor(sizes):
    torch.manual_seed(0)
    decoder = Decoder(sizes).train()
    text = torch.randn(2, sizes.hidden, 9)
    pitch, energy = torch.full((2, 18), 150.0), torch.randn(2, 18, requires_grad=True)
    wave = decoder(text, pitch, energy, torch.randn(2, sizes.style))
    assert wave.shape == (2, 9 * STEP)
    wave.square().mean().backward()
    assert energy.grad.abs().max() > 0
    missing = [key for key, value in decoder.named_parameters() if value.grad is None]
    # the excitation of iSTFTNet is made without gradient, as published
    assert missing == [key for key in missing if "m_source" in key and sizes is ONE_VOICE]
    assert all(value.grad.isfinite().all() for value in decoder.parameters() if value.grad is not None)


@torch.inference_mode()
@pytest.mark.parametrize("sizes", [ONE_VOICE, MANY_VOICES], ids=["istftnet", "hifigan"])
def test_the_fast_decoder_gives_the_same(sizes):
    torch.manual_seed(0)
    plain, fast = small(sizes).decoder, small(sizes).for_inference().decoder
    given = torch.randn(2, sizes.hidden, 9), torch.full((2, 18), 150.0), torch.randn(2, 18), torch.randn(2, sizes.style)
    wanted, found = (network(*given, drawn_noise(0, 0)) for network in (plain, fast))
    assert wanted.std() > 1e-3
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)
    assert plain.generator.in_rows is not fast.generator.in_rows


def test_the_sampler_adds_what_its_levels_say():
    for move in moves(7):
        assert move.start > move.middle > move.end > 0
    ends = [math.hypot(move.end, move.added) for move in moves(7)]
    np.testing.assert_allclose(ends[:-1], [move.start for move in moves(7)][1:])


@torch.no_grad()
def test_one_that_knows_the_style_finds_it():
    diffusion = StyleDiffusion(ONE_VOICE)
    goal = torch.randn(3, 2 * ONE_VOICE.style)
    diffusion.denoise = lambda noisy, sigma, *_: goal
    made = diffusion.sample(torch.randn_like(goal), torch.zeros(3, 4, 64), steps=9)
    torch.testing.assert_close(made, goal, atol=1e-3, rtol=0)


@torch.no_grad()
def test_withheld_texts_are_as_none():
    diffusion = drawn(StyleDiffusion(ONE_VOICE))
    texts = torch.randn(2, 5, ONE_VOICE.bert.width)
    withheld = diffusion.withheld(texts, torch.tensor([True, False]))
    assert torch.equal(withheld[1], texts[1])
    assert torch.equal(withheld[0], diffusion.net.no_text(texts)[0])


@torch.no_grad()
@pytest.mark.parametrize("sizes", [ONE_VOICE, MANY_VOICES], ids=["one voice", "many"])
def test_the_denoiser_takes_no_padding_for_text(sizes):
    diffusion = drawn(StyleDiffusion(sizes))
    text, start = torch.randn(2, 7, sizes.bert.width), torch.randn(2, 2 * sizes.style)
    voice = torch.randn(2, 2 * sizes.style) if sizes.many_voices else None
    padding = torch.arange(7) >= torch.tensor([[4], [7]])

    def sampled(item, end, **given):
        heard = None if voice is None else voice[item]
        return diffusion.sample(start[item], text[item, :end], heard, 3, 2.0, torch.zeros_like, **given)

    together = sampled(slice(2), 7, padding=padding)
    torch.testing.assert_close(together[:1], sampled(slice(1), 4), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(together[1:], sampled(slice(1, 2), 7), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(together[:1], sampled(slice(1), 7), atol=1e-3)


@torch.no_grad()
def test_the_aligner_looks_at_no_padding_and_hides_tokens():
    torch.manual_seed(0)
    aligner = drawn(TextAligner(ALIGNER))
    mel, tokens = torch.randn(2, 80, 40), torch.randint(4, 178, (2, 6))
    padding = padding_mask(torch.tensor([20, 14]), 20)
    heard = aligner(mel, padding, tokens)
    assert (heard.attention[1, :, 14:] == 0).all()
    torch.testing.assert_close(heard.attention.sum(dim=-1), torch.ones(2, 7))
    hidden = torch.zeros(2, 6, dtype=torch.bool)
    hidden[0, 3] = True
    told = aligner(mel, padding, tokens, hidden)
    assert torch.equal(told.logits[0, :4], heard.logits[0, :4])
    assert not torch.allclose(told.logits[0, 4:], heard.logits[0, 4:])
    assert torch.equal(told.logits[1], heard.logits[1])
    share = draw_hidden(torch.zeros(200, 200)).float().mean()
    assert abs(float(share) - HIDDEN_SHARE) < 0.01


def test_equal_scores_have_a_loss():
    scores = torch.ones(2, 1, requires_grad=True)
    loss = relativistic_loss([Judgement(scores, [])], [Judgement(scores.detach(), [])])
    loss.backward()
    assert loss == 0
    assert scores.grad.isfinite().all()


def test_spectrograms_are_judged_on_channels_that_lie_together():
    """On a processor each layer keeps the fast layout, which a picture of one channel does not hand on by itself; what
    is found is what the convolutions find in any layout."""
    torch.manual_seed(0)
    net = SpectrogramDiscriminator(512, 50, 240, channels=4)
    wave = torch.randn(1, 1, 2000)
    maps = net(wave).maps
    assert all(one.is_contiguous(memory_format=torch.channels_last) and not one.is_contiguous() for one in maps[:-1])
    spectrum = torch.stft(wave[0], 512, 50, 240, window=torch.hann_window(240), return_complex=True)
    x = spectrum.abs().mT.unsqueeze(1).contiguous()
    assert torch.allclose(maps[0], torch.nn.functional.leaky_relu(net.discriminators[0](x), 0.1), atol=1e-5)


def test_losses_of_tokens_leave_padding_out():
    torch.manual_seed(0)
    logits, durations, lengths = torch.randn(2, 9, 50), torch.randint(1, 9, (2, 9)), torch.tensor([9, 5])
    spelled, tokens = torch.randn(2, 10, 178), torch.randint(0, 178, (2, 9))
    wanted = [*duration_losses(logits, durations, lengths), spelling_loss(spelled, tokens, lengths)]
    logits[1, 5:], durations[1, 5:], spelled[1, 5:], tokens[1, 5:] = 7.0, 3, 5.0, 2
    found = [*duration_losses(logits, durations, lengths), spelling_loss(spelled, tokens, lengths)]
    torch.testing.assert_close(found, wanted)
    exact = torch.where(torch.arange(50) < durations[..., None], 50.0, -50.0)
    off, entropy = duration_losses(exact, durations, lengths)
    assert max(off, entropy) < 1e-5
