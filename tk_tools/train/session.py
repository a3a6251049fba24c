"""One stage from its clips to its best weights: processes, run folder, resume, and then the loop."""

from __future__ import annotations

import functools
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric

import tk_tools
from tk_tools.errors import ConfigError, InputError, OutputError, TkError, WeightsError
from tk_tools.files.atomic import atomic_path
from tk_tools.files.digest import file_digest
from tk_tools.train import checkpoint
from tk_tools.train.clips import ClipFiles, choose_clips, names_digest
from tk_tools.train.config import Config, as_yaml, differences
from tk_tools.train.loggers import make_loggers
from tk_tools.train.loop import Loop
from tk_tools.train.run_folder import RunFolder, weights_file
from tk_tools.train.task import Task

T = TypeVar("T")
_HEADER = "# tk-train"
_STARTED: list[Popen] = []  # the other processes of this run, which live through all of its stages


def run_stage(
    *,
    model: str,
    stage: str,
    task: type[Task],
    config: Config,
    clips: ClipFiles,
    suffixes: tuple[str, ...],
    needs: Mapping[str, Path],
    out: Path,
    log: Any,
    command: str,
    resume: bool = False,
    force: bool = False,
    told: set[str] | None = None,
) -> Path:
    """Train one stage in the run folder `out`, from its newest checkpoint on if there is one; gives its best weights.

    clips: files for training and for validation (looked at on the first process, which tells the others); without the
    latter a share of the usable ones is held back. suffixes: of these files. needs: run folders or weight files by
    name. command: what was asked for, for the head of config.yaml. resume: go on although settings changed; force:
    begin again. told: lines on clips that need not be told again. Every process of the run calls this alike.

    TkError: no clip can be used, the folder is in use or holds another run, weights do not fit, a loss is not finite.
    """
    run = RunFolder(out)
    fabric = make_fabric(config)
    torch.backends.cudnn.deterministic = True  # of convolutions; warps and resizes add on a GPU in any order
    with ExitStack() as stack:
        stack.push(_end_processes)
        fabric.launch()
        _STARTED.extend(getattr(fabric.strategy.launcher, "procs", []))
        about = {
            "model": model,
            "stage": stage,
            "network": task.main,
            "settings": config.model_dump(mode="json"),
        }

        def inspect(path: Path) -> Any:
            try:
                files = clips.of_clip(path, suffixes)
            except InputError as error:
                if why := task.why_alone(path):
                    raise InputError(why, path=path) from error
                raise
            return task.inspect(*files, config=config)

        def prepare():
            stack.enter_context(run.locked())
            if force:
                run.clear()
            files = {name: weights_file(path) for name, path in needs.items()}
            identity = {"needs": {name: file_digest(path) for name, path in files.items()}}
            found = newest_checkpoint(run, log)
            if found is None:
                _check_ours(run)
            else:
                compare(found[1], about, identity, config, run, resume, log)
            train, val = choose_clips(
                clips.train,
                clips.val,
                inspect,
                functools.partial(task.unfit, config=config),
                share=config.val_share,
                seed=config.seed,
                suffixes=suffixes,
                log=log,
                told=set() if told is None else told,
                parts_held_out=task.holds_out_parts(config),
            )
            steps = config.steps(len(train), fabric.world_size)
            identity["clips"] = names_digest(train)
            others = found is not None and found[1]["identity"]["clips"] != identity["clips"]
            if found is not None and found[1]["step"] >= steps:
                which = ", but on other clips than these (--force trains it anew on these)" if others else ""
                return f"finished already, with these settings{which}, in {run.path}"
            if others:
                log.warn("the clips for training are not those of the checkpoint: from here on the order is another")
            head = _head(command, train, val, files)
            return found and found[0], list(train.values()), list(val.values()), files, identity, steps, head

        prepared = _first(fabric, prepare)
        if isinstance(prepared, str):
            log.info(f"{stage}: {prepared}")
            return weights_file(run.path)
        path, train, val, files, identity, steps, head = prepared
        checkpoint.seed_all(config.seed)
        built = task(config=config, fabric=fabric, train=train, val=val, needs=files)
        checkpoint.seed_all(config.seed + 1 + fabric.global_rank)
        loop = Loop(
            task=built,
            config=config,
            run=run,
            fabric=fabric,
            log=log,
            steps=steps,
            about=about,
            identity=identity,
        )
        if path is not None:
            loop.load_state(checkpoint.load(path), path)
            log.info(f"{stage}: going on from step {loop.step}, {path}")
        else:
            count = "1 clip" if len(train) == 1 else f"{len(train)} clips"
            log.info(f"{stage}: {count} for training, {len(val)} for validation")
        if fabric.global_rank == 0:
            with atomic_path(run.config) as temporary:
                temporary.write_text(head + as_yaml(config), encoding="utf-8")
            fabric.loggers.extend(make_loggers(run, config, first_step=loop.step + 1))
        loop.train()
        for logger in fabric.loggers:
            logger.finalize("success")
        return weights_file(run.path)


