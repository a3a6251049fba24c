"""Speech with known phoneme times, spoken by the espeak-ng library through ctypes.

The right choice for made clips that must run from packages alone: small, offline, the same samples every time.
The library comes from the PyPI package espeakng-loader (an optional extra: it is under the GPL); its C interface
is that of espeak-ng's speak_lib.h, version 1.52.
"""

from __future__ import annotations

import _ctypes
import ctypes
import os
from dataclasses import dataclass

import numpy as np

from tk_tools.errors import TkError
from tk_tools.text import espeak

# From speak_lib.h.
AUDIO_OUTPUT_SYNCHRONOUS = 2  # the caller takes the samples, espeak_Synth returns when all are given
INITIALIZE_PHONEME_EVENTS = 1
INITIALIZE_DONT_EXIT = 1 << 15
EVENT_LIST_TERMINATED = 0
EVENT_PHONEME = 7
PARAMETER_RATE, PARAMETER_PITCH, PARAMETER_RANGE = 1, 3, 4
POSITION_CHARACTER = 1
CHARS_UTF8 = 1

_NEED = "made clips need the speech synthesiser"

# One accent: the shapes of its vowels are heard alike in all voices, so that a small network learns them in minutes.
VOICES = tuple(f"en-us+{timbre}" for timbre in ("m1", "m2", "m3", "m7", "f1", "f2", "f3", "f4"))


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True)
class Phoneme:
    """One phoneme in espeak-ng's own letters (stress marks kept), with its first sample and the first after it."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True)
class Speech:
    """samples (n,) int16 mono at sample_rate Hz; phonemes in order, without gaps; `_` names a pause."""

    samples: np.ndarray
    sample_rate: int
    phonemes: tuple[Phoneme, ...]


def speak(text: str, *, voice: str = "en-us+m3", rate: int = 165, pitch: int = 50, pitch_range: int = 50) -> Speech:
    """Speak one sentence.

    voice: an espeak-ng voice, with or without a variant (`en-us+f3`); rate: words a minute, 80 to 450;
    pitch and pitch_range: 0 to 100.
    The same arguments give the same samples, whatever was spoken before.
    Raises MissingPackage without espeakng-loader, TkError when the library refuses the voice or the text.
    """
    library, data = _open_library(), os.fsencode(espeak.data_path(_NEED))
    sample_rate = library.espeak_Initialize(
        AUDIO_OUTPUT_SYNCHRONOUS, 0, data, INITIALIZE_PHONEME_EVENTS | INITIALIZE_DONT_EXIT
    )
    if sample_rate <= 0:
        raise TkError("espeak-ng finds no voices here; mend it with: pip install --force-reinstall espeakng-loader")
    try:
        return _synthesise(library, sample_rate, text, voice, rate, pitch, pitch_range)
    finally:
        library.espeak_Terminate()
        # Some of the synthesiser's state outlives its own end; unloaded and loaded again, it starts afresh.
        _ctypes.dlclose(library._handle)


def _synthesise(library, sample_rate, text, voice, rate, pitch, pitch_range) -> Speech:
    blocks: list[np.ndarray] = []
    marks: list[tuple[str, int]] = []

    @_Callback
    def take(samples, count, events):
        if samples and count > 0:
            blocks.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        i = 0
        while events[i].type != EVENT_LIST_TERMINATED:
            if events[i].type == EVENT_PHONEME:
                marks.append((events[i].id.string.decode("utf-8", "replace"), events[i].sample))
            i += 1
        return 0

    library.espeak_ng_SetRandSeed(1)  # initialising seeds it with the time of day
    library.espeak_SetSynthCallback(take)
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise TkError(f"espeak-ng has no voice {voice!r}; one of its voices is en-us+m3")
    for parameter, value in ((PARAMETER_RATE, rate), (PARAMETER_PITCH, pitch), (PARAMETER_RANGE, pitch_range)):
        library.espeak_SetParameter(parameter, value, 0)
    words = text.encode() + b"\0"
    status = library.espeak_Synth(words, len(words), 0, POSITION_CHARACTER, 0, CHARS_UTF8, None, None)
    if status != 0 or not blocks:
        raise TkError(f"espeak-ng gave no sound for {text!r}")
    samples = np.concatenate(blocks)
    return Speech(samples=samples, sample_rate=sample_rate, phonemes=_close_gaps(marks, len(samples)))


def _close_gaps(marks: list[tuple[str, int]], length: int) -> tuple[Phoneme, ...]:
    """Phonemes from (name, first sample): each lasts until the next begins."""
    if not marks or marks[0][1] > 0:
        marks = [("_", 0), *marks]
    stops = [start for _, start in marks[1:]] + [length]
    return tuple(
        Phoneme("_" if name.startswith("_") else name, start, stop)
        for (name, start), stop in zip(marks, stops, strict=True)
        if stop > start
    )


def synthesiser() -> str:
    """Name and version of the installed synthesiser. MissingPackage: it is not installed."""
    return espeak.loader_version(_NEED)


def _open_library() -> ctypes.CDLL:
    library = ctypes.CDLL(espeak.library_path(_NEED))
    ctypes.CDLL(None).srand(1)  # its breath and echo come from the C library's generator
    library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
    library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
    library.espeak_SetSynthCallback.argtypes = [_Callback]
    library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
    library.espeak_SetParameter.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int]
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int,
        ctypes.c_uint, ctypes.c_uint, ctypes.POINTER(ctypes.c_uint), ctypes.c_void_p,
    ]  # fmt: skip
    return library
