"""One made clip: NAME.mp4 and beside it NAME.truth.h5. The same options give the same bytes."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from tk_tools.demo.articulation import Mouth, articulate
from tk_tools.demo.identity import Face, make_face
from tk_tools.demo.motion import Motion, make_motion
from tk_tools.demo.portrait import find_portrait
from tk_tools.demo.render import Renderer, face_scale, true_opening, true_width
from tk_tools.demo.script import LONGEST_SHIFT, Script, write_script
from tk_tools.demo.speech import synthesiser
from tk_tools.errors import InputError, OutputError
from tk_tools.files.atomic import atomic_path
from tk_tools.files.digest import file_digest
from tk_tools.files.ffmpeg import VideoWriter
from tk_tools.files.made_from import read_provenance
from tk_tools.files.media import probe
from tk_tools.files.provenance import Provenance, Source
from tk_tools.files.rates import FRAME_RATE
from tk_tools.files.truth_file import TRUTH, Truth, write_truth_file
from tk_tools.files.wav import write_wav


@dataclass(frozen=True)
class ClipOptions:
    """seed and index draw the clip; seconds: its length; size: side of the pictures in pixels; shift: frames (at most
    LONGEST_SHIFT either way) by which the sound comes early, so that tk-eval-lse finds the offset `shift`."""

    seed: int
    index: int
    seconds: float = 5.0
    size: int = 256
    shift: int = 0


def clip_name(options: ClipOptions) -> str:
    """The stem of the clip: its seed and index."""
    return f"demo-{options.seed}-{options.index:03d}"


def truth_path(clip: Path) -> Path:
    """Where the truth of NAME.mp4 lies: NAME.truth.h5."""
    return clip.with_name(clip.stem + TRUTH.suffix)


def make_clip_once(target: Path, options: ClipOptions, force: bool = False) -> str:
    """Make the clip unless it and its truth are there, whole and made with these options: "done" or "current".

    InputError: a file of that name is there that is not of these tools.
    """
    made = _provenance(options)
    found = read_provenance(target)
    if not force and found == made == read_provenance(truth_path(target)):
        return "current"
    if not force and found is None and target.exists():
        raise InputError("is there already and not made by these tools; move it, or --force", path=target)
    make_clip(target, options)
    return "done"


def make_clip(target: Path, options: ClipOptions) -> None:
    """Make `target` (an mp4) and its truth. OutputError: they cannot be written; MissingPackage: espeakng-loader."""
    made = _provenance(options)
    count = max(1, round(options.seconds * FRAME_RATE))
    for_script, for_face, for_motion = (
        np.random.default_rng(seed) for seed in np.random.SeedSequence([options.seed, options.index]).spawn(3)
    )
    script = write_script(for_script, seconds=count / FRAME_RATE, margin_seconds=LONGEST_SHIFT / FRAME_RATE)
    mouth = _mouth(script, count)
    face = make_face(for_face, scale=face_scale(options.size))
    motion = make_motion(for_motion, count=count, rate=FRAME_RATE)
    truth = _truth(script, mouth, face, options.shift, made)
    sound = _sound(script, count, options.shift)
    pictures = _pictures(face, mouth, motion, options.size)
    try:
        _write_both(target, truth, pictures, sound, script.speech.sample_rate, size=options.size, made=made)
    except OutputError as error:  # name the clip, not a temporary file
        raise OutputError(error.message, path=target) from error


def _provenance(options: ClipOptions) -> Provenance:
    """The options, the synthesiser, and the portrait."""
    portrait = find_portrait()
    params = dataclasses.asdict(options) | {"synthesiser": synthesiser()}
    return Provenance(params, Source(name=portrait.name, digest=file_digest(portrait)))


def _mouth(script: Script, count: int) -> Mouth:
    margin = LONGEST_SHIFT  # frames before the first picture, and after the last
    speech = script.speech
    whole = articulate(speech.samples, speech.sample_rate, speech.phonemes, rate=FRAME_RATE, count=count + 2 * margin)
    inside = slice(margin, margin + count)
    return Mouth(opening=whole.opening[inside], width=whole.width[inside])


def _pictures(face: Face, mouth: Mouth, motion: Motion, size: int) -> Iterator[np.ndarray]:
    renderer = Renderer(face, size)
    for index, (opening, width) in enumerate(zip(mouth.opening, mouth.width, strict=True)):
        yield renderer.draw(opening=float(opening), width=float(width), motion=motion, index=index)


def _sound(script: Script, count: int, shift: int) -> np.ndarray:
    """The speech from the first picture on, `shift` frames early: what the picture shows then has been said already."""
    rate = script.speech.sample_rate
    start = script.margin + round(shift * rate / FRAME_RATE)
    return script.speech.samples[start : start + round(count * rate / FRAME_RATE)]


def _truth(script: Script, mouth: Mouth, face: Face, shift: int, made: Provenance) -> Truth:
    rate = script.speech.sample_rate
    length = len(mouth.opening) / FRAME_RATE
    times = np.array([(one.start, one.stop) for one in script.speech.phonemes], dtype=np.float64)
    times = (times - script.margin) / rate
    starts = (np.array([start for _, start in script.spoken], dtype=np.float64) - script.margin) / rate
    heard = (times[:, 1] > 0) & (times[:, 0] < length)
    said = np.append(starts[1:], np.inf) > 0
    said &= starts < length
    return Truth(
        opening=true_opening(mouth.opening),
        width=true_width(mouth.width, face),
        frame_rate=float(FRAME_RATE),
        phoneme_names=tuple(one.name for one, kept in zip(script.speech.phonemes, heard, strict=True) if kept),
        phoneme_times=times[heard],
        sentences=tuple(text for (text, _), kept in zip(script.spoken, said, strict=True) if kept),
        sentence_starts=starts[said],
        shift=shift,
        params=made.params,
    )


def _write_both(
    target: Path,
    truth: Truth,
    pictures: Iterator[np.ndarray],
    sound: np.ndarray,
    sample_rate: int,
    *,
    size: int,
    made: Provenance,
) -> None:
    """A truth without its clip is of no use: it is written when the video is whole, and only has to be renamed."""

    def finish(temporary: Path) -> None:
        found = probe(temporary)
        if not found.has_audio or abs(float(found.duration) - len(sound) / sample_rate) > 0.2:
            raise OutputError("was not written whole; is the disk full?", path=target)
        write_truth_file(truth_path(target), truth, made=made)

    with tempfile.TemporaryDirectory(prefix="tk-demo-") as folder, atomic_path(target, check=finish) as temporary:
        wav = Path(folder) / "speech.wav"
        write_wav(wav, [sound], sample_rate)
        with VideoWriter(
            temporary,
            width=size,
            height=size,
            fps=Fraction(FRAME_RATE),
            audio=wav,
            metadata={"comment": made.comment(synthetic=True)},
            threads=1,  # how many threads x264 has changes its bytes
        ) as writer:
            for picture in pictures:
                writer.write(picture)
