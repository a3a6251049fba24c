"""Checkpoints -> Wav2Lip's networks: the published files as they are, and ours, at whatever width they were trained.

Our networks bear the published key names, so nothing is renamed; loading is strict, and a file of another network is
named as what it holds. A run folder stands for its best weights. All networks come back on the CPU in eval mode.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from tk_tools.models.wav2lip.networks import Generator, QualityDiscriminator
from tk_tools.nets.sync_expert import SyncExpert, load_expert_state
from tk_tools.train.run_folder import weights_file
from tk_tools.weights.load import load_checkpoint, load_strictly

# The channels of the widest layer, by which a state dict tells its width.
_WIDEST = {
    "generator": "audio_encoder.12.conv_block.0.bias",
    "discriminator": "face_encoder_blocks.6.1.conv_block.0.bias",
}
_PUBLISHED_CHANNELS = 512


def load_generator(path: str | Path) -> Generator:
    """The generator in a checkpoint (`wav2lip.pth`, `wav2lip_gan.pth`, a TorchScript archive, one of ours).

    WeightsError: damaged, unsafe, or another network's.
    """
    return load_generator_and_origin(path)[0]


def load_generator_and_origin(path: str | Path) -> tuple[Generator, bool]:
    """load_generator, and whether tk-train made it: its crops and windows are then those of this box."""
    checkpoint = load_checkpoint(weights_file(path))
    state = _named(checkpoint.state, "generator")
    generator = _loaded(Generator(width=_width(state, "generator")), state, path, "a Wav2Lip generator")
    return generator, checkpoint.config.get("model") == "wav2lip"


def load_discriminator(path: str | Path) -> QualityDiscriminator:
    """The visual quality discriminator in a checkpoint (`visual_quality_disc.pth`, one of ours); errors as above."""
    state = _part(path, "discriminator")
    width = _width(state, "discriminator")
    return _loaded(QualityDiscriminator(width=width), state, path, "a Wav2Lip quality discriminator")


def load_expert(path: str | Path) -> SyncExpert:
    """The sync expert in a checkpoint (`lipsync_expert.pth`, one of ours); errors as above."""
    return load_expert_state(_part(path, "expert"), path)


def _part(path: str | Path, name: str) -> dict[str, Tensor]:
    return _named(load_checkpoint(weights_file(path)).state, name)


def _named(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors of network `name`: of ours by its name, of a file with one network as they are."""
    own = {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}
    return own or state


def _width(state: dict[str, Tensor], network: str) -> float:
    widest = state.get(_WIDEST[network])
    return 1.0 if widest is None else len(widest) / _PUBLISHED_CHANNELS


def _loaded(module: nn.Module, state: dict[str, Tensor], path: str | Path, what: str) -> nn.Module:
    return load_strictly(module, state, path, what).eval()
