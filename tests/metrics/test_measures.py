"""The one table of measures knows what the tools print, and which way is better."""

import pkgutil
from importlib import import_module

import tk_tools.metrics
from tk_tools.metrics.measures import COUNTS, MEASURES, badness, measure_named


def test_every_number_that_a_tool_measures_is_known():
    names = [found.name for found in pkgutil.iter_modules(tk_tools.metrics.__path__)]
    named = [getattr(import_module(f"tk_tools.metrics.{name}"), "MEASURES", None) for name in names]
    measured = {name for found in named if isinstance(found, tuple) for name in found}
    assert {"lse_d", "ssim"} <= measured
    assert measured - {*MEASURES, *COUNTS} == set()


def test_every_known_measure_has_a_direction_and_a_meaning():
    assert [name for name, measure in MEASURES.items() if measure.better is None or not measure.meaning] == []
    assert not MEASURES.keys() & set(COUNTS)


def test_worse_is_greater():
    for name, worse, better in [("lse_d", 9, 7), ("ssim", 0.5, 0.9), ("offset", -4, 3), ("duration", 0.7, 1.1)]:
        direction = measure_named(name).better
        assert badness(worse, direction) > badness(better, direction), name


def test_an_unknown_measure_is_neutral():
    assert measure_named("shine") == ("shine", None, "")
