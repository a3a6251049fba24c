"""TextGrids that tests make, in the words of Praat's manual and not of the library that reads them; tones to go with
them, a tone for each phone."""

from pathlib import Path

import numpy as np
import soundfile

TONES = {"AA": 400.0, "IY": 1500.0, "S": 5000.0}  # Hz; every other symbol is silence

Interval = tuple[float, float, str]  # start and end in seconds, label


def intervals(*phones: tuple[str, float], start: float = 0.0) -> list[Interval]:
    """Phones and their lengths in seconds, one after another."""
    ends = np.round(start + np.cumsum([0.0, *(length for _, length in phones)]), 6)
    return [(float(a), float(b), symbol) for a, b, (symbol, _) in zip(ends[:-1], ends[1:], phones, strict=True)]


def long_textgrid(phones: list[Interval], *, tier: str = "phones", end: float | None = None) -> str:
    """A TextGrid in Praat's long format: a tier of words and one of phones."""
    end = phones[-1][1] if end is None else end
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0 ", f"xmax = {end} "]
    lines += ["tiers? <exists> ", "size = 2 ", "item []: "]
    for number, (name, rows) in enumerate((("words", [(0, end, "some words")]), (tier, phones)), start=1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier" ', f'        name = "{name}" ']
        lines += ["        xmin = 0 ", f"        xmax = {end} ", f"        intervals: size = {len(rows)} "]
        for place, (start, stop, label) in enumerate(rows, start=1):
            lines += [f"        intervals [{place}]:", f"            xmin = {start} ", f"            xmax = {stop} "]
            lines.append('            text = "{}" '.format(label.replace('"', '""')))
    return "\n".join(lines) + "\n"


def short_textgrid(phones: list[Interval], *, tier: str = "phones") -> str:
    """The same phones in Praat's short format."""
    end = phones[-1][1]
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", str(end), "<exists>", "1"]
    lines += ['"IntervalTier"', f'"{tier}"', "0", str(end), str(len(phones))]
    for start, stop, label in phones:
        lines += [str(start), str(stop), '"{}"'.format(label.replace('"', '""'))]
    return "\n".join(lines) + "\n"


def write_tones(
    path: Path, phones: list[Interval], *, rate: int = 22050, level: float = 0.3, channels: int = 1
) -> Path:
    """A wav as long as the phones, each with its tone and a little noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(round(phones[-1][1] * rate)) / rate
    sound = np.random.default_rng(len(path.stem)).normal(0, 0.003, len(times))
    for start, stop, symbol in phones:
        if symbol in TONES:
            inside = (times >= start) & (times < stop)
            sound[inside] += level * np.sin(2 * np.pi * TONES[symbol] * times[inside])
    soundfile.write(path, np.repeat(sound[:, None], channels, axis=1), rate, subtype="PCM_16")
    return path


def write_recording(folder: Path, name: str, *phones: tuple[str, float], **options) -> Path:
    """folder/wavs/NAME.wav of the phones and folder/grids/NAME.TextGrid; gives the wav."""
    rows = intervals(*phones)
    grid = folder / "grids" / f"{name}.TextGrid"
    grid.parent.mkdir(parents=True, exist_ok=True)
    grid.write_text(long_textgrid(rows))
    return write_tones(folder / "wavs" / f"{name}.wav", rows, **options)
