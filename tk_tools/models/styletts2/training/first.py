"""Stage first as a task of the training loop: speech is made of its own alignment, pitch, energy and style.

At first it is held against the recording's mel alone; then the aligner learns too, and discriminators and WavLM join.
Source: train_first.py of yl4579/StyleTTS2. Where this differs from it: the pitch extractor stays as it is (there its
batch norms drift and its dropout makes the pitch noisy), and a validation judges the middle of long recordings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from tk_tools.files.wav import write_wav
from tk_tools.models.styletts2.aligner import TextAligner, draw_hidden
from tk_tools.models.styletts2.config import FirstConfig
from tk_tools.models.styletts2.decoder import Decoder
from tk_tools.models.styletts2.discriminators import WaveDiscriminators
from tk_tools.models.styletts2.hearing import Hearing, load_hearing
from tk_tools.models.styletts2.losses import energy, spelling_loss, straightness_loss
from tk_tools.models.styletts2.pitch_extractor import PitchExtractor
from tk_tools.models.styletts2.published import load_aligner, load_discriminators, load_pitch_extractor, read_whole
from tk_tools.models.styletts2.sizes import SAMPLE_RATE, STEP, Sizes
from tk_tools.models.styletts2.style_encoder import StyleEncoder
from tk_tools.models.styletts2.text_encoder import TextEncoder
from tk_tools.models.styletts2.training.alignment import Aligned, align
from tk_tools.models.styletts2.training.clips import clip_steps, cut, draw_starts
from tk_tools.models.styletts2.training.data import Clip, Recordings, items_of
from tk_tools.models.styletts2.training.judging import WAVE_JUDGES, JudgedTask
from tk_tools.models.styletts2.training.optimisers import adamw
from tk_tools.train.means import Means
from tk_tools.train.task import Draw

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SAMPLES = 4  # sounds drawn at a validation
FIRST_PARTS = ("text_encoder", "style_encoder", "decoder")  # that speak


class Stretches(NamedTuple):
    """Steps of a batch's recordings: the first one of each, and how many."""

    starts: list[int]
    size: int

    def of(self, x: Tensor, unit: int = 1) -> Tensor:
        """(B, ..., T), `unit` places of which are a step -> (B, ..., unit * size)."""
        return cut(x, self.starts, self.size, unit)


class Drawn(NamedTuple):
    """What chance decides of a batch: whether the text is laid out by the attention or by the path, the tokens that the
    aligner is not told (B, T) bool, the clips, and in what stretches the style of many voices is heard."""

    soft: bool
    hidden: Tensor
    clips: Stretches
    heard: Stretches


