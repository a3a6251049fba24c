"""What `tk-infer lawdnet` offers: its options and help. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tk_tools.dubbing import command as dubbing
from tk_tools.models import Inference, Request, Service, Upload

MOUTH_SIZE, FEATURES = 288, "deepspeech2"  # of the published checkpoint


def prepare(values: dict[str, Any], operands: tuple[Path, ...]) -> Request:
    """What a command line asks for. UsageError: it does not say what is to speak."""
    return Request(**dubbing.request(values, operands, inference="tk_tools.models.lawdnet.inference"))


def check_service(values: dict[str, Any]) -> str | None:
    """Open what all faces of a service have in common. WeightsError, ConfigError: see dubbing.dub.check_shared."""
    return prepare(values, (Path("face"), Path("dubbed.mp4"))).check()


INFERENCE = Inference(
    help=dubbing.help_of("lawdnet", "LawDNet", published="checkpoint_epoch_170.pth"),
    options=dubbing.dub_options(MOUTH_SIZE, FEATURES),
    prepare=prepare,
    service=Service(
        uploads=tuple(Upload(**fields) for fields in dubbing.UPLOADS), check=check_service, **dubbing.SERVICE
    ),
    **dubbing.INFERENCE,
)
