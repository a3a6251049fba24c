"""The order of clips: each epoch once through, shared between processes, and the same from any place in it."""

import itertools

from hypothesis import given
from hypothesis import strategies as some

from tk_tools.train.sampler import EndlessBatches

shapes = {"size": some.integers(1, 30), "batch_size": some.integers(1, 9), "processes": some.integers(1, 4)}


def draws(sampler, batches):
    return list(itertools.islice(sampler, batches))


@given(**shapes, seed=some.integers(0, 5))
def test_every_epoch_has_every_clip_once(size, batch_size, processes, seed):
    count = -(-3 * size // (batch_size * processes))
    shares = [
        draws(EndlessBatches(size, batch_size, seed, rank=rank, processes=processes), count)
        for rank in range(processes)
    ]
    order = [draw for batches in zip(*shares, strict=True) for batch in batches for draw in batch]
    for epoch in range(3):
        assert sorted(draw.index for draw in order[epoch * size : (epoch + 1) * size]) == list(range(size))
    assert len({draw.seed for draw in order}) == len(order)


@given(**shapes, used=some.integers(0, 20))
def test_goes_on_from_any_place(size, batch_size, processes, used):
    shape = {"size": size, "batch_size": batch_size, "seed": 1, "rank": processes - 1, "processes": processes}
    whole, first, second = (EndlessBatches(**shape) for _ in range(3))
    for _ in range(used):
        first.advance()
    second.load_state_dict(first.state_dict())
    assert draws(second, 5) == draws(whole, used + 5)[used:]
    assert second.epoch == used * batch_size * processes // size


def test_seeds_and_epochs_give_other_orders():
    def order(seed, epoch):
        sampler = EndlessBatches(50, 50, seed)
        sampler.position = 50 * epoch
        return [draw.index for draw in draws(sampler, 1)[0]]

    assert order(0, 0) == order(0, 0)
    assert order(0, 0) != order(0, 1)
    assert order(0, 0) != order(1, 0)


def test_without_shuffling_the_order_is_that_of_the_data():
    sampler = EndlessBatches(5, 3, 0, shuffle=False)
    assert [[draw.index for draw in batch] for batch in draws(sampler, 3)] == [[0, 1, 2], [3, 4, 0], [1, 2, 3]]
