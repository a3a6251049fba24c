"""Average-voice mels of a made-up corpus, whose TextGrids lie beside the json and whose mels follow from them."""

from __future__ import annotations

import re
import zlib

import numpy as np

from tk_tools.audio.average_voice import LevelCounts, average_mel, interval_levels, phones_on_frames
from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.files.textgrid import read_phones


def _signal(name, shape):
    return np.random.default_rng([zlib.crc32(name.encode()), 7]).uniform(-1, 1, shape).astype(np.float32)


def _set_name(golden):
    """The word that tells the inputs of one set from those of another."""
    told = re.search(r"diffvc/(\w+)/avg_mels/", golden.meta["notes"])
    if told:
        return told[1]
    siblings = (golden.sibling(path.stem) for path in sorted(golden.folder.glob("*.json")) if path.stem != golden.name)
    names = (name for sibling in siblings for name in sibling.input_names if name.count("/") > 2)
    return next((name.split("/")[1] for name in names), "shared")


def _base(symbol):
    return 4 * _signal(f"diffvc/avg_mels/phone/{symbol}", (DIFFVC.n_mels,)) - 5


def _mel(phones, name, frames):
    """(frames, bands) of the recording `name`: the base of each frame's phone and some noise."""
    mel = np.tile(_base("sil"), (frames, 1))
    spans = phones_on_frames(phones, frames, DIFFVC)
    for symbol, (start, stop) in zip(spans.symbols, spans.frames, strict=True):
        if symbol:
            mel[start:stop] = _base(symbol)
    return (mel + 0.12 * _signal(name, (DIFFVC.n_mels, frames)).T).astype(np.float32)


def avg_mels(golden):
    set_name = _set_name(golden)
    counts = LevelCounts(DIFFVC)
    recordings = {}
    for path in sorted((golden.folder / golden.name).glob("*/*.TextGrid")):
        phones = read_phones(path)
        frames = round(phones.seconds * DIFFVC.sample_rate / DIFFVC.hop_length)
        mel = _mel(phones, f"diffvc/{set_name}/avg_mels/{path.stem}", frames)
        spans = phones_on_frames(phones, frames, DIFFVC)
        counts.add(spans.symbols, interval_levels(mel, spans.frames), np.diff(spans.frames)[:, 0])
        recordings[f"{path.parent.name}.{path.stem}"] = mel, spans
    averages = counts.averages()
    places = [averages.symbols.index(symbol) for symbol in golden.meta["args"]["phonemes"]]
    results = {
        "mode_table": averages.average[places],
        "mean_frames": (averages.duration / averages.intervals)[places],
    }
    for name, (mel, spans) in recordings.items():
        results |= {f"mel.{name}": mel.T, f"avgmel.{name}": average_mel(mel, spans, averages).T}
    return results


CASES = {"avg_mels": avg_mels}
