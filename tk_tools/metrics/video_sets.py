"""Distances between the set of made videos and the set of real ones: FID of their pictures, FVD of their clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tk_tools.errors import WeightsError
from tk_tools.metrics.references import check_apart
from tk_tools.weights.find import find_weights

WEIGHTS = {"fid": "fid-inception", "fvd": "fvd-i3d"}
"""The measures, and the names of their weights in the table."""


def find_set_weights(
    measures: Sequence[str], weights_dir: Path | None = None
) -> tuple[dict[str, Path], dict[str, str]]:
    """By measure: the file of its weights; and for those that are not here, the reason and how to mend it."""
    found, absent = {}, {}
    for measure in measures:
        try:
            found[measure] = find_weights(WEIGHTS[measure], weights_dir)
        except WeightsError as error:
            absent[measure] = str(error)
    return found, absent


def distance_of_sets(
    measure: str, made: Sequence[Path], real: Sequence[Path], weights: Path, device: str = "cpu"
) -> float:
    """FID or FVD, 0 for equal sets; see fid_of_videos and fvd_of_videos for the errors.

    InputError also: a file is in both sets.
    """
    check_apart(made, real)
    if measure == "fid":
        from tk_tools.metrics.video_fid import fid_of_videos

        return fid_of_videos(made, real, weights, device)
    from tk_tools.metrics.video_fvd import fvd_of_videos

    return fvd_of_videos(made, real, weights, device)
