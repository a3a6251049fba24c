"""StyleTTS 2's front ends and losses."""

import numpy as np
import torch

from tk_tools.audio.mel import filter_bank, mel
from tk_tools.audio.mel_presets import STYLETTS2
from tk_tools.models.styletts2 import losses
from tk_tools.models.styletts2.discriminators import MultiResolutionDiscriminator
from tk_tools.models.styletts2.to_16k import To16k, kernels
from tk_tools.nets.padding import padding_mask
from tk_tools.nets.period_discriminator import MultiPeriodDiscriminator

PADDED = 5000  # zeros on both sides of what is trained on


def front_end(golden):
    t = np.arange(48000) / 24000
    wave = (
        0.3 * np.sin(2 * np.pi * 220 * t)
        + 0.2 * np.sin(2 * np.pi * (500 * t + 400 * t**2))
        + 0.1 * np.sin(2 * np.pi * 7000 * t) * (t % 0.5 < 0.25)
    ).astype(np.float32)
    item = mel(np.pad(wave, PADDED), STYLETTS2).T
    return {
        "mel": mel(wave, STYLETTS2).T[None],
        "item_mel": item[:, : item.shape[1] // 2 * 2][:, ::2],
        "filterbank": filter_bank(STYLETTS2).T,
    }


def resample(golden):
    return {"out": To16k()(torch.from_numpy(golden.signal("wave"))), "kernel": kernels()}


@torch.no_grad()
def loss_terms(golden):
    drawn = {name: torch.from_numpy(golden.signal(name)) for name in golden.input_names}
    lengths = torch.from_numpy(golden.value("lengths"))
    distance = losses.MelDistance()
    mpd = golden.fill(MultiPeriodDiscriminator(), golden.sibling("mpd").meta["state_dict"])
    msd = golden.fill(MultiResolutionDiscriminator(), golden.sibling("msd").meta["state_dict"])
    real, made = (mpd(drawn[name]) + msd(drawn[name]) for name in ("real", "fake"))
    off, entropy = losses.duration_losses(drawn["duration_logit"], drawn["duration_target"], lengths)
    tokens = drawn["tokens"].masked_fill(padding_mask(lengths, drawn["tokens"].shape[1]), 0)
    parts = distance.parts(drawn["a"], drawn["b"])
    found = {
        "mrstft": distance(drawn["a"], drawn["b"]),
        **{f"stft{place}": part for place, part in enumerate(parts)},
        "generator_total": losses.generator_loss(real, made),
        "discriminator_total": losses.discriminator_loss(real, made),
        "loss_dur": off,
        "loss_ce": entropy,
        "loss_s2s": losses.spelling_loss(drawn["s2s_logit"], tokens, lengths),
    }
    results = {name: value.view(1) for name, value in found.items()}
    return results | {"log_norm": losses.energy(drawn["mel"].squeeze(1))}


CASES = {"mel": front_end, "resample": resample, "losses": loss_terms}
