"""What the measures of the box are called, and which direction is better: the one place that knows."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Measure(NamedTuple):
    """title: for people. better: more, less, or the number that is best; None: not known to be good or bad.

    meaning: in a few words, with its unit.
    """

    title: str
    better: Literal["more", "less"] | float | None = None
    meaning: str = ""


MEASURES = {
    "lse_d": Measure("LSE-D", "less", "distance of mouth and sound at the best shift"),
    "lse_c": Measure("LSE-C", "more", "how far that distance lies below the median over all shifts"),
    "offset": Measure("Sync offset", 0.0, "shift of the sound in frames of 40 ms; positive: it lies early"),
    "ssim": Measure("SSIM", "more", "structural similarity, whole picture; 1 is equal"),
    "psnr": Measure("PSNR", "more", "dB, whole picture; equal pictures count 100"),
    "ssim_mouth": Measure("SSIM, mouth", "more", "structural similarity around the mouth"),
    "psnr_mouth": Measure("PSNR, mouth", "more", "dB, around the mouth"),
    "lpips": Measure("LPIPS", "less", "perceptual distance, whole picture; 0 is equal"),
    "lpips_mouth": Measure("LPIPS, mouth", "less", "perceptual distance around the mouth"),
    "cpbd": Measure("CPBD", "more", "share of edges that do not look blurred, 0 to 1"),
    "lmd": Measure("LMD", "less", "distance of lip landmarks in pixels"),
    "identity": Measure("Identity", "more", "cosine of face descriptors; 1 is the same"),
    "fid": Measure("FID", "less", "Fréchet distance of Inception features"),
    "fvd": Measure("FVD", "less", "Fréchet distance of I3D features"),
    "mcd": Measure("MCD", "less", "mel-cepstral distortion in dB, after time warping"),
    "f0_rmse": Measure("F0 error", "less", "root mean square in Hz, where both are voiced"),
    "f0_cents": Measure("F0 error, cents", "less", "root mean square in cents, where both are voiced"),
    "f0_corr": Measure("F0 correlation", "more", "Pearson's, where both are voiced"),
    "vde": Measure("Voicing error", "less", "share of frames voiced in one alone"),
    "stoi": Measure("STOI", "more", "short-time objective intelligibility, 0 to 1"),
    "estoi": Measure("ESTOI", "more", "extended short-time objective intelligibility, 0 to 1"),
    "pesq": Measure("PESQ", "more", "perceived quality, mean opinion score"),
    "speaker": Measure("Speaker similarity", "more", "cosine of speaker embeddings; 1 is the same"),
    "loudness": Measure("Loudness difference", 0.0, "LU; positive: made is louder"),
    "duration": Measure("Duration ratio", 1.0, "length of the made one by that of its reference"),
    "wer": Measure("WER", "less", "share of words a recogniser hears wrongly"),
    "cer": Measure("CER", "less", "share of letters a recogniser hears wrongly"),
}  # fmt: skip

COUNTS = (
    "first_frame", "frames", "frames_with_face", "frames_without_face", "seconds", "lag", "words", "word_edits",
    "characters", "character_edits",
)  # fmt: skip
"""Columns of numbers that are no measures: where and how much there was to measure, and what rates were made of."""


def measure_named(name: str) -> Measure:
    """The measure of a column; one that the box does not know has its own name and no direction."""
    return MEASURES.get(name, Measure(name))


def badness(value: float, better: Literal["more", "less"] | float) -> float:
    """A number that grows as a value gets worse."""
    if better == "more":
        return -value
    return value if better == "less" else abs(value - better)
