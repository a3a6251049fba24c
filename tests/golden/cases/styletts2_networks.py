"""StyleTTS 2's networks."""

import numpy as np
import torch

from tk_tools.models.styletts2.aligner import HIDDEN_SHARE, TextAligner
from tk_tools.models.styletts2.decoder import Decoder
from tk_tools.models.styletts2.denoiser import Denoiser
from tk_tools.models.styletts2.discriminators import MultiResolutionDiscriminator, SpeechDiscriminator
from tk_tools.models.styletts2.losses import relativistic_loss
from tk_tools.models.styletts2.pitch_extractor import PitchExtractor
from tk_tools.models.styletts2.plbert import new_plbert, understand
from tk_tools.models.styletts2.prosody import ProsodyPredictor
from tk_tools.models.styletts2.published import of_our_names
from tk_tools.models.styletts2.sizes import LIBRITTS, LJSPEECH
from tk_tools.models.styletts2.style_diffusion import StyleDiffusion, moves, noise_levels
from tk_tools.models.styletts2.style_encoder import StyleEncoder
from tk_tools.models.styletts2.text_encoder import TextEncoder
from tk_tools.nets.adversarial import adversarial_loss, feature_loss, told_apart_loss
from tk_tools.nets.padding import padding_mask
from tk_tools.nets.period_discriminator import MultiPeriodDiscriminator


def _input(golden, name):
    return torch.from_numpy(golden.signal(name))


def _lengths(golden, name="lengths"):
    return torch.from_numpy(golden.value(name))


def _tokens(golden, lengths):
    tokens = _input(golden, "tokens")
    return tokens.masked_fill(padding_mask(lengths, tokens.shape[1]), 0)


def queue(golden, listed):
    """Noise that gives the listed signals, one at each call."""
    draws = golden.noise(listed)
    return lambda like: torch.from_numpy(next(draws)).view(like.shape)


class Heard(dict):
    """What went into and came out of modules, by name."""

    def inputs(self, name, module):
        module.register_forward_pre_hook(lambda module, given: self.update({name: given[0]}))

    def outputs(self, name, module):
        module.register_forward_hook(lambda module, given, made: self.update({name: made}))


@torch.no_grad()
def text_encoder(golden):
    lengths = _lengths(golden)
    return {"out": golden.fill(TextEncoder())(_tokens(golden, lengths), lengths)}


@torch.no_grad()
def style_encoder(golden):
    network = golden.fill(StyleEncoder())
    results, heard = {}, Heard()
    heard.inputs("hidden", network.unshared)
    for place in (0, 1):
        results[f"style{place}"] = network(_input(golden, f"mel{place}").squeeze(1))
        results[f"hidden{place}"] = heard["hidden"]
    return results


@torch.no_grad()
def plbert(golden):
    network = golden.fill(new_plbert())
    lengths = _lengths(golden)
    tokens = _tokens(golden, lengths)
    found = understand(network, tokens, lengths)
    return {"last_hidden_state": found.masked_fill(padding_mask(lengths, tokens.shape[1]).unsqueeze(-1), 0)}


@torch.no_grad()
def predictor(golden):
    network = golden.fill(ProsodyPredictor())
    known, style, lengths = _input(golden, "d_en"), _input(golden, "style"), _lengths(golden)
    encoded = network.text_encoder(known, style, lengths)
    durations = golden.meta["inputs"]["durations"]["value"]
    alignment = torch.zeros(len(known), known.shape[-1], max(map(sum, durations)))
    for item, counted in enumerate(durations):
        ends = np.cumsum(counted)
        for token, end in enumerate(ends):
            alignment[item, token, end - counted[token] : end] = 1
    alone = network.text_encoder(known[:1, :, : lengths[0]], style[:1], lengths[:1])
    heard = Heard()
    heard.outputs("lstm", network.lstm)
    results = {"inference_duration": network.durations(alone, lengths[:1])}
    results["inference_lstm"] = heard["lstm"][0][..., ::2]
    contour = network.contour(_input(golden, "en"), style)
    return results | {
        "text_encoder": encoded[..., ::2],
        "duration": network.durations(encoded, lengths),
        "en": (encoded.mT @ alignment)[:, ::8],
        "F0": contour.pitch,
        "N": contour.energy,
    }


