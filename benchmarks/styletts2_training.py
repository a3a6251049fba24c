"""Training steps a second of StyleTTS 2 at the published sizes with iSTFTNet, beside the original's networks, losses
and order: of stage first before and after the discriminators join, of stage second before styles are sampled, after
(the discriminators join then) and with the decoder learning too. Without WavLM, which would be the same in both, and so
without the second stage's adversary.

python -m benchmarks.styletts2_training STYLETTS2
Two recordings of two seconds, clips of 80 mel frames, the same drawn weights for both; float32, one core, one thread,
processor time, in turn. The first step, with nothing dropped, the same excitations and the same draws, warms both up
and tells that they do the same.
"""

from __future__ import annotations

import copy
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.measure import one_core, report, seconds
from benchmarks.original_styletts2 import Batch, build, first_step, import_from, make_trainable, second_step
from tk_tools.models.styletts2.aligner import AlignerSizes, TextAligner
from tk_tools.models.styletts2.config import FirstConfig, SecondConfig, SpeechConfig
from tk_tools.models.styletts2.discriminators import WaveDiscriminators
from tk_tools.models.styletts2.pitch_extractor import PitchExtractor, PitchSizes
from tk_tools.models.styletts2.published import of_our_names
from tk_tools.models.styletts2.sizes import HOP, LJSPEECH, SIGMA_DATA
from tk_tools.models.styletts2.training import styles
from tk_tools.models.styletts2.training.first import FIRST_PARTS, Drawn, FirstTask, Stretches, new_parts
from tk_tools.models.styletts2.training.judging import WAVE_JUDGES, JudgedTask
from tk_tools.models.styletts2.training.second import SecondTask
from tk_tools.models.styletts2.training.system import Judges, System
from tk_tools.train.task import Task

BATCH, CLIP = 2, 80  # recordings; mel frames of a clip: the least of both that the original takes
FRAMES, TOKENS = 160, 30  # of a recording
LEVELS = 3  # in which styles are sampled; both draw 3 or 4
PITCH = 150.0  # Hz, about which that of a fresh pitch extractor lies then
SETTLING = 8  # rounds in which the style encoder's spectral norms find what they divide by
LOUDER = 0.1  # a fresh iSTFTNet's first words are out of all bounds
APART = 1e-3  # how far the first losses may be, of each
ROUNDS = 3

Step = Callable[[], Mapping[str, Any]]
"""One update; gives its losses."""


def drawn_batch() -> Batch:
    return Batch(
        0.1 * torch.randn(BATCH, FRAMES * HOP),
        torch.randint(4, LJSPEECH.symbols, (BATCH, TOKENS)),
        torch.full((BATCH,), TOKENS),
        0.5 * torch.randn(BATCH, 80, FRAMES),
        torch.full((BATCH,), FRAMES),
    )


def our_batch(batch: Batch) -> dict[str, Tensor]:
    names = ("wave", "tokens", "token_lengths", "mel", "mel_lengths")
    return dict(zip(names, batch, strict=True))


def drawn_model(checkout: Path) -> Any:
    """The original's networks; both style encoders are the same, as they are when the second stage begins."""
    model, _ = build(checkout, "config.yml", SIGMA_DATA["one"], listeners=True)
    with torch.no_grad():
        model.decoder.generator.conv_post.weight_g *= LOUDER
        model.pitch_extractor.classifier.bias += PITCH
        model.style_encoder.train()
        for _ in range(SETTLING):
            model.style_encoder(torch.randn(1, 1, 80, 80))
        model.style_encoder.eval()
    model.predictor_encoder = copy.deepcopy(model.style_encoder)
    return model


def new_task(kind: type[JudgedTask], config: SpeechConfig) -> Any:
    """A stage without its data."""
    task = kind.__new__(kind)
    Task.__init__(task, config, Fabric(accelerator="cpu", devices=1), (), (), {})
    task.train_data = range(100000)
    task.hearing = None
    return task


def take_weights(model: Any, ours: nn.Module, names: Iterable[str]) -> None:
    """The original's into parts of the same names."""
    for name in names:
        ours.get_submodule(name).load_state_dict(of_our_names(name, model[name].state_dict()))


def first_task(model: Any, joined: bool) -> FirstTask:
    """Stage first with the original's weights."""
    task = new_task(FirstTask, FirstConfig(max_frames=CLIP, adversarial_from=0.0 if joined else 1.0))
    system, discriminators = new_parts(LJSPEECH, TextAligner(), PitchExtractor()), WaveDiscriminators()
    take_weights(model, system, (*FIRST_PARTS, "text_aligner", "pitch_extractor"))
    take_weights(model, discriminators, WAVE_JUDGES)
    task.set_up(system, discriminators, None)
    return task


def second_task(model: Any, diffusing: bool, joint: bool) -> SecondTask:
    """Stage second with the original's weights."""
    since = {True: 0.0, False: 1.0}
    config = SecondConfig(max_frames=CLIP, diffusion_from=since[diffusing], joint_from=since[joint])
    task = new_task(SecondTask, config)
    system, judges = System(LJSPEECH, AlignerSizes(), PitchSizes()), Judges()
    take_weights(model, system, (name for name, _ in system.named_children()))
    take_weights(model, judges, WAVE_JUDGES)
    task.set_up(system, judges)
    return task


