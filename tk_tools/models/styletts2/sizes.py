"""Sizes of StyleTTS 2's networks, and what its rates mean; the defaults are the published values.

Mel frames: 80 a second, 300 samples of 24 kHz. Tokens' durations and the alignment count steps of two frames (25 ms);
pitch and energy stand at the frames.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

SAMPLE_RATE = 24000  # Hz
HOP = 300  # samples of a mel frame
STEP = 2 * HOP  # samples of a step of the alignment

HEAD = 64  # features of a head of attention

VOICED_FROM = 10.0  # Hz; a pitch below is no pitch

SIGMA_DATA = {"one": 0.45731624995853165, "many": 0.19926648961191362}
"""The deviation of styles, in the configurations published beside the checkpoints of one voice and of many."""


@dataclass(frozen=True)
class BertSizes:
    """PL-BERT: an ALBERT over symbols whose layers share their weights."""

    width: int = 768
    heads: int = 12
    inner: int = 2048
    embedding: int = 128
    positions: int = 512
    layers: int = 12


@dataclass(frozen=True)
class DecoderSizes:
    """The decoder: channels of its blocks, then the generator's kind, channels and rates.

    The rates' product is HOP for HiFi-GAN; what is left of HOP is the hop of iSTFTNet's inverse transform.
    """

    kind: Literal["hifigan", "istftnet"] = "istftnet"
    channels: int = 1024
    residual: int = 64  # channels of the text that go to every block beside the others
    generator_channels: int = 512  # halved at each rate
    rates: tuple[int, ...] = (10, 6)

    @property
    def transform_hop(self) -> int:
        """Samples of a frame of the inverse transform."""
        product = 1
        for rate in self.rates:
            product *= rate
        return HOP // product

    @property
    def transform_size(self) -> int:
        """Samples of a window of the inverse transform."""
        return 4 * self.transform_hop


HIFIGAN = DecoderSizes(kind="hifigan", rates=(10, 5, 3, 2))
ISTFTNET = DecoderSizes()


@dataclass(frozen=True)
class DenoiserSizes:
    """The transformer that denoises styles."""

    layers: int = 3
    heads: int = 8
    head_features: int = 64
    multiplier: int = 2  # of the features between its feed-forward layers


@dataclass(frozen=True)
class Sizes:
    """All of it. many_voices: whether styles are sampled for a reference voice, or are those of one voice."""

    many_voices: bool = False
    symbols: int = 178
    hidden: int = 512
    style: int = 128  # of the acoustic style, and of the prosodic one
    layers: int = 3
    style_channels: int = 64  # behind the style encoders' first layer; doubled up to `hidden`
    longest_duration: int = 50  # steps
    dropout: float = 0.2  # of the prosody predictor
    bert: BertSizes = field(default_factory=BertSizes)
    decoder: DecoderSizes = ISTFTNET
    denoiser: DenoiserSizes = field(default_factory=DenoiserSizes)


LJSPEECH = Sizes()
LIBRITTS = Sizes(many_voices=True, decoder=HIFIGAN)