class FirstTask(JudgedTask):
    """Stage first. Its parts bear the published names."""

    main = "styletts2"
    watch = "mel"
    config: FirstConfig

    @classmethod
    def check(cls, config: FirstConfig) -> None:
        config.network_sizes()
        if config.wavlm:
            load_hearing(config.wavlm)
        if config.discriminators:
            load_discriminators(config.discriminators, WAVE_JUDGES)

    def __init__(
        self,
        config: FirstConfig,
        fabric: Fabric,
        train: Sequence[Clip],
        val: Sequence[Clip],
        needs: Mapping[str, Path],
    ):
        super().__init__(config, fabric, train, val, needs)
        self.train_data = Recordings(train, config, others=len(val))
        self.val_data = Recordings(val, config, others=len(train))
        self.warn_of_voices(train, config.many_voices)
        system = new_parts(config.network_sizes(), load_aligner(needs["aligner"]), load_pitch_extractor(needs["pitch"]))
        if "init" in needs:
            whole = read_whole(needs["init"])
            whole.check(FIRST_PARTS, "give a checkpoint of the first stage")
            whole.load(system, FIRST_PARTS)
        discriminators = WaveDiscriminators(config.sizes.discriminator_width)
        if config.discriminators:
            discriminators.mpd, discriminators.msd = load_discriminators(config.discriminators, WAVE_JUDGES).values()
        self.set_up(system, discriminators, load_hearing(config.wavlm) if config.wavlm else None)

    def set_up(self, system: nn.ModuleDict, discriminators: WaveDiscriminators, hearing: Hearing | None) -> None:
        """Take the networks and their optimisers into training; system: the parts by their names."""
        fabric, config = self.fabric, self.config
        self.steps = 0
        self.adversarial_from = round(config.adversarial_from * config.epoch(len(self.train_data), fabric.world_size))
        system["pitch_extractor"].eval().requires_grad_(False)
        system["text_aligner"].ctc_linear.requires_grad_(False)  # has no part in this stage
        self.system = fabric.to_device(system)
        self.set_up_judges(discriminators, hearing)
        self.modules = {"styletts2": self.system, "discriminators": self.discriminators}
        learning = {name: self.system[name] for name in (*FIRST_PARTS, "text_aligner")}
        learning |= {name: getattr(self.discriminators, name) for name in WAVE_JUDGES}
        optimizers = (adamw(net, config.learning_rate) for net in learning.values())
        self.optimizers = dict(zip(learning, map(fabric.setup_optimizers, optimizers), strict=True))

    def state(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state(self, state: dict[str, Any]) -> None:
        self.steps = state["steps"]

    @property
    def era(self) -> int:
        return int(self.steps > self.adversarial_from)

    @property
    def joined(self) -> bool:
        """Whether the aligner learns, and discriminators and WavLM judge."""
        return self.steps >= self.adversarial_from

    def step(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return self.learn(batch, self.draw(batch))

    def draw(self, batch: Mapping[str, Tensor]) -> Drawn:
        """What chance decides of a batch (see data.py)."""
        steps = batch["mel_lengths"] // 2
        soft = bool(torch.rand(()) < 0.5)
        clips, heard = (
            Stretches(draw_starts(steps, size), size)
            for size in (clip_steps(steps, self.config.max_frames // 2), clip_steps(steps))
        )
        return Drawn(soft, draw_hidden(batch["tokens"]), clips, heard)

    def learn(self, batch: Mapping[str, Tensor], drawn: Drawn) -> dict[str, Tensor]:
        """The update on a batch; from `adversarial_from` on the discriminators' comes first."""
        joined, config = self.joined, self.config
        with self.fabric.autocast():
            with torch.set_grad_enabled(joined):
                aligned = align(self.system["text_aligner"], batch, drawn.hidden)
            laid_out = aligned.attention if drawn.soft else aligned.path
            made = self.speak(batch, laid_out, drawn.clips, drawn.heard).float()
        real = drawn.clips.of(batch["wave"], STEP)
        losses = dict.fromkeys(("monotonic", "spelling", "generator", "hearing", "discriminators"), made.new_zeros(()))
        losses["mel"] = self.mel_distance(made, real)
        total = losses["mel"]
        if joined:
            losses["discriminators"] = self.tell_apart(real, made.detach())
            losses["generator"] = self.judgement(real, made)
            losses["hearing"] = self.hearing_distance(real, made)
            losses["monotonic"] = straightness_loss(aligned.attention, aligned.path)
            losses["spelling"] = spelling_loss(aligned.logits.float(), batch["tokens"], batch["token_lengths"])
            total = (
                config.mel_weight * losses["mel"]
                + config.generator_weight * losses["generator"]
                + config.hearing_weight * losses["hearing"]
                + config.monotonic_weight * losses["monotonic"]
                + config.spelling_weight * losses["spelling"]
            )
        self.fabric.backward(total / config.accumulate)
        self.update_parts((*FIRST_PARTS, *(("text_aligner",) if joined else ())))
        self.steps += self.last_part
        return {name: loss.detach() for name, loss in ({"loss": total} | losses).items()}

    def speak(self, batch: Mapping[str, Tensor], alignment: Tensor, clips: Stretches, heard: Stretches) -> Tensor:
        """The clips of a batch as the system makes them, (B, samples); heard: what the style of many voices is of."""
        system = self.system
        text = system["text_encoder"](batch["tokens"], batch["token_lengths"])
        mel = clips.of(batch["mel"], 2)
        with torch.no_grad():
            pitch, loudness = system["pitch_extractor"](mel), energy(mel)
        style = system["style_encoder"](heard.of(batch["mel"], 2) if self.config.many_voices else mel)
        return system["decoder"](clips.of(text @ alignment), pitch, loudness, style)

    def validate(self, batches: Iterable[dict[str, Tensor]]) -> dict[str, float]:
        """Of the middle of each recording, laid out by the path: mel, the distance at three resolutions; mel_l1, the
        mean absolute difference of the mels that are heard. monotonic and spelling are as in training."""
        self.system.eval()
        means = Means(self.fabric)
        for batch in batches:
            for one in items_of(batch):
                real, made, aligned = self.rebuilt(one)
                means.add(
                    mel=self.mel_distance(made, real),
                    mel_l1=self.mel_l1(real, made),
                    monotonic=straightness_loss(aligned.attention, aligned.path),
                    spelling=spelling_loss(aligned.logits, one["tokens"], one["token_lengths"]),
                )
        return means.result()

    def rebuilt(self, one: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Aligned]:
        """The middle of a recording, what the system makes of it, (1, samples) each, and the alignment of the whole."""
        aligned = align(self.system["text_aligner"], one)
        steps = one["mel"].shape[-1] // 2
        size = min(steps, self.config.max_frames // 2)
        middle = Stretches([(steps - size) // 2], size)
        made = self.speak(one, aligned.path, middle, middle)
        return middle.of(one["wave"], STEP), made.float(), aligned

    @torch.no_grad()
    def draw_samples(self, folder: Path) -> None:
        """N_NAME.made.wav and N_NAME.true.wav of a few recordings."""
        self.system.eval()
        for number in range(min(SAMPLES, len(self.val_data))):
            one = self.fabric.to_device(self.val_data.collate([self.val_data[Draw(number, seed=0)]]))
            true, made, _ = self.rebuilt(one)
            name = f"{number + 1}_{self.val_data.clips[number].path.stem}"
            for kind, wave in (("true", true), ("made", made)):
                write_wav(folder / f"{name}.{kind}.wav", [wave[0].cpu().numpy()], rate=SAMPLE_RATE)


def new_parts(sizes: Sizes, aligner: TextAligner, pitch: PitchExtractor) -> nn.ModuleDict:
    """The parts of this stage by their published names: new ones that speak, with those that listen."""
    parts = {
        "text_encoder": TextEncoder(sizes),
        "style_encoder": StyleEncoder(sizes),
        "decoder": Decoder(sizes),
        "text_aligner": aligner.train(),
        "pitch_extractor": pitch,
    }
    return nn.ModuleDict(parts)
