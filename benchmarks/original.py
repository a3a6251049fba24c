"""Run the original Wav2Lip, fetched by the user, with the packages of today: what it calls by old names is put back.

`run_script` runs one of its scripts in a process of its own, from its folder, as its README says.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ADAPTER = """
import runpy, sys
import numpy, librosa, torch
_mel = librosa.filters.mel
librosa.filters.mel = lambda sr, n_fft, **rest: _mel(sr=sr, n_fft=n_fft, **rest)
_load = torch.load
torch.load = lambda file, **rest: _load(file, **{"weights_only": False, **rest})
script, *rest = sys.argv[1:]
sys.argv = [script, *rest]
sys.path.insert(0, ".")
runpy.run_path(script, run_name="__main__")
"""


def script_command(script: str, *arguments: str) -> list[str]:
    """The command that runs a script of the original; give it `cwd` and `environment()`."""
    return [sys.executable, "-c", ADAPTER, script, *map(str, arguments)]


def environment(folder: Path) -> dict[str, str]:
    """An environment in which `ffmpeg` is the program that imageio-ffmpeg brings; `folder` takes a link to it."""
    import imageio_ffmpeg

    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "ffmpeg"
    if not link.exists():
        link.symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def import_from(original: Path) -> None:
    """Make the original's own modules importable in this process."""
    if not (original / "wav2lip_train.py").is_file():
        sys.exit(f"{original} is not a checkout of Rudrabha/Wav2Lip")
    sys.path.insert(0, str(original))


def run_script(original: Path, scratch: Path, script: str, *arguments: str, **options) -> subprocess.CompletedProcess:
    """Run a script of the original to its end."""
    return subprocess.run(
        script_command(script, *arguments), cwd=original, env=environment(scratch / "bin"), check=True, **options
    )


def save_stand_in_detector(path: Path) -> None:
    """Weights for the original's S3FD that see one face in the middle of every picture, at the cost of real ones.

    Its real weights may not be at hand; a network of zeros with one class bias does the same arithmetic. NMS sees one
    level of anchors, so the detector is timed at its cheapest.
    """
    if path.exists():
        return
    import torch
    from face_detection.detection.sfd.net_s3fd import s3fd

    network = s3fd()
    state = {key: torch.zeros_like(value) for key, value in network.state_dict().items()}
    for key in state:
        if key.endswith("mbox_conf.bias"):
            state[key][0] = 10.0  # background
    state["conv7_2_mbox_conf.bias"] = torch.tensor([0.0, 10.0])
    torch.save(state, path)
