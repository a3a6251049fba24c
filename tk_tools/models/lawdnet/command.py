"""What `tk-infer lawdnet` offers: its options and help. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tk_tools.dubbing import command as dubbing
from tk_tools.models import Inference, Request

MOUTH_SIZE, FEATURES = 288, "deepspeech2"  # of the published checkpoint

HELP = f"""Make a face speak any speech, finely (LawDNet).{dubbing.HELP}
\b
Examples:
  tk-infer lawdnet --checkpoint runs/lawdnet/clip256 face.mp4 speech.wav dubbed.mp4
  tk-infer lawdnet --checkpoint checkpoint_epoch_170.pth face.mp4 speech.wav dubbed.mp4
  tk-infer lawdnet --checkpoint runs/lawdnet/clip256 --references 0,40,81,120,200 face.mp4 speech.wav dubbed.mp4
  find talks -name '*.mp4' | tk-infer lawdnet --checkpoint runs/lawdnet/clip256 --audio speech.wav - dubbed/

See also: tk-feat and tk-crop-face --layout lawdnet (what is heard and where the face is, once for many runs), tk-train,
tk-weights.
"""


def prepare(values: dict[str, Any], operands: tuple[Path, ...]) -> Request:
    """What a command line asks for. UsageError: it does not say what is to speak."""
    return Request(**dubbing.request(values, operands, inference="tk_tools.models.lawdnet.inference"))


INFERENCE = Inference(
    help=HELP,
    metavar="FACE [SPEECH] OUTPUT",
    options=dubbing.dub_options(MOUTH_SIZE, FEATURES),
    prepare=prepare,
    reads=dubbing.READS,
    shared=("face", "backend", "infer_device", "mark"),
    suffix=".mp4",
)
