"""Distances, LSE-D, LSE-C and offset, against the definition written out, and in blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tk_tools.metrics.lse import SyncMeter, measure_sync

RNG = np.random.default_rng(3)
LIPS = RNG.standard_normal((70, 16)).astype(np.float32)
AUDIO = (np.roll(LIPS, 2, axis=0) + 0.3 * RNG.standard_normal((70, 16))).astype(np.float32)


def by_definition(lips, audio, max_shift):
    padded = np.pad(audio.astype(np.float64), ((max_shift, max_shift), (0, 0)))
    return np.array(
        [
            [np.linalg.norm(lip - padded[v + k] + 1e-6) for k in range(2 * max_shift + 1)]
            for v, lip in enumerate(lips.astype(np.float64))
        ]
    )


def test_published_definition():
    result = measure_sync(LIPS, AUDIO)
    distances = by_definition(LIPS, AUDIO, 15)
    mean = distances.mean(axis=0)
    assert result.distances == pytest.approx(distances, abs=1e-5)
    assert result.lse_d == pytest.approx(mean.min(), abs=1e-5)
    assert result.lse_c == pytest.approx(np.median(mean) - mean.min(), abs=1e-5)
    assert result.offset == -2  # the sound of frame i lies at i + 2: later than the picture


@given(cuts=st.lists(st.integers(0, 70), max_size=6), zeros=st.booleans())
@settings(max_examples=25, deadline=None)
def test_blocks_do_not_matter(cuts, zeros):
    whole = SyncMeter(zeros_beyond_ends=zeros)
    whole.add(LIPS, AUDIO)
    pieces = SyncMeter(zeros_beyond_ends=zeros)
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), 70], strict=True):
        pieces.add(LIPS[start:stop], AUDIO[start:stop])
    np.testing.assert_array_equal(pieces.result().distances, whole.result().distances)


def test_no_sound_beyond_the_ends_is_left_out():
    meter = SyncMeter(max_shift=4, zeros_beyond_ends=False)
    meter.add(LIPS[:10], AUDIO[:10])
    distances = meter.result().distances
    assert np.isnan(distances[0, :4]).all()
    assert np.isfinite(distances[0, 4:]).all()
    assert np.isnan(distances[-1, 5:]).all()
    assert meter.result().curve[0] == pytest.approx(np.nanmean(distances[:, 0]), rel=1e-6)


def test_fewer_windows_than_shifts():
    meter = SyncMeter(max_shift=15, zeros_beyond_ends=False)
    meter.add(LIPS[:5], np.roll(LIPS[:5], 0, axis=0))
    assert meter.result().offset == 0


def test_a_shift_at_which_few_windows_meet_is_not_chosen():
    lips = LIPS[:20]
    audio = np.roll(LIPS[:20], 1, axis=0)
    audio[:3] = lips[-3:]  # a perfect match by chance at the longest shift
    meter = SyncMeter(max_shift=17, zeros_beyond_ends=False)
    meter.add(lips, audio)
    result = meter.result()
    assert result.offset == -1
    assert np.isnan(result.curve[0])


def test_windows_without_a_face_count_nowhere():
    lips = LIPS.copy()
    lips[20:30] = np.nan
    result = measure_sync(lips, AUDIO)
    kept = np.delete(by_definition(LIPS, AUDIO, 15), np.s_[20:30], axis=0)
    assert result.curve == pytest.approx(kept.mean(axis=0), abs=1e-5)
    assert np.isfinite(result.framewise_confidence()).all()


def test_nothing_to_compare():
    with pytest.raises(ValueError, match="no window"):
        SyncMeter().result()
