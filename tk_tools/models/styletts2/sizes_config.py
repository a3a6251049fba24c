"""Sizes of StyleTTS 2's new networks as keys of a config, and the descriptions of networks that they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tk_tools.errors import ConfigError
from tk_tools.models.styletts2.sizes import HEAD, HIFIGAN, ISTFTNET, BertSizes, DecoderSizes, DenoiserSizes, Sizes
from tk_tools.text.ids import POSITIONS
from tk_tools.text.symbols import SYMBOLS
from tk_tools.train.config import Section

if TYPE_CHECKING:
    from tk_tools.models.styletts2.aligner import AlignerSizes
    from tk_tools.models.styletts2.pitch_extractor import PitchSizes

RATES = {"hifigan": HIFIGAN.rates, "istftnet": ISTFTNET.rates}

TINY_SIZES: dict[str, Any] = {
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
    "sizes.aligner_layers": 2,
    "sizes.aligner_filters": 8,
    "sizes.aligner_reach": 31,
    "sizes.pitch_channels": [8, 16, 24, 32],
    "sizes.pitch_features": 32,
    "sizes.discriminator_width": 0.125,
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
    aligner_filters: int = Field(32, ge=1, description="Filters of its attention that see where it looked before.")
    aligner_reach: int = Field(63, ge=1, description="Steps of 25 ms that they see, an odd number.")
    pitch_channels: tuple[int, int, int, int] = Field(
        (64, 128, 192, 256), description="Channels of the pitch extractor's first layer and of its blocks."
    )
    pitch_features: int = Field(256, ge=1, description="Features of its recurrent layer.")
    discriminator_width: float = Field(
        1.0, gt=0, le=2, multiple_of=0.125, description="Channels of discriminators, in eighths of the published ones."
    )

    def speaking(self, many_voices: bool, decoder: Literal["istftnet", "hifigan"]) -> Sizes:
        """Of what speaks. ConfigError: the generator's channels do not fit its rates."""
        rates = RATES[decoder]
        if self.generator_channels % 2 ** len(rates):
            raise ConfigError(
                f"sizes.generator_channels must be a multiple of {2 ** len(rates)}: each rate halves them"
            )
        return Sizes(
            many_voices=many_voices,
            symbols=len(SYMBOLS),
            hidden=self.hidden,
            style=self.style,
            layers=self.layers,
            style_channels=self.style_channels,
            longest_duration=self.longest_duration,
            dropout=self.dropout,
            bert=BertSizes(
                width=self.bert_width,
                heads=self.bert_width // HEAD,
                inner=self.bert_inner,
                embedding=self.bert_embedding,
                positions=POSITIONS,
                layers=self.bert_layers,
            ),
            decoder=DecoderSizes(
                kind=decoder,
                channels=self.decoder_channels,
                residual=self.decoder_residual,
                generator_channels=self.generator_channels,
                rates=rates,
            ),
            denoiser=DenoiserSizes(
                layers=self.denoiser_layers,
                heads=self.denoiser_heads,
                head_features=HEAD,
                multiplier=self.denoiser_multiplier,
            ),
        )

    def aligner(self) -> AlignerSizes:
        """Of a text aligner."""
        from tk_tools.models.styletts2.aligner import AlignerSizes

        return AlignerSizes(
            channels=self.aligner_channels,
            symbols=len(SYMBOLS),
            embedding=self.aligner_embedding,
            layers=self.aligner_layers,
            filters=self.aligner_filters,
            reach=self.aligner_reach,
        )

    def pitch(self) -> PitchSizes:
        """Of a pitch extractor."""
        from tk_tools.models.styletts2.pitch_extractor import PitchSizes

        return PitchSizes(channels=self.pitch_channels, features=self.pitch_features)
