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

CHARACTERS_A_SECOND = 15  # of English that is read aloud; others differ, and so does the progress that is shown
_LONGEST_CODE = 4  # bytes of a character in UTF-8
MOST_PIXELS = 4096 * 2304  # of a picture that is sent: more would take gigabytes on its way through a model


@dataclass(frozen=True)
class Order:
    """One result to make: the inputs in the order of the model's operands, those that its options name (option ->
    file), and all its other options."""

    model: str
    inputs: tuple[Path, ...]
    named: dict[str, Path]
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


@dataclass(frozen=True)
class Opened:
    """What is known when a model is loaded: a line for people where there is one to say, and what it has no use for."""

    notice: str | None
    unused: frozenset[str]


def open_shared(model: str, values: dict[str, Any]) -> Opened:
    """Open what all results of a model have in common, and keep it. WeightsError, ConfigError: it cannot be used."""
    service = load(get_model(model).inference_options).service
    notice = service.check(dict(values))
    return Opened(notice, frozenset() if service.unused is None else service.unused(dict(values)))


def check_choices(model: str, values: dict[str, Any]) -> None:
    """Look at the options of one job, those that its client set among them. TkError: they cannot be had."""
    service = load(get_model(model).inference_options).service
    if service.check_choices is not None:
        service.check_choices(dict(values))


def make_result(order: Order) -> Made:
    """Make one result. Whatever goes wrong is told in what comes back."""
    first = order.inputs[0]
    try:
        model = get_model(order.model)
        request = load(model.inference_options).prepare(order.values | order.named, (*order.inputs, order.target))
        facts = load(model.inference)(first, *request.also(first), order.target, request.options)
    except click.UsageError as error:
        return Made(error=error.message, log=error.message)
    except Exception as error:  # noqa: BLE001 - one bad job never stops the service
        fault, trace = explain(error, first)
        return Made(error=_for_clients(fault.message, fault.path, order), log=str(fault), trace=trace)
    return Made(facts=facts)


def _for_clients(message: str, path: str, order: Order) -> str:
    """A fault without a path of this machine in it."""
    inputs = (*order.inputs, *order.named.values())
    for place in (*inputs, order.target):
        message = message.replace(str(place), place.stem)
    message = message.replace(f"{order.target.parent}/", "")
    sent = [place.stem for place in inputs if str(place) == path and place.parent == order.target.parent]
    return f"{sent[0]}: {message}" if sent else message


def check_upload(path: Path, holds: str, seconds: float, characters: int) -> float:
    """Look at a file that was sent and give its length in seconds, a text's as it may be spoken; a still picture has
    none (0).

    InputError: it is no such file, names other files, is too long or too large, or its sound holds what is no number.
    """
    if holds == "text":
        return _check_text(path, characters) / CHARACTERS_A_SECOND

    from tk_tools.files.media import check_by_itself, stream_seconds

    check_by_itself(path, MOST_PIXELS)
    info = check_holds(path, holds)
    if info.is_still and holds == "pictures":
        return 0.0
    kind = "audio" if holds == "sound" else "video"
    length = info.duration or float(stream_seconds(path, kind, most=seconds))  # browsers' recorders tell none
    if length > seconds:
        told = f"{info.duration:.0f} s" if info.duration else "longer"
        raise InputError(f"lasts {told}, and {seconds:g} s is the most here", path=path)
    if holds == "sound" and info.audio_codec.startswith("pcm_f"):
        _check_numbers(path)
    return length


def _check_text(path: Path, characters: int) -> int:
    """How many characters it has. InputError: none to say, more than `characters`, or it is not UTF-8."""
    from tk_tools.text.symbols import MARKS

    too_long = InputError(f"is longer than {characters} characters, the most here", path=path)
    if path.stat().st_size > _LONGEST_CODE * (1 + characters):  # and its mark of UTF-8, as of one more
        raise too_long
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text; save it as such", path=path) from error
    if not text.strip():
        raise InputError("is empty: there is nothing to say", path=path)
    if all(symbol.isspace() or symbol in MARKS for symbol in text):
        raise InputError("holds marks alone: there is nothing to say", path=path)
    if len(text) > characters:
        raise too_long
    return len(text)


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
