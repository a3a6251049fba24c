"""The page of results says what the JSON files say, and the one command knows every comparison."""

import json
from importlib.util import find_spec

from benchmarks.__main__ import COMPARISONS
from benchmarks.measure import RESULTS
from benchmarks.table import rows, table, write_table


def test_the_page_is_made_from_the_results_that_are_there():
    assert (RESULTS / "README.md").read_text() == table(RESULTS)


def test_a_figure_beside_an_original_and_one_by_itself(tmp_path):
    content = {
        "machine": "a machine",
        "rows": [
            {"what": "crops", "seconds": 2.0, "original_seconds": 300.0, "ratio": 150.0},
            {"what": "memory", "peak_mb": 12.5},
        ],
    }
    (tmp_path / "crop.json").write_text(json.dumps(content))
    page = write_table(tmp_path).read_text()
    assert "| crop | crops | seconds | 2 | 300 | 150 |" in page
    assert "| crop | memory | peak mb 12.5 |" in page
    assert "- a machine: crop\n" in page
    assert (tmp_path / "ratios.png").stat().st_size > 1000


def test_every_comparison_is_a_script_and_every_result_has_one():
    for name in COMPARISONS:
        assert find_spec(f"benchmarks.{name}") is not None
    assert {name for name, _ in rows()} <= set(COMPARISONS)
