"""What is told of a run of StyleTTS 2: first and last losses, and how quiet its pauses are."""

import numpy as np
import pytest
import torch

from benchmarks.styletts2_quality import decibels_at, first_and_last
from tk_tools.models.styletts2.sizes import STEP
from tk_tools.models.styletts2.speech import Spoken


def test_losses_that_join_later_begin_where_they_join(tmp_path):
    (tmp_path / "metrics.csv").write_text("step,train/a,train/b,train/c,val/d\n1,3,0,0,\n2,2,5,0,7\n3,1,4,0,\n")
    told = first_and_last(tmp_path / "metrics.csv")
    assert told == {"train/a": (3, 1), "train/b": (5, 4), "val/d": (7, 7)}


@pytest.mark.parametrize("delay", [0, 1])
def test_pauses_are_heard_where_the_marks_are(delay):
    steps = np.array([2, 3, 4, 1, 5])
    loud = np.repeat([0.0, 0.5, 0.05, 0.5, 0.0], STEP * steps)
    wave = np.concatenate([np.zeros(delay * STEP), loud]).astype(np.float32)
    pauses, speech = decibels_at(Spoken(wave, torch.zeros(1), steps), "a,b.", delay)
    assert speech == pytest.approx(20 * np.log10(0.5), abs=1e-3)
    assert speech - pauses == pytest.approx(20, abs=1e-3)
