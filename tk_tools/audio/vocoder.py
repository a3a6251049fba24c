"""Log-mel of the front end `diffvc` -> waveform: HiFi-GAN where its weights are, else Griffin-Lim.

Both hear a bounded stretch around each frame, so that a long mel is turned into sound piece by piece, with the same
numbers however it comes. Sources: nets/hifigan.py, griffin_lim.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tk_tools.audio.griffin_lim import ITERATIONS, griffin_lim
from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

    from tk_tools.nets.hifigan import HiFiGAN

SAMPLE_RATE = DIFFVC.sample_rate  # Hz, of what a vocoder makes
HOP = DIFFVC.hop_length  # samples of a frame
EDGE = 2  # frames repeated at both ends for Griffin-Lim, whose first window needs as many
FRAMES_AT_ONCE = 1024  # 12 s; bounds memory

# What a config.json beside published weights says of the mel they were trained on.
_MEL_FIELDS = {
    "sampling_rate": DIFFVC.sample_rate,
    "num_mels": DIFFVC.n_mels,
    "n_fft": DIFFVC.n_fft,
    "win_size": DIFFVC.win_length,
    "hop_size": DIFFVC.hop_length,
    "fmin": DIFFVC.fmin,
    "fmax": DIFFVC.fmax,
}


@dataclass(frozen=True)
class Vocoder:
    """What turns mels into sound.

    name: for messages. voice: frames (n, 80) -> their samples (256 n,). context: frames to both sides that the samples
    of a frame depend on.
    """

    name: str
    voice: Callable[[np.ndarray], np.ndarray]
    context: int

    def sound(self, mel: np.ndarray) -> np.ndarray:
        """The waveform (256 T,) float32 in -1..1 at SAMPLE_RATE of a log-mel (T, 80); frame t begins at 256 t."""
        return np.concatenate([np.zeros(0, np.float32), *self.blocks([mel])])

    def blocks(self, mels: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """`sound` of a mel that comes in pieces (n, 80) of any size: yields samples once known.

        Their concatenation equals `sound` of the joined pieces bit for bit, however it is cut.
        """
        for frames, start, stop in _windows(mels, FRAMES_AT_ONCE, self.context):
            yield self.voice(frames)[start * HOP : stop * HOP]


def open_vocoder(weights: Path | None = None, device: str = "cpu") -> Vocoder:
    """HiFi-GAN with these weights (see load_generator) on a device of torch; None: Griffin-Lim, always on the CPU.

    WeightsError as of load_generator.
    """
    if weights is None:
        # Each iteration carries a frame's influence as far as two frames overlap.
        overlap = DIFFVC.n_fft // DIFFVC.hop_length - 1
        return Vocoder("Griffin-Lim", _griffin_lim_in_place, context=(ITERATIONS + 1) * overlap + 1)
    import torch

    generator = load_generator(weights).without_weight_norm().to(device)

    @torch.inference_mode()
    def voice(frames: np.ndarray) -> np.ndarray:
        mel = torch.from_numpy(np.ascontiguousarray(frames.T, dtype=np.float32)).to(device)
        return generator(mel[None])[0, 0].cpu().numpy()

    return Vocoder(f"HiFi-GAN ({Path(weights).name})", voice, context=generator.context)


def load_generator(path: str | Path) -> HiFiGAN:
    """HiFi-GAN's generator in eval mode on the CPU, with its weight norm: the published `generator`, whose config.json
    may lie beside it, or a run, its best.safetensors or a checkpoint of tk-train; of any width.

    WeightsError: missing, damaged, another network's, or made for another mel than that of the front end `diffvc`.
    """
    from tk_tools.nets.hifigan import HiFiGAN
    from tk_tools.train.run_folder import read_weights, weights_file
    from tk_tools.weights.load import load_strictly

    file = weights_file(path)
    state, about = read_weights(file)
    known = about.get("settings") or _published_config(file)
    return load_strictly(HiFiGAN(_sizes(state, known, file)), state, file, "a HiFi-GAN vocoder").eval()


def _published_config(weights: Path) -> dict[str, Any]:
    """What the config.json beside published weights says of their network, by our names; {} when there is none.

    WeightsError: it is of another mel, or of blocks that the published V1 and V2 do not have.
    """
    path = weights.with_name("config.json")
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(stated, dict) or "upsample_rates" not in stated:  # of another system
        return {}
    others = [
        f"{key} {stated[key]} instead of {value:g}"
        for key, value in _MEL_FIELDS.items()
        if stated.get(key, value) != value
    ]
    if others:
        raise WeightsError(
            f"is a HiFi-GAN for another mel than that of the front end diffvc: {', '.join(others)} "
            f"({path.name} beside it); give the weights of a HiFi-GAN trained on `tk-mel --preset diffvc`",
            path=weights,
        )
    dilations = {tuple(each) for each in stated.get("resblock_dilation_sizes", [(1, 3, 5)])}
    if str(stated.get("resblock", "1")) != "1" or len(dilations) > 1:
        raise WeightsError(
            f"is a HiFi-GAN with the small blocks of V3 ({path.name} beside it); give the weights of V1 or V2",
            path=weights,
        )
    return {"rates": stated["upsample_rates"], "dilations": dilations.pop()}


def _sizes(state: Mapping[str, Tensor], known: Mapping[str, Any], path: Path):
    """The generator's sizes by the shapes of its weights; rates and dilations, which have none, as known or as in V1.

    WeightsError: it takes another number of bands, or makes another number of samples of each frame.
    """
    from tk_tools.nets.hifigan import HiFiGANConfig

    published = HiFiGANConfig()
    try:
        channels, bands, _ = state["conv_pre.weight_v"].shape
    except (KeyError, ValueError):
        return published  # loading then names what the file is
    kernels = tuple(state[key].shape[-1] for key in _numbered(state, "ups.{}.weight_v"))
    blocks = [state[key].shape[-1] for key in _numbered(state, "resblocks.{}.convs1.0.weight_v")]
    rates = tuple(known.get("rates") or (kernel // 2 for kernel in kernels))
    hop = math.prod(rates)
    if bands != DIFFVC.n_mels or hop != HOP:
        raise WeightsError(
            f"is a HiFi-GAN for mels of {bands} bands and {hop} samples a frame, not of the {DIFFVC.n_mels} bands and "
            f"{HOP} samples of the front end diffvc; give the weights of one trained on `tk-mel --preset diffvc`",
            path=path,
        )
    if len(rates) != len(kernels) or len(blocks) % len(rates):
        return published
    return HiFiGANConfig(
        bands=bands,
        channels=channels,
        rates=rates,
        kernels=kernels,
        block_kernels=tuple(blocks[: len(blocks) // len(rates)]),
        dilations=tuple(known.get("dilations") or published.dilations),
    )


def _numbered(state: Mapping[str, Tensor], name: str) -> list[str]:
    """The keys name.format(0), name.format(1), ... that are there."""
    keys = []
    while (key := name.format(len(keys))) in state:
        keys.append(key)
    return keys


def _griffin_lim_in_place(frames: np.ndarray) -> np.ndarray:
    """Griffin-Lim, laid where the sound was: (n, 80) -> (256 n,).

    Its first sample is the middle of the first window, which this front end puts half a hop behind the frame's
    beginning; frames more at both ends give what is before and behind.
    """
    waveform = griffin_lim(np.pad(frames, ((EDGE, EDGE), (0, 0)), mode="edge"), DIFFVC)
    start = EDGE * HOP - HOP // 2
    return np.clip(waveform[start : start + HOP * len(frames)], -1, 1)


def _windows(mels: Iterable[np.ndarray], size: int, context: int) -> Iterator[tuple[np.ndarray, int, int]]:
    """Stretches of the joined mels: frames with `context` to both sides as far as there are so many, and from where to
    where the `size` frames lie in them that are next; the last are as many as are left."""
    held, start = np.zeros((0, DIFFVC.n_mels), np.float32), 0
    for mel in mels:
        if mel.ndim != 2 or mel.shape[1] != DIFFVC.n_mels:
            raise ValueError(f"a mel is (frames, {DIFFVC.n_mels}), not {mel.shape}")
        held = np.concatenate([held, mel])
        while len(held) >= start + size + context:
            yield held[: start + size + context], start, start + size
            passed = max(0, start + size - context)
            held, start = held[passed:], start + size - passed
    if len(held) > start:
        yield held, start, len(held)
