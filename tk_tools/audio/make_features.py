"""The work of tk-feat: the sound of a clip -> NAME.feat.h5, one row for each of its frames at 25/s."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tk_tools.audio.clip_speech import ClipSpeech
from tk_tools.audio.speech_features import open_files
from tk_tools.files.feature_file import Features, write_feature_file
from tk_tools.files.provenance import describe
from tk_tools.files.rates import FRAME_RATE


@dataclass(frozen=True)
class FeatureOptions:
    """`model`: a name of audio.feature_choices; `device` of torch."""

    model: str
    device: str = field(default="cpu", metadata={"shapes_content": False})


def make_features(source: Path, *further: Any) -> dict[str, Any]:
    """make_features(source, *files, target, options): the features of a clip.

    files: those that the model is read from (speech_features.feature_files). "warning" among the facts: what is to be
    told of the sound. InputError: it has none, or it cannot be read.
    """
    *files, target, options = further
    model = open_files(options.model, tuple(files), options.device)
    made = describe(options, source, *files)
    speech = ClipSpeech(source)
    pieces = speech.pieces()
    values = model.features_of(pieces, speech.frames)
    for _ in pieces:  # what lies beyond the pictures, to tell how much it is
        pass
    write_feature_file(target, Features(values, model.name), made)
    facts = {"frames": len(values), "channels": model.channels, "seconds": len(values) / FRAME_RATE}
    remarks = speech.remarks()
    return facts | ({"warning": "; ".join(remarks)} if remarks else {})
