"""What the child processes of a service do: look at uploads, open the model, and make one result."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tk_tools.errors import InputError
from tk_tools.jobs.run import explain
from tk_tools.models import get_model, load

if TYPE_CHECKING:
    from tk_tools.files.media import VideoInfo

MOST_PIXELS = 4096 * 2304  # of a picture that is sent: more would take gigabytes on its way through a model


@dataclass(frozen=True)
class Order:
    """One result to make: the inputs in the order of the model's operands, and all its options."""

    model: str
    inputs: tuple[Path, ...]
    target: Path
    values: dict[str, Any]


@dataclass(frozen=True)
class Made:
    """What became of an order: facts of the result, or an error in words for the client.

    log: the same for those who run the service, with paths; trace: of a fault of ours.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    log: str = ""
    trace: str = ""


def open_shared(model: str, values: dict[str, Any]) -> str | None:
    """Open what all results of a model have in common, and keep it; a line for people where there is one to say.

    WeightsError, ConfigError: it cannot be used.
    """
    return load(get_model(model).inference_options).service.check(dict(values))


def make_result(order: Order) -> Made:
    """Make one result. Whatever goes wrong is told in what comes back."""
    first = order.inputs[0]
    try:
        model = get_model(order.model)
        request = load(model.inference_options).prepare(dict(order.values), (*order.inputs, order.target))
        facts = load(model.inference)(first, *request.also(first), order.target, request.options)
    except click.UsageError as error:
        return Made(error=error.message, log=error.message)
    except Exception as error:  # noqa: BLE001 - one bad job never stops the service
        fault, trace = explain(error, first)
        return Made(error=_for_clients(fault.message, fault.path, order), log=str(fault), trace=trace)
    return Made(facts=facts)


def _for_clients(message: str, path: str, order: Order) -> str:
    """A fault without a path of this machine in it."""
    for place in (*order.inputs, order.target):
        message = message.replace(str(place), place.stem)
    message = message.replace(f"{order.target.parent}/", "")
    sent = [place.stem for place in order.inputs if str(place) == path and place.parent == order.target.parent]
    return f"{sent[0]}: {message}" if sent else message


def check_upload(path: Path, holds: str, seconds: float) -> float:
    """Look at a file that was sent and give its length in seconds; a still picture has none (0).

    InputError: it is no such file, names other files, is too long or too large, or its sound holds what is no number.
    """
    from tk_tools.files.media import check_by_itself

    check_by_itself(path, MOST_PIXELS)
    info = check_holds(path, holds)
    if info.is_still and holds == "pictures":
        return 0.0
    if info.duration > seconds:
        raise InputError(f"lasts {info.duration:.0f} s, and {seconds:g} s is the most here", path=path)
    if holds == "sound" and info.audio_codec.startswith("pcm_f"):
        _check_numbers(path)
    return info.duration


def _check_numbers(path: Path) -> None:
    """InputError: a sample is NaN or infinite, as only floating-point PCM can hold it; reading that is quick."""
    from tk_tools.files.soundtrack import read_audio_blocks

    for _ in read_audio_blocks(path):
        pass


def check_holds(path: Path, holds: str) -> VideoInfo:
    """The facts of a file with pictures, or with sound. InputError: it is no such file."""
    from tk_tools.files.media import probe

    info = probe(path)
    if holds == "sound" and not info.has_audio:
        raise InputError("has no sound", path=path)
    if holds == "pictures" and not info.has_video:
        raise InputError("has no pictures", path=path)
    return info
