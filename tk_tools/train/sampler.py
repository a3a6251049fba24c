"""Which clip comes when: an endless order that follows from (seed, epoch, position) alone.

Epochs join without a seam, so every batch is full, however few clips there are; where the order stands is
one number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

from tk_tools.train.task import Draw


class EndlessBatches(Sampler[list[Draw]]):
    """Batches without end for one of `processes` processes, each with its share of `batch_size * processes` draws.

    size: clips in the data set. shuffle: a new order each epoch, else the order of the data set. `position`
    counts the draws of all processes so far; an iterator starts there, and does not move it: the loop does
    when a batch has been used.
    """

    def __init__(self, size: int, batch_size: int, seed: int, rank: int = 0, processes: int = 1, shuffle: bool = True):
        if size < 1:
            raise ValueError("a data set without clips gives no batches")
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self.rank, self.processes, self.shuffle = rank, processes, shuffle
        self.position = 0

    @property
    def draws_per_batch(self) -> int:
        """Draws that all processes together make for one batch each."""
        return self.batch_size * self.processes

    @property
    def epoch(self) -> int:
        """How often every clip has been drawn."""
        return self.position // self.size

    def advance(self) -> None:
        """One more batch has been used."""
        self.position += self.draws_per_batch

    def state_dict(self) -> dict[str, int]:
        return {"position": self.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.position = state["position"]

    def __iter__(self) -> Iterator[list[Draw]]:
        start = self.position + self.rank * self.batch_size
        epoch, order = -1, None
        while True:
            batch = []
            for number in range(start, start + self.batch_size):
                if number // self.size != epoch:
                    epoch = number // self.size
                    order = self._order(epoch)
                batch.append(Draw(index=int(order[number % self.size]), seed=self._seed(number)))
            yield batch
            start += self.draws_per_batch

    def _order(self, epoch: int) -> np.ndarray:
        if not self.shuffle:
            return np.arange(self.size)
        return np.random.default_rng([self.seed, epoch]).permutation(self.size)

    def _seed(self, number: int) -> int:
        """63 bits, far apart for neighbouring draws and seeds."""
        digest = hashlib.blake2b(f"{self.seed} {number}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "little") >> 1
