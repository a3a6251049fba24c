"""The one table of measures knows what the tools print, and which way is better."""

import pytest

from tk_tools.cli import eval_lse, eval_video
from tk_tools.metrics.measures import COUNTS, MEASURES, badness, measure_named


@pytest.mark.parametrize("columns", [eval_lse.COLUMNS, eval_video.COLUMNS], ids=["tk-eval-lse", "tk-eval-video"])
def test_every_number_that_a_tool_prints_is_known(columns):
    words = {"path", "reference", "faces", "protocol", "error"}
    assert [name for name in columns if name not in {*MEASURES, *COUNTS, *words}] == []


def test_every_known_measure_has_a_direction_and_a_meaning():
    assert [name for name, measure in MEASURES.items() if measure.better is None or not measure.meaning] == []
    assert not MEASURES.keys() & set(COUNTS)


def test_worse_is_greater():
    for name, worse, better in [("lse_d", 9, 7), ("ssim", 0.5, 0.9), ("offset", -4, 3), ("duration_ratio", 0.7, 1.1)]:
        direction = measure_named(name).better
        assert badness(worse, direction) > badness(better, direction), name


def test_an_unknown_measure_is_neutral():
    assert measure_named("shine") == ("shine", None, "")
