"""Sound is moved by whole samples, whatever blocks it comes in."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tk_tools.metrics.fix_sync import move_sound


@given(sizes=st.lists(st.integers(0, 40), max_size=8), later=st.integers(-100, 100))
def test_moved_by_that_many_samples(sizes, later):
    whole = np.arange(1, sum(sizes) + 1, dtype=np.float32)
    blocks = np.split(whole, np.cumsum(sizes))
    moved = np.concatenate([np.empty(0, np.float32), *move_sound(blocks, later)])
    expected = np.concatenate([np.zeros(later, np.float32), whole]) if later > 0 else whole[-later:]
    assert np.array_equal(moved, expected)
