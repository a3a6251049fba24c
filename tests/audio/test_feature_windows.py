"""Windows of features (their published form: tests/golden)."""

import numpy as np
import pytest

from tk_tools.audio.feature_windows import feature_windows


@pytest.mark.parametrize("frames", [1, 2, 9])
def test_every_frame_has_its_neighbours_and_the_ends_are_repeated(frames):
    features = np.arange(frames * 3, dtype=np.float32).reshape(frames, 3)
    windows = feature_windows(features)
    assert windows.shape == (frames, 3, 5)
    for frame in range(frames):
        for place in range(5):
            row = min(max(frame + place - 2, 0), frames - 1)
            assert np.array_equal(windows[frame, :, place], features[row])
