"""Whole runs of Wav2Lip's inference with a given box, and the plans of its windows at many frame rates."""

import re
from fractions import Fraction
from itertools import cycle

import numpy as np

from tk_tools.audio.mel import mel
from tk_tools.dubbing.speaking import speak
from tk_tools.models.wav2lip.networks import Generator
from tk_tools.models.wav2lip.speaker import Speaker, paste_face, take_shot
from tk_tools.models.wav2lip.windows import mel_windows


def inference(golden):
    speaker = Speaker(golden.fill(Generator()))
    heard = mel(golden.pcm(), "wav2lip")
    results = {f"{run['tag']}_frames": run_as_told(golden, run, speaker, heard) for run in golden.meta["runs"]}
    for name in golden.meta["outputs"]:
        if match := re.fullmatch(r"plan_(\d+)_(\d+)", name):
            starts = [start for start, _ in mel_windows([np.zeros((int(match[1]), 80), np.float32)], rate(match[2]))]
            results[name] = np.array(excerpt(golden, name, starts), dtype=np.int32)
    return results


def run_as_told(golden, run, speaker, heard):
    options = arguments(run["arguments"])
    count, height, width = map(
        int, re.search(r"(\d+) source frames frame\(i, (\d+), (\d+)\)", golden.meta["notes"]).groups()
    )
    if run["face"].rsplit(".", 1)[-1].lower() in ("png", "jpg", "jpeg"):
        still = int(re.search(rf"the {run['tag']} run: frame\((\d+)\)", golden.meta["notes"]).group(1))
        pictures = [golden.frame(still, height, width)]  # neither cropped nor shrunk
    else:
        top, bottom, left, right = options.get("crop", (0, -1, 0, -1))
        rows, columns = slice(top, None if bottom == -1 else bottom), slice(left, None if right == -1 else right)
        pictures = [golden.frame(index, height, width)[rows, columns] for index in range(count)]
    top, bottom, left, right = options["box"]
    shots = [take_shot(picture[..., ::-1], (left, top, right, bottom), by_area=False) for picture in pictures]
    windows = (window for _, window in mel_windows([heard], run["fps"]))
    batch_size = options.get("wav2lip_batch_size", (128,))[0]
    written = [
        paste_face(shot.picture, face, shot.box, feather=0)[..., ::-1]
        for shot, face in speak(cycle(shots), windows, speaker.draw, batch_size)
    ]
    assert len(written) == run["written"], f"{run['tag']}: {len(written)} pictures instead of {run['written']}"
    return np.stack([written[index] for index in run["kept"]])


def arguments(words: list[str]) -> dict[str, tuple[int, ...]]:
    """A command line of the original: --NAME NUMBER..."""
    found: dict[str, list[int]] = {}
    for word in words:
        if word.startswith("--"):
            numbers = found.setdefault(word[2:], [])
        else:
            numbers.append(int(word))
    return {name: tuple(numbers) for name, numbers in found.items()}


def rate(digits: str) -> Fraction:
    """25 is 25; 2997 is 30000/1001, 23976 is 24000/1001."""
    if len(digits) < 4:
        return Fraction(int(digits))
    shown = int(digits) / (100 if int(digits) < 20000 else 1000)
    return Fraction(1000 * round(shown * 1.001), 1001)


def excerpt(golden, name: str, starts: list[int]) -> list[int]:
    """The starts, or what the json's notes say is listed of them: "NAME is [count, start 100, last]"."""
    told = re.search(rf"{name} is \[([^\]]*)\]", golden.meta["notes"])
    if told is None:
        return starts
    named = {"count": len(starts), "last": starts[-1], "last but one": starts[-2]}
    return [named[word] if word in named else starts[int(word.removeprefix("start "))] for word in told[1].split(", ")]


CASES = {"inference": inference}
