"""Checkpoints -> StyleTTS 2's networks: the published files as they are, at whatever sizes they were trained.

Our networks bear the published key names but for two: the denoiser stands once and not twice, and the pitch extractor
has no voice detector. Sizes are those of the shapes, but for what shapes do not tell: heads have 64 features, kernels
of transposed convolutions are twice their rate, and PL-BERT has 12 layers unless the header of a run of ours has other
settings. Loading is strict, and a file of another network is named as what it holds. All networks come back on the CPU
in eval mode.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import yaml
from torch import Tensor, nn

from tk_tools.errors import ConfigError, WeightsError
from tk_tools.models.styletts2.aligner import AlignerSizes, TextAligner
from tk_tools.models.styletts2.discriminators import MultiResolutionDiscriminator, SpeechDiscriminator
from tk_tools.models.styletts2.networks import StyleTTS2
from tk_tools.models.styletts2.pitch_extractor import PitchExtractor, PitchSizes
from tk_tools.models.styletts2.plbert import new_plbert
from tk_tools.models.styletts2.sizes import HEAD, BertSizes, DecoderSizes, DenoiserSizes, Sizes
from tk_tools.nets.period_discriminator import MultiPeriodDiscriminator, PeriodDiscriminator
from tk_tools.train.run_folder import RunFolder, read_weights, weights_file
from tk_tools.weights.load import load_state_dict, load_strictly
from tk_tools.weights.signatures import recognise

if TYPE_CHECKING:
    from transformers import AlbertModel

State = Mapping[str, Tensor]

SPEAKING = (
    "bert",
    "bert_encoder",
    "predictor",
    "decoder",
    "text_encoder",
    "predictor_encoder",
    "style_encoder",
    "diffusion",
)
"""The parts of a checkpoint that speech is made with."""

WHOLE = "StyleTTS 2"
PLACEHOLDER = 0.2  # sigma_data in the configurations of the repository, before any training
OURS = "discriminators."  # before their names in a checkpoint of tk-train


@dataclass(frozen=True)
class Whole:
    """A checkpoint of many parts: its file, the parts' tensors in our names, and what is known of it."""

    file: Path
    parts: dict[str, dict[str, Tensor]]
    about: dict[str, Any]

    @property
    def state(self) -> dict[str, Tensor]:
        """All tensors, each part's name before them."""
        return {f"{part}.{key}": value for part, tensors in self.parts.items() for key, value in tensors.items()}

    @property
    def of_first(self) -> bool:
        """Whether it is of the first stage: its prosody predictor is not there yet, or as it began."""
        return self.about.get("stage") == "first" or ("predictor" in self.parts and not self.plans)

    @property
    def plans(self) -> bool:
        """Whether there is a prosody predictor, and a trained one."""
        return "predictor" in self.parts and not never_trained(self.parts["predictor"])

    def check(self, names: Iterable[str], advice: str) -> None:
        """WeightsError: a part of these names is missing; advice: what to give instead."""
        if missing := [name for name in names if name not in self.parts]:
            raise WeightsError(
                f"holds no {', '.join(missing)} of StyleTTS 2 (it has: {', '.join(self.parts)}); {advice}",
                path=self.file,
            )

    def load(self, system: nn.Module, names: Iterable[str]) -> None:
        """Put the parts of these names into a system that has them. WeightsError: they do not fit."""
        for name in names:
            load_strictly(system.get_submodule(name), self.parts[name], self.file, f"StyleTTS 2's {name}")


def read_whole(path: str | Path, advice: str = "give a checkpoint of the first or the second stage") -> Whole:
    """The parts of a whole checkpoint, published or of tk-train. WeightsError: damaged, unsafe, another network's;
    advice: what to give instead of that."""
    file = weights_file(path)
    state, about = read_weights(file)
    parts = _parts(state)
    if not parts:
        raise _another_network(state, file, advice)
    return Whole(file, parts, about)


