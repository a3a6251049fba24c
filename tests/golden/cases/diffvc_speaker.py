"""The GE2E speaker encoder and its front end; embeddings of the real weights where they and the recordings are here."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import numpy as np
import torch
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_curve
from torch.nn import functional

from tests.golden.golden import Absent
from tk_tools.audio import speaker
from tk_tools.audio.mel import filter_bank, mel
from tk_tools.audio.mel_presets import DIFFVC, GE2E
from tk_tools.errors import WeightsError
from tk_tools.files.soundtrack import read_audio
from tk_tools.nets.speaker_encoder import SpeakerEncoder
from tk_tools.weights.find import find_weights


@torch.no_grad()
def ge2e(golden):
    network = golden.fill(SpeakerEncoder())
    mels, embeds = golden.tensors()
    embeds = functional.normalize(embeds, dim=2)
    similarity = network.similarity(embeds)
    return {
        "embed": network(mels),
        "similarity_matrix": similarity,
        "loss": network.loss(embeds),
        "eer": _equal_error_rate(similarity.numpy()),
    }


def _equal_error_rate(similarity):
    """Where as many strangers are accepted as speakers refused, on the straight lines between the thresholds."""
    speakers, utterances, _ = similarity.shape
    same = np.repeat(np.eye(speakers, dtype=bool)[:, None], utterances, axis=1)
    accepted, found, _ = roc_curve(same.ravel(), similarity.ravel())
    return brentq(lambda rate: 1 - rate - interp1d(accepted, found)(rate), 0.0, 1.0)


@functools.cache
def _encoder():
    """The network with the real weights, or None where they are not on this machine."""
    try:
        return speaker.load_encoder(find_weights("ge2e"))
    except WeightsError:
        return None


NO_WEIGHTS = Absent("the weights ge2e")
NO_RECORDINGS = Absent("the recordings below TK_DATA")


def _recording(*parts, rate=16000):
    path = Path(os.environ.get("TK_DATA", "/nonexistent"), "speech", *parts)
    return read_audio(path, rate=rate) if path.exists() else None


def wave(rate, seconds, f0, depth, rate_of_swing, gap):
    """The speech-like waveform of the set: a voice whose pitch swings, with a gap of silence; float32."""
    t = np.arange(int(seconds * rate)) / rate
    phase = 2 * np.pi * f0 * t + depth / rate_of_swing * (1 - np.cos(2 * np.pi * rate_of_swing * t))
    harmonic = np.arange(1, 21)
    level = 1 / harmonic + 2 / 3 * np.exp(-(((harmonic * f0 - 600) / 200) ** 2))
    level += 1 / 3 * np.exp(-(((harmonic * f0 - 1800) / 300) ** 2))
    voice = sum(a * np.sin(k * phase) for a, k in zip(level, harmonic, strict=True))
    envelope = 0.15 * (1 + 0.8 * np.sin(2 * np.pi * 2.3 * t))
    envelope[(t >= gap[0]) & (t < gap[1])] = 0.0
    return (voice * envelope / 4).astype(np.float32)


def mel_22k(golden):
    rule = golden.meta["args"]["wave"]
    sound = wave(DIFFVC.sample_rate, rule["seconds"], rule["f0"], rule["depth"], rule["rate"], rule["gap"])
    filters = filter_bank(DIFFVC)
    reach = [np.flatnonzero(band)[[0, -1]] for band in filters]
    return {
        "synthetic": mel(sound, DIFFVC).T,
        "mel_basis_sum_per_band": filters.sum(axis=1),
        "mel_basis_first_last_nonzero": np.array(reach),
    }


def mel_22k_libritts(golden):
    sounds = {name: _recording("libritts", f"{name}.wav", rate=DIFFVC.sample_rate) for name in golden.meta["outputs"]}
    return {name: NO_RECORDINGS if sound is None else mel(sound, DIFFVC).T for name, sound in sounds.items()}


def notebook_outputs(golden):
    """What the published model made, as our front ends hear it."""
    files = [name.split("/") for name in golden.meta["args"]["files"]]
    sounds = [_recording(*parts, rate=DIFFVC.sample_rate) for parts in files]
    if any(sound is None for sound in sounds):
        return dict.fromkeys(golden.meta["outputs"], NO_RECORDINGS)
    mels = [mel(sound, DIFFVC) for sound in sounds]
    results = {
        "mel_mean": np.stack([columns.mean(axis=0) for columns in mels]),
        "mel_std": np.stack([columns.std(axis=0) for columns in mels]),
    }
    encoder = _encoder()
    if encoder is None:
        return results | dict.fromkeys(("embeds", "cosine"), NO_WEIGHTS)
    embeds = np.stack(
        [speaker.embed_utterance(encoder, _recording(*parts), step=speaker.STEPS["diffvc"]) for parts in files]
    )
    return results | {"embeds": embeds, "cosine": embeds @ embeds.T}


def _input(name, golden):
    rule = golden.meta["args"]["wave"]
    if name == "synthetic":
        return wave(16000, rule["seconds"], rule["f0"], rule["depth"], rule["rate"], rule["gap"])
    if name == "quiet_second":
        return np.float32(0.1) * wave(16000, 1.0, rule["f0"], rule["depth"], rule["rate"], rule["gap"])
    return _recording("libritts", f"{name}.wav")


def _front_end(samples):
    """What the golden holds of one waveform, by the end of its name."""
    step = speaker.STEPS["diffvc"]
    loud = speaker.prepare(samples, trim=False)
    trimmed = speaker.cut_silence(loud)
    starts = speaker.window_starts(len(trimmed), step)
    end = (starts[-1] + speaker.FRAMES) * GE2E.hop_length
    columns = mel(np.pad(trimmed, (0, max(0, end - len(trimmed)))), GE2E)
    results = {
        "vad_flags": speaker.speech_flags(loud),
        "mel": columns,
        "partial_starts": np.array(starts) * GE2E.hop_length,
    }
    names = ("partial_embeds", "embed", "embed_no_vad", "embed_whole")
    encoder = _encoder()
    if encoder is None:
        return results | dict.fromkeys(names, NO_WEIGHTS)
    with torch.no_grad():
        whole = encoder(torch.from_numpy(mel(trimmed, GE2E))[None])[0]
    embeds = (
        np.concatenate([windows.embeds for windows in speaker.embed_stream(encoder, lambda: [samples], step=step)]),
        speaker.embed_utterance(encoder, samples, step=step),
        speaker.embed_utterance(encoder, samples, step=step, trim=False),
        whole,
    )
    return results | dict(zip(names, embeds, strict=True))


def ge2e_front_end(golden):
    outputs = [name for name in golden.meta["outputs"] if "." in name]
    results = {}
    for name in dict.fromkeys(output.partition(".")[0] for output in outputs):
        samples = _input(name, golden)
        parts = {} if samples is None else _front_end(samples)
        wanted = [output for output in outputs if output.startswith(f"{name}.")]
        results |= {output: parts.get(output.partition(".")[2], NO_RECORDINGS) for output in wanted}
    rows = []
    for samples in golden.arrays["slice_table"][:, 0]:
        starts = speaker.window_starts(int(samples), speaker.STEPS["diffvc"])
        first = starts[-1] * GE2E.hop_length
        rows.append([samples, len(starts), first, first + speaker.FRAMES * GE2E.hop_length])
    return results | {"slice_table": np.array(rows)}


def ge2e_librispeech(golden):
    files = golden.meta["args"]["files"]
    sounds = [_recording("librispeech", f"{name}.flac") for name in files]
    encoder = _encoder()
    if encoder is None or any(samples is None for samples in sounds):
        return dict.fromkeys(golden.meta["outputs"], NO_WEIGHTS if encoder is None else NO_RECORDINGS)
    results = {"samples_after_vad": [len(speaker.prepare(samples)) for samples in sounds]}
    for name in ("resemblyzer", "diffvc"):
        for suffix, trim in (("", True), ("_no_vad", False)):
            embeds = np.stack(
                [speaker.embed_utterance(encoder, samples, step=speaker.STEPS[name], trim=trim) for samples in sounds]
            )
            results |= {f"{name}{suffix}.embeds": embeds, f"{name}{suffix}.cosine": embeds @ embeds.T}
    results["resemblyzer.speaker_embeds"] = np.stack(
        [
            speaker.embed_speaker(
                encoder, [s for s, f in zip(sounds, files, strict=True) if f.startswith(f"{person}/")]
            )
            for person in golden.meta["args"]["speakers"]
        ]
    )
    return results


CASES = {
    "mel_22k": mel_22k,
    "mel_22k_libritts": mel_22k_libritts,
    "notebook_outputs": notebook_outputs,
    "ge2e": ge2e,
    "ge2e_front_end": ge2e_front_end,
    "ge2e_librispeech": ge2e_librispeech,
}
