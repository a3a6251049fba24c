"""The published systems in the box: one folder each, and a descriptor that the commands read.

Describing a model imports neither torch nor its networks: everything heavy stands as "module:attribute" and is loaded
when it is used. Other packages add models through the entry-point group `tk_tools.models`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tk_tools.errors import ConfigError, MissingPackage

ENTRY_POINTS = "tk_tools.models"


@dataclass(frozen=True)
class Beside:
    """A further file that each clip of a stage needs, of the same name: its suffixes, and the tool that makes it."""

    reads: tuple[str, ...]
    made_by: str


@dataclass(frozen=True)
class Stage:
    """One training stage of a model.

    reads: suffixes of the files it trains on ("face.h5", or "_mel.npy" for one without a dot); made_by: the tool that
    makes them; beside: what each of them needs with it; needs: names of the stages whose network it builds on;
    starts_from: the stage whose weights it may take as its start (--init); by_name: trained only when --stage names it;
    config, task: "module:attribute".
    """

    name: str
    summary: str
    reads: tuple[str, ...]
    config: str
    task: str
    made_by: str | None = None
    beside: tuple[Beside, ...] = ()
    needs: tuple[str, ...] = ()
    starts_from: str | None = None
    by_name: bool = False


@dataclass(frozen=True)
class Talking:
    """A face that is to say what a model speaks: the name of the model that moves it, the face, the weights for it."""

    model: str
    face: Path
    checkpoint: Path


@dataclass(frozen=True)
class Request:
    """What one command line of tk-infer asks for.

    operands: inputs and, last, the output. options: a frozen dataclass. also: the further files of an input, from which
    its result is made with it (checkpoint, sound). check: looks for faults in what all inputs have in common and raises
    them, before any work is done, or gives a line for people. notice: a line for people that needs no such look.
    suffix: of the results, where the options change the model's usual one. talking: who says the speech that is made.
    """

    operands: tuple[Path, ...]
    options: Any
    also: Callable[[Path], tuple[Path, ...]]
    check: Callable[[], str | None]
    notice: str | None = None
    suffix: str | None = None
    talking: Talking | None = None


@dataclass(frozen=True)
class Upload:
    """What a client of tk-serve sends: the field that holds it, and what people are told that it is.

    reads: suffixes of such files; whatever the name, the content decides. holds: "pictures" or "sound", which the file
    must have; or "text", which may stand in the field itself, too. template: the service may have some of its own,
    which a client names instead of sending one. sets_length: the result lasts as long as this. option: name of the
    option that the model takes it by; None: it is an operand.
    """

    field: str
    title: str
    reads: tuple[str, ...]
    holds: Literal["pictures", "sound", "text"]
    template: bool = False
    sets_length: bool = False
    option: str | None = None


@dataclass(frozen=True)
class Service:
    """How tk-serve offers a model.

    uploads: the inputs of one result, in the order of the operands (the output comes after them). check: values of the
    options -> opens what all results have in common and raises its fault, or gives a line for people. choices: names of
    the options that a client may set. not_served: names of those that stand for operands, or that a service has not.
    unused: values, after their check -> the uploads and choices that these weights have no use for. check_choices:
    values with those of a client -> raises what of them cannot be had, before a worker takes the job.
    """

    uploads: tuple[Upload, ...]
    check: Callable[[dict[str, Any]], str | None]
    choices: tuple[str, ...] = ()
    not_served: tuple[str, ...] = ()
    unused: Callable[[dict[str, Any]], frozenset[str]] | None = None
    check_choices: Callable[[dict[str, Any]], None] | None = None


@dataclass(frozen=True)
class Inference:
    """How tk-infer shows and runs a model.

    help, metavar of the operands and options (click's) of its command; prepare: values of the options and operands ->
    Request; reads: suffixes that a searched folder is searched for; suffix: of the results; shared: names of options
    that the command has in common with other tools (face, backend). service: how tk-serve offers it, None: not at all.
    stream: of a model whose operands are texts, and not paths alone: "module:function(source, *also, file, options)",
    which writes a result to a binary stream while it is made.
    """

    help: str
    metavar: str
    options: tuple[Callable, ...]
    prepare: Callable[[dict[str, Any], tuple[Path, ...]], Request]
    reads: tuple[str, ...]
    suffix: str
    shared: tuple[str, ...] = ()
    service: Service | None = None
    stream: str | None = None


@dataclass(frozen=True)
class Model:
    """One published system: its stages in the order they are trained, and how it is run.

    inference: "module:function(source, *also, target, options) -> facts"; inference_options: "module:Inference".
    """

    name: str
    summary: str
    stages: tuple[Stage, ...]
    inference: str
    inference_options: str

    def stage(self, name: str) -> Stage:
        """The stage of that name. ConfigError names the known ones."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise ConfigError(f"{self.name} has no stage {name!r}; it has {', '.join(s.name for s in self.stages)}")


_BUILT_IN = {
    name: f"tk_tools.models.{name}:MODEL" for name in ("diffvc", "dinet", "hifigan", "lawdnet", "styletts2", "wav2lip")
}


def load(reference: str) -> Any:
    """What "module:attribute" stands for."""
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)


def model_names() -> list[str]:
    """Names of all models, those of other packages too, sorted."""
    return sorted({*_BUILT_IN, *(point.name for point in _plugged_in())})


def get_model(name: str) -> Model:
    """The model of that name. ConfigError: no such model; MissingPackage: that of another package cannot be loaded."""
    if name in _BUILT_IN:
        return load(_BUILT_IN[name])
    for point in _plugged_in():
        if point.name == name:
            return _load_plugged_in(point)
    raise ConfigError(f"no model {name!r}; known: {', '.join(model_names())}")


def _load_plugged_in(point) -> Model:
    what = f"the model {point.name} of another package ({point.value}) cannot be loaded"
    try:
        model = point.load()
    except Exception as error:  # whatever is wrong with it, the other models work
        raise MissingPackage(f"{what}: {type(error).__name__}: {error}; install that package again") from error
    if not isinstance(model, Model):
        raise MissingPackage(f"{what}: it is no tk_tools.models.Model")
    return model


def _plugged_in():
    from importlib.metadata import entry_points

    return entry_points(group=ENTRY_POINTS)
