"""All of StyleTTS 2 as it is trained from the second stage on, and what it begins with.

The parts bear the published names, so that what is handed on is read like a published checkpoint.
"""

from __future__ import annotations

import copy
import logging
from dataclasses import replace
from pathlib import Path

from tk_tools.errors import ConfigError, WeightsError
from tk_tools.models.styletts2.aligner import AlignerSizes, TextAligner
from tk_tools.models.styletts2.config import FinetuneConfig, SecondConfig
from tk_tools.models.styletts2.discriminators import SpeechDiscriminator, WaveDiscriminators
from tk_tools.models.styletts2.hearing import Hearing
from tk_tools.models.styletts2.networks import StyleTTS2
from tk_tools.models.styletts2.pitch_extractor import PitchExtractor, PitchSizes
from tk_tools.models.styletts2.plbert import sizes_of_plbert
from tk_tools.models.styletts2.published import (
    SPEAKING,
    aligner_sizes,
    discriminators_in,
    load_discriminators,
    load_plbert,
    pitch_sizes,
    read_whole,
    sizes_of,
    sizes_of_first,
)
from tk_tools.models.styletts2.sizes import Sizes

OF_FIRST = ("text_encoder", "style_encoder", "decoder", "text_aligner", "pitch_extractor")
"""The parts that the first stage has learned or was given."""

log = logging.getLogger(__name__)


class System(StyleTTS2):
    """What speaks, with what listens to recordings in training."""

    def __init__(self, sizes: Sizes, aligner: AlignerSizes, pitch: PitchSizes, sigma_data: float | None = None):
        super().__init__(sizes, sigma_data)
        self.text_aligner = TextAligner(aligner)
        self.pitch_extractor = PitchExtractor(pitch)


class Judges(WaveDiscriminators):
    """Discriminators of waveforms and, as `wd`, the adversary's head; features: what it hears of a step, None: it is
    left out."""

    def __init__(self, width: float = 1.0, features: int | None = None):
        super().__init__(width)
        if features is not None:
            self.wd = SpeechDiscriminator(1, features, round(64 * width))


def system_of_first(path: Path, config: SecondConfig) -> System:
    """The system that goes on from a checkpoint of the first stage, the original's or a run of ours.

    Both style encoders begin as the first stage's; what plans the prosody and samples styles is new, PL-BERT as the
    config says. WeightsError: of the second stage already, without a part, or another network's. ConfigError: of one
    voice and not of many, or the reverse. MissingPackage: transformers.
    """
    whole = read_whole(path)
    if whole.plans:
        raise WeightsError("has been through the second stage; go on with it by --stage finetune", path=whole.file)
    whole.check(OF_FIRST, "give a checkpoint of the first stage")
    theirs = whole.about.get("settings", {}).get("many_voices", config.many_voices)
    if theirs != config.many_voices:
        raise ConfigError(f"{whole.file} was trained with many_voices={str(theirs).lower()}; say the same")
    sizes = sizes_of_first(whole, config.network_sizes())
    plbert = None
    if config.plbert:
        plbert = load_plbert(config.plbert)
        sizes = replace(sizes, bert=sizes_of_plbert(plbert))
        _check_layers(sizes, config, config.plbert)
    system = System(sizes, aligner_sizes(whole.parts["text_aligner"]), pitch_sizes(whole.parts["pitch_extractor"]))
    whole.load(system, OF_FIRST)
    system.predictor_encoder = copy.deepcopy(system.style_encoder)
    if plbert is not None:
        system.bert = plbert
    return system


def system_of_second(path: Path, config: FinetuneConfig) -> System:
    """The system in a checkpoint of the second stage or of fine-tuning, the original's or a run of ours.

    WeightsError: of the first stage, without a part, or another network's. ConfigError, MissingPackage: as above.
    """
    whole = read_whole(path)
    if whole.of_first:
        raise WeightsError("is of the first stage; go on with it by --stage second", path=whole.file)
    names = (*SPEAKING, "text_aligner", "pitch_extractor")
    whole.check(names, "give a whole checkpoint of the second stage")
    sizes = sizes_of(whole.state, whole.about)
    _check_layers(sizes, config, whole.file)
    listening = aligner_sizes(whole.parts["text_aligner"]), pitch_sizes(whole.parts["pitch_extractor"])
    system = System(sizes, *listening, whole.about.get("sigma_data"))
    whole.load(system, names)
    return system


def judges_of(config: SecondConfig, hearing: Hearing | None, weights: Path | None = None) -> Judges:
    """The discriminators: those of config.discriminators, else those in `weights`, else new ones. WeightsError:
    config.discriminators has none, or others."""
    judges = Judges(config.sizes.discriminator_width, None if hearing is None else hearing.features)
    wanted = [name for name, _ in judges.named_children()]
    source = config.discriminators or weights
    if not source:
        return judges
    there = discriminators_in(source)
    if config.discriminators:
        wanted = [name for name in wanted if name in there or name != "wd"]  # the first stage has no adversary
    elif not {"mpd", "msd"} <= set(there):
        return judges
    for name, net in load_discriminators(source, [name for name in wanted if name in there or name != "wd"]).items():
        if name == "wd" and net.pre.in_channels != judges.wd.pre.in_channels:
            log.warning("%s: its adversary heard another WavLM, so a new one begins", source)
        else:
            setattr(judges, name, net)
    return judges


def _check_layers(sizes: Sizes, config: SecondConfig, source: str | Path) -> None:
    """ConfigError: PL-BERT has other layers than the config says, which no shape of what is handed on would tell."""
    if sizes.bert.layers != config.sizes.bert_layers:
        raise ConfigError(
            f"{source} has a PL-BERT of {sizes.bert.layers} layers: say --set sizes.bert_layers={sizes.bert.layers}"
        )
