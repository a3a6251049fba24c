"""A mel in segments is the mel again, is cut where it is quiet, and stays in one piece while it is short."""

import numpy as np
import pytest

from tk_tools.models.diffvc.segments import LONGEST, OVERLAP, SHORTEST, Segment, joined, segments


def made_mel(frames, seed=0):
    return np.random.default_rng(seed).uniform(-8, 0, (frames, 80)).astype(np.float32)


def pieces(mel, size):
    return (mel[start : start + size] for start in range(0, len(mel), size))


@pytest.mark.parametrize("frames", [1, OVERLAP, LONGEST])
def test_what_is_short_stays_in_one_piece(frames):
    mel = made_mel(frames)
    (one,) = segments(pieces(mel, 256))
    assert np.array_equal(one.mel, mel)
    assert one.overlap == 0
    assert np.array_equal(np.concatenate(list(joined([one]))), mel)


@pytest.mark.parametrize(
    "frames", [LONGEST + 1, LONGEST + SHORTEST - 1, LONGEST + SHORTEST, 2 * LONGEST, 5 * LONGEST + 7]
)
def test_segments_are_joined_to_what_they_were_cut_from(frames):
    mel = made_mel(frames)
    cut = list(segments(pieces(mel, 256)))
    assert len(cut) > 1
    assert [segment.overlap for segment in cut] == [0] + [OVERLAP] * (len(cut) - 1)
    assert max(len(segment.mel) for segment in cut) <= LONGEST
    assert min(len(segment.mel) for segment in cut) >= SHORTEST
    assert np.allclose(np.concatenate(list(joined(cut))), mel, atol=1e-5)
    again = list(segments(pieces(mel, 1000)))
    assert all(np.array_equal(a.mel, b.mel) for a, b in zip(cut, again, strict=True))


def test_cuts_are_where_it_is_quiet():
    mel = made_mel(4 * LONGEST)
    pauses = np.arange(1, 8) * LONGEST // 2 + 40
    for pause in pauses:
        mel[pause : pause + OVERLAP + 4] = -11
    starts, at = [], 0
    for segment in segments([mel]):
        starts.append(at)
        at += len(segment.mel) - OVERLAP
    for start in starts[1:]:
        assert any(pause <= start <= pause + 4 for pause in pauses)


def test_one_segment_fades_into_the_next():
    first = Segment(np.zeros((100, 80), np.float32), 0)
    second = Segment(np.ones((100, 80), np.float32), OVERLAP)
    level = np.concatenate(list(joined([first, second])))[:, 0]
    assert len(level) == 200 - OVERLAP
    fade = level[100 - OVERLAP - 1 : 101]
    assert (np.diff(fade) > 0).all()
    assert np.diff(fade).max() < 2 / OVERLAP
    assert (fade[0], fade[-1]) == (0, 1)
