"""Griffin-Lim gives sound whose mel is the one that was asked for, and far nearer than at the start.

The original's own waveforms are no test of it after the first: single and double precision are 5 % apart by then.
"""

import numpy as np
import pytest

from tk_tools.audio.griffin_lim import griffin_lim
from tk_tools.audio.mel import mel
from tk_tools.audio.mel_presets import DIFFVC


@pytest.fixture(scope="module")
def log_mel():
    """Of a second of a gliding tone with overtones."""
    time = np.arange(22016) / 22050
    phase = 2 * np.pi * (150 * time + 40 * time**2)
    return mel(sum(0.2 / k * np.sin(k * phase) for k in range(1, 12)).astype(np.float32), DIFFVC)


def distance(log_mel, iterations):
    waveform = griffin_lim(log_mel, DIFFVC, iterations)
    assert waveform.shape == ((len(log_mel) - 1) * DIFFVC.hop_length,)
    made = mel(np.pad(waveform, DIFFVC.hop_length // 2), DIFFVC)  # these mels are not centred: half a hop later
    assert len(made) == len(log_mel)
    made, wanted = np.exp(made[4:-4]), np.exp(log_mel[4:-4])
    return np.linalg.norm(made - wanted) / np.linalg.norm(wanted)


def test_iterations_bring_it_nearer(log_mel):
    none, many = (distance(log_mel, iterations) for iterations in (0, 32))
    assert many < 0.3 * none
