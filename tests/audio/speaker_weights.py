"""Weights of the speaker encoder that are drawn, so that its tools can be tested without the published ones."""

from pathlib import Path

import torch

from tk_tools.nets.speaker_encoder import SpeakerEncoder
from tk_tools.weights.table import get_published


def write_ge2e(folder: Path) -> Path:
    """A file of weights as `tk-weights` names it, in a new folder; the path of the folder."""
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({"model_state": SpeakerEncoder().state_dict()}, folder / get_published("ge2e").file)
    return folder
