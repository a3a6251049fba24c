"""One checkpoint file with everything that a resume needs, and the random states of every process in it.

Plain data and tensors alone, so that it is read with weights_only. The file appears whole or not at all; its
zip sums are checked before it is trusted.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tk_tools.errors import OutputError, WeightsError
from tk_tools.files.atomic import atomic_path
from tk_tools.train.task import Task, plain
from tk_tools.weights.forms import check_sums

FORMAT = 1


def capture(task: Task, precision: Any) -> dict[str, Any]:
    """The state of a task: networks, optimisers, schedules, own values, the scaler of half precision."""
    return {
        "modules": {name: plain(net).state_dict() for name, net in task.modules.items()},
        "optimizers": {name: optimizer.state_dict() for name, optimizer in task.optimizers.items()},
        "schedulers": {name: scheduler.state_dict() for name, scheduler in task.schedulers.items()},
        "precision": precision.state_dict(),
        "task": task.state(),
    }


def restore(task: Task, precision: Any, state: dict[str, Any], path: Path) -> None:
    """Put back what `capture` took. WeightsError: the checkpoint is of other networks."""
    try:
        for name, net in task.modules.items():
            plain(net).load_state_dict(state["modules"][name], strict=True)
        for name, optimizer in task.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        for name, scheduler in task.schedulers.items():
            scheduler.load_state_dict(state["schedulers"][name])
        precision.load_state_dict(state["precision"])
        task.load_state(state["task"])
    except (KeyError, RuntimeError, ValueError) as error:
        cause = " ".join(str(error).split())[:200]
        raise WeightsError(f"is of other networks than this config makes ({cause})", path=path) from error


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint. OutputError: the disk does not take it."""
    with atomic_path(path, check=check_sums) as temporary:
        try:
            torch.save({"format": FORMAT, **state}, temporary)
        except RuntimeError as error:  # torch hides the cause of a failed write
            raise OutputError("cannot be written: is the disk full?", path=path) from error


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint to the CPU. WeightsError: damaged, or of another format."""
    check_sums(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged pickle makes torch say
        raise WeightsError("is damaged", path=path) from error
    if not isinstance(state, dict) or "format" not in state:
        raise WeightsError("is no checkpoint of tk-train", path=path)
    if state["format"] != FORMAT:
        raise WeightsError(f"is of format {state['format']}, this tk-train reads {FORMAT}", path=path)
    return state


def random_state(device: torch.device) -> dict[str, Any]:
    """The random states of this process, as plain data: Python, NumPy, torch, and the GPU it uses."""
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": (version, list(words), gauss),
        "numpy": (name, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, cached),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
    }


def set_random_state(state: dict[str, Any], device: torch.device) -> None:
    """Put back what `random_state` gave."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if device.type == "cuda" and state["cuda"] is not None:
        torch.cuda.set_rng_state(state["cuda"], device)


def seed_all(seed: int) -> None:
    """Seed Python, NumPy and torch (all devices)."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


@contextmanager
def kept_random_state(device: torch.device, seed: int) -> Iterator[None]:
    """A block with random numbers of its own, from `seed`; those of the training go on after it untouched."""
    state = random_state(device)
    seed_all(seed)
    try:
        yield
    finally:
        set_random_state(state, device)