def load_styletts2(path: str | Path, config: str | Path | None = None) -> StyleTTS2:
    """What speaks in a whole checkpoint (`epoch_2nd_00100.pth`, `epochs_2nd_00020.pth`).

    config: the config.yml that lies beside it and says sigma_data; without one it is what the header of a run of ours
    says, or that of the published checkpoint of its kind. WeightsError: damaged, unsafe, another network's, without a
    part that is needed, or of the first stage. ConfigError: see read_sigma_data. MissingPackage: transformers.
    """
    whole = read_whole(path, "give a run of --stage second or finetune, or a published checkpoint of the second stage")
    if whole.about.get("stage") == "first":
        raise WeightsError(
            "is of the first stage, which does not speak from text; go on with it (tk-train styletts2 --stage second "
            "--init)",
            path=whole.file,
        )
    whole.check(SPEAKING, "give a whole checkpoint of the second stage")
    state = {f"{part}.{key}": value for part in SPEAKING for key, value in whole.parts[part].items()}
    sigma_data = whole.about.get("sigma_data") if config is None else read_sigma_data(config)
    model = load_strictly(StyleTTS2(sizes_of(state, whole.about), sigma_data), state, whole.file, WHOLE)
    if not whole.plans:
        raise WeightsError(
            "is of the first stage: its prosody predictor was never trained; give a checkpoint of the second stage",
            path=whole.file,
        )
    return model.eval()


def load_aligner(path: str | Path) -> TextAligner:
    """The text aligner in its own file (`epoch_00080.pth`) or in a whole checkpoint; errors as above."""
    state, _, file = _part(path, "text_aligner")
    return load_strictly(TextAligner(aligner_sizes(state)), state, file, "StyleTTS 2's text aligner").eval()


def load_pitch_extractor(path: str | Path) -> PitchExtractor:
    """The pitch extractor in its own file (`bst.t7`) or in a whole checkpoint; errors as above."""
    state, _, file = _part(path, "pitch_extractor")
    network = PitchExtractor(pitch_sizes(state))
    return load_strictly(network, state, file, "StyleTTS 2's pitch extractor").eval()


def load_plbert(path: str | Path) -> AlbertModel:
    """PL-BERT in the file that it was trained in (`step_1000000.t7`, without what guessed the masked words) or in a
    whole checkpoint; errors as above. MissingPackage: transformers."""
    state, about, file = _part(path, "bert")
    inner = {key.removeprefix("encoder."): value for key, value in state.items() if key.startswith("encoder.")}
    if "embeddings.word_embeddings.weight" in inner:
        state = of_our_names("bert", inner)
    return load_strictly(new_plbert(Sizes(bert=_bert_sizes(state, about))), state, file, "PL-BERT").eval()


def load_discriminators(path: str | Path, parts: Iterable[str] = ("mpd", "msd", "wd")) -> dict[str, nn.Module]:
    """Discriminators by their published names, in a whole checkpoint, in one of tk-train or in the newest one of a run;
    in train mode. Errors as above."""
    state, file = _judging(path)
    there = list(dict.fromkeys(key.partition(".")[0] for key in state))
    found = {}
    for part in parts:
        if part not in there:
            raise WeightsError(f"holds no {part} of StyleTTS 2 (it has: {', '.join(there)})", path=file)
        tensors = {key.removeprefix(f"{part}."): value for key, value in state.items() if key.startswith(f"{part}.")}
        found[part] = load_strictly(_discriminator(part, tensors), tensors, file, f"StyleTTS 2's discriminator {part}")
    return found


def discriminators_in(path: str | Path) -> list[str]:
    """The names of the discriminators that `load_discriminators` finds there."""
    state, _ = _judging(path)
    return [part for part in ("mpd", "msd", "wd") if any(key.startswith(f"{part}.") for key in state)]


def _judging(path: str | Path) -> tuple[dict[str, Tensor], Path]:
    """What a file holds, of a checkpoint of tk-train its discriminators alone; and that file."""
    file = weights_file(next(iter(RunFolder(Path(path)).list_checkpoints().values()), path))
    state = load_state_dict(file)
    return {key.removeprefix(OURS): value for key, value in state.items() if key.startswith(OURS)} or state, file


