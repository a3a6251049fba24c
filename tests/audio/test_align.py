"""Averages of a set in which a process dies: the sound is told, and counted the next time."""

import numpy as np

from tests.grids import write_recording
from tk_tools.audio import align
from tk_tools.files.phone_averages_file import read_phone_averages
from tk_tools.jobs.each import each
from tk_tools.jobs.pool import WorkerDied


def test_a_sound_over_which_a_worker_died_is_told_and_counted_the_next_time(tmp_path, monkeypatch):
    wavs = [write_recording(tmp_path, name, ("sil", 0.1), ("AA", 0.2)) for name in ("a", "b")]
    pairs = [(wav, tmp_path / "grids" / f"{wav.stem}.TextGrid") for wav in wavs]
    target = tmp_path / "x.phones.h5"

    def one_dies(items, work, **options):
        yield items[0], work(items[0])
        yield items[1], WorkerDied("was killed")

    monkeypatch.setattr(align, "each", one_dies)
    faults = align.make_averages(pairs, target, align.AlignOptions())
    assert {path: str(fault) for path, fault in faults.items()} == {wavs[1]: f"{wavs[1]}: was killed"}
    np.testing.assert_array_equal(read_phone_averages(target).intervals, [1, 1])
    monkeypatch.setattr(align, "each", each)
    assert align.make_averages(pairs, target, align.AlignOptions()) == {}
    np.testing.assert_array_equal(read_phone_averages(target).intervals, [2, 2])
