"""The transcript that lies beside a sound: NAME.lab, NAME.txt, or LibriTTS's NAME.normalized.txt."""

from __future__ import annotations

from pathlib import Path

from tk_tools.errors import InputError
from tk_tools.files.find import AUDIO_SUFFIXES, VIDEO_SUFFIXES, stem_of

TRANSCRIPT_SUFFIXES = (".lab", ".txt", ".normalized.txt")


def transcript_beside(sound: Path) -> Path | None:
    """The first of these files that is there."""
    stem = stem_of(sound, (*AUDIO_SUFFIXES, *VIDEO_SUFFIXES))
    return next((path for s in TRANSCRIPT_SUFFIXES if (path := sound.with_name(stem + s)).is_file()), None)


def read_transcript(path: Path) -> str:
    """Its words, one space between. InputError: it cannot be read, is not UTF-8, or empty."""
    try:
        words = path.read_text(encoding="utf-8-sig").split()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", path=path) from error
    except UnicodeDecodeError as error:
        raise InputError("is not UTF-8 text; save it as such", path=path) from error
    if not words:
        raise InputError("holds no words", path=path)
    return " ".join(words)
