"""Made speech against its reference: spectrum, melody, intelligibility, quality, voice, loudness, length, words.

Each measure is taken at its own sample rate, to which both are converted. What a pair cannot be measured by is None,
with the reason under "left_out"; what is not installed at all is found beforehand (`find_absent`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tk_tools import __version__
from tk_tools.audio import pitch, speaker
from tk_tools.audio.recogniser import open_recogniser
from tk_tools.audio.speech_choices import DISTORTIONS, RECOGNISER, TRACKERS, WARPING
from tk_tools.errors import InputError, TkError
from tk_tools.files.digest import file_digest
from tk_tools.files.find import AUDIO_SUFFIXES, VIDEO_SUFFIXES, stem_of
from tk_tools.files.resample import resampled
from tk_tools.files.soundtrack import audio_rate, read_audio
from tk_tools.files.transcripts import Transcripts
from tk_tools.metrics import intelligibility, pitch_error
from tk_tools.metrics.lag import find_lag
from tk_tools.metrics.loudness import loudness
from tk_tools.metrics.mel_cepstral_distortion import check_definition, distortion_along_path, kubichek_distortion
from tk_tools.metrics.references import References, check_pair
from tk_tools.metrics.word_error import check_jiwer, word_errors
from tk_tools.weights.find import find_weights

if TYPE_CHECKING:
    from tk_tools.nets.speaker_encoder import SpeakerEncoder

SUFFIXES = AUDIO_SUFFIXES + VIDEO_SUFFIXES
MEASURES = (
    "mcd", *pitch_error.MEASURES, "stoi", "estoi", "pesq", "speaker", "loudness", "duration", "wer", "cer",
)  # fmt: skip
SPEECH_RATE = 16000  # Hz; of all but MCD and loudness
SAME_LENGTH = 0.02  # seconds; a vocoder's last frame may add or drop so much
SILENCE = 2.0**-15  # the least step of 16 bits
SHORTEST = 0.1  # seconds; more than a window of each measure, at any rate and after rounding
DIGITS = 9  # of each value: further ones change with the number of threads and where in memory arrays lie
TOOL_VERSION = f"tk-eval-audio {__version__}"
_ELSEWHERE = {"shapes_content": False}


@dataclass(frozen=True)
class SpeechOptions:
    """mcd: one of DISTORTIONS, at mcd_rate Hz (one of WARPING).

    f0: one of TRACKERS. align: find the lag and compare what both have. transcripts: of the made clips, for wer
    and cer, which `recogniser` hears (audio.recogniser). absent: measures to leave out, as find_absent gives them.
    """

    mcd: str = DISTORTIONS[0]
    mcd_rate: int = next(iter(WARPING))
    f0: str = TRACKERS[0]
    align: bool = False
    transcripts: Path | None = None
    recogniser: str = RECOGNISER
    weights_dir: Path | None = field(default=None, metadata=_ELSEWHERE)
    device: str = field(default="cpu", metadata=_ELSEWHERE)
    absent: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sound:
    """A waveform (n,) float32 in [-1, 1] at `rate` Hz."""

    samples: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / self.rate

    def at(self, rate: int) -> np.ndarray:
        """The waveform at another rate in Hz."""
        if rate == self.rate:
            return self.samples
        return np.concatenate(list(resampled([self.samples], rate_in=self.rate, rate_out=rate)))


def find_absent(options: SpeechOptions) -> dict[str, str]:
    """The measures that cannot be taken on this machine, and why: packages or weights that are not here.

    InputError: the transcripts cannot be read.
    """
    if options.transcripts is not None:
        _transcripts(options.transcripts)
    checks: list[tuple[tuple[str, ...], Callable[[], Any]]] = [
        (("mcd",), lambda: check_definition(options.mcd)),
        (pitch_error.MEASURES, lambda: pitch.check_tracker(options.f0)),
        (("pesq",), intelligibility.check_pesq),
        (("speaker",), lambda: load_ge2e(options)),
    ]
    if options.transcripts is not None:
        checks.append((("wer", "cer"), lambda: (check_jiwer(), open_recogniser(options.recogniser, options.device))))
    absent = {}
    for names, check in checks:
        try:
            check()
        except TkError as error:
            absent |= dict.fromkeys(names, str(error))
    return absent


def without(options: SpeechOptions, measures: Iterable[str]) -> SpeechOptions:
    """The options with these measures left out."""
    return replace(options, absent=frozenset(measures))


def measure_speech(made: Path, reference: Path, options: SpeechOptions = SpeechOptions()) -> dict[str, Any]:
    """MEASURES of a pair of sound or video files, None for what cannot be measured; left_out says why.

    InputError: not readable, the same file twice, silent, or shorter than SHORTEST.
    """
    check_pair(made, reference)
    return _Pair(read_sound(made), read_sound(reference, of=made), options).measures(stem_of(made, SUFFIXES))


def measure_of_name(made: Path, *, references: References, options: SpeechOptions) -> dict[str, Any]:
    """measure_speech of a made file and the reference of its name, with all that the numbers depend on."""
    reference = references.of(made)
    here = {name: name not in options.absent for name in ("mcd", "f0_rmse", "speaker", "wer")}
    listens = here["wer"] and options.transcripts is not None
    protocol = {
        "mcd": f"{options.mcd} {options.mcd_rate} Hz" if here["mcd"] else None,
        "f0": options.f0 if here["f0_rmse"] else None,
        "aligned": options.align,
        "speaker_weights": file_digest(find_weights("ge2e", options.weights_dir)) if here["speaker"] else None,
        "recogniser": options.recogniser if listens else None,
    }
    told = {"tool": TOOL_VERSION, "protocol": protocol, "reference": str(reference)}
    return measure_speech(made, reference, options) | told


def read_sound(path: Path, of: Path | None = None) -> Sound:
    """The sound of a file.

    InputError: not readable, silent, or shorter than SHORTEST; for a reference it is about the made file, `of`.
    """
    try:
        sound = Sound(read_audio(path, align=True), audio_rate(path))
        if not len(sound.samples) or np.abs(sound.samples).max() < SILENCE:
            raise InputError("is silent from start to end", path=path)
        if sound.seconds < SHORTEST:
            raise InputError(f"lasts {sound.seconds:.3f} s; at least {SHORTEST:g} s are needed", path=path)
    except InputError as error:
        if of is None:
            raise
        raise InputError(f"its reference {path} {error.message}", path=of) from error
    return sound


def load_ge2e(options: SpeechOptions) -> SpeakerEncoder:
    """The speaker encoder with the published weights. WeightsError: they are not on this machine."""
    return speaker.load_encoder(find_weights("ge2e", options.weights_dir), options.device)


@functools.lru_cache(maxsize=1)
def _transcripts(place: Path) -> Transcripts:
    return Transcripts(place)


class _Pair:
    """Takes each measure of one pair, and keeps why some could not be taken."""

    def __init__(self, made: Sound, reference: Sound, options: SpeechOptions):
        self._made, self._reference, self._options = made, reference, options
        self._left_out: dict[str, str] = {}
        self._values: dict[str, float | None] = dict.fromkeys(MEASURES)
        self._lag = 0.0
        self._compared = made, reference
        if options.align:
            self._lag = find_lag(made.at(SPEECH_RATE), reference.at(SPEECH_RATE), SPEECH_RATE) / SPEECH_RATE
            self._compared = _shared(made, reference, self._lag)
        self._first, self._second = (sound.at(SPEECH_RATE) for sound in self._compared)
        self._beside = abs(len(self._first) - len(self._second)) <= SAME_LENGTH * SPEECH_RATE

    def measures(self, stem: str) -> dict[str, Any]:
        """The values, and what else is known of the pair."""
        self._values["duration"] = self._made.seconds / self._reference.seconds
        path = self._spectrum()
        self._take(pitch_error.MEASURES, lambda: self._melody(path))
        self._side_by_side()
        self._take(("speaker",), self._voice)
        self._take(("loudness",), lambda: {"loudness": _level(self._made) - _level(self._reference)})
        facts: dict[str, Any] = {}
        if self._options.transcripts is not None:
            self._take(("wer", "cer"), lambda: spoken_words(self._made, stem, self._options, facts))
        facts |= {"seconds": self._made.seconds, "f0_frames": "side by side" if self._beside else "warped"}
        if self._options.align:
            facts["lag"] = self._lag
        return rounded(self._values) | facts | {"left_out": self._left_out}

    def _take(self, names: Sequence[str], measure: Callable[[], dict[str, float | None]]) -> None:
        names = [name for name in names if name not in self._options.absent]
        if not names:
            return
        try:
            self._values |= measure()
        except InputError as error:
            self._left_out |= dict.fromkeys(names, error.message)
        except Exception as error:  # noqa: BLE001 - of the packages that measure; the other measures are to be taken
            self._left_out |= dict.fromkeys(names, f"{type(error).__name__}: {error}")

    def _spectrum(self) -> np.ndarray | None:
        """Take MCD; the path in seconds along which frames belong together, None where they are side by side."""
        first, second = (sound.at(self._options.mcd_rate) for sound in self._compared)
        warped = functools.cache(lambda: distortion_along_path(first, second, self._options.mcd_rate))
        if self._options.mcd == "espnet":
            self._take(("mcd",), lambda: {"mcd": warped()[0]})
        else:
            self._take(("mcd",), lambda: {"mcd": kubichek_distortion(first, second, self._options.mcd_rate)})
        return None if self._beside else warped()[1]

    def _melody(self, path: np.ndarray | None) -> dict[str, float | None]:
        tracks = (pitch.track_pitch(samples, self._options.f0) for samples in (self._first, self._second))
        found = pitch_error.pitch_error(*tracks, path)
        if found["f0_rmse"] is None:
            names = (name for name in pitch_error.MEASURES if name != "vde")
            self._left_out |= dict.fromkeys(names, "no frame is voiced in both")
        return found

    def _side_by_side(self) -> None:
        names = ("stoi", "estoi", "pesq")
        if not self._beside:
            apart = len(self._first) / SPEECH_RATE - len(self._second) / SPEECH_RATE
            longer = "longer" if apart > 0 else "shorter"
            reason = f"{abs(apart):.3g} s {longer} than its reference; --align compares what both have"
            self._left_out |= dict.fromkeys((name for name in names if name not in self._options.absent), reason)
            return
        shortest = min(len(self._first), len(self._second))
        first, second = self._first[:shortest], self._second[:shortest]
        self._take(("stoi",), lambda: {"stoi": intelligibility.stoi(first, second)})
        self._take(("estoi",), lambda: {"estoi": intelligibility.stoi(first, second, extended=True)})
        self._take(("pesq",), lambda: {"pesq": intelligibility.pesq_score(first, second)})

    def _voice(self) -> dict[str, float | None]:
        encoder = load_ge2e(self._options)
        sounds = (self._made.at(SPEECH_RATE), self._reference.at(SPEECH_RATE))
        first, second = (speaker.embed_utterance(encoder, samples) for samples in sounds)
        return {"speaker": float(first @ second)}


def spoken_words(made: Sound, stem: str, options: SpeechOptions, facts: dict[str, Any]) -> dict[str, float | None]:
    """wer and cer of what a recogniser hears in a sound, against the transcript of `stem`; what it hears: into facts.

    InputError: there is no such transcript.
    """
    said = _transcripts(options.transcripts).of(stem)
    if said is None:
        raise InputError(f"no transcript of {stem} in {options.transcripts}")
    heard = open_recogniser(options.recogniser, options.device)(made.at(SPEECH_RATE))
    errors = word_errors(heard, said)
    facts |= {"heard": heard, **errors._asdict()}
    return {"wer": errors.wer, "cer": errors.cer}


def rounded(values: dict[str, float | None]) -> dict[str, float | None]:
    """The values to DIGITS digits."""
    return {name: None if value is None else float(f"{value:.{DIGITS}g}") for name, value in values.items()}


def _shared(made: Sound, reference: Sound, lag: float) -> tuple[Sound, Sound]:
    """What both have, each at its own rate, when `made` is `lag` seconds late. InputError: next to nothing."""
    starts = max(0.0, lag), max(0.0, -lag)
    seconds = min(made.seconds - starts[0], reference.seconds - starts[1])
    if seconds < SHORTEST:
        raise InputError(f"shares but {max(0.0, seconds):.3f} s with its reference when both are aligned")
    return tuple(
        Sound(sound.samples[round(start * sound.rate) :][: round(seconds * sound.rate)], sound.rate)
        for sound, start in zip((made, reference), starts, strict=True)
    )


def _level(sound: Sound) -> float:
    return loudness(sound.samples, sound.rate)
