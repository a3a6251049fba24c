"""Tell which network a state dict belongs to, from a few keys and shapes that no other network shares.

A wrong file is a frequent mistake; its message then names what the file does hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Signature(NamedTuple):
    """name: as in `tk-weights list`; title: for messages; keys: {key: shape, or None for any shape}."""

    name: str
    title: str
    keys: dict[str, tuple[int, ...] | None]


SIGNATURES = (
    Signature(
        "wav2lip",
        "a Wav2Lip generator",
        {
            "face_encoder_blocks.0.0.conv_block.0.weight": (16, 6, 7, 7),
            "output_block.1.weight": (3, 32, 1, 1),
        },
    ),
    Signature(
        "wav2lip_expert",
        "a Wav2Lip sync expert",
        {
            "face_encoder.0.conv_block.0.weight": (32, 15, 7, 7),
            "audio_encoder.0.conv_block.0.weight": (32, 1, 3, 3),
        },
    ),
    Signature(
        "wav2lip_disc",
        "a Wav2Lip quality discriminator",
        {"face_encoder_blocks.0.0.conv_block.0.weight": (32, 3, 7, 7), "binary_pred.0.weight": None},
    ),
    Signature(
        "s3fd_face_alignment",
        "an S3FD face detector (face-alignment's build)",
        {"conv1_1.weight": (64, 3, 3, 3), "conv7_2_mbox_loc.weight": None},
    ),
    Signature(
        "s3fd_syncnet",
        "an S3FD face detector (syncnet_python's build)",
        {"vgg.0.weight": (64, 3, 3, 3), "conf.5.weight": None, "loc.5.weight": None},
    ),
    Signature(
        "syncnet_v2",
        "SyncNet v2 (the network of LSE)",
        {"netcnnaud.0.weight": (64, 1, 3, 3), "netcnnlip.0.weight": None},
    ),
)


def recognise(state: Mapping) -> Signature | None:
    """The network whose keys and shapes `state` has (key -> anything with .shape), None when it is none of the known."""
    for signature in SIGNATURES:
        if all(
            key in state and shape in (None, tuple(state[key].shape)) for key, shape in signature.keys.items()
        ):
            return signature
    return None
