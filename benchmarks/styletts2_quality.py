"""What a run of recipes/styletts2 learnt, told without a recogniser: its losses, and how its speech follows the text.

python -m benchmarks.styletts2_quality WORK      WORK: what the recipe made; stages that are not there are left out
Of the losses and of what is validated, the first and the last value. Of the second stage, the held-out sentences: how
their durations go with their numbers of phonemes and with the recordings, how much longer the same text twice is, and
how far the marks at which a voice pauses lie below the rest.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.measure import one_core, report
from tk_tools.files.phonemes_file import read_phonemes_file
from tk_tools.files.soundtrack import read_audio
from tk_tools.files.utterances import Utterance
from tk_tools.models.styletts2.networks import StyleTTS2
from tk_tools.models.styletts2.published import load_styletts2
from tk_tools.models.styletts2.reference import reference_style
from tk_tools.models.styletts2.sizes import SAMPLE_RATE, STEP
from tk_tools.models.styletts2.speech import Spoken, longest_sentence, speak
from tk_tools.nets.noise import drawn_noise
from tk_tools.text.ids import ids_to_phonemes, phonemes_to_ids
from tk_tools.text.read_aloud import PAUSES
from tk_tools.train.run_folder import weights_file

LOSSES = ("first", "second")  # stages whose metrics are told
SENTENCES = 20  # at most


def first_and_last(metrics: Path) -> dict[str, tuple[float, float]]:
    """Of each loss and validated value; the first is the first that is not 0, since some join later."""
    with open(metrics, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {}
    for name in (name for name in rows[0] if "/" in name):
        values = [float(row[name]) for row in rows if row[name]]
        begun = [value for value in values if value]
        if begun:
            found[name] = begun[0], values[-1]
    return found


def decibels_at(spoken: Spoken, phonemes: str, delay: int = 0) -> tuple[float, float]:
    """Loudness (dB of full scale) of what is said at marks within the sentence, and at its other symbols.

    phonemes: one for each of the steps but the first; delay: steps by which the sound is late. NaN: there are none.
    """
    ends = STEP * (delay + np.cumsum(spoken.steps))
    pieces: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for symbol, begin, end in zip(phonemes[:-1], ends[:-2], ends[1:-1], strict=True):
        pieces[symbol in PAUSES].append(spoken.wave[begin:end])
    pauses, speech = (
        10 * math.log10(np.square(np.concatenate(some), dtype=np.float64).mean() + 1e-10) if some else math.nan
        for some in (pieces[True], pieces[False])
    )
    return pauses, speech


def said(model: StyleTTS2, work: Path) -> Iterator[tuple[Utterance, str, Spoken, Spoken | None]]:
    """Held-out sentences with the symbols that were said: once, and twice where both are short enough together."""
    trained = {line.speaker: line for line in read_phonemes_file(work / "lists/train.phonemes.txt")}
    lines = list(read_phonemes_file(work / "lists/val.phonemes.txt"))[:SENTENCES]
    for number, line in enumerate(lines):
        voice = None
        if model.sizes.many_voices:
            voice = reference_style(model, read_audio(Path(trained[line.speaker].recording), rate=SAMPLE_RATE))
        ids = phonemes_to_ids(line.text).ids[1:]
        twice = [*ids, *phonemes_to_ids(" ").ids[1:], *ids]
        fits = len(twice) <= longest_sentence(model)
        once, again = (
            speak(model, some, drawn_noise(0, number), voice=voice) if some else None for some in (ids, fits * twice)
        )
        yield line, ids_to_phonemes(ids), once, again


def follows_the_text(model: StyleTTS2, work: Path) -> dict[str, float]:
    """Figures of what is said: see above."""
    delay = int(model.sizes.decoder.kind == "hifigan")
    symbols, lasts, recorded, doubled, below = [], [], [], [], []
    for line, phonemes, once, again in said(model, work):
        symbols.append(len(phonemes))
        lasts.append(STEP * once.steps.sum() / SAMPLE_RATE)
        recorded.append(len(read_audio(Path(line.recording), rate=SAMPLE_RATE)) / SAMPLE_RATE)
        if again is not None:
            doubled.append(again.steps.sum() / once.steps.sum())
        pauses, speech = decibels_at(once, phonemes, delay)
        below.append(speech - pauses)
    return {
        "sentences": len(lasts),
        "durations_to_phonemes_correlation": float(np.corrcoef(symbols, lasts)[0, 1]),
        "durations_to_recordings_correlation": float(np.corrcoef(recorded, lasts)[0, 1]),
        "duration_over_recorded": float(np.sum(lasts) / np.sum(recorded)),
        "twice_the_text_lasts": float(np.mean(doubled)),
        "pauses_below_speech_dB": float(np.nanmean(below)),
    }


def main(work: Path) -> None:
    rows: list[dict] = []
    for stage in LOSSES:
        metrics = work / "runs" / stage / "metrics.csv"
        if metrics.exists():
            changes = first_and_last(metrics).items()
            rows += [{"what": f"{stage} {name}", "first": first, "last": last} for name, (first, last) in changes]
    if (work / "runs/second").exists():
        rows.append({"what": "said"} | follows_the_text(load_styletts2(weights_file(work / "runs/second")), work))
    report("styletts2_quality", rows)


if __name__ == "__main__":
    one_core()
    main(Path(sys.argv[1]).resolve())
