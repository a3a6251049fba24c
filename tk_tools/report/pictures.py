"""Small pictures of a clip for the page: contact sheet and mel spectrogram, as data addresses."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image

from tk_tools.audio.mel import mel_blocks, preset_named
from tk_tools.errors import InputError
from tk_tools.files.media import probe
from tk_tools.files.soundtrack import read_audio_blocks
from tk_tools.plots import PlotOptions
from tk_tools.plots.sheet import draw as draw_sheet

MEL = "wav2lip"  # the preset: -4..4 on a logarithmic scale, so that pictures of any two clips can be compared
_LEAST, _GREATEST = -4.0, 4.0
_WIDEST = 900  # columns of a mel picture; longer sound is averaged
_SHEET = PlotOptions(pictures=8, columns=4, tile=200)
_QUALITY = 78


def clip_pictures(path: Path) -> dict[str, str]:
    """`sheet` of a clip that has pictures, `mel` of one that has sound. InputError: it cannot be read."""
    if path.name.endswith(".h5"):
        return {"sheet": _address(draw_sheet(path, _SHEET))}
    info = probe(path)
    found = {}
    if info.has_video:
        found["sheet"] = _address(draw_sheet(path, _SHEET))
    if info.has_audio:
        found["mel"] = _address(_mel_picture(path))
    return found


def _mel_picture(path: Path) -> np.ndarray:
    """(bands, columns, 3) uint8, low bands at the bottom."""
    preset = preset_named(MEL)
    blocks = list(mel_blocks(read_audio_blocks(path, rate=preset.sample_rate, align=True), preset))
    if not blocks:
        raise InputError("has too little sound for a mel spectrogram", path=path)
    mel = np.concatenate(blocks)  # (columns, bands)
    if len(mel) > _WIDEST:
        edges = np.linspace(0, len(mel), num=_WIDEST + 1).astype(int)[:-1]
        mel = np.add.reduceat(mel, edges) / np.diff(np.append(edges, len(mel)))[:, None]
    level = np.clip((mel.T[::-1] - _LEAST) / (_GREATEST - _LEAST), 0, 1)
    return (mpl.colormaps["magma"](level)[:, :, :3] * 255).round().astype(np.uint8)


def _address(picture: np.ndarray) -> str:
    coded = io.BytesIO()
    Image.fromarray(picture).save(coded, format="webp", quality=_QUALITY, method=4)
    return f"data:image/webp;base64,{base64.b64encode(coded.getvalue()).decode('ascii')}"