def _discriminator(part: str, state: State) -> nn.Module:
    """A new one of the sizes that the shapes tell."""
    try:
        if part == "mpd":
            widest = PeriodDiscriminator.LAYERS[-1][0]
            return MultiPeriodDiscriminator(state["discriminators.0.conv_post.weight_v"].shape[1] / widest)
        if part == "msd":
            return MultiResolutionDiscriminator(len(state["discriminators.0.discriminators.0.bias"]))
        channels, features, _ = state["pre.weight_v"].shape
        return SpeechDiscriminator(layers=1, features=features, channels=channels)
    except KeyError:
        return {"mpd": MultiPeriodDiscriminator, "msd": MultiResolutionDiscriminator, "wd": SpeechDiscriminator}[part]()


def read_sigma_data(config: str | Path) -> float:
    """The deviation of styles that a config.yml saved beside a checkpoint says.

    ConfigError: unreadable, without it, or with the placeholder that stands in it before training.
    """
    try:
        tree = yaml.safe_load(Path(config).read_text(encoding="utf-8"))
        told = tree["model_params"]["diffusion"]["dist"]
        value = float(told["sigma_data"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot be read: {str(error).splitlines()[0]}", path=config) from error
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            "says no model_params.diffusion.dist.sigma_data; give the checkpoint's own", path=config
        ) from (error)
    if value == PLACEHOLDER and told.get("estimate_sigma_data"):
        raise ConfigError(
            f"its sigma_data, {PLACEHOLDER}, is what stands there before training; give the config.yml that was saved "
            "beside the checkpoint",
            path=config,
        )
    return value


def of_our_names(part: str, state: State) -> dict[str, Tensor]:
    """The tensors of a published part by our names, without those that stand twice or take no part."""
    if part == "diffusion":
        state = {key.removeprefix("diffusion."): value for key, value in state.items() if not key.startswith("unet.")}
    elif part == "pitch_extractor":
        state = {key: value for key, value in state.items() if not key.startswith(("detector", "bilstm_detector"))}
    elif part == "bert":
        state = {key: value for key, value in state.items() if key != "embeddings.position_ids"}
    return dict(state)


def never_trained(predictor: State) -> bool:
    """Whether the prosody predictor is as it began: weight norm begins with each weight's own norm."""
    weight, norm = (predictor[f"F0.0.conv1.weight_{part}"] for part in "vg")
    return torch.allclose(weight.flatten(start_dim=1).norm(dim=1), norm.flatten(), rtol=1e-5, atol=0)


def sizes_of(state: State, about: Mapping[str, Any] = {}) -> Sizes:
    """By the shapes of what speaks, and of a run of ours by what is known of it; the published ones where something is
    missing, so that loading names what it is."""
    try:
        style = len(state["style_encoder.unshared.bias"])
        return Sizes(
            many_voices="diffusion.net.to_features.0.weight" in state,
            symbols=len(state["text_encoder.embedding.weight"]),
            hidden=state["text_encoder.embedding.weight"].shape[1],
            style=style,
            layers=_count(state, "text_encoder.cnn.{}.0.bias"),
            style_channels=len(state["style_encoder.shared.0.bias"]),
            longest_duration=len(state["predictor.duration_proj.linear_layer.bias"]),
            bert=_bert_sizes({key.removeprefix("bert."): value for key, value in state.items()}, about),
            decoder=_decoder_sizes({key.removeprefix("decoder."): value for key, value in state.items()}),
            denoiser=_denoiser_sizes({key.removeprefix("diffusion.net."): value for key, value in state.items()}),
        )
    except KeyError:
        return Sizes()


def sizes_of_first(whole: Whole, sizes: Sizes) -> Sizes:
    """`sizes` with those that the parts of the first stage tell."""
    parts = whole.parts
    return replace(
        sizes,
        symbols=len(parts["text_encoder"]["embedding.weight"]),
        hidden=parts["text_encoder"]["embedding.weight"].shape[1],
        layers=_count(parts["text_encoder"], "cnn.{}.0.bias"),
        style=len(parts["style_encoder"]["unshared.bias"]),
        style_channels=len(parts["style_encoder"]["shared.0.bias"]),
        decoder=_decoder_sizes(parts["decoder"]),
    )


def _bert_sizes(state: State, about: Mapping[str, Any]) -> BertSizes:
    layers = about.get("settings", {}).get("sizes", {}).get("bert_layers", BertSizes.layers)
    try:
        positions, embedding = state["embeddings.position_embeddings.weight"].shape
        width = len(state["encoder.embedding_hidden_mapping_in.bias"])
        inner = len(state["encoder.albert_layer_groups.0.albert_layers.0.ffn.bias"])
        return BertSizes(width, max(1, width // HEAD), inner, embedding, positions, layers)
    except KeyError:
        return BertSizes()


def _decoder_sizes(state: State) -> DecoderSizes:
    return DecoderSizes(
        kind="hifigan" if "generator.alphas.0" in state else "istftnet",
        channels=len(state["encode.conv1.bias"]),
        residual=len(state["asr_res.0.bias"]),
        generator_channels=len(state["generator.ups.0.weight_v"]),
        rates=tuple(
            state[f"generator.ups.{place}.weight_v"].shape[2] // 2
            for place in range(_count(state, "generator.ups.{}.weight_v"))
        ),
    )


def _denoiser_sizes(state: State) -> DenoiserSizes:
    inner, features = state["blocks.0.feed_forward.0.weight"].shape
    return DenoiserSizes(
        layers=_count(state, "blocks.{}.attention.to_q.weight"),
        heads=max(1, len(state["blocks.0.attention.to_q.weight"]) // HEAD),
        multiplier=inner // features,
    )


def aligner_sizes(state: State) -> AlignerSizes:
    """By the shapes of a text aligner, the published ones where something is missing."""
    try:
        symbols, embedding = state["asr_s2s.embedding.weight"].shape
        filters, _, reach = state["asr_s2s.attention_layer.location_layer.location_conv.conv.weight"].shape
        return AlignerSizes(
            channels=len(state["init_cnn.conv.bias"]),
            symbols=symbols,
            embedding=embedding,
            layers=_count(state, "cnns.{}.1.weight"),
            filters=filters,
            reach=reach,
        )
    except KeyError:
        return AlignerSizes()


def pitch_sizes(state: State) -> PitchSizes:
    """By the shapes of a pitch extractor, the published ones where something is missing."""
    try:
        first = len(state["conv_block.0.weight"])
        channels = [len(state[f"res_block{place}.conv.0.weight"]) for place in (1, 2, 3)]
        return PitchSizes((first, *channels), features=state["bilstm_classifier.weight_hh_l0"].shape[1])
    except KeyError:
        return PitchSizes()


def _count(state: State, pattern: str) -> int:
    """How many keys of the pattern there are, counted from 0."""
    return next(place for place in range(len(state) + 1) if pattern.format(place) not in state)


def _another_network(state: State, file: Path, advice: str) -> WeightsError:
    found = recognise(state)
    return WeightsError(f"holds {found.title if found else 'an unknown network'}, not StyleTTS 2; {advice}", path=file)


def _parts(state: State) -> dict[str, dict[str, Tensor]]:
    """The parts of a whole checkpoint by their names, in our names; none of a file with one network."""
    if "bert_encoder.weight" not in state and "text_encoder.embedding.weight" not in state:
        return {}
    parts: dict[str, dict[str, Tensor]] = {}
    for key, value in state.items():
        part, _, name = key.partition(".")
        parts.setdefault(part, {})[name] = value
    return {part: of_our_names(part, tensors) for part, tensors in parts.items()}


def _part(path: str | Path, part: str) -> tuple[dict[str, Tensor], dict[str, Any], Path]:
    """One part of a whole checkpoint, or the network that a file holds alone, what is known of it, and that file."""
    file = weights_file(path)
    state, about = read_weights(file)
    parts = _parts(state)
    if parts and part not in parts:
        raise WeightsError(f"holds no {part} of StyleTTS 2 (it has: {', '.join(parts)})", path=file)
    return (parts[part] if parts else of_our_names(part, state)), about, file
