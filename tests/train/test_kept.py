"""What data sets keep: within one budget, and nothing of what cannot be read as a whole."""

import numpy as np
import pytest

from tk_tools.errors import InputError
from tk_tools.train.kept import Kept, room_of


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("counts", [(1, 1), (19, 1), (7, 90)])
def test_training_and_validation_share_the_memory_of_all_processes(workers, counts):
    train, val = counts
    rooms = room_of(100, workers, train, others=val), room_of(100, workers, val, others=train)
    assert 99_000_000 < (1 + workers) * sum(rooms) <= 100_000_000
    assert abs(rooms[0] / rooms[1] - train / val) < 0.01 * train / val


def test_what_finds_room_is_read_once_and_what_is_damaged_is_tried_once():
    read = []

    def make(place):
        read.append(place)
        if place == 1:
            raise InputError("is damaged", path="1.h5")
        return np.full(10, place, np.uint8)

    kept = Kept(25)
    given = [kept.whole(place, 10, lambda place=place: make(place)) for place in (0, 1, 2, 3, 0, 1, 2)]
    assert [None if array is None else int(array[0]) for array in given] == [0, None, 2, None, 0, None, 2]
    assert read == [0, 1, 2]
    assert kept.room == 5
