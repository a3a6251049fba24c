"""The keys of StyleTTS 2's training stages; the defaults are those of the published configuration for LJSpeech.

Preset: `tiny` is the whole system narrow enough to be trained on two CPU cores in minutes.
Source: yl4579/StyleTTS2, Configs/config.yml; what really ran where that file says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from tk_tools.errors import ConfigError
from tk_tools.models.styletts2.sizes import Sizes
from tk_tools.models.styletts2.sizes_config import TINY_SIZES, SizesConfig
from tk_tools.train.config import Config, Section

TINY: dict[str, Any] = TINY_SIZES | {
    "batch_size": 4,
    "max_frames": 100,
    "val_share": 0.1,
    "loader_workers": 0,  # the clips fit into memory, and a second process would take a core from the networks
    "log_every": 20,
}
_TINY_JUDGEMENT = 0.2  # with few clips the discriminators are soon ahead, and would lead what is made away from its mel
_TINY_LISTENING = {key: value for key, value in TINY.items() if key != "max_frames"}  # of the stages that do not speak


class StyleTTS2Config(Config):
    """What all stages share."""

    wavs: str = Field(
        "", description="Folder that the recordings' paths in the lists start from; empty: the folder of each list."
    )
    max_steps: int = Field(0, ge=0, description="Steps to train; 0: as many as epochs says.")
    epochs: int = Field(200, ge=1, description="Epochs to train, if max_steps is 0.")
    epoch_steps: int = Field(
        0, ge=0, description="Steps that count as an epoch wherever epochs are; 0: once through the clips."
    )
    learning_rate: float = Field(1e-4, gt=0, description="Step size of AdamW, which stays as it is.")
    cache_mb: int = Field(
        2048,
        ge=0,
        description="Memory in MB of all processes of a device together, for recordings and mels that were made"
        " once; 0: make them again each time.",
    )
    sizes: SizesConfig = Field(SizesConfig(), description="Sizes of new networks; given weights keep theirs.")

    def epoch(self, clips: int, devices: int) -> float:
        """Steps of an epoch on that many clips and devices."""
        return self.epoch_steps or max(1.0, clips / (self.batch_size * self.accumulate * devices))

    def steps(self, clips: int, devices: int) -> int:
        return self.max_steps or max(1, round(self.epochs * self.epoch(clips, devices)))


class ListeningConfig(StyleTTS2Config):
    """What the stages that learn to listen share."""

    batch_size: int = Field(64, ge=1, description="Recordings in a batch of one device.")

    def free_keys(self) -> frozenset[str]:
        return self.free - {"max_steps"}  # the learning rate falls towards the last step


class AlignerConfig(ListeningConfig):
    """Stage aligner: what is said, and when; published in yl4579/AuxiliaryASR."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": _TINY_LISTENING
        | {
            "batch_size": 8,
            "learning_rate": 4e-3,
            "max_steps": 1000,
            "hidden_share": 0.3,
            "guided_weight": 2.0,
            "validate_every": 200,
            "checkpoint_every": 200,
        }
    }

    learning_rate: float = Field(
        5e-4, gt=0, description="Step size of AdamW at the start; it falls along a cosine to a 125th by the last step."
    )
    hidden_share: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="Share of the tokens that the aligner is not told, drawn anew for each batch: the more, the sooner"
        " it looks at the sound.",
    )

    guided_weight: float = Field(
        0.0,
        ge=0,
        description="Weight, falling to 0 by the last step, of attention far from the straight way through a recording;"
        " 0, as published: none. Without it an aligner with little speech is long in looking at the sound.",
    )


