"""The stages of a model that one command trains: which, from which clips, with whose weights, and into which folders.

For the training of one stage see train/session.py.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tk_tools.errors import ConfigError
from tk_tools.models import Beside, Model, Stage, load

if TYPE_CHECKING:
    from tk_tools.train.clips import ClipFiles
    from tk_tools.train.config import Config


@dataclass(frozen=True)
class Asked:
    """What one command asks for: a stage alone or all (None), folder of the run(s), given weights by stage, a start."""

    stage: str | None
    out: Path | None
    given: Mapping[str, Path]
    init: Path | None = None
    resume: bool = False
    force: bool = False


def need_names(model: Model) -> list[str]:
    """The stages whose weights another one needs, sorted."""
    return sorted({name for stage in model.stages for name in stage.needs})


def suffixes_of(part: Stage | Beside) -> tuple[str, ...]:
    """The suffixes of the files that a stage reads, or of those beside them, with their dots."""
    return tuple(kind if kind[0] in "._" else f".{kind}" for kind in part.reads)


def all_suffixes(stages: Sequence[Stage]) -> tuple[str, ...]:
    """The suffixes of all files that some stages need."""
    parts = [part for stage in stages for part in (stage, *stage.beside)]
    return tuple(dict.fromkeys(suffix for part in parts for suffix in suffixes_of(part)))


def named_stages(model: Model, name: str | None) -> list[Stage]:
    """The stage of that name alone, or all but those that want to be named, in order."""
    return [stage for stage in model.stages if name == stage.name or (name is None and not stage.by_name)]


def stages_to_train(model: Model, asked: Asked) -> list[Stage]:
    """The stages that are to be trained: those whose weights are given are not. ConfigError: weights are missing."""
    stages = named_stages(model, asked.stage)
    if asked.stage is None:
        stages = [stage for stage in stages if stage.name not in asked.given]
    trained = {stage.name for stage in stages}
    for name in asked.given:
        if asked.stage is not None and not any(name in stage.needs for stage in stages):
            raise ConfigError(f"Stage {asked.stage} has no use for --{name}; to start from its weights, say --init.")
    for stage in stages:
        for name in stage.needs:
            if name not in asked.given and name not in trained:
                raise ConfigError(f"Stage {stage.name} needs --{name} RUN: a run of stage {name}, or weights.")
    return stages


def clips_of_stages(
    stages: Sequence[Stage], found: Sequence[Path], held_out: Sequence[Path] | None, excluded: Sequence[Path] = ()
) -> dict[str, ClipFiles]:
    """The files of each stage by its suffixes: all that were found but the held out and the excluded ones, and those.

    held_out: what --val names; None without it. ConfigError: a stage has none, or nothing to lie beside them.
    """
    from tk_tools.files.companions import Companions
    from tk_tools.train.clips import ClipFiles

    left_out = {os.path.abspath(path) for path in excluded}
    clips = {}
    for stage in stages:
        mine = suffixes_of(stage)
        val = [path for path in held_out or () if path.name.lower().endswith(mine)]
        val = [path for path in val if os.path.abspath(path) not in left_out]
        kept = {os.path.abspath(path) for path in val} | left_out
        train = [path for path in found if path.name.lower().endswith(mine) and os.path.abspath(path) not in kept]
        if not train and kept:
            raise ConfigError(
                f"No input is left to train stage {stage.name} on: "
                f"{'--exclude' if not val else '--val and --exclude' if left_out else '--val'} took every clip."
            )
        if not train:
            hint = f"; {stage.made_by} makes them" if stage.made_by else ""
            raise ConfigError(f"No input for stage {stage.name}, which reads {' '.join(mine)}{hint}.")
        if held_out is not None and not val:
            raise ConfigError(f"--val holds no input for stage {stage.name}, which reads {' '.join(mine)}.")
        beside = []
        for part in stage.beside:
            companions = Companions([*found, *(held_out or ())], suffixes_of(part), part.made_by)
            if not companions:
                which = " ".join(suffixes_of(part))
                raise ConfigError(f"No input for stage {stage.name} ends in {which}; {part.made_by} makes them.")
            beside.append(companions)
        clips[stage.name] = ClipFiles(train, val, tuple(beside))
    return clips


def train_stages(
    model: Model,
    stages: Sequence[Stage],
    configs: Mapping[str, Config],
    clips: Mapping[str, ClipFiles],
    asked: Asked,
    *,
    command: str,
    log: Any,
) -> Path:
    """Train the stages in order, each with the weights of the ones before; gives the last one's best weights.

    clips: by stage; empty on processes that others started. command: as it was called, for the runs' config.yaml.
    TkError: as run_stage, or a stage cannot be trained on this machine.
    """
    from tk_tools.train.clips import ClipFiles
    from tk_tools.train.session import run_stage

    root = asked.out or Path("runs", model.name)
    alone = asked.stage is not None
    folders = {stage.name: root if alone and asked.out else root / stage.name for stage in stages}
    for stage in stages:
        load(stage.task).check(configs[stage.name])
    told: set[str] = set()
    for stage in stages:
        needs = {name: asked.given.get(name) or folders[name] for name in stage.needs}
        start = asked.init if alone else folders.get(stage.starts_from)
        if start is not None:
            needs["init"] = start
        elif stage.starts_from is not None and not asked.resume and not stage.by_name:
            log.info(f"{stage.name} begins from nothing; --init RUN begins with the weights of {stage.starts_from}")
        best = run_stage(
            model=model.name,
            stage=stage.name,
            task=load(stage.task),
            config=configs[stage.name],
            clips=clips.get(stage.name) or ClipFiles(),
            suffixes=suffixes_of(stage),
            needs=needs,
            out=folders[stage.name],
            log=log,
            command=command,
            resume=asked.resume,
            force=asked.force,
            told=told,
        )
    return best