def make_fabric(config: Config) -> Fabric:
    """Fabric as the config says; under torchrun, the processes that torchrun started."""
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    devices, nodes, strategy = config.devices, config.nodes, config.strategy
    if "TORCHELASTIC_RUN_ID" in os.environ:
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        nodes = int(os.environ["WORLD_SIZE"]) // devices
    if strategy == "auto" and devices * nodes > 1:
        strategy = "ddp"
    try:
        return Fabric(
            accelerator=config.accelerator,
            devices=devices,
            num_nodes=nodes,
            strategy=strategy,
            precision=config.precision,
        )
    except (RuntimeError, ValueError, TypeError) as error:  # MisconfigurationException is one of these
        cause = " ".join(str(error).split())
        raise ConfigError(f"accelerator {config.accelerator}, {devices} devices: {cause}") from error


def newest_checkpoint(run: RunFolder, log: Any) -> tuple[Path, dict[str, Any]] | None:
    """The newest checkpoint that is whole, with its content; damaged ones are told and removed.

    WeightsError: there are some, and all are damaged.
    """
    fault = None
    for path in run.list_checkpoints().values():
        try:
            found = checkpoint.load(path)
        except WeightsError as error:
            fault = error
            log.warn(f"{error}; falling back to the one before")
            continue
        for step, damaged in run.list_checkpoints().items():
            if step > found["step"]:
                damaged.unlink(missing_ok=True)
        return path, found
    if fault is not None:
        raise WeightsError("holds no checkpoint that is whole; --force begins again", path=run.path)
    return None


def compare(
    state: dict[str, Any], about: dict, identity: dict, config: Config, run: RunFolder, resume: bool, log: Any
) -> None:
    """ConfigError when the checkpoint is of another model, or, without `resume`, of other settings."""
    old = state["config"]
    if (old["model"], old["stage"]) != (about["model"], about["stage"]):
        raise ConfigError(
            f"holds a run of {old['model']}, stage {old['stage']}; give another --out (--force removes it)",
            path=run.path,
        )
    changes = differences(old["settings"], about["settings"], free=config.free_keys())
    before = state["identity"]
    changes += [
        f"{name}: other weights than before"
        for name in sorted({*before["needs"], *identity["needs"]})
        if before["needs"].get(name) != identity["needs"].get(name)
    ]
    if changes and not resume:
        more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
        raise ConfigError(
            f"holds a run with other settings ({'; '.join(changes[:3])}{more}); "
            "--resume goes on with the new ones, --force begins again, another --out keeps both",
            path=run.path,
        )
    for change in changes:
        log.warn(f"going on with {change}")


def _first(fabric: Fabric, work: Callable[[], T]) -> T:
    """Let the first process do `work` and give the result, or its error, to all."""
    result, fault = None, None
    if fabric.global_rank == 0:
        try:
            result = work()
        except TkError as error:
            fault = error
    result, fault = fabric.broadcast((result, fault))
    if fault is not None:
        raise fault
    return result


def _end_processes(kind: type[BaseException] | None, *_: object) -> None:
    """After a fault of this process: the others that it started end by themselves, or are ended."""
    if kind is None:
        return
    deadline = time.monotonic() + 3
    for process in _STARTED:
        try:
            process.wait(timeout=max(deadline - time.monotonic(), 0))
        except TimeoutExpired:
            process.kill()


def _check_ours(run: RunFolder) -> None:
    """OutputError when the folder has a config.yaml of somebody else."""
    if run.config.exists():
        with open(run.config, encoding="utf-8", errors="replace") as file:
            if not file.readline().startswith(_HEADER):
                raise OutputError("was not written by tk-train and is kept; give another --out", path=run.config)


def _head(command: str, train: Mapping[Path, Any], val: Mapping[Path, Any], files: Mapping[str, Path]) -> str:
    lines = [f"{_HEADER} of tk-tools {tk_tools.__version__}: {command}"]
    lines.append(f"# {len(train)} clips for training ({names_digest(train)}), {len(val)} for validation")
    lines += [f"# {name}: {json.dumps(str(path))}" for name, path in files.items()]
    return "\n".join(lines) + "\n\n"
