"""What DINet and LawDNet hear: DeepSpeech 0.1.0, DeepSpeech2, resampling and windows."""

import numpy as np
import torch

from tk_tools.audio import deepspeech, deepspeech2
from tk_tools.audio.feature_windows import feature_windows
from tk_tools.audio.kaiser_resample import kaiser_resampled
from tk_tools.audio.mfcc import mfcc
from tk_tools.nets.deepspeech2 import sized_as

RATE = 16000


def wave(rate, seconds):
    """The closed form that the jsons state, int16; what is not of the usual length is variant 1."""
    variant = 0 if seconds in (0.5, 1.0) else 1
    t = np.arange(round(rate * seconds)) / rate
    x = 0.30 * np.sin(2 * np.pi * (220 + 31 * variant) * t)
    x += 0.22 * np.sin(2 * np.pi * (310 * t + (170 + 40 * variant) * t**2))
    x += 0.15 * np.sin(2 * np.pi * 1730 * t) * (1 + np.sin(2 * np.pi * (3 + variant) * t)) / 2
    x += 0.08 * np.sin(2 * np.pi * (90 * t + 35 * np.sin(2 * np.pi * 1.5 * t) / (2 * np.pi * 1.5)))
    return np.round(20000 * x * np.sin(np.pi * np.minimum(1, t / 0.05) / 2) ** 2).astype(np.int16)


def deepspeech010_graph(golden):
    network = deepspeech.load_deepspeech(golden.folder / f"{golden.name}.pb", "cpu")._network
    vectors = golden.tensors()[0][0]
    with torch.inference_mode():
        return {"logits": network(vectors)[:, None], "kept": network(vectors, every=2)}


def deepspeech_mfcc(golden):
    samples = wave(RATE, golden.meta["values"]["samples"] / RATE)
    frames = deepspeech.whitened(deepspeech.cepstra([samples]))
    windows = np.lib.stride_tricks.sliding_window_view(frames, 19, axis=0).transpose(0, 2, 1).reshape(-1, 494)
    return {
        "wave": samples,
        "mfcc": mfcc(samples, 26)[::4],
        "vector": windows[::6],
        "vector_row_10": windows[10],
    }


def resample(golden):
    given = {}
    for rate in (24000, 44100, 48000):
        seconds = 5 * golden.meta["outputs"][f"from_{rate}"][0] / RATE
        samples = np.concatenate(list(kaiser_resampled([wave(rate, seconds)], rate, RATE)))
        given[f"from_{rate}"] = samples[::5]
        given[f"from_{rate}_int16"] = samples.astype(np.int16)[2000:2400]
    return given


def audio_windows(golden):
    features = golden.arrays["features"]
    return {"features": features, "windows": feature_windows(features)}


def deepspeech2_spectrogram(golden):
    samples = (wave(RATE, golden.meta["values"]["samples"] / RATE) / np.float32(32768)).astype(np.float32)
    plain = np.concatenate(list(deepspeech2.spectrogram_blocks(deepspeech2.centred([samples]))))
    head = np.pad(samples, (160, 0), mode="reflect")
    tail = np.pad(samples[-160:], (0, 160), mode="reflect")[160:]  # of what the last column sees, as librosa 0.11 does
    reflected = np.concatenate(list(deepspeech2.spectrogram_blocks([head, tail])))
    columns = deepspeech2.normalised(plain).T
    return {
        "spectrogram": columns[:, ::4],
        "spectrogram_column_0": columns[:, 0],
        "unnormalised": plain.T[:, ::8],
        "reflect_columns": deepspeech2.normalised(reflected).T[:, [0, 1, 50, -1]],
        "mean_std": [value for x in (plain, reflected) for value in (x.mean(), x.std(ddof=1))],
    }


def deepspeech2_network(golden):
    network = golden.fill(sized_as(golden.drawn_state()))
    spectrogram = golden.tensors()[0][0, 0]
    steps = (spectrogram.shape[1] - 1) // 2 + 1
    with torch.inference_mode():
        logits = network(spectrogram)
        convolved = network.convolved(spectrogram, slice(0, steps)).T.unflatten(0, (32, 41))
    return {
        "logits": logits[None],
        "probabilities": logits.softmax(dim=1)[None],
        "lengths": [len(logits)],
        "conv": convolved[None, ::8, ::4, ::4],
    }


CASES = {
    "deepspeech010_graph": deepspeech010_graph,
    "deepspeech_mfcc": deepspeech_mfcc,
    "resample": resample,
    "audio_windows": audio_windows,
    "deepspeech2_spectrogram": deepspeech2_spectrogram,
    "deepspeech2": deepspeech2_network,
    "deepspeech2_small": deepspeech2_network,
}
