"""What preset tiny learns of made speech in a few minutes, from recordings and their texts on."""

import math

import pytest

from tests.tools import call
from tk_tools.train.metrics_file import read_metrics


def shape(steps):
    """Three epochs of so many steps, and a validation at the end."""
    values = {"epochs": 3, "epoch_steps": steps, "validate_every": 3 * steps, "log_every": 1}
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]


def losses(run, name, steps):
    """A loss of training in some steps, their mean."""
    found = [row[f"train/{name}"] for row in read_metrics(run / "metrics.csv") if f"train/{name}" in row][steps]
    assert all(math.isfinite(value) for value in found)
    return sum(found) / len(found)


def judged(run, name):
    """A number of the last validation."""
    return [row for row in read_metrics(run / "metrics.csv") if f"val/{name}" in row][-1][f"val/{name}"]


@pytest.mark.slow
def test_both_stages_that_speak_learn_made_speech(tmp_path):
    """Minutes of one core."""
    pytest.importorskip("espeakng_loader")
    pytest.importorskip("phonemizer")
    call("demo_data", "--speakers", 1, "--clips", 16, tmp_path / "wavs")
    texts = [
        f"{wav}|{wav.with_suffix('.txt').read_text().strip()}|a\n" for wav in sorted((tmp_path / "wavs").rglob("*.wav"))
    ]
    (tmp_path / "texts.txt").write_text("".join(texts))
    call("phonemize", tmp_path / "texts.txt", tmp_path / "all.phonemes.txt")
    lines = [line for line in (tmp_path / "all.phonemes.txt").read_text().splitlines() if not line.startswith("#")]
    for name, part in (("train", lines[:12]), ("val", lines[12:])):
        (tmp_path / f"{name}.phonemes.txt").write_text("\n".join(part) + "\n")

    def train(stage, *arguments):
        files = "--val", tmp_path / "val.phonemes.txt", "--out", tmp_path / stage, tmp_path / "train.phonemes.txt"
        call("train", "styletts2", "--preset", "tiny", "--stage", stage, *arguments, *files)
        return tmp_path / stage

    aligner = train("aligner", "--set", "max_steps=60")
    pitch = train("pitch", "--set", "max_steps=30")
    first = train("first", *shape(10), "--set", "adversarial_from=2", "--aligner", aligner, "--pitch", pitch)
    assert losses(first, "mel", slice(15, 20)) < 0.8 * losses(first, "mel", slice(5))
    for name in ("generator", "discriminators"):
        assert losses(first, name, slice(25, 30)) < losses(first, name, slice(20, 25)), name
    assert judged(first, "mel_l1") < 0.9  # 0.74 when it was measured
    second = train("second", *shape(8), "--set", "diffusion_from=1", "--set", "joint_from=2", "--init", first)
    for name in ("duration", "ending", "pitch", "energy"):
        assert losses(second, name, slice(20, 24)) < 0.8 * losses(second, name, slice(4)), name
    assert losses(second, "discriminators", slice(20, 24)) < losses(second, "discriminators", slice(8, 12))
    assert math.isfinite(losses(second, "diffusion", slice(8, 24)))
    assert judged(second, "mel_l1") < 1.3  # 1.12 when it was measured