def _decoder(golden, sizes):
    network = golden.fill(Decoder(sizes))
    heard, generator = Heard(), network.generator
    heard.outputs("conv_post", generator.conv_post)
    heard.inputs("features", generator)
    heard.outputs("har_source", generator.m_source)
    for place, up in enumerate(generator.ups):
        heard.outputs(f"up{place}", up)
    return network, heard


def _decode(golden, network):
    given = (_input(golden, name) for name in ("asr", "F0", "N", "style"))
    return network(*given, queue(golden, golden.meta["noise"]))


def _shown(heard, stride=1):
    found = dict(heard.items())
    for name in [name for name in found if name.startswith("up")]:
        found[name] = found[name][:, ::8, :: max(1, found[name].shape[-1] // 80)]
    return found | {"conv_post": found["conv_post"][..., ::stride], "features": found["features"][:, ::3]}


@torch.no_grad()
def decoder_hifigan(golden):
    network, heard = _decoder(golden, LIBRITTS)
    wave = _decode(golden, network)
    return {"wave": wave.unsqueeze(1), **_shown(heard)}


@torch.no_grad()
def decoder_istftnet(golden):
    network, heard = _decoder(golden, LJSPEECH)
    results = {"wave": _decode(golden, network).unsqueeze(1), **_shown(heard, stride=7)}
    generator = network.generator
    source = generator.transform(results["har_source"])
    results["har_magnitude"], results["har_phase"] = source[..., ::3].chunk(2, dim=1)
    given = torch.cat([_input(golden, "har_magnitude"), _input(golden, "har_phase")], dim=1)
    wave = generator.voice(heard["features"], _input(golden, "style"), given)
    shown = _shown(heard, stride=7)
    return results | {
        "given_har_wave": wave.unsqueeze(1),
        "given_har_conv_post": shown["conv_post"],
        "given_har_up1": shown["up1"],
    }


def _denoiser(golden, sizes):
    network = golden.fill(Denoiser(sizes))
    style, time, text = (_input(golden, name) for name in ("x", "time", "embedding"))
    voice = (_input(golden, "features"),) if sizes.many_voices else ()

    def answer(text):
        return network(style.squeeze(1), time, text, *voice).unsqueeze(1)

    plain, null = answer(text), answer(network.no_text(text))
    return {"scale1": plain, "scale2": null + 2 * (plain - null), "null": null}


@torch.no_grad()
def transformer1d(golden):
    return _denoiser(golden, LJSPEECH)


@torch.no_grad()
def style_transformer1d(golden):
    return _denoiser(golden, LIBRITTS)


@torch.no_grad()
def style_diffusion(golden):
    many = "features" in golden.meta["inputs"]
    diffusion = StyleDiffusion(LIBRITTS if many else LJSPEECH)
    assert diffusion.sigma_data == golden.meta["kwargs"]["sigma_data"]
    net = golden.sibling("style_transformer1d" if many else "transformer1d")
    golden.fill(diffusion.net, net.meta["state_dict"])
    renamed = of_our_names("diffusion", dict.fromkeys(golden.meta["state_dict"]))
    assert renamed.keys() == diffusion.state_dict().keys()
    text, start = _input(golden, "embedding"), _input(golden, "noise").squeeze(1)
    voice, voices = (_input(golden, "features"), _input(golden, "features2")) if many else (None, None)
    results = {}
    for place, sigma in enumerate((3.0, 0.3, 0.001)):
        results[f"denoise{place}"] = diffusion.denoise(start * sigma, torch.tensor([sigma]), text, voice).unsqueeze(1)
    style, noise = (_input(golden, name).squeeze(1) for name in ("x", "x_noise"))
    sigmas = torch.tensor(golden.meta["inputs"]["sigmas"]["value"])
    results["loss"] = diffusion.loss(style, sigmas, noise, _input(golden, "embedding2"), voices).view(1)
    for name, listed in golden.meta["noise_calls"].items():
        steps, scale = (int(part[-1]) for part in name.split("_"))
        made = diffusion.sample(start, text, voice, steps, scale, queue(golden, listed))
        results[name] = made.unsqueeze(1)
    for steps in (3, 5, 10):
        results[f"sigmas{steps}"] = np.append(noise_levels(steps), 0)
        results[f"up_down_mid{steps}"] = [(move.added, move.end, move.middle) for move in moves(steps)]
    return results


@torch.no_grad()
def text_aligner(golden):
    network = TextAligner()
    mel, frames = _input(golden, "mel"), _lengths(golden, "mel_lengths")
    results = {"true_mfcc": network.to_mfcc(mel)}
    golden.fill(network)
    tokens = _tokens(golden, _lengths(golden, "token_lengths"))
    padding = padding_mask(frames // 2, mel.shape[-1] // 2)
    plain = network(mel, padding, tokens)
    (random,) = golden.noise(golden.meta["noise"], "rand")
    hidden = network(mel, padding, tokens, torch.from_numpy(random) < HIDDEN_SHARE)
    return results | {
        "ctc_logit": plain.ctc,
        "s2s_logit": plain.logits,
        "s2s_attn": plain.attention,
        "s2s_logit_masked": hidden.logits,
        "s2s_attn_masked": hidden.attention,
        "feature": network.features(mel)[:, ::2],
    }


@torch.no_grad()
def pitch_extractor(golden):
    taken = of_our_names("pitch_extractor", golden.meta["state_dict"])
    network = golden.fill(PitchExtractor(), taken)
    heard = Heard()
    heard.outputs("gan", network.pool_block[1])
    heard.outputs("pool", network.pool_block[2])
    mel = _input(golden, "mel").squeeze(1)
    results = {"F0": network(mel)}
    results |= {"gan_feature": heard["gan"].mT[:, ::8, :, ::3], "pool": heard["pool"][:, ::8, ::3]}
    return results | {"F0_single": network(mel[:1])[0]}


def _discriminators(golden, network, stride=1):
    golden.fill(network)
    real, made = (network(_input(golden, name)) for name in ("real", "fake"))
    results = {}
    for place, (own, other) in enumerate(zip(real, made, strict=True)):
        results[f"real{place}"] = own.scores[:, ::stride]
        results[f"fake{place}"] = other.scores[:, ::stride]
        results[f"fmap_shape{place}"] = [layer.shape for layer in own.maps]
        results[f"fmap_mean_abs{place}"] = [layer.abs().mean() for layer in own.maps]
        shown = [layer.flatten()[:: max(1, layer.numel() // 200)][:200] for layer in own.maps]
        results[f"fmap_strided{place}"] = torch.cat(shown)
    found = {
        "feature_loss": feature_loss(real, made),
        "generator_loss": adversarial_loss(made),
        "discriminator_loss": told_apart_loss(real, made),
        "generator_rel": relativistic_loss(made, real),
        "discriminator_rel": relativistic_loss(real, made),
    }
    return results | {name: value.view(1) for name, value in found.items()}


@torch.no_grad()
def mpd(golden):
    return _discriminators(golden, MultiPeriodDiscriminator())


@torch.no_grad()
def msd(golden):
    return _discriminators(golden, MultiResolutionDiscriminator(), stride=5)


@torch.no_grad()
def wd(golden):
    return {"out": golden.fill(SpeechDiscriminator())(_input(golden, "x"))}


CASES = {
    "text_encoder": text_encoder,
    "style_encoder": style_encoder,
    "predictor_encoder": style_encoder,
    "plbert": plbert,
    "predictor": predictor,
    "decoder_hifigan": decoder_hifigan,
    "decoder_istftnet": decoder_istftnet,
    "transformer1d": transformer1d,
    "style_transformer1d": style_transformer1d,
    "style_diffusion_ljspeech": style_diffusion,
    "style_diffusion_libritts": style_diffusion,
    "text_aligner": text_aligner,
    "pitch_extractor": pitch_extractor,
    "mpd": mpd,
    "msd": msd,
    "wd": wd,
}
