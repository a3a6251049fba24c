"""A damaged clip is told once, and its neighbour stands in for it."""

import pytest

from tk_tools.errors import InputError
from tk_tools.train.stand_ins import StandIns


def test_the_next_clip_stands_in_and_each_damaged_one_is_told_once(caplog):
    def make(place):
        if place in broken:
            raise InputError("is cut short", path=f"{place}.h5")
        return place

    broken, stand_ins = {2, 3}, StandIns(4)
    assert [stand_ins.item(place, make) for place in (2, 2, 3, 1)] == [0, 0, 0, 1]
    assert [record.getMessage().split(": ")[1] for record in caplog.records] == ["2.h5", "3.h5"]
    broken = {3}
    assert stand_ins.item(2, make) == 2, "what is damaged for one item may be whole for another"
    broken = {0, 1, 2, 3}
    with pytest.raises(InputError, match="none of the clips"):
        stand_ins.item(0, make)
