"""Averages as published, for any symbols: beside the golden numbers, what happens at the edges and in large sets."""

import sys

import numpy as np
import pytest
from scipy import stats

from tests.grids import intervals
from tk_tools.audio.average_voice import MOST_SYMBOLS, LevelCounts, average_mel, interval_levels, phones_on_frames
from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.errors import InputError
from tk_tools.files.textgrid import Phones

FRAME = DIFFVC.hop_length / DIFFVC.sample_rate  # seconds


def phones(*rows, seconds=None) -> Phones:
    rows = intervals(*rows)
    times = np.array([row[:2] for row in rows])
    return Phones(tuple(row[2] for row in rows), times, times[-1, 1] if seconds is None else seconds)


def counted(*recordings) -> LevelCounts:
    """Of recordings (symbols, levels for all bands): each interval two frames long."""
    counts = LevelCounts(DIFFVC)
    for symbols, levels in recordings:
        rows = np.repeat(np.array(levels, np.int16)[:, None], DIFFVC.n_mels, axis=1)
        counts.add(symbols, rows, np.full(len(symbols), 2))
    return counts


def test_an_interval_holds_every_frame_that_it_touches():
    framed = phones_on_frames(phones(("a", 2.5 * FRAME), ("b", 2 * FRAME), ("c", 1.5 * FRAME)), 6, DIFFVC)
    assert framed.symbols == ("a", "b", "c")
    np.testing.assert_array_equal(framed.frames, [(0, 3), (2, 5), (4, 6)])  # c would end at 7


def test_what_lies_past_the_end_is_clipped_left_out_or_refused():
    short = phones(("a", 3 * FRAME), ("b", FRAME))
    framed = phones_on_frames(short, 3, DIFFVC)
    assert framed.symbols == ("a",)
    np.testing.assert_array_equal(framed.frames, [(0, 3)])
    with pytest.raises(InputError, match=r"ends at 0\.12 s, the sound at 0\.03 s"):
        phones_on_frames(phones(("a", 10 * FRAME)), 3, DIFFVC)
    with pytest.raises(InputError, match="no phone within the sound"):
        phones_on_frames(Phones(("a",), np.array([[3.01, 4.0]]) * FRAME, 4 * FRAME), 3, DIFFVC)


def test_levels_are_medians_to_one_decimal():
    mel = np.array([[0.14, -11.51], [0.16, -2.25], [0.9, 3.0]], np.float32)
    np.testing.assert_array_equal(
        interval_levels(mel, np.array([(0, 3), (0, 2), (1, 2)])), [[2, -22], [2, -69], [2, -22]]
    )


def test_the_average_is_the_mode_and_of_equals_the_lowest():
    averages = counted((("a", "a", "a", "b"), (5, -7, 5, 1)), (("b", "b", "b"), (-3, 1, -3))).averages()
    assert averages.symbols == ("a", "b")
    np.testing.assert_array_equal(averages.average[:, 0], np.float32([0.5, -0.3]))
    np.testing.assert_array_equal(averages.intervals, [3, 4])
    np.testing.assert_array_equal(averages.duration, [6, 8])


def test_the_mode_of_many_is_that_of_scipy():
    levels = np.random.default_rng(1).integers(-20, 20, (400, DIFFVC.n_mels)).astype(np.int16)
    counts = LevelCounts(DIFFVC)
    for part in np.split(levels, 8):
        counts.add(("x",) * len(part), part, np.ones(len(part)))
    np.testing.assert_allclose(counts.averages().average[0], stats.mode(levels, axis=0).mode / 10, rtol=1e-6)


def test_no_label_is_silence_where_nothing_else_is():
    mute = counted((("", "ɲ", ""), (-90, 5, -90)))  # Montreal Forced Aligner 2 and 3
    averages = mute.averages()
    assert averages.symbols == ("", "ɲ")
    told = counted((("", "AH0", "sil"), (-50, 5, -90))).averages()
    assert told.symbols == ("AH0", "sil")
    framed = phones_on_frames(phones(("", 2 * FRAME), ("ɲ", 2 * FRAME)), 4, DIFFVC)
    mel = np.zeros((4, DIFFVC.n_mels), np.float32)
    np.testing.assert_array_equal(average_mel(mel, framed, averages)[:, 0], np.float32([-9, -9, 0.5, 0.5]))
    framed = phones_on_frames(phones(("", 2 * FRAME), ("AH0", 2 * FRAME)), 4, DIFFVC)
    np.testing.assert_array_equal(average_mel(mel, framed, told)[:, 0], np.float32([0, 0, 0.5, 0.5]))
    assert not mel.any(), "the recording's own mel stays as it is"


def test_a_phone_without_an_average_is_told():
    framed = phones_on_frames(phones(("a", 2 * FRAME), ("ʃ", FRAME)), 3, DIFFVC)
    with pytest.raises(InputError, match="phones 'ʃ' have no average; those that do are 'a', 'b'"):
        average_mel(np.zeros((3, DIFFVC.n_mels), np.float32), framed, counted((("a", "b"), (1, 2))).averages())


def test_memory_does_not_grow_with_the_set():
    counts = counted((("a", "b"), (1, 2)))
    size = sum(map(sys.getsizeof, counts._counts.values())) + sum(table.nbytes for table in counts._counts.values())
    for level in range(-115, 40):
        counts.add(("a",) * 20, np.full((20, DIFFVC.n_mels), level, np.int16), np.ones(20))
    after = sum(map(sys.getsizeof, counts._counts.values())) + sum(table.nbytes for table in counts._counts.values())
    assert after == size
    assert len(counts) == 2


def test_words_instead_of_phones_are_told():
    counts = LevelCounts(DIFFVC)
    words = tuple(f"word{number}" for number in range(MOST_SYMBOLS + 1))
    with pytest.raises(InputError, match=r"more than 1000 different phones \('word0', 'word1'"):
        counts.add(words, np.zeros((len(words), DIFFVC.n_mels), np.int16), np.ones(len(words)))
