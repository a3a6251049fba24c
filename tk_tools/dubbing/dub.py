"""The work of `tk-infer lawdnet|dinet`: one face speaks one sound, into an mp4, in a stream.

The face is looked for first, in as many pictures as are needed; the references are drawn on the way. Then decoding,
painting, pasting and encoding overlap, each in its own thread; of the pictures memory holds as many as wait between
them, of the speech its features. Source of the steps: inference.py, MRzzm/DINet; inference_function.py,
iPaw-AI-LAB/LawDNet_2024; what differs is told in dubbing/command.py.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from tk_tools.audio.speech_features import feature_files, open_files
from tk_tools.dubbing.aligned import aligned_framing
from tk_tools.dubbing.film import facts_of, write_film
from tk_tools.dubbing.footage import Footage, pictures_ahead, search_of
from tk_tools.dubbing.masks import crop_size
from tk_tools.dubbing.options import DubOptions
from tk_tools.dubbing.painter import Painter
from tk_tools.dubbing.paste import paste, paste_alpha
from tk_tools.dubbing.references import draw_references, pick_references
from tk_tools.dubbing.speaking import speak
from tk_tools.dubbing.speech import Heard, hear
from tk_tools.errors import ConfigError, InputError
from tk_tools.face.crop import open_backend
from tk_tools.face.layouts import find_layout
from tk_tools.files.digest import stamp
from tk_tools.files.face_file import FACE, FaceFile
from tk_tools.files.provenance import describe
from tk_tools.files.soundtrack import read_audio_blocks
from tk_tools.jobs.ahead import ahead
from tk_tools.nets.device import choose_device

BATCH_BYTES = 96 << 20  # of pictures that wait for one batch


@dataclass(frozen=True)
class System:
    """What is a system's own in inference.

    name: of the model and of the layout of its crops. mask: height, width of the crop -> (h, w) float32 that the source
    is multiplied by. mouth_size and features: what the published checkpoint was trained for. load: a file of weights ->
    the generator (painter.Painter) and what is known of it (train.run_folder.read_weights).
    """

    name: str
    mask: Callable[[int, int], np.ndarray]
    mouth_size: int
    features: str
    load: Callable[[Path], tuple[nn.Module, Mapping[str, Any]]]


@dataclass(frozen=True)
class Trained:
    """A generator and what it was trained for."""

    generator: nn.Module
    mouth_size: int
    features: str


def dub(
    system: System,
    face: Path,
    checkpoint: Path,
    speech: Path,
    places: Path,
    heard: tuple[Path, ...],
    target: Path,
    options: DubOptions,
) -> dict[str, Any]:
    """Write `target` (.mp4): the face of a video or picture speaks.

    checkpoint: a generator's file. speech: any sound; `face` itself for its own. places: a NAME.face.h5 of the video,
    or `face` itself, to look for the face. heard: what heard_files gave. Facts: see facts_of.
    InputError, WeightsError, ConfigError, OutputError: see Footage, hear, System.load, references.py, write_film.
    """
    made = describe(options, face, checkpoint, speech, places, *heard)
    trained, painter = _painter(system, *stamp(checkpoint), _how(options))
    _check_references(trained, options)
    layout = find_layout(system.name, crop_size(_mouth(trained, options))[1])
    footage = Footage(
        face,
        places,
        framing=aligned_framing(layout),
        search=search_of(options, layout.name, layout.width),
        on_short_video=options.on_short_video,
        still_fps=options.fps,
    )
    heard_of = (speech,)
    if speech == face and face.name.endswith(FACE.suffix):
        speech = footage.path
        heard_of = (speech, face)
    sound = hear(speech, heard, options.feature_model or trained.features, choose_device(options.device), heard_of)
    _check_heard(trained, sound, heard, options)
    prepared = painter.prepare(_references(footage, sound.pictures(footage.fps), trained, options))
    alpha = paste_alpha(system.mask(layout.height, layout.width), options.feather)
    count = write_film(
        target,
        _pictures(footage, sound, painter, prepared, alpha),
        footage,
        speech=speech,
        stop=options.on_short_video == "stop",
        quality=options.quality,
        made=made,
        mark=options.mark,
    )
    facts = facts_of(footage, count, options.face)
    warnings = [facts.get("warning"), "the speech is silent" if sound.silent else None]
    if any(warnings):
        facts["warning"] = "; ".join(filter(None, warnings))
    return facts


def check_shared(
    system: System,
    checkpoint: Path,
    speech: Path | None,
    places: Path | None,
    heard: tuple[Path, ...] | None,
    options: DubOptions,
) -> str | None:
    """Open what many faces have in common, so that its fault is told once: errors as dub's. Gives a line for people
    where a mouth is asked for that the checkpoint was not trained for.

    speech: None when each speaks its own video's sound. places: a NAME.face.h5 or a folder of them, None to look for
    the faces. heard: the files of the feature model; None where features are given. ConfigError: the device is not
    there.
    """
    trained, _ = _painter(system, *stamp(checkpoint), _how(options))
    _check_references(trained, options)
    if heard is not None:
        listener = open_files(options.feature_model or trained.features, heard, choose_device(options.device))
        _check_channels(trained, listener.name, listener.channels, None)
    if speech is not None:
        for _ in read_audio_blocks(speech):
            pass  # to its end: a fault may stand there
    if places is None:
        open_backend(search_of(options, system.name))
    elif not places.is_dir():
        FaceFile(places).close()
    if _mouth(trained, options) == trained.mouth_size:
        return None
    return (
        f"--mouth-size {options.mouth_size}: the checkpoint was trained for {trained.mouth_size}; mouths may be worse"
    )


def heard_files(system: System, checkpoint: Path, weights: str | None, options: DubOptions) -> tuple[Path, ...]:
    """The files of the model that hears the speech, none where it needs none; see feature_files for the errors."""
    model = options.feature_model or _trained(system, *stamp(checkpoint)).features
    return feature_files(model, weights, options.weights_dir)


def _check_references(trained: Trained, options: DubOptions) -> None:
    count = trained.generator.config.references
    if options.references is not None and len(options.references) != count:
        raise ConfigError(f"--references: the checkpoint takes {count} pictures, not {len(options.references)}")


def _how(options: DubOptions) -> tuple:
    return options.mouth_size, choose_device(options.device), options.precision, options.batch_size


@lru_cache(maxsize=1)
def _painter(system: System, checkpoint: Path, changed: int, how: tuple) -> tuple[Trained, Painter]:
    """That of the file before serves the next one: it takes a second to open."""
    mouth, device, precision, batch_size = how
    trained = _trained(system, checkpoint, changed)
    mask = system.mask(*crop_size(mouth or trained.mouth_size))
    return trained, Painter(trained.generator, mask, device, precision, batch_size)


@lru_cache(maxsize=1)
def _trained(system: System, checkpoint: Path, changed: int) -> Trained:
    generator, about = system.load(checkpoint)
    ours = about.get("model") == system.name
    settings = about["settings"] if ours else {}
    return Trained(
        generator,
        mouth_size=settings.get("mouth_size", system.mouth_size),
        features=settings.get("features", system.features),
    )


def _mouth(trained: Trained, options: DubOptions) -> int:
    return options.mouth_size or trained.mouth_size


def _references(footage: Footage, pictures: int, trained: Trained, options: DubOptions) -> np.ndarray:
    """(n, h, w, 3) crops; the footage is looked through on the way, as far as it is needed."""
    count, numbers = trained.generator.config.references, options.references
    with closing(footage.survey(max(pictures, max(numbers or (0,)) + 1), give=pictures)) as shots:
        if numbers is None:
            return draw_references(shots, count, options.seed)
        return pick_references(shots, numbers, footage.path)


def _check_heard(trained: Trained, sound: Heard, heard: tuple[Path, ...], options: DubOptions) -> None:
    """InputError: the generator was not trained on such features."""
    features, path = sound.features, heard[0] if heard else None
    wanted = options.feature_model or trained.features
    if features.model != wanted:
        raise InputError(
            f"holds features of {features.model}, and the checkpoint hears {wanted}, as far as is known; if it was"
            f" trained with these, say --feature-model {features.model}",
            path=path,
        )
    _check_channels(trained, features.model, features.values.shape[1], path)


def _check_channels(trained: Trained, model: str, given: int, path: Path | None) -> None:
    channels = trained.generator.config.audio_channels
    if given != channels:
        raise InputError(
            f"{model} gives {given} numbers a frame, and the checkpoint hears {channels}; --feature-model says what it"
            " was trained with",
            path=path,
        )


def _pictures(
    footage: Footage, sound: Heard, painter: Painter, prepared: Any, alpha: np.ndarray
) -> Generator[np.ndarray]:
    room = pictures_ahead(footage.width, footage.height)
    together = max(1, min(painter.together, BATCH_BYTES // (3 * footage.width * footage.height)))
    paint = partial(painter.paint, prepared=prepared)
    with (
        closing(ahead(footage, room)) as shots,
        closing(ahead(speak(shots, sound.windows(footage.fps), paint, together), room)) as made,
    ):
        for shot, crop in made:
            yield shot.picture if crop is None else paste(shot.picture, crop, shot.crop, shot.transform, alpha)
