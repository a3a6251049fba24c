"""What the pitch extractor is taught: the pitch that a tracker finds in a recording, for each frame of its mel.

Tracking takes longer than training on it, so each recording is tracked once: kept in memory, and in a folder for other
processes and later runs. Source: meldataset.py of yl4579/PitchExtractor, which tracks by harvest.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tk_tools.audio import pitch
from tk_tools.files.atomic import atomic_path, output_error
from tk_tools.files.digest import file_digest
from tk_tools.files.resample import resampled
from tk_tools.models.styletts2.sizes import HOP, SAMPLE_RATE


class TrackedPitch:
    """Pitch of recordings by one tracker (audio.pitch.TRACKERS). folder: where it is kept; None: in memory alone."""

    def __init__(self, tracker: str, folder: Path | None = None):
        self.tracker, self.folder = tracker, folder
        self._known: dict[Path, np.ndarray] = {}

    def of(self, recording: Path, wave: np.ndarray) -> np.ndarray:
        """(samples / HOP,) float32 in Hz, 0 where nobody speaks, of a recording whose wave (samples,) at 24 kHz, with
        its quiet ends, is at hand. OutputError: the folder cannot be written."""
        if recording not in self._known:
            self._known[recording] = self._kept(recording, wave)
        return self._known[recording]

    def _kept(self, recording: Path, wave: np.ndarray) -> np.ndarray:
        if self.folder is None:
            return track_frames(wave, self.tracker)
        path = self.folder / f"{file_digest(recording).partition(':')[2]}.{self.tracker}.npy"
        found = _read(path)
        if found is None or found.shape != (len(wave) // HOP,):
            found = track_frames(wave, self.tracker)
            _write(path, found)
        return found


def _read(path: Path) -> np.ndarray | None:
    """What is kept there; None: nothing, or nothing whole."""
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None


def _write(path: Path, found: np.ndarray) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error, path.parent) from error
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.save(file, found, allow_pickle=False)


def track_frames(wave: np.ndarray, tracker: str) -> np.ndarray:
    """A waveform (samples,) at 24 kHz -> (samples / HOP,) float32 in Hz, the middle of frame i being sample i HOP; 0
    where nobody speaks."""
    slow = np.concatenate(list(resampled([np.asarray(wave, np.float32)], SAMPLE_RATE, pitch.SAMPLE_RATE)))
    f0 = pitch.track_pitch(slow, tracker).f0
    places = np.arange(len(wave) // HOP) * HOP / SAMPLE_RATE * pitch.FRAMES_PER_SECOND
    left = np.minimum(places.astype(int), len(f0) - 1)
    right = np.minimum(left + 1, len(f0) - 1)
    share = places - left
    between = (1 - share) * f0[left] + share * f0[right]  # not a number where either is silent
    nearest = f0[np.where(share < 0.5, left, right)]
    return np.nan_to_num(np.where(np.isfinite(between), between, nearest)).astype(np.float32)
