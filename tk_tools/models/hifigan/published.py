"""Checkpoints -> HiFi-GAN's discriminators; its generator is loaded by tk_tools.audio.vocoder.

Our networks bear the published key names, so nothing is renamed; loading is strict.
"""

from __future__ import annotations

from pathlib import Path

from tk_tools.models.hifigan.networks import Discriminators, discriminators_of
from tk_tools.train.run_folder import RunFolder, weights_file
from tk_tools.weights.load import load_state_dict, load_strictly

OURS = "discriminators"  # their name in a checkpoint of tk-train


def load_discriminators(path: str | Path) -> Discriminators:
    """The discriminators in a published do_XXXXXXXX, in a checkpoint of tk-train or the newest one of a run; in train
    mode, on the CPU. WeightsError: damaged, unsafe, or another network's.
    """
    checkpoints = RunFolder(Path(path)).list_checkpoints()
    file = weights_file(next(iter(checkpoints.values()), path))
    state = load_state_dict(file)
    own = {key.removeprefix(f"{OURS}."): value for key, value in state.items() if key.startswith(f"{OURS}.")}
    state = own or state
    return load_strictly(discriminators_of(state), state, file, "the discriminators of HiFi-GAN").train()
