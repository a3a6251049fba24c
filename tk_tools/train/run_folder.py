"""RUN/: config.yaml, checkpoints/step_XXXXXXXX.ckpt, best and last weights, metrics.csv, TensorBoard log, samples/.

Where each thing lies, a lock against a second run at the same time, and the weights that a run has to hand on.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tk_tools.errors import OutputError, WeightsError
from tk_tools.files.atomic import missing_folders, output_error, remove_empty, sweep, temporary_name
from tk_tools.weights.find import named_file

if TYPE_CHECKING:
    from torch import Tensor

METRICS = "metrics.csv"
_CHECKPOINT = re.compile(r"step_(\d{8,})\.ckpt")


class RunFolder:
    """The paths in a run folder."""

    def __init__(self, path: Path):
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        self.metrics = self.path / METRICS
        self.checkpoints = self.path / "checkpoints"
        self.samples = self.path / "samples"
        self.tensorboard = self.path / "tensorboard"
        self.best = self.path / "best.safetensors"
        self.last = self.path / "last.safetensors"

    def checkpoint(self, step: int) -> Path:
        """Where the checkpoint of a step lies."""
        return self.checkpoints / f"step_{step:08d}.ckpt"

    def list_checkpoints(self) -> dict[int, Path]:
        """The checkpoints that are there by their step, newest first."""
        if not self.checkpoints.is_dir():
            return {}
        matches = [(path, _CHECKPOINT.fullmatch(path.name)) for path in self.checkpoints.iterdir()]
        found = {int(match[1]): path for path, match in matches if match}
        return dict(sorted(found.items(), reverse=True))

    def prune(self, keep: int, best_step: int | None) -> None:
        """Remove all but the `keep` newest checkpoints and the best one."""
        for step, path in list(self.list_checkpoints().items())[keep:]:
            if step != best_step:
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove what an earlier run made here; nothing else."""
        for path in self.list_checkpoints().values():
            path.unlink(missing_ok=True)
        for path in (self.best, self.last, self.metrics, self.config):
            path.unlink(missing_ok=True)
        for folder in self.samples.glob("step_*"):
            shutil.rmtree(folder, ignore_errors=True)
        for path in self.tensorboard.glob("events.out.tfevents.*"):
            path.unlink(missing_ok=True)

    @contextmanager
    def new_samples(self, step: int) -> Iterator[Path]:
        """A folder to draw the samples of a step into; it gets its name when all are drawn."""
        target = self.samples / f"step_{step:08d}"
        temporary = temporary_name(target)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            if any(temporary.iterdir()):
                shutil.rmtree(target, ignore_errors=True)
                os.replace(temporary, target)
        except OSError as error:
            raise output_error(error, target) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out. OutputError: another run is at work here, or the folder cannot be made.

        The system lets go of the lock when the process ends, however it ends. A run that was refused before it wrote
        anything leaves no folder that was not there.
        """
        path = self.path / ".lock"
        new = missing_folders(self.path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            file = open(path, "a+", encoding="ascii")  # noqa: SIM115 (closed below)
        except OSError as error:
            raise output_error(error, self.path) from error
        with file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                    raise BlockingIOError  # a run that was refused took this one away since
            except OSError as error:
                file.seek(0)
                owner = file.read().strip()
                by = f" (process {owner})" if owner else ""
                raise OutputError(
                    f"another tk-train is at work here{by}; wait for it, or give another --out",
                    path=self.path,
                ) from error
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            sweep(self.path)
            sweep(self.checkpoints)
            for folder in self.samples.glob(".tk-*"):
                shutil.rmtree(folder, ignore_errors=True)
            try:
                yield
            finally:
                with suppress(OSError):  # somebody removed the folder meanwhile
                    if os.listdir(self.path) == [path.name]:
                        path.unlink()
                        remove_empty(new)


def weights_file(path: str | Path, weights_dir: Path | None = None) -> Path:
    """The file of weights that `path` stands for: in a run folder the best ones (else the last), or the file itself.

    A bare name that is not here may be one of `tk-weights list`, or of a file in the folders for weights.
    WeightsError: there is no such path, or the folder is no run with a checkpoint.
    """
    path = Path(path)
    if not path.is_dir():
        if path.exists():
            return path
        known = named_file(path, weights_dir)
        if known is None:
            raise WeightsError(
                "no such run folder or file of weights; `tk-weights list` shows what is known", path=path
            )
        return known
    run = RunFolder(path)
    for file in (run.best, run.last, *run.list_checkpoints().values()):
        if file.exists():
            return file
    raise WeightsError("is no run folder with a checkpoint (best.safetensors or checkpoints/step_*.ckpt)", path=path)


def read_weights(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The network that a run, a checkpoint of it or any published file hands on: its tensors, and what is known of it.

    Known of our own files: {"model", "stage", "network", "step", "settings"}; of others {} or their own config.
    """
    from tk_tools.weights.load import load_checkpoint

    file = weights_file(path)
    loaded = load_checkpoint(file)
    if loaded.form == "zip" and "network" in loaded.config:  # ours: holds several networks
        from tk_tools.train import checkpoint

        state = checkpoint.load(file)
        return state["modules"][state["config"]["network"]], state["config"]
    return loaded.state, loaded.config
