"""Checkpoints -> DiffVC's networks: the published files as they are, and ours, at whatever sizes they were trained.

Our networks bear the published key names, so nothing is renamed; the sizes are those of the shapes, loading is strict,
and a file of another network is named as what it holds. A run folder stands for its best weights. All networks come
back on the CPU in eval mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from tk_tools.models.diffvc.average_voice import AverageVoice, AverageVoiceConfig
from tk_tools.models.diffvc.networks import DiffVC
from tk_tools.models.diffvc.score import ScoreConfig
from tk_tools.train.run_folder import read_weights, weights_file
from tk_tools.weights.load import load_strictly

_ENCODER = "encoder."  # of the encoder's keys in the whole model
_ESTIMATOR = "decoder.estimator."


def load_diffvc(path: str | Path) -> DiffVC:
    """The whole model in a checkpoint (`vc_libritts_wodyn.pt`, `vc_vctk_wodyn.pt`, a run of stage decoder).

    WeightsError: damaged, unsafe, or another network's, of which the encoder alone (`enc.pt`) is one.
    """
    file = weights_file(path)
    state, _ = read_weights(file)
    model = DiffVC(_encoder_sizes(_below(state, _ENCODER)), _decoder_sizes(_below(state, _ESTIMATOR)))
    return load_strictly(model, state, file, "DiffVC, encoder and decoder").eval()


def load_average_voice(path: str | Path) -> AverageVoice:
    """The encoder in a checkpoint (`enc.pt`, a run of stage encoder), or that of the whole model; errors as above.

    It drops in training what it dropped when it was trained; published files do not say, and their defaults hold.
    """
    file = weights_file(path)
    state, about = read_weights(file)
    if f"{_ENCODER}encoder.init_proj.weight" in state:
        state = _below(state, _ENCODER)
    encoder = load_strictly(AverageVoice(_encoder_sizes(state)), state, file, "DiffVC's mel encoder")
    settings = about.get("settings", {})
    if "prenet_dropout" in settings:
        encoder.set_dropout(settings["prenet_dropout"], settings["dropout"])
    return encoder.eval()


def _below(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _encoder_sizes(state: Mapping[str, Tensor]) -> AverageVoiceConfig:
    """By the shapes; the published ones where something is missing, so that loading names what the file is."""
    layers = "encoder.encoder."
    try:
        channels = len(state["encoder.init_proj.bias"])
        return AverageVoiceConfig(
            channels=channels,
            filters=len(state[f"{layers}ffn_layers.0.conv_1.bias"]),
            heads=max(1, channels // state[f"{layers}attn_layers.0.emb_rel_k"].shape[-1]),
            layers=sum(key.startswith(f"{layers}attn_layers.") and key.endswith("emb_rel_k") for key in state),
            picture_channels=len(state["postnet.init_conv.bias"]),
        )
    except KeyError:
        return AverageVoiceConfig()


def _decoder_sizes(state: Mapping[str, Tensor]) -> ScoreConfig:
    """As of the encoder."""
    try:
        return ScoreConfig(
            channels=len(state["mlp.2.bias"]),
            condition=len(state["cond_block.2.bias"]),
            use_reference="ref_block.final_conv.bias" in state,
        )
    except KeyError:
        return ScoreConfig()
