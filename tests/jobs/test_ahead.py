"""A part of a stream in a thread of its own: order, faults, and an end without anything left running."""

import threading
import time

import pytest

from tk_tools.jobs.ahead import ahead


def test_items_come_in_order_and_a_few_in_advance():
    made = []

    def numbers():
        for number in range(50):
            made.append(number)
            yield number

    stream = ahead(numbers(), size=3)
    assert next(stream) == 0
    time.sleep(0.3)
    assert len(made) <= 6
    assert list(stream) == list(range(1, 50))


def test_a_fault_is_raised_where_the_items_are_read():
    def faulty():
        yield 1
        raise ValueError("here")

    stream = ahead(faulty(), size=2)
    assert next(stream) == 1
    with pytest.raises(ValueError, match="here"):
        next(stream)


def test_leaving_early_ends_the_thread_and_closes_the_source():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    before = threading.active_count()
    outer = ahead(ahead(endless(), size=2), size=2)
    next(outer)
    outer.close()
    assert closed.wait(5)
    assert threading.active_count() == before