class PitchConfig(ListeningConfig):
    """Stage pitch: the pitch of each mel frame; published in yl4579/PitchExtractor."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": _TINY_LISTENING
        | {
            "batch_size": 8,
            "learning_rate": 4e-3,
            "max_steps": 400,
            "lowest_gain": 0.5,
            "validate_every": 100,
            "checkpoint_every": 200,
        }
    }

    batch_size: int = Field(64, ge=1, description="Recordings in a batch of one device; 192 mel frames of each.")
    epochs: int = Field(100, ge=1, description="Epochs to train, if max_steps is 0.")
    learning_rate: float = Field(
        3e-4, gt=0, description="Step size of AdamW at the start; it falls along a cosine to a 125th by the last step."
    )
    pitch_weight: float = Field(0.1, ge=0, description="Weight of the pitch's smooth L1 distance, in Hz.")
    tracker: Literal["pyin", "harvest"] = Field(
        "pyin",
        description="What tells the pitch to learn: pyin, or harvest as the original (pip install pyworld-prebuilt),"
        " which hears a voice in nearly all of speech.",
    )
    tracked: str = Field(
        "",
        description="Folder that keeps the tracked pitch of each recording for other processes and later runs; empty:"
        " each process tracks it anew and keeps it in memory.",
    )
    lowest_gain: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Each item is made quieter by a factor drawn from here to 1; 1, as published: left as it is. The"
        " original offers 0.5.",
    )


class SpeechConfig(StyleTTS2Config):
    """What the stages that learn to speak share."""

    many_voices: bool = Field(
        False, description="Whether there are many voices, spoken in the style of a reference, or a single one."
    )
    decoder: Literal["istftnet", "hifigan"] = Field(
        "istftnet", description="What makes the waveform: istftnet as published for LJSpeech, hifigan for LibriTTS."
    )
    precision: Literal["32-true", "bf16-mixed"] = Field(
        "32-true", description="Arithmetic: 32-true or bf16-mixed; the original ended in NaN in half precision."
    )
    max_frames: int = Field(
        400,
        ge=80,
        multiple_of=2,
        description="Longest clip that is spoken in training, in mel frames (80 a second); published: 400, 300 for"
        " LibriTTS. The strongest lever on memory.",
    )
    mel_weight: float = Field(5.0, ge=0, description="Weight of the distance of mels at three resolutions.")
    generator_weight: float = Field(1.0, ge=0, description="Weight of the discriminators' judgement.")
    hearing_weight: float = Field(1.0, ge=0, description="Weight of the distance of what WavLM hears.")
    wavlm: str = Field(
        "",
        description="WavLM base plus in the form of transformers: a folder or a name; empty: its losses are left out.",
    )
    discriminators: str = Field(
        "",
        description="Weights that the discriminators start from: a published checkpoint or one of tk-train; empty: new"
        " ones.",
    )

    def network_sizes(self) -> Sizes:
        """Sizes of what speaks. ConfigError: see SizesConfig.speaking."""
        return self.sizes.speaking(self.many_voices, self.decoder)


class FirstConfig(SpeechConfig):
    """Stage first: sound from its own alignment, pitch, energy and style."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": TINY
        | {
            "epochs": 10,
            "epoch_steps": 50,
            "adversarial_from": 8.0,
            "generator_weight": _TINY_JUDGEMENT,
            "learning_rate": 1e-3,
            "validate_every": 100,
            "checkpoint_every": 200,
        }
    }

    adversarial_from: float = Field(
        50.0,
        ge=0,
        description="Epochs that learn from the mel alone; then the aligner learns too and the discriminators join"
        " (TMA_epoch of the original; 5 for LibriTTS).",
    )
    monotonic_weight: float = Field(1.0, ge=0, description="Weight of the alignment's distance from a straight path.")
    spelling_weight: float = Field(1.0, ge=0, description="Weight of the aligner's cross-entropy.")


class AdversaryConfig(Section):
    """The adversary that hears speech of sampled styles and predicted durations through WavLM."""

    shortest: int = Field(
        400,
        ge=80,
        multiple_of=2,
        description="Shortest clip that it hears, in mel frames (80 a second); speech that is not longer is left out.",
    )
    longest: int = Field(500, ge=80, multiple_of=2, description="Longest clip that it hears, in mel frames.")
    share: float = Field(0.5, gt=0, le=1, description="Share of a batch that it hears at most.")
    every: int = Field(10, ge=1, description="Steps from one update of the adversary to the next; 20 for LibriTTS.")
    threshold: float = Field(
        5.0, gt=0, description="Norm of the prosody predictor's gradient above which all gradients are divided by it."
    )
    scale: float = Field(
        0.01, gt=0, description="What the gradients of durations and of the style diffusion are multiplied by."
    )
    sigma: float = Field(1.5, gt=0, description="Width of the soft alignment, in steps of 25 ms.")


_TINY_SECOND: dict[str, Any] = {
    "bert_learning_rate": 1e-4,
    "tuned_learning_rate": 1e-4,
    "generator_weight": _TINY_JUDGEMENT,
    "adversary.shortest": 80,
    "adversary.longest": 100,
    "adversary.share": 1.0,
    "validate_every": 100,
    "checkpoint_every": 200,
}


