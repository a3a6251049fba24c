"""What one model speaks, a face says by another: text to a talking face in one step.

The models know nothing of each other; both are run as the registry describes them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tk_tools.errors import ConfigError, InputError, TkError
from tk_tools.models import Inference, Model, Request, get_model, load, model_names

SUFFIX = ".mp4"  # what a model that moves faces makes
SPEECH, FILM = Path("speech.wav"), Path("film.mp4")  # stand for the speech, and for what is made with it
_TRIAL = 0.6  # seconds of noise that a picture is made to say, so that one without a face is told at once
_NOT_IN = {"shapes_content": False}  # `how` says what of it shapes the result

AsFace = Callable[[Inference, tuple[Path, ...]], Request]
"""What a face model's own command line asks for, for operands FACE [SPEECH] OUTPUT."""


@dataclass(frozen=True)
class TalkingOptions:
    """how: what shapes the result, by the model's name. speak, show: "module:function" of the two models' inference;
    speech, film: their options; face: the picture or the video; speakers_files: how many files stand before it."""

    how: dict[str, Any]
    speak: str = field(metadata=_NOT_IN)
    speech: Any = field(metadata=_NOT_IN)
    show: str = field(metadata=_NOT_IN)
    film: Any = field(metadata=_NOT_IN)
    face: Path = field(metadata=_NOT_IN)
    speakers_files: int = field(metadata=_NOT_IN)


def talk(source: Path, *others: Any) -> dict[str, Any]:
    """Write `target` (.mp4): the face says what the speaking model makes of `source`.

    others: the speaker's files, the face, its weights and what else it needs; target; TalkingOptions. Facts and errors
    of both models.
    """
    from tk_tools.files.atomic import atomic_path
    from tk_tools.files.ffmpeg import copy_with_comment
    from tk_tools.files.provenance import describe
    from tk_tools.files.whole import check_length

    *files, target, options = others
    made = describe(options, source, *files)
    place = options.speakers_files
    with tempfile.TemporaryDirectory(prefix="tk-talk-") as folder:
        speech, film = Path(folder, SPEECH), Path(folder, FILM)
        spoken = load(options.speak)(source, *files[:place], speech, options.speech)
        shown = _show(options, files[place + 1 :], speech, film)
        comment = made.comment(synthetic=True) if options.speech.mark else made.comment()
        with atomic_path(target, check=check_length) as temporary:
            copy_with_comment(film, temporary, comment)
    warnings = [facts["warning"] for facts in (spoken, shown) if "warning" in facts]
    return spoken | shown | ({"warning": "; ".join(warnings)} if warnings else {})


def with_face(model: Model, request: Request, as_face: AsFace) -> Request:
    """The request of a speaking model as one whose results are talking faces, made by `talk`.

    ConfigError: there is no such model for the face.
    """
    from tk_tools.files.provenance import shaping

    face, mover = request.talking.face, _face_model(request.talking.model)
    inference: Inference = load(mover.inference_options)
    shown = as_face(inference, (face, SPEECH, FILM))
    options = TalkingOptions(
        how={model.name: shaping(request.options), mover.name: shaping(shown.options)},
        speak=model.inference,
        speech=request.options,
        show=mover.inference,
        film=shown.options,
        face=face,
        speakers_files=_count_files(request),
    )

    def face_files() -> list[Path]:
        checkpoint, speech, *rest = shown.also(face)
        assert speech == SPEECH, "what a face says stands behind its weights"
        return [checkpoint, *rest]

    def also(source: Path) -> tuple[Path, ...]:
        return (*request.also(source), face, *face_files())

    def check() -> str | None:
        told = [as_face(inference, (face, FILM)).check()]
        _check_face(options, face_files())
        return "; ".join(filter(None, [*told, request.check()])) or None

    return replace(request, options=options, also=also, check=check, suffix=SUFFIX)


def _count_files(request: Request) -> int:
    """How many files the speaking model takes beside a text, the same for each; 0 where one is missing, which the
    check tells before anything is made."""
    try:
        return len(request.also(SPEECH))
    except TkError:
        return 0


def _face_model(name: str) -> Model:
    if name in model_names() and load(get_model(name).inference_options).suffix == SUFFIX:
        return get_model(name)
    known = [other for other in model_names() if load(get_model(other).inference_options).suffix == SUFFIX]
    raise ConfigError(f"no model {name!r} moves faces; those that do: {', '.join(known)}")


def _check_face(options: TalkingOptions, files: list[Path]) -> None:
    """Look at a face before any speech is made for it; a still picture is made to say something. InputError."""
    from tk_tools.files.media import probe

    if options.face.name.endswith(".h5"):
        return
    info = probe(options.face)
    if not info.has_video:
        raise InputError("has no pictures; --face takes a picture or a video", path=options.face)
    if not info.is_still:
        return
    import numpy as np

    from tk_tools.files.wav import write_wav

    rate = 16000
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, round(_TRIAL * rate)).astype(np.float32)
    with tempfile.TemporaryDirectory(prefix="tk-talk-") as folder:
        write_wav(Path(folder, SPEECH), [noise], rate)
        try:
            _show(options, files, Path(folder, SPEECH), Path(folder, FILM))
        except InputError as error:
            raise InputError(error.message, path=error.path or options.face) from error


def _show(options: TalkingOptions, files: list[Path], speech: Path, film: Path) -> dict[str, Any]:
    checkpoint, *rest = files
    return load(options.show)(options.face, checkpoint, speech, *rest, film, options.film)
