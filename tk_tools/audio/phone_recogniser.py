"""Sound -> NAME.TextGrid with pocketsphinx: the phones that it hears, or those of a transcript laid on the sound.

English in ARPAbet without stress, with the weights that its package carries (CMU en-us). Phones heard without words are
often wrong in the word and right in the kind of sound, which is what an average voice needs.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tk_tools.audio.recogniser import SAMPLE_RATE
from tk_tools.errors import InputError, MissingPackage
from tk_tools.files.provenance import describe
from tk_tools.files.soundtrack import read_audio, to_int16
from tk_tools.files.spoken_text import read_transcript
from tk_tools.files.textgrid import Phones, write_phones

SILENCE = "sil"
_FRAMES_PER_SECOND = 100
_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"  # as books print it
# CMUSphinx's advice for phones without words: little trust in the order of phones, wide beams
_HEARING = {"lw": 2.0, "beam": 1e-20, "pbeam": 1e-20}

Segments = list[tuple[str, int, int]]  # symbol, first frame, the one after the last


@dataclass(frozen=True)
class RecogniserOptions:
    """`recogniser`: its name, of which there is one so far."""

    recogniser: str


def check_recogniser() -> None:
    """MissingPackage: pocketsphinx is not here."""
    _pocketsphinx()


def write_heard_phones(source: Path, *others: Any) -> dict[str, Any]:
    """(source, target, options) or (source, transcript, target, options): write what is said as a TextGrid.

    A transcript with a word that is not in the dictionary, or that does not fit, is left aside with a warning.
    InputError: no speech is heard, or the sound cannot be read. MissingPackage: no pocketsphinx.
    """
    *transcripts, target, options = others
    made = describe(options, source, *transcripts)
    sound = read_audio(source, rate=SAMPLE_RATE, align=True)
    pcm = _dithered(to_int16(sound)).tobytes()
    facts: dict[str, Any] = {}
    segments: Segments = []
    for transcript in transcripts:
        try:
            segments = _aligned(pcm, read_transcript(transcript))
        except InputError as error:
            facts["warning"] = f"its phones are those heard: {InputError(error.message, path=transcript)}"
    segments = segments or _heard(pcm)
    if all(symbol == SILENCE for symbol, _, _ in segments):
        raise InputError("no speech is heard in it" if segments else "is too short to hear a phone in it", path=source)
    seconds = len(sound) / SAMPLE_RATE
    times = np.array([(start, stop) for _, start, stop in segments], np.float64) / _FRAMES_PER_SECOND
    times = np.minimum(times, seconds)
    times[-1, 1] = seconds
    symbols = tuple(symbol for symbol, _, _ in segments)
    write_phones(target, Phones(symbols, times, seconds), made)
    return facts | {"phones": len(symbols)}


def _dithered(samples: np.ndarray) -> np.ndarray:
    """With the least of noises, always the same: in zeros a hiss would be heard."""
    return samples | np.random.default_rng(0).integers(0, 2, len(samples), dtype=np.int16)


def _pocketsphinx():
    try:
        import pocketsphinx
    except ImportError:
        raise MissingPackage("no recogniser pocketsphinx here; install it with: pip install pocketsphinx") from None
    return pocketsphinx


def _heard(pcm: bytes) -> Segments:
    pocketsphinx = _pocketsphinx()
    model = os.path.join(os.path.dirname(pocketsphinx.__file__), "model", "en-us")
    decoder = pocketsphinx.Decoder(
        samprate=SAMPLE_RATE, loglevel="FATAL", hmm=os.path.join(model, "en-us"), lm=None, dict=None,
        allphone=os.path.join(model, "en-us-phone.lm.bin"), **_HEARING,
    )  # fmt: skip
    _listen(decoder, pcm)
    found = decoder.seg() or ()
    return [(_symbol(part.word), part.start_frame, part.end_frame + 1) for part in found]


def _aligned(pcm: bytes, words: str) -> Segments:
    """The phones of `words`, one after another, where they lie in the sound. InputError: they cannot be laid on it."""
    decoder = _pocketsphinx().Decoder(samprate=SAMPLE_RATE, loglevel="FATAL", lm=None)
    found = re.findall(r"[\w']+", words.lower().replace(_APOSTROPHE, "'"))
    entries = [_entry(decoder, word) for word in found]
    unknown = [entry for entry in entries if decoder.lookup_word(entry) is None]
    if unknown or not entries:
        raise InputError(f"{', '.join(map(repr, unknown[:3])) or 'no word'} is not in the dictionary of pocketsphinx")
    try:
        decoder.set_align_text(" ".join(entries))
        _listen(decoder, pcm)
        decoder.set_alignment()
        _listen(decoder, pcm)
    except RuntimeError as error:
        raise InputError("its words do not fit the sound") from error
    return [
        (_symbol(phone.name), phone.start, phone.start + phone.duration)
        for word in decoder.get_alignment()
        for phone in word
    ]


def _entry(decoder, word: str) -> str:
    """The word as the dictionary has it: of a quoted one without the quotes."""
    return word if decoder.lookup_word(word) is not None else word.strip("'_")


def _listen(decoder, pcm: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()


def _symbol(name: str) -> str:
    """SIL, and noises such as +NSN+, are silence."""
    return SILENCE if name == "SIL" or name.startswith("+") else name