class SecondConfig(SpeechConfig):
    """Stage second: styles, durations, pitch and energy from the text alone."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": TINY
        | _TINY_SECOND
        | {
            "epochs": 10,
            "epoch_steps": 50,
            "diffusion_from": 6.0,
            "joint_from": 8.0,
            "learning_rate": 1e-3,
        }
    }

    @model_validator(mode="after")
    def _in_order(self) -> SecondConfig:
        if self.joint_from < self.diffusion_from:
            raise ConfigError(
                f"joint_from={self.joint_from:g} comes before diffusion_from={self.diffusion_from:g}: the adversary"
                " hears speech in sampled styles, which must be learnt first; lower diffusion_from as well"
            )
        return self

    epochs: int = Field(100, ge=1, description="Epochs to train, if max_steps is 0; 30 for LibriTTS.")
    diffusion_from: float = Field(
        20.0,
        ge=0,
        description="Epochs before styles are learnt to be sampled and the discriminators join (diff_epoch of the"
        " original; 10 for LibriTTS).",
    )
    joint_from: float = Field(
        50.0,
        ge=0,
        description="Epochs before the decoder and the acoustic style encoder learn too, and the adversary joins"
        " (joint_epoch of the original; 15 for LibriTTS).",
    )
    plbert: str = Field(
        "", description="PL-BERT to start from: its file, a name of tk-weights list or a whole checkpoint; empty: new."
    )
    other_texts: str = Field(
        "", description="File of phonemes that nobody recorded, spoken for the adversary; empty: the clips' texts."
    )
    sigma_data: float = Field(
        0.0, ge=0, description="Deviation of the styles that the diffusion learns; 0: estimated from the recordings."
    )
    bert_learning_rate: float = Field(1e-5, gt=0, description="Step size of AdamW for PL-BERT.")
    tuned_learning_rate: float = Field(
        1e-5, gt=0, description="Step size of AdamW for the decoder and the acoustic style encoder."
    )
    pitch_weight: float = Field(1.0, ge=0, description="Weight of the pitch's distance, a tenth of it in Hz.")
    energy_weight: float = Field(1.0, ge=0, description="Weight of the energy's distance.")
    duration_weight: float = Field(1.0, ge=0, description="Weight of the durations' distance in steps of 25 ms.")
    ending_weight: float = Field(
        20.0, ge=0, description="Weight of the cross-entropy of whether a token has ended at each step."
    )
    style_weight: float = Field(1.0, ge=0, description="Weight of the distance of sampled styles from those heard.")
    diffusion_weight: float = Field(1.0, ge=0, description="Weight of the style denoiser's loss.")
    adversary: AdversaryConfig = Field(
        AdversaryConfig(),
        description="What judges speech of sampled styles and predicted durations. Of the `accumulate` batches of"
        " a step it hears the last alone.",
    )


class FinetuneConfig(SecondConfig):
    """Stage finetune: a whole checkpoint learns further recordings, all of it at once."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": TINY
        | _TINY_SECOND
        | {
            "epochs": 4,
            "epoch_steps": 50,
            "diffusion_from": 1.0,
            "joint_from": 3.0,
            "learning_rate": 2e-4,
        }
    }

    many_voices: bool = Field(False, description="As the checkpoint has it, whatever is said here.")
    decoder: Literal["istftnet", "hifigan"] = Field(
        "istftnet", description="As the checkpoint has it, whatever is said here."
    )
    plbert: Literal[""] = Field("", description="Always empty: the checkpoint has its PL-BERT.")
    epochs: int = Field(50, ge=1, description="Epochs to train, if max_steps is 0.")
    batch_size: int = Field(8, ge=1, description="Clips in a batch of one device.")
    diffusion_from: float = Field(
        10.0, ge=0, description="Epochs before the sampling of styles learns too (diff_epoch of the original)."
    )
    joint_from: float = Field(30.0, ge=0, description="Epochs before the adversary joins (joint_epoch).")
    tuned_learning_rate: float = Field(
        1e-4, gt=0, description="Step size of AdamW for the decoder and the acoustic style encoder."
    )
    monotonic_weight: float = Field(1.0, ge=0, description="Weight of the alignment's distance from a straight path.")
    spelling_weight: float = Field(1.0, ge=0, description="Weight of the aligner's cross-entropy.")
