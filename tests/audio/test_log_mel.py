"""The mel for losses is that of tk-mel, and a gradient comes through it."""

import numpy as np
import pytest
import torch

from tests.models.hifigan.sounds import voice
from tk_tools.audio.log_mel import LogMel
from tk_tools.audio.mel import mel
from tk_tools.audio.mel_presets import DIFFVC, STYLETTS2, WAV2LIP


@pytest.mark.parametrize("preset", [DIFFVC, STYLETTS2], ids=lambda preset: preset.name)
def test_it_equals_that_of_the_files(preset):
    wave = voice(1.0)[: 80 * 256]
    ours = LogMel(preset)(torch.from_numpy(wave)[None])[0].T.numpy()
    assert np.abs(ours - mel(wave, preset)).max() < 2e-4


@pytest.mark.parametrize("preset", [DIFFVC, STYLETTS2], ids=lambda preset: preset.name)
def test_silence_has_a_gradient(preset):
    wave = torch.zeros(1, 2048, requires_grad=True)
    LogMel(preset)(wave).sum().backward()
    assert wave.grad.isfinite().all()


def test_other_kinds_of_mel_are_refused():
    with pytest.raises(ValueError, match="wav2lip"):
        LogMel(WAV2LIP)
