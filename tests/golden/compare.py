"""Runs one golden pair through our code and says how far the result is from the original's.

The error of an array is its largest difference over the golden array's largest magnitude (integers: in levels), and it
is set against the tolerance that the json states.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .cases import cases_of, tolerance_of
from .golden import Absent, Golden

DEFAULT_TOLERANCE = 1e-4
SPREAD_TOLERANCE = 0.05  # of the deviation of an array whose numbers rounding decides


@dataclass(frozen=True)
class Row:
    """One golden name: passed or not, its worst array, or why nothing could be compared.

    left_out: what was not here, so that some arrays (skipped: all of them) were not compared.
    """

    name: str
    passed: bool
    array: str = ""
    error: float = 0.0
    tolerance: float = 0.0
    reason: str = ""
    left_out: str = ""
    skipped: bool = False

    def __str__(self) -> str:
        verdict = "skip" if self.skipped else "pass" if self.passed else "FAIL"
        if self.reason:
            return f"{self.name:<40} {verdict}  {self.reason}"
        error = f"largest error {self.error:.2e} of tolerance {self.tolerance:.0e} in {self.array}"
        return f"{self.name:<40} {verdict}  {error}{self.left_out and f'; some not compared: {self.left_out}'}"


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference, over the largest magnitude of `theirs` unless it holds integers; NaN is infinitely far."""
    if theirs.size == 0:
        return 0.0
    a, b = np.asarray(ours, dtype=np.float64), np.asarray(theirs, dtype=np.float64)
    if np.isnan(a).any() or np.isnan(b).any():
        return float("inf")
    with np.errstate(invalid="ignore"):
        gap = np.where(a == b, 0.0, np.abs(a - b)).max()
    if np.issubdtype(theirs.dtype, np.integer) or theirs.dtype == bool:
        return float(gap)
    return float(gap / (np.abs(b).max() or 1.0))


def _run_exact(name: str, golden: Golden, given: dict) -> Row:
    """The row of a json that holds itself what came out, text and integers: equal or not."""
    absent = [value.what for value in given.values() if isinstance(value, Absent)]
    for key, ours in given.items():
        if not isinstance(ours, Absent) and ours != golden.meta[key]:
            return Row(name, passed=False, reason=f"{key}: not what the .json holds")
    if len(absent) == len(given):
        return Row(name, passed=False, reason=f"not here: {', '.join(absent)}", skipped=True)
    return Row(name, passed=True, array=", ".join(given), left_out=", ".join(absent))


def _levels(golden: Golden) -> float:
    """Levels that the json's notes allow in pictures, whose values were truncated."""
    told = re.search(r"allow a difference of (\d+)", golden.meta.get("notes", ""))
    return float(told[1]) if told else 0.0


def run(path: Path, system: str) -> Row:
    """The row of PATH (a json with its npz beside it)."""
    name = f"{system}/{path.stem}"
    case = cases_of(system).get(path.stem)
    if case is None:
        return Row(name, passed=False, reason="unknown name")
    golden = Golden(path)
    if not golden.arrays and "outputs" in golden.meta:
        return Row(name, passed=False, reason="no .npz beside the .json")
    try:
        given = case(golden)
    except Exception as error:  # noqa: BLE001 - whatever a case raises is its result; the others still run
        return Row(
            name, passed=False, reason=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        )
    if not golden.arrays:
        return _run_exact(name, golden, given)
    absent = {key: value.what for key, value in given.items() if isinstance(value, Absent)}
    results = {key: np.asarray(value) for key, value in given.items() if key not in absent}
    left_out = ", ".join(dict.fromkeys(absent.values()))
    worst = None
    outputs = [name for name in golden.meta["outputs"] if name not in absent]
    if absent and not outputs:
        return Row(name, passed=False, reason=f"not here: {left_out}", skipped=True)
    for array in outputs:
        theirs = golden.arrays.get(array)
        ours = results.get(array)
        if theirs is None or ours is None:
            return Row(name, passed=False, reason=f"{array}: not {'given' if ours is None else 'in the .npz'}")
        if ours.shape != theirs.shape:
            return Row(name, passed=False, reason=f"{array}: shape {ours.shape} instead of {theirs.shape}")
        stated = golden.tolerances
        described = tolerance_of(system, path.stem, array)
        default = DEFAULT_TOLERANCE if described is None else described
        tolerance = float(stated.get(array, stated.get("default", default)))
        if theirs.dtype == np.uint8:
            tolerance = max(tolerance, _levels(golden))
        error = difference(ours, theirs)
        if array in golden.undecided:
            error, tolerance = difference(np.std(ours), np.std(theirs)), SPREAD_TOLERANCE
        excess = error / tolerance if tolerance else (0.0 if error == 0 else float("inf"))
        if worst is None or excess > worst[0]:
            worst = (excess, Row(name, error <= tolerance, array, error, tolerance, left_out=left_out))
    return worst[1] if worst else Row(name, passed=False, reason="the json lists no outputs")
