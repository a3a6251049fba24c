"""Whoever listens hears how many seconds of a result are written."""

from fractions import Fraction

import numpy as np

from tk_tools.files import progress
from tk_tools.files.ffmpeg import write_video
from tk_tools.files.wav import write_wav


def test_pictures_and_sound_are_told_in_seconds(tmp_path):
    heard = []
    with progress.listen(heard.append):
        write_video(tmp_path / "a.mp4", [np.zeros((16, 16, 3), np.uint8)] * 3, fps=Fraction(25, 2))
        assert heard == [0.08, 0.16, 0.24]
        write_wav(tmp_path / "a.wav", [np.zeros(4000, np.float32)] * 2, rate=8000)
    write_wav(tmp_path / "b.wav", [np.zeros(4000, np.float32)], rate=8000)
    assert heard[3:] == [0.5, 1.0]
