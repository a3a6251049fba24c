"""The training loop: steps, numbers, validations, checkpoints, and a stop that loses nothing.

All that makes the state of a run is in `Loop.state`; a loop that is built from it goes on to the very
numbers of one that was never interrupted.
"""

from __future__ import annotations

import itertools
import math
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from lightning_fabric import is_wrapped

from tk_tools.errors import OutputError, TkError, TrainingError
from tk_tools.train import checkpoint
from tk_tools.train.config import Config
from tk_tools.train.loader import batches
from tk_tools.train.metrics_file import MetricsFile
from tk_tools.train.report import Report
from tk_tools.train.run_folder import RunFolder
from tk_tools.train.sampler import EndlessBatches
from tk_tools.train.stop import StopSignals
from tk_tools.train.task import Task, plain

_ADAM_STATES = 2  # means of gradient and square, of each weight


class Loop:
    """Trains `task` in `run` for `steps` steps.

    about: what is known of the run (model, stage, network, settings), kept with the weights. identity: further facts
    for the checkpoint (the clips, the weights it was given). log: has info, warn and error.
    """

    def __init__(
        self,
        *,
        task: Task,
        config: Config,
        run: RunFolder,
        fabric,
        log,
        steps: int,
        about: dict[str, Any],
        identity: dict[str, Any],
    ):
        self.task, self.config, self.run, self.fabric, self.log = task, config, run, fabric, log
        self.steps = steps
        self.about, self.identity = about, identity
        self.step = 0
        self.best: dict[str, Any] = {"value": None, "step": None, "era": 0}
        self.sums: dict[str, float] = {}  # of the losses since the last row of metrics.csv
        self.summed = 0
        share = {"rank": fabric.global_rank, "processes": fabric.world_size}
        self.sampler = EndlessBatches(len(task.train_data), config.batch_size, config.seed, **share)
        self.val_sampler = EndlessBatches(
            len(task.val_data), config.batch_size, config.seed + 1, shuffle=False, **share
        )
        self.validated: dict[str, float] = {}
        self._advised: set[str] = set()
        self._saved_step: int | None = None

    def train(self) -> None:
        """Train up to the last step. TrainingError: a loss is not finite. A signal ends it with a checkpoint."""
        if self.step >= self.steps:
            return
        first = self.fabric.global_rank == 0
        if first:
            self._check_room()
        self.metrics = MetricsFile(self.run.metrics, last_step=self.step) if first else None
        self.report = None
        if first:
            self.report = Report(self.log, self.about["stage"], self.step, self.steps)
        source = self._batches(self.task.train_data, self.sampler)
        stopped = False
        with StopSignals() as stop:
            try:
                while self.step < self.steps and not stopped:
                    stopped = self._step(source, stop)
                    last = self.step == self.steps
                    due = last or self.step % self.config.validate_every == 0
                    improved = self._validate() if due else False
                    self._log(due)
                    if improved or stopped or last or self.step % self.config.checkpoint_every == 0:
                        self._save()
                if first:
                    self._export(self.run.last)
                self.fabric.barrier()
            finally:
                source.close()
                if first:
                    self.report.close()
            if stopped or stop.number:
                self._stop(stop)

    def _check_room(self) -> None:
        """OutputError: the disk has no room for a checkpoint; better said now than after the first hours."""
        nets = [plain(net) for net in self.task.modules.values()]
        weights = sum(tensor.nbytes for net in nets for tensor in net.state_dict().values())
        groups = [group for optimizer in self.task.optimizers.values() for group in optimizer.param_groups]
        learnt = sum(weight.nbytes for group in groups for weight in group["params"])
        needed, free = weights + _ADAM_STATES * learnt, shutil.disk_usage(self.run.path).free
        if free < needed:
            what = f"a checkpoint takes about {needed / 1e6:.0f} MB, and the disk has {free / 1e6:.0f} MB left"
            raise OutputError(f"{what}; free some, or give another --out", path=self.run.path)

    def _stop(self, stop: StopSignals) -> None:
        """The first process ends as the signal says, the others in silence, lest they are taken for failed."""
        if self.fabric.global_rank > 0:
            raise SystemExit(0)
        what = "run again to go on from there" if self.step < self.steps else "it was the last"
        self.log.warn(f"stopped after step {self.step}, all is saved; {what}")
        stop.number = stop.number or signal.SIGTERM
        stop.act()

    def _step(self, source: Iterator[Any], stop: StopSignals) -> bool:
        """One update; gives whether any process was told to stop."""
        parts = self._fetch(source)
        totals: dict[str, torch.Tensor] = {}
        for number, batch in enumerate(parts, start=1):
            self.task.last_part = number == len(parts)
            with self._synced(self.task.last_part):
                losses = self.task.step(self.fabric.to_device(batch))
            for name, loss in losses.items():
                totals[name] = totals.get(name, 0) + loss.detach().float() / len(parts)
        for _ in parts:
            self.sampler.advance()
        self.step += 1
        told = torch.tensor(float(bool(stop.number)), device=self.fabric.device)
        *means, told = self._mean([*totals.values(), told])
        for name, value in zip(totals, means, strict=True):
            if not math.isfinite(value):
                self._fail(f"loss {name} is {value} at step {self.step}")
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.summed += 1
        return told > 0

    @contextmanager
    def _synced(self, last_part: bool) -> Iterator[None]:
        """Processes exchange gradients at the last part of a step alone; DDP wants to know it before the forward."""
        with ExitStack() as stack:
            for net in self.task.modules.values():
                if not last_part and is_wrapped(net):
                    stack.enter_context(self.fabric.no_backward_sync(net))
            yield

    def _fetch(self, source: Iterator[Any]) -> list[Any]:
        """The batches of one step; when a process cannot read its share, all of them save and stop."""
        began = time.monotonic()
        fault = None
        try:
            parts = list(itertools.islice(source, self.config.accumulate))
        except TkError as error:
            fault = error
        if self.report is not None:
            self.report.waited(time.monotonic() - began)
        if self.fabric.world_size > 1:
            failed = self._mean([torch.tensor(float(fault is not None))])[0] > 0
        else:
            failed = fault is not None
        if not failed:
            return parts
        if self.step:
            self._save()
        if fault is None:
            fault = TrainingError("another process could not read its clips; its message says why")
        elif self.fabric.global_rank > 0:
            self.log.error(str(fault))
        raise fault

    def _validate(self) -> bool:
        """Validate, draw samples, keep the weights when they are the best so far; gives whether they are."""
        nets = [plain(net) for net in self.task.modules.values()]
        modes = {module: module.training for net in nets for module in net.modules()}
        draws = self.val_sampler.draws_per_batch
        once = math.ceil(self.val_sampler.size / draws)
        count = min(self.config.validate_batches or once, once)
        source = self._batches(self.task.val_data, self.val_sampler)
        with torch.no_grad(), checkpoint.kept_random_state(self.fabric.device, seed=self.config.seed):
            share = itertools.islice(source, count)
            numbers = self.task.validate(self.fabric.to_device(batch) for batch in share)
            source.close()
            if self.fabric.global_rank == 0:
                with self.run.new_samples(self.step) as folder:
                    self.task.draw_samples(folder)
        for module, training in modes.items():
            module.training = training
        means = self._mean([torch.tensor(float(value)) for value in numbers.values()])
        self.validated = dict(zip(numbers, means, strict=True))
        value, sign = self.validated[self.task.watch], 1 if self.task.watch_mode == "max" else -1
        era = self.task.era
        best = self.best["value"] if self.best["era"] == era else None
        if not math.isfinite(value) or (best is not None and sign * value <= sign * best):
            return False
        self.best = {"value": value, "step": self.step, "era": era}
        if self.fabric.global_rank == 0:
            self._export(self.run.best)
        return True

    def _log(self, validated: bool) -> None:
        """A row of metrics.csv, when one is due; all processes keep the sums alike."""
        if not (validated or self.step % self.config.log_every == 0):
            return
        row = {"step": self.step, "epoch": self.sampler.epoch}
        row.update({f"train/{name}": total / self.summed for name, total in self.sums.items()})
        if validated:
            row.update({f"val/{name}": value for name, value in self.validated.items()})
        self.sums, self.summed = {}, 0
        if self.fabric.global_rank > 0:
            return
        self.metrics.add(row)
        self.report.row(row)
        self.fabric.log_dict({name: value for name, value in row.items() if name != "step"}, step=self.step)
        advice = self.task.advice(self.metrics.rows) if validated else None
        if advice is not None and advice not in self._advised:
            self._advised.add(advice)
            self.log.warn(advice)

    def state(self) -> dict[str, Any]:
        """Everything that a resume needs; called by all processes, as each gives its random state."""
        random_states = [checkpoint.random_state(self.fabric.device)]
        if self.fabric.world_size > 1:
            mine, random_states = random_states[0], [None] * self.fabric.world_size
            torch.distributed.all_gather_object(random_states, mine)
        return {
            **checkpoint.capture(self.task, self.fabric.strategy.precision),
            "random": random_states,
            "sampler": self.sampler.state_dict(),
            "step": self.step,
            "best": self.best,
            "sums": self.sums,
            "summed": self.summed,
            "config": self._known(),
            "identity": self.identity,
        }

    def load_state(self, state: dict[str, Any], path) -> None:
        """Go on from `state`, read from `path`."""
        checkpoint.restore(self.task, self.fabric.strategy.precision, state, path)
        self.sampler.load_state_dict(state["sampler"])
        self.step = state["step"]
        if self.run.best.exists():
            self.best |= state["best"]
        elif state["best"]["value"] is not None:
            self.log.warn(f"{self.run.best} is gone: the next validation begins it anew")
        self.sums, self.summed = dict(state["sums"]), state["summed"]
        self._saved_step = self.step
        if len(state["random"]) == self.fabric.world_size:
            checkpoint.set_random_state(state["random"][self.fabric.global_rank], self.fabric.device)
        else:
            checkpoint.seed_all(self.config.seed + self.step * self.fabric.world_size + self.fabric.global_rank)
            self.log.warn("the number of processes changed: random numbers are drawn anew from here on")

    def _save(self) -> None:
        if self._saved_step == self.step:
            return
        for name, net in self.task.modules.items():
            if not all(torch.isfinite(weight).all() for weight in net.parameters()):
                self._fail(f"the weights of {name} are not finite after step {self.step}")
        state = self.state()
        if self.fabric.global_rank == 0:
            checkpoint.save(self.run.checkpoint(self.step), state)
            self.run.prune(self.config.keep_checkpoints, self.best["step"])
        self._saved_step = self.step

    def _export(self, path) -> None:
        from tk_tools.weights.save import save_safetensors

        net = plain(self.task.modules[self.task.main])
        save_safetensors(path, net.state_dict(), self._known())

    def _known(self) -> dict[str, Any]:
        """What is known of the network that is handed on."""
        return {**self.about, **self.task.header(), "step": self.step}

    def _fail(self, fault: str) -> None:
        kept = next(iter(self.run.list_checkpoints().values()), None)
        rest = f"the last good checkpoint is {kept}" if kept else "there was no checkpoint yet"
        raise TrainingError(f"{fault}; {rest}; try a lower learning rate, or 32-true for precision")

    def _mean(self, values: list[torch.Tensor]) -> list[float]:
        """Means over all processes, in one message."""
        packed = torch.stack(values).to(self.fabric.device)
        return self.fabric.all_reduce(packed, reduce_op="mean").tolist()

    def _batches(self, data, sampler) -> Iterator[Any]:
        pin = self.fabric.device.type == "cuda"
        return batches(data, sampler, workers=self.config.loader_workers, pin_memory=pin)