def our_first_step(task: FirstTask, batch: Batch) -> Step:
    clip = Stretches([0] * BATCH, CLIP // 2)
    drawn = Drawn(soft=True, hidden=torch.zeros_like(batch.texts, dtype=torch.bool), clips=clip, heard=clip)
    return lambda: task.learn(our_batch(batch), drawn)


class Settled(TorchDispatchMode):
    """What is drawn is settled: whole numbers are 0 (clips begin at the beginning, styles are sampled in 3 levels), no
    text is withheld, and noise of as many numbers is the same noise."""

    def __torch_dispatch__(self, call, types, args=(), kwargs=None):
        found = call(*args, **(kwargs or {}))
        kind = call.overloadpacket.__name__
        if kind in ("randint", "bernoulli"):
            return torch.zeros_like(found)
        if kind == "rand":
            return torch.ones_like(found)
        if kind in ("randn", "randn_like"):
            return torch.randn(found.shape, generator=torch.Generator().manual_seed(found.numel()))
        return found


@contextmanager
def still(task: JudgedTask, model: Any) -> Iterator[None]:
    """Both sides in eval mode and told every token; the modes of their modules are put back."""
    nets = (task.system, *model.values())
    modes = {module: module.training for net in nets for module in net.modules()}
    cnns = model.text_aligner.cnns
    dropouts = {layer: layer.p for layer in cnns.modules() if isinstance(layer, nn.Dropout)}
    for net in nets:
        net.eval()
    cnns.train()  # it overwrites what its gradients need, unless a dropout lies between
    for layer in dropouts:
        layer.p = 1e-12
    model.text_aligner.asr_s2s.random_mask = 0
    yield
    for module, mode in modes.items():
        module.training = mode
    for layer, share in dropouts.items():
        layer.p = share


def difference(task: JudgedTask, model: Any, ours: Step, theirs: Step) -> float:
    """How far the losses of the first step are apart, the farthest, of the original's."""
    seen = []
    excitation = task.system.get_submodule("decoder.generator.m_source")
    with (
        still(task, model),
        Settled(),
        excitation.register_forward_hook(lambda _, given, gives: seen.append(gives)),
    ):
        found = ours()
        sources = [(source.unsqueeze(-1), None, None) for source in seen]
        with mock.patch.object(model.decoder.generator.m_source, "forward", side_effect=sources):
            wanted = theirs()
    apart = {name: abs(float(found[name]) - value) / value for name, value in wanted.items()}
    if not all(value <= APART for value in apart.values()):  # nor NaN
        sys.exit(f"the first losses are apart: {apart}")
    return max(apart.values())


def compared(what: str, task: JudgedTask, model: Any, ours: Step, theirs: Step) -> dict[str, Any]:
    """One row."""
    apart = difference(task, model, ours, theirs)
    with mock.patch.object(styles, "SAMPLED_IN", (LEVELS,)):
        pairs = [[seconds(step, clock=time.process_time) for step in (ours, theirs)] for _ in range(ROUNDS)]
    taken, original = map(statistics.median, zip(*pairs, strict=True))
    return {
        "what": f"{what}, batch {BATCH}, fp32, one core",
        "steps_per_second": 1 / taken,
        "original_steps_per_second": 1 / original,
        "ratio": original / taken,
        "difference_of_first_losses": apart,
    }


def first(checkout: Path, joined: bool) -> dict[str, Any]:
    """Stage first; joined: with the discriminators."""
    torch.manual_seed(0)
    model, batch = drawn_model(checkout), drawn_batch()
    for net in model.values():
        net.train()
    task = first_task(model, joined)
    what = f"stage first, {'with' if joined else 'without'} discriminators"
    return compared(what, task, model, our_first_step(task, batch), first_step(model, batch, CLIP, joined))


def second(checkout: Path, diffusing: bool, joint: bool) -> dict[str, Any]:
    """Stage second; diffusing: styles are sampled and the discriminators have joined; joint: the decoder learns too."""
    torch.manual_seed(0)
    model, batch = drawn_model(checkout), drawn_batch()
    for name in (*SecondTask.dropping, *WAVE_JUDGES):
        model[name].train()
    task = second_task(model, diffusing, joint)
    given = our_batch(batch)
    theirs = second_step(model, batch, CLIP, diffusing, joint, LEVELS)
    since = "styles and decoder" if joint else "styles" if diffusing else "neither styles nor decoder"
    return compared(f"stage second, {since} learning", task, model, lambda: task.step(given), theirs)


def main(checkout: Path) -> None:
    one_core()
    import_from(checkout)
    make_trainable(checkout)
    rows = [first(checkout, joined) for joined in (False, True)]
    rows += [second(checkout, *phase) for phase in ((False, False), (True, False), (True, True))]
    report("styletts2_training", rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
