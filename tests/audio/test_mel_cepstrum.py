"""Mel-cepstra are those of SPTK: the numbers are pysptk 1.0.1's (mcep, etype 1, eps 1e-6, its Hamming window)."""

import numpy as np
import pytest

from tests.audio.voices import voice
from tk_tools.audio.mel_cepstrum import mel_cepstra
from tk_tools.audio.speech_choices import WARPING

# coefficients 0 to 5 of frame 10, frames, mean of all
SPTK = {
    16000: ([6.653473, 2.022539, -0.495352, -0.044015, 0.198881, -0.692705], 90, 0.2645449),
    22050: ([6.54212, 2.419942, -0.035596, -0.504612, 0.301769, 0.20682], 126, 0.17270094),
    24000: ([6.456335, 2.458454, 0.117279, -0.587216, 0.164447, 0.347111], 137, 0.18050375),
    44100: ([6.012762, 2.411882, 1.147437, -0.008876, -0.36314, -0.089855], 255, 0.19846839),
    48000: ([5.970728, 2.374717, 1.208824, 0.093504, -0.330394, -0.169147], 278, 0.20359695),
}


@pytest.mark.parametrize("rate", WARPING)
def test_they_are_sptks(rate):
    cepstra = mel_cepstra(voice(rate, noise=0.003), rate)
    first, frames, mean = SPTK[rate]
    assert cepstra.shape == (frames, WARPING[rate][0] + 1)
    assert np.abs(cepstra[10, :6] - first).max() < 1e-4
    assert cepstra.mean() == pytest.approx(mean, abs=1e-5)


def test_digital_silence_is_finite_and_level_moves_c0_alone():
    assert np.isfinite(mel_cepstra(np.zeros(4096, np.float32), 16000)).all()
    loud = voice(noise=0.003)
    apart = mel_cepstra(loud, 16000) - mel_cepstra(loud / 2, 16000)
    assert np.abs(apart[:, 0] - np.log(2)).max() < 1e-3
    assert np.abs(apart[:, 1:]).max() < 1e-3


def test_shorter_than_a_frame_is_refused():
    with pytest.raises(ValueError, match="shorter than a frame"):
        mel_cepstra(np.zeros(1023, np.float32), 16000)
