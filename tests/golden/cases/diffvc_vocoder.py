"""From mels to sound: HiFi-GAN, Griffin-Lim, and the noise that is taken out before."""

import numpy as np
import torch

from tests.golden.golden import draw
from tk_tools.audio import griffin_lim
from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.models.diffvc.denoise import smooth, subtract_noise
from tk_tools.nets.hifigan import HiFiGAN


@torch.no_grad()
def hifigan(golden):
    network = HiFiGAN().eval()
    drawn = {
        key: torch.from_numpy(draw(key, tuple(shape), golden.salt)) for key, shape in golden.meta["state_dict"].items()
    }
    network.load_state_dict(drawn)
    (mel,) = golden.tensors()
    return {"wav": network.for_inference()(mel)}


def fastgl(golden):
    (signal,) = golden.signals()
    log_mel = np.log(np.maximum(signal[0].T ** 4, 1e-5))
    results = {"mel_basis_inverse": griffin_lim._inverse(DIFFVC)[::16]}
    for name in golden.meta["outputs"]:
        if name.startswith("wav_"):
            waveform = griffin_lim.griffin_lim(log_mel, DIFFVC, iterations=int(name.split("_")[1]))
            results[name] = waveform[None, None]
    return results


def spectral_subtraction(golden):
    synthesised, source, profile = golden.signals()
    results = {"as_notebook": subtract_noise(synthesised.T, smoothing=1).T}
    for name in golden.meta["outputs"]:
        kind, _, number = name.partition("_")
        if kind == "smoothing":
            smoothing = None if number == "none" else int(number)
            results[name] = subtract_noise(synthesised.T, source.T, smoothing).T
        elif kind == "median":
            results[name] = smooth(profile, int(number))
    return results


CASES = {"hifigan": hifigan, "fastgl": fastgl, "spectral_subtraction": spectral_subtraction}
