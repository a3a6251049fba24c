"""The keys of StyleTTS 2's training stages; the defaults are those of the published configuration for LJSpeech.

Preset: `tiny` is the whole system narrow enough to be trained on two CPU cores in minutes.
Source: yl4579/StyleTTS2, Configs/config.yml; what really ran where that file says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from tk_tools.errors import ConfigError
from tk_tools.models.styletts2.sizes import HIFIGAN, ISTFTNET, BertSizes, DecoderSizes, DenoiserSizes, Sizes
from tk_tools.text.ids import POSITIONS
from tk_tools.text.symbols import SYMBOLS
from tk_tools.train.config import Config, Section

HEAD = 64  # features of a head of attention
RATES = {"hifigan": HIFIGAN.rates, "istftnet": ISTFTNET.rates}

TINY: dict[str, Any] = {
    "sizes.hidden": 128,
    "sizes.style": 32,
    "sizes.layers": 2,
    "sizes.style_channels": 16,
    "sizes.decoder_channels": 128,
    "sizes.decoder_residual": 16,
    "sizes.generator_channels": 64,
    "sizes.bert_width": 128,
    "sizes.bert_inner": 256,
    "sizes.bert_embedding": 32,
    "sizes.bert_layers": 2,
    "sizes.denoiser_layers": 2,
    "sizes.denoiser_heads": 2,
    "sizes.aligner_channels": 64,
    "sizes.aligner_embedding": 64,
    "sizes.aligner_layers": 3,
    "sizes.pitch_channels": [8, 16, 24, 32],
    "sizes.pitch_features": 32,
    "sizes.discriminator_width": 0.125,
    "batch_size": 4,
    "max_frames": 100,
    "val_share": 0.1,
    "loader_workers": 0,  # the clips fit into memory, and a second process would take a core from the networks
    "log_every": 20,
}


class SizesConfig(Section):
    """Sizes of new networks; given weights keep theirs."""

    hidden: int = Field(512, ge=16, multiple_of=16, description="Features of a token, and most channels.")
    style: int = Field(128, ge=1, description="Numbers of the acoustic style, and of the prosodic one.")
    layers: int = Field(3, ge=1, description="Layers of the text encoder and of the duration encoder.")
    style_channels: int = Field(
        64, ge=1, description="Channels behind the style encoders' first layer, doubled up to hidden."
    )
    longest_duration: int = Field(50, ge=2, description="Longest duration of a token, in steps of 25 ms.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Dropout of the prosody predictor.")
    decoder_channels: int = Field(1024, ge=1, description="Channels of the decoder's blocks.")
    decoder_residual: int = Field(64, ge=1, description="Channels of the text beside each of these blocks.")
    generator_channels: int = Field(
        512, ge=16, multiple_of=16, description="Channels before the generator, halved at each of its rates."
    )
    bert_width: int = Field(768, ge=HEAD, multiple_of=HEAD, description="Features of PL-BERT; a head has 64.")
    bert_inner: int = Field(2048, ge=1, description="Features between its feed-forward layers.")
    bert_embedding: int = Field(128, ge=1, description="Features of a symbol before its first layer.")
    bert_layers: int = Field(12, ge=1, description="Times that its layer is gone through.")
    denoiser_layers: int = Field(3, ge=1, description="Layers of the transformer that denoises styles.")
    denoiser_heads: int = Field(8, ge=1, description="Its heads of attention, of 64 features.")
    denoiser_multiplier: int = Field(2, ge=1, description="Its features between feed-forward layers, as a multiple.")
    aligner_channels: int = Field(256, ge=8, multiple_of=8, description="Channels of the text aligner.")
    aligner_embedding: int = Field(512, ge=1, description="Features of a symbol in the text aligner.")
    aligner_layers: int = Field(6, ge=1, description="Blocks of the text aligner.")
    pitch_channels: tuple[int, int, int, int] = Field(
        (64, 128, 192, 256), description="Channels of the pitch extractor's first layer and of its blocks."
    )
    pitch_features: int = Field(256, ge=1, description="Features of its recurrent layer.")
    discriminator_width: float = Field(
        1.0, gt=0, le=2, multiple_of=0.125, description="Channels of discriminators, in eighths of the published ones."
    )


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
        description="Memory in MB of all loader processes of a device together, for recordings and mels that were made"
        " once; 0: make them again each time.",
    )
    sizes: SizesConfig = Field(SizesConfig(), description="Sizes of new networks; given weights keep theirs.")

    def epoch(self, clips: int, devices: int) -> float:
        """Steps of an epoch on that many clips and devices."""
        return self.epoch_steps or max(1.0, clips / (self.batch_size * self.accumulate * devices))

    def steps(self, clips: int, devices: int) -> int:
        return self.max_steps or max(1, round(self.epochs * self.epoch(clips, devices)))


class SpeechConfig(StyleTTS2Config):
    """What the stages that learn to speak share."""

    many_voices: bool = Field(
        False, description="Whether there are many voices, spoken in the style of a reference, or a single one."
    )
    decoder: Literal["istftnet", "hifigan"] = Field(
        "istftnet", description="What makes the waveform: istftnet as published for LJSpeech, hifigan for LibriTTS."
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
    heard_weight: float = Field(1.0, ge=0, description="Weight of the distance of what WavLM hears.")
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
        """Sizes of what speaks. ConfigError: the generator's channels do not fit its rates."""
        sizes, rates = self.sizes, RATES[self.decoder]
        if sizes.generator_channels % 2 ** len(rates):
            raise ConfigError(
                f"sizes.generator_channels must be a multiple of {2 ** len(rates)}: each rate halves them"
            )
        return Sizes(
            many_voices=self.many_voices,
            symbols=len(SYMBOLS),
            hidden=sizes.hidden,
            style=sizes.style,
            layers=sizes.layers,
            style_channels=sizes.style_channels,
            longest_duration=sizes.longest_duration,
            dropout=sizes.dropout,
            bert=BertSizes(
                width=sizes.bert_width,
                heads=sizes.bert_width // HEAD,
                inner=sizes.bert_inner,
                embedding=sizes.bert_embedding,
                positions=POSITIONS,
                layers=sizes.bert_layers,
            ),
            decoder=DecoderSizes(
                kind=self.decoder,
                channels=sizes.decoder_channels,
                residual=sizes.decoder_residual,
                generator_channels=sizes.generator_channels,
                rates=rates,
            ),
            denoiser=DenoiserSizes(
                layers=sizes.denoiser_layers,
                heads=sizes.denoiser_heads,
                head_features=HEAD,
                multiplier=sizes.denoiser_multiplier,
            ),
        )


class FirstConfig(SpeechConfig):
    """Stage first: sound from its own alignment, pitch, energy and style."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tiny": TINY
        | {
            "epochs": 12,
            "epoch_steps": 50,
            "adversarial_from": 8.0,
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
