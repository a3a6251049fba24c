"""What the work gives for each item, in order, wherever it is done; a worker that dies takes its own item alone."""

from functools import partial

import pytest

from tests.jobs import work
from tk_tools.jobs.each import each
from tk_tools.jobs.pool import WorkerDied


@pytest.mark.parametrize("workers", [1, 2])
def test_items_come_with_what_is_made_of_them(workers):
    assert list(each(range(9), partial(work.add, 100), workers=workers)) == [(n, 100 + n) for n in range(9)]


def test_a_worker_that_dies_twice_is_told_in_its_place(tmp_path):
    marks = []
    for name, deaths_before in (("a", 9), ("b", 0), ("c", 8)):  # c dies once, and is tried again
        marks.append(tmp_path / name)
        marks[-1].mkdir()
        for number in range(deaths_before):
            (marks[-1] / f"mark{number}").touch()
    results = dict(each(map(str, marks), partial(work.die, times=9), workers=2))
    kinds = {path[-1]: isinstance(result, WorkerDied) for path, result in results.items()}
    assert kinds == {"a": False, "b": True, "c": False}
