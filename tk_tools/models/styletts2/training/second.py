"""The second stage: styles, durations, pitch and energy of speech from its text, for the decoder of the first.

In a step clips are said at the pitch and energy that the prosody predictor takes them to have. Those are held against
what the decoder makes of true pitch and energy; once the decoder learns too, against the recordings. Styles are learnt
to be sampled for the texts, and an adversary hears speech of such styles (adversary.py).
Source: Li et al., NeurIPS 2023, section 3 and appendix; train_second.py of yl4579/StyleTTS2. Where this differs from
it: the aligner is told every token, several processes can train, each with a batch of one if need be, and whole
recordings are validated on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from tk_tools.errors import ConfigError
from tk_tools.files.wav import write_wav
from tk_tools.models.styletts2.config import SecondConfig
from tk_tools.models.styletts2.hearing import load_hearing
from tk_tools.models.styletts2.losses import energy
from tk_tools.models.styletts2.plbert import new_plbert
from tk_tools.models.styletts2.published import load_plbert
from tk_tools.models.styletts2.sizes import HOP, SAMPLE_RATE
from tk_tools.models.styletts2.speech import speak
from tk_tools.models.styletts2.training.adversary import (
    ClipBounds,
    MadeUp,
    Recorded,
    calm_gradients,
    fooling_loss,
    hidden_states,
    make_up,
    rebuilt_loss,
    telling_loss,
)
from tk_tools.models.styletts2.training.alignment import align
from tk_tools.models.styletts2.training.data import Clip, Recordings, items_of, other_texts
from tk_tools.models.styletts2.training.judging import JudgedTask
from tk_tools.models.styletts2.training.optimisers import adamw, learnt_by
from tk_tools.models.styletts2.training.sentences import (
    STEP_FRAMES,
    Batch,
    Prosody,
    Said,
    Texts,
    curve_losses,
    plan_prosody,
    say_clips,
    say_whole,
    voices,
)
from tk_tools.models.styletts2.training.styles import diffusion_loss, sample_styles
from tk_tools.models.styletts2.training.system import Judges, System, judges_of, system_of_first
from tk_tools.nets.noise import drawn_noise
from tk_tools.train.gradients import average_gradients
from tk_tools.train.means import Means
from tk_tools.train.task import Draw

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SAMPLES = 3  # clips that are said at a validation
VALIDATED_IN = 5  # noise levels of the sampling that is validated, as many as speech is made with
BERT_BETAS, BERT_WEIGHT_DECAY = (0.9, 0.99), 0.01
TUNED_BETAS = (0.0, 0.99)  # of the decoder and the acoustic style encoder
FRAMES_A_SECOND = SAMPLE_RATE // HOP
FOOLING = ("bert_encoder", "bert", "predictor", "diffusion")
"""The parts that learn from the adversary."""


class Phase(NamedTuple):
    """Whether styles are learnt to be sampled yet, and whether all is learnt together."""

    diffusing: bool
    joint: bool


class SecondTask(JudgedTask):
    """The second stage; what fine-tuning has otherwise it overrides (finetune.py)."""

    main = "styletts2"
    config: SecondConfig

    dropping: ClassVar[tuple[str, ...]] = ("bert", "bert_encoder", "predictor")
    """The parts whose dropout is on; the others are as they are when they speak."""
    always: ClassVar[tuple[str, ...]] = ("bert_encoder", "bert", "predictor", "predictor_encoder")
    """The parts that learn from the first step on."""
    joining: ClassVar[tuple[str, ...]] = ("style_encoder", "decoder")
    """Those that learn when all is learnt together."""
    weighed: ClassVar[tuple[str, ...]] = (
        *("mel", "pitch", "energy", "duration", "ending"),
        *("style", "diffusion", "generator", "hearing"),
    )
    """The losses that are summed, each with the config's NAME_weight."""
    no_start: ClassVar[str] = "the second stage goes on from the first: give --init RUN, a run of stage first"

    @classmethod
    def check(cls, config: SecondConfig) -> None:
        if config.plbert:
            load_plbert(config.plbert)
        else:
            new_plbert(config.network_sizes())
        hearing = load_hearing(config.wavlm) if config.wavlm else None
        if config.discriminators:
            judges_of(config, hearing)
        if config.other_texts:
            other_texts(config.other_texts, ())

    def __init__(
        self,
        config: SecondConfig,
        fabric: Fabric,
        train: Sequence[Clip],
        val: Sequence[Clip],
        needs: Mapping[str, Path],
    ):
        super().__init__(config, fabric, train, val, needs)
        if "init" not in needs:
            raise ConfigError(self.no_start)
        texts = other_texts(config.other_texts, train)
        self.train_data = Recordings(train, config, texts, others=len(val))
        self.val_data = Recordings(val, config, texts, others=len(train))
        self.hearing = load_hearing(config.wavlm) if config.wavlm else None
        system, judges = self.start(needs["init"])
        longest = max(len(tokens) for tokens in (*texts, *(clip.tokens for clip in (*train, *val))))
        if longest > system.sizes.bert.positions:
            raise ConfigError(
                f"a text has {longest} tokens, and PL-BERT knows {system.sizes.bert.positions} places; divide it, or"
                " take another PL-BERT"
            )
        if self.hearing is None:
            self.warn("no wavlm is given: what it hears is not compared, and the adversary is left out")
        self.warn_of_voices(train, system.sizes.many_voices)
        self.set_up(system, judges)

    def start(self, weights: Path) -> tuple[System, Judges]:
        """What is trained, and its discriminators."""
        if not self.config.plbert:
            self.warn("no plbert is given: a new PL-BERT begins, which knows nothing of texts yet")
        return system_of_first(weights, self.config), judges_of(self.config, self.hearing)

    def set_up(self, system: System, judges: Judges) -> None:
        """Take the networks and their optimisers into training."""
        self.complete = 0  # steps
        self.deviations = [0.0, 0]  # sum and count of those that styles had so far
        self.adversary_due = self.adversary_steps = 0  # steps of the adversary, and those in which it heard something
        self.telling = 0.0  # loss of the adversary's last update
        system.eval().requires_grad_(True)
        for name in self.dropping:
            system.get_submodule(name).train()
        self.system = self.fabric.to_device(system)
        self.set_up_judges(judges.train(), self.hearing)
        self.modules = {self.main: self.system, "discriminators": self.discriminators}
        self.parts = {name: self.system.get_submodule(name) for name in (*self.always, *self.joining, "diffusion")}
        made = {name: self.optimizer(name, part) for name, part in self.parts.items()}
        made |= {name: adamw(net, self.config.learning_rate) for name, net in self.discriminators.named_children()}
        self.optimizers = {name: self.fabric.setup_optimizers(optimizer) for name, optimizer in made.items()}
        system.requires_grad_(False)  # until a step wakes what learns

    def optimizer(self, name: str, part: nn.Module) -> torch.optim.Optimizer:
        """Of a part of the system."""
        if name == "bert":
            return adamw(part, self.config.bert_learning_rate, BERT_BETAS, BERT_WEIGHT_DECAY)
        if name in ("style_encoder", "decoder"):
            return adamw(part, self.config.tuned_learning_rate, TUNED_BETAS)
        return adamw(part, self.config.learning_rate)

    def state(self) -> dict[str, Any]:
        kept = ("complete", "deviations", "adversary_due", "adversary_steps", "telling")
        return {name: getattr(self, name) for name in kept}

    def load_state(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def header(self) -> dict[str, Any]:
        return {"sigma_data": self.sigma_data}

    @property
    def sigma_data(self) -> float:
        """The deviation of styles: as the config says, or the mean of what they had so far."""
        total, count = self.deviations
        if self.config.sigma_data:
            return self.config.sigma_data
        return total / count if count else self.system.diffusion.sigma_data

    @property
    def phase(self) -> Phase:
        """Of the step to come."""
        return self.phase_after(self.complete)

    def phase_after(self, steps: int) -> Phase:
        """Of the step that so many others went before."""
        epochs = steps / self.config.epoch(len(self.train_data), self.fabric.world_size)
        return Phase(epochs >= self.config.diffusion_from, epochs >= self.config.joint_from)

    @property
    def era(self) -> int:
        return sum(self.phase_after(max(0, self.complete - 1)))  # of the last step made

    def learning(self, phase: Phase) -> list[str]:
        """The parts that learn in a phase."""
        return [*self.always, *["diffusion"] * phase.diffusing, *(self.joining if phase.joint else ())]

    def judged(self, phase: Phase) -> bool:
        """Whether the discriminators have joined."""
        return phase.diffusing

    def goal(self, said: Said, phase: Phase) -> Tensor:
        """The waveforms (B, N) that what is made is to sound like."""
        return said.recorded if phase.joint else said.rebuilt

    @property
    def apart(self) -> bool:
        """Whether the styles of clips are heard in other clips."""
        return self.system.sizes.many_voices

    def step(self, batch: Batch) -> dict[str, Tensor]:
        phase = self.phase
        learning = self.learning(phase)
        for name, part in self.parts.items():
            part.requires_grad_(name in learning)
        with self.fabric.autocast():
            texts = self.texts(batch)
            prosody = plan_prosody(self.system, batch, texts.path)
            voice = voices(self.system, batch)
            styles = self.style_losses(prosody, voice) if phase.diffusing else {}
            said = say_clips(self.system, batch, texts, prosody, self.config.max_frames // STEP_FRAMES, self.apart)
        goal = self.goal(said, phase)
        losses = dict.fromkeys(self.weighed, goal.new_zeros(())) | texts.losses | prosody.losses | styles | said.losses
        told = dict.fromkeys(("discriminators", "fooling", "telling"), goal.new_zeros(()))
        losses["mel"] = self.mel_distance(said.made, goal)
        if self.judged(phase):
            told["discriminators"] = self.tell_apart(goal, said.made.detach())
            losses["generator"] = self.judgement(goal, said.made)
        losses["hearing"] = self.hearing_distance(goal, said.made)
        total = self.weighted(losses)
        self.fabric.backward(total / self.config.accumulate)
        self.update_parts(learning)
        if phase.joint and self.hearing is not None and self.last_part:
            told |= self.adversary_step(batch, prosody.style, voice, said)
        self.complete += self.last_part
        return {name: loss.detach() for name, loss in ({"loss": total} | losses | told).items()}

    def texts(self, batch: Batch) -> Texts:
        """Which step says what; the text encoder and the aligner learn nothing."""
        with torch.no_grad():
            path = align(self.system.text_aligner, batch).path
            spelled = self.system.text_encoder(batch["tokens"], batch["token_lengths"])
        return Texts(path, spelled @ path, {})

    def style_losses(self, prosody: Prosody, voice: Tensor | None) -> dict[str, Tensor]:
        """style: how far sampled styles are from those heard; diffusion: the denoiser's loss."""
        diffusion = self.system.diffusion
        if self.config.sigma_data:
            diffusion.sigma_data = self.config.sigma_data
        else:
            deviation = float(self.fabric.all_reduce(prosody.style.std(dim=-1).mean(), reduce_op="mean"))
            total, count = self.deviations
            self.deviations = [total + deviation, count + 1]
            diffusion.sigma_data = deviation
        given = prosody.known, prosody.padding, voice
        return {
            "style": functional.l1_loss(sample_styles(diffusion, *given), prosody.style),
            "diffusion": diffusion_loss(diffusion, prosody.style, *given),
        }

    def weighted(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The sum of losses with their weights, a scalar."""
        return sum(getattr(self.config, f"{name}_weight") * loss for name, loss in losses.items())

    def adversary_step(self, batch: Batch, style: Tensor, voice: Tensor | None, said: Said) -> dict[str, Tensor]:
        """An update of what plans speech, by what the adversary hears of it, and in some steps one of the adversary.

        fooling: the loss of the former, 0 where nothing was long enough to be heard; telling: the adversary's last one.
        """
        for name, part in self.parts.items():
            part.requires_grad_(name in FOOLING)
        with self.fabric.autocast():
            clips = self.make_up(batch, style, voice)
        count = float(self.fabric.all_reduce(style.new_tensor(float(clips is not None)), reduce_op="sum"))
        self.adversary_due += 1
        fooling = style.new_zeros(())
        if count:
            self.adversary_steps += 1
            share = self.fabric.world_size / count  # the mean over the processes that have clips
            if clips is not None:
                states = hidden_states(self.hearing, clips.made)  # in single precision, as whenever WavLM hears
                with self.judge(self.discriminators) as judges:
                    fooling = share * fooling_loss(judges.wd(states))
                self.fabric.backward(fooling)
            for name in FOOLING:
                average_gradients(self.fabric, learnt_by(self.optimizers[name]))
            calm_gradients(self.system, self.config.adversary.threshold, self.config.adversary.scale)
            self.leave(FOOLING)
            if (self.complete + 1) % self.config.adversary.every == 0:
                self.teach_adversary(clips, said, share)
        return {"fooling": fooling, "telling": style.new_tensor(self.telling)}

    def make_up(self, batch: Batch, style: Tensor, voice: Tensor | None) -> MadeUp | None:
        """Clips of the batch's texts or, half of the time, of others; half of the former in their recordings' style."""
        chosen = self.config.adversary
        own = bool(torch.rand(()) < 0.5)
        of = "" if own else "other_"
        heard = own and bool(torch.rand(()) < 0.5)
        return make_up(
            self.system,
            batch[f"{of}tokens"],
            batch[f"{of}token_lengths"],
            Recorded(batch["wave"], batch["mel_lengths"] // STEP_FRAMES),
            ClipBounds(chosen.shortest // STEP_FRAMES, chosen.longest // STEP_FRAMES, chosen.share),
            chosen.sigma,
            style if heard else None,
            voice,
        )

    def teach_adversary(self, clips: MadeUp | None, said: Said, share: float) -> None:
        """An update of the adversary: against recorded clips or, half of the time, what was rebuilt of them."""
        loss = said.made.new_zeros(())
        if clips is not None:
            made = clips.made.detach()
            if torch.rand(()) < 0.5:
                loss = share * rebuilt_loss(self.score, made, said.rebuilt, said.recorded)
            else:
                loss = share * telling_loss(self.score(clips.recorded), self.score(made))
            self.fabric.backward(loss)
        average_gradients(self.fabric, learnt_by(self.optimizers["wd"]))
        self.leave(["wd"])
        self.telling = float(self.fabric.all_reduce(loss.detach(), reduce_op="mean"))

    def score(self, wave: Tensor) -> Tensor:
        """The adversary's scores of waveforms (B, N)."""
        with torch.no_grad():
            states = hidden_states(self.hearing, wave)
        with self.fabric.autocast():
            return self.discriminators.wd(states)

    def validate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Of whole recordings at true durations: the losses as in training, mel against the recording. loss: their
        weighted sum, by which checkpoints compare; mel_l1 as in the first stage."""
        self.system.eval()
        self.system.diffusion.sigma_data = self.sigma_data
        means = Means(self.fabric)
        for batch in batches:
            for one in items_of(batch):
                with self.fabric.autocast():
                    losses, made = self.measured(one)
                means.add(loss=self.weighted(losses), **losses, mel_l1=self.mel_l1(one["wave"], made))
        return means.result()

    def measured(self, one: Batch) -> tuple[dict[str, Tensor], Tensor]:
        """The losses of a whole recording, scalars, and the waveform (1, samples) that is made of it."""
        system = self.system
        prosody, made, curves = say_whole(system, one, SecondTask.texts(self, one))
        known, padding, style = prosody.known, prosody.padding, prosody.style
        voice = voices(system, one)
        sampled = system.diffusion.sample(torch.randn_like(style), known, voice, VALIDATED_IN)
        losses = {
            "mel": self.mel_distance(made, one["wave"]),
            **curve_losses(curves, (system.pitch_extractor(one["mel"]), energy(one["mel"]))),
            **prosody.losses,
            "style": functional.l1_loss(sampled, style),
            "diffusion": diffusion_loss(system.diffusion, style, known, padding, voice),
        }
        return losses, made

    @torch.no_grad()
    def draw_samples(self, folder: Path) -> None:
        """N_NAME.said.wav from the text alone, N_NAME.made.wav at true durations in the recording's style, and
        N_NAME.true.wav, of a few recordings."""
        self.system.eval()
        self.system.diffusion.sigma_data = self.sigma_data
        for number in range(min(SAMPLES, len(self.val_data))):
            one = self.fabric.to_device(self.val_data.collate([self.val_data[Draw(number, seed=0)]]))
            tokens = one["tokens"][0, 1:-1].tolist()  # speech is made without the pads of training
            said = speak(self.system, tokens, drawn_noise(self.config.seed, number), voice=voices(self.system, one))
            _, made, _ = say_whole(self.system, one, SecondTask.texts(self, one))
            sounds = {"said": said.wave, "made": made[0].cpu().numpy(), "true": one["wave"][0].cpu().numpy()}
            for kind, wave in sounds.items():
                name = f"{number + 1}_{self.val_data.clips[number].path.stem}.{kind}.wav"
                write_wav(folder / name, [wave], rate=SAMPLE_RATE)

    def advice(self, history: Sequence[Mapping[str, float]]) -> str | None:
        chosen = self.config.adversary
        if self.adversary_due and not self.adversary_steps:
            return (
                "the adversary has heard nothing so far: it hears clips of"
                f" {chosen.shortest / FRAMES_A_SECOND:g} to {chosen.longest / FRAMES_A_SECOND:g} s, and no recording of"
                " the batches, or nothing that is said, is longer. Say --set adversary.shortest=80 --set"
                " adversary.longest=160 (mel frames, 80 a second), or give longer recordings"
            )
        return None
