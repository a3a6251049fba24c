"""A sentence of StyleTTS 2, from its ids to the waveform: ours as tk-infer runs it, beside the original notebooks'
functions; both decoders, 5 and 10 steps of the style's diffusion.

python -m benchmarks.styletts2_inference STYLETTS2
The same drawn weights and no noise in both, so that the numbers can be compared; one core, one thread, processor time,
in turn.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from benchmarks.measure import in_turn, one_core, report
from benchmarks.original_styletts2 import build, import_from, inference_of
from tk_tools.models.styletts2.networks import StyleTTS2
from tk_tools.models.styletts2.options import SpeechOptions
from tk_tools.models.styletts2.published import SPEAKING, WHOLE, of_our_names
from tk_tools.models.styletts2.sizes import LIBRITTS, LJSPEECH, SAMPLE_RATE, SIGMA_DATA, Sizes
from tk_tools.models.styletts2.speech import speak
from tk_tools.nets.noise import Noise
from tk_tools.weights.load import load_strictly

IDS = [1 + 7 * place % 177 for place in range(75)]
STEPS = (5, 10)
SHORTER, LOUDER = -2.75, 0.1  # a fresh network drawls, and iSTFTNet's first words are out of all bounds
ROUNDS = 1  # a round takes half a minute


def main(checkout: Path) -> None:
    one_core()
    import_from(checkout)
    rows = []
    for config, notebook, sizes in (
        ("config.yml", "Inference_LJSpeech.ipynb", LJSPEECH),
        ("config_libritts.yml", "Inference_LibriTTS.ipynb", LIBRITTS),
    ):
        torch.manual_seed(0)
        sigma_data = SIGMA_DATA["many" if sizes.many_voices else "one"]
        model, params = build(checkout, config, sigma_data)
        with torch.no_grad():
            model.predictor.duration_proj.linear_layer.bias += SHORTER
            model.decoder.generator.conv_post.weight_g *= LOUDER
        ours = _ours(model, sizes)
        theirs = inference_of(checkout, notebook, model, params)
        start = torch.randn(1, 2 * sizes.style)
        voice = torch.randn(1, 2 * sizes.style) * sigma_data if sizes.many_voices else None
        for steps in STEPS:
            rows.append(_compared(ours, theirs, model, start, voice, steps))
    report("styletts2_inference", rows)


def _ours(model, sizes: Sizes) -> StyleTTS2:
    """Our networks with the original's weights."""
    state = {
        f"{part}.{key}": value
        for part in SPEAKING
        for key, value in of_our_names(part, model[part].state_dict()).items()
    }
    return load_strictly(StyleTTS2(sizes), state, "drawn weights", WHOLE).for_inference()


def _compared(ours: StyleTTS2, theirs: Callable, model, start: Tensor, voice: Tensor | None, steps: int) -> dict:
    """One row: seconds of both, and how far they are apart with the same start and the same excitation."""
    options = SpeechOptions(steps=steps)
    given = {"noise": start[None]} if voice is None else {"ref_s": voice}

    def original() -> np.ndarray:
        return theirs(IDS, diffusion_steps=steps, **given)

    def made(noise: Noise = torch.randn_like) -> np.ndarray:
        return speak(ours, IDS, noise, options, voice).wave

    seen: dict[str, tuple] = {}
    draws = itertools.chain([start], itertools.repeat(None))
    with _hooked(ours.decoder, seen, "ours"), _hooked(ours.decoder.generator.m_source, seen, "source"):
        wave = made(lambda like: torch.zeros_like(like) if (first := next(draws)) is None else first)
    source = seen["source"][-1].unsqueeze(-1)
    silent = {
        "torch.randn": lambda *_, **__: start,
        "torch.randn_like": torch.zeros_like,
        "torch.rand": lambda *shape, **_: torch.zeros(*shape),
    }
    with ExitStack() as stack:
        for name, instead in silent.items():
            stack.enter_context(mock.patch(name, instead))
        stack.enter_context(
            mock.patch.object(model.decoder.generator.m_source, "forward", return_value=(source, None, None))
        )
        stack.enter_context(_hooked(model.decoder, seen, "theirs"))
        wanted = original()
    if wave.shape != wanted.shape:
        sys.exit(f"the sentences last {len(wave)} and {len(wanted)} samples")
    apart = [_apart(a, b) for a, b in zip(seen["ours"][1:4], seen["theirs"][1:4], strict=True)]
    seconds, original_seconds = in_turn(made, original, rounds=ROUNDS, clock=time.process_time)
    long = len(wave) / SAMPLE_RATE
    return {
        "what": f"{long:.1f} s by {ours.sizes.decoder.kind}, {steps} steps, fp32, one core",
        "seconds": seconds,
        "original_seconds": original_seconds,
        "ratio": original_seconds / seconds,
        "real_time_factor": seconds / long,
        "largest_difference_of_curves": max(apart),
        "largest_difference_of_wave": _apart(torch.from_numpy(wave), torch.from_numpy(wanted)),
    }


def _apart(one: Tensor, other: Tensor) -> float:
    """The largest difference, of the largest value."""
    return float((one - other).abs().max() / other.abs().max())


@contextmanager
def _hooked(module: torch.nn.Module, seen: dict[str, tuple], name: str) -> Iterator[None]:
    """Keep what a module is given, and behind it what it gives."""
    handle = module.register_forward_hook(lambda _, given, gives: seen.update({name: (*given, gives)}))
    try:
        yield
    finally:
        handle.remove()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
