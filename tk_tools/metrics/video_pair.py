"""A made video by itself or against its reference, picture by picture, in a stream.

SSIM, PSNR and LPIPS are means over the pictures, of the whole picture and of a box around the reference's mouth. LMD:
mean distance of the 20 lip landmarks after both mouths are moved to their own centres, in pixels (Chen et al., 2018,
ATVG). identity: mean cosine of the face descriptors of both, once a second. CPBD needs no reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tk_tools import __version__
from tk_tools.errors import InputError
from tk_tools.face.backends import DEFAULT_BACKEND, DEFAULT_FACE
from tk_tools.face.crop import CropOptions, follow_face, open_backend
from tk_tools.face.identity import MOUTH
from tk_tools.face.smooth import FaceFrame
from tk_tools.files.video import VideoReader
from tk_tools.metrics.cpbd import cpbd
from tk_tools.metrics.identity import ArcFaceIdentity, BackendIdentity, IdentityMeter
from tk_tools.metrics.networks import Networks
from tk_tools.metrics.picture_quality import SIDE, psnr, ssim
from tk_tools.metrics.references import References, check_pair

MEASURES = ("ssim", "psnr", "lpips", "ssim_mouth", "psnr_mouth", "lpips_mouth", "lmd", "identity", "cpbd")
MEASURES_ALONE = ("cpbd",)
MOUTH_MARGIN = 0.5  # of the mouth's width, to every side
_ELSEWHERE = {"shapes_content": False}


@dataclass(frozen=True)
class PairOptions:
    """window: of SSIM, gaussian or uniform. faces: whether mouth, landmarks and identity are measured.

    align: scale the reference to the made pictures, take it at their rate, and compare what both have.
    networks: those of LPIPS and ArcFace, where they are on this machine.
    backend, face, weights_dir, device: as in face.crop.CropOptions.
    """

    window: str = "gaussian"
    faces: bool = True
    align: bool = False
    backend: str = DEFAULT_BACKEND
    face: str = DEFAULT_FACE
    networks: Networks = field(default_factory=Networks)
    weights_dir: Path | None = field(default=None, metadata=_ELSEWHERE)
    device: str = field(default="cpu", metadata=_ELSEWHERE)


def open_networks(options: PairOptions) -> None:
    """Open the options' networks before the first clip. WeightsError: a file holds another network."""
    if options.networks.lpips is not None:
        from tk_tools.metrics.lpips import load_lpips

        load_lpips(options.networks.lpips, options.device)
    if options.networks.arcface is not None:
        from tk_tools.face.arcface import load_arcface

        load_arcface(options.networks.arcface, options.device)


def measure_pair(made: Path, reference: Path, options: PairOptions = PairOptions()) -> dict[str, Any]:
    """MEASURES of a pair of videos, None for what cannot be measured; frames, and those with a face in both.

    InputError: not readable, the same file twice, or of another size, rate or length without options.align.
    """
    check_pair(made, reference)
    try:
        return _measure(made, reference, options)
    except InputError as error:
        if error.path is None or Path(error.path) != reference:
            raise
        raise InputError(f"its reference {reference} {error.message}", path=made) from error


def _measure(made: Path, reference: Path, options: PairOptions) -> dict[str, Any]:
    first = VideoReader(made, fps=None)
    second = VideoReader(reference, fps=first.fps if options.align else None)
    if not options.align:
        _check_alike(first, second)
    meter = _Meter(options, round(float(first.fps)))
    frames = 0
    for a, b in zip_longest(_frames(first, options), _frames(second, options)):
        if a is None or b is None:
            if options.align:
                break
            longer = "more" if b is None else "fewer"
            raise InputError(
                f"has {longer} pictures than its reference {reference}; --align compares the shared ones", path=made
            )
        meter.add(a, b)
        frames += 1
    return {"reference": str(reference), "frames": frames} | meter.result()


def measure_alone(made: Path, options: PairOptions = PairOptions()) -> dict[str, Any]:
    """MEASURES_ALONE of a video, None for what cannot be measured; frames, and those with a face.

    InputError: not readable.
    """
    sharpness: list[float | None] = []
    with_face = 0
    for frame in _frames(VideoReader(made, fps=None), options):
        sharpness.append(_sharpness(frame.rgb))
        with_face += frame.landmarks is not None
    return {
        "frames": len(sharpness),
        "frames_with_face": with_face if options.faces else None,
        "cpbd": _mean(sharpness),
    }


def measure_of_name(made: Path, *, references: References | None, options: PairOptions) -> dict[str, Any]:
    """measure_pair of a made video and the reference of its name, with all that the numbers depend on; without
    references measure_alone."""
    how: dict[str, Any] = {"face_backend": options.backend if options.faces else None, "face": options.face}
    if references is None:
        facts = measure_alone(made, options)
    else:
        facts = measure_pair(made, references.of(made), options)
        network = options.networks.lpips and options.networks.lpips.network
        how |= {"window": options.window, "aligned": options.align, "lpips": network}
        how["weights"] = options.networks.digests()
    return facts | {"tool": f"tk-eval-video {__version__}", "protocol": how}


def _check_alike(made: VideoReader, reference: VideoReader) -> None:
    a, b = made.info, reference.info
    differ = []
    if (a.width, a.height) != (b.width, b.height):
        differ.append(f"{a.width}x{a.height} pixels against {b.width}x{b.height}")
    if made.fps != reference.fps:
        differ.append(f"{float(made.fps):.6g} frames/s against {float(reference.fps):.6g}")
    if differ:
        what = " and ".join(differ)
        raise InputError(f"has {what} of its reference {reference.path}; --align makes them alike", path=made.path)


def _frames(reader: VideoReader, options: PairOptions) -> Iterator[FaceFrame | _Bare]:
    if not options.faces:
        return (_Bare(picture) for picture in reader)
    search = CropOptions(
        backend=options.backend, face=options.face, weights_dir=options.weights_dir, device=options.device
    )
    return iter(follow_face(reader, search, fps=float(reader.fps)))


@dataclass(frozen=True)
class _Bare:
    """A picture whose face was not looked for."""

    rgb: np.ndarray
    landmarks: None = None


class _Meter:
    """Sums over the pictures of a pair."""

    def __init__(self, options: PairOptions, describe_every: int):
        self._options, self._every = options, max(1, describe_every)
        self._values: dict[str, list[float | None]] = {name: [] for name in MEASURES}
        self._with_face = 0
        self._lpips = _lpips_meters(options)
        self._identity: IdentityMeter | None = _identity_meter(options) if options.faces else None

    def add(self, made: FaceFrame | _Bare, reference: FaceFrame | _Bare) -> None:
        target, scale = reference.rgb, np.ones(2)
        if target.shape != made.rgb.shape:  # only where they are to be aligned
            height, width = made.rgb.shape[:2]
            scale = np.array([width / target.shape[1], height / target.shape[0]])
            target = cv2.resize(target, (width, height), interpolation=cv2.INTER_AREA)
        self._compare("", made.rgb, target)
        self._values["cpbd"].append(_sharpness(made.rgb))
        if made.landmarks is None or reference.landmarks is None:
            return
        self._with_face += 1
        lips, true_lips = made.landmarks[MOUTH], reference.landmarks[MOUTH] * scale
        left, top, right, bottom = _mouth_box(true_lips, made.rgb.shape)
        if min(right - left, bottom - top) >= SIDE[self._options.window]:
            self._compare("_mouth", made.rgb[top:bottom, left:right], target[top:bottom, left:right])
        apart = (lips - lips.mean(axis=0)) - (true_lips - true_lips.mean(axis=0))
        self._values["lmd"].append(float(np.linalg.norm(apart, axis=1).mean()))
        if (self._with_face - 1) % self._every == 0:
            self._identity.add(made, reference)

    def _compare(self, place: str, made: np.ndarray, reference: np.ndarray) -> None:
        if min(made.shape[:2]) >= SIDE[self._options.window]:
            self._values[f"ssim{place}"].append(ssim(made, reference, self._options.window))
        self._values[f"psnr{place}"].append(psnr(made, reference))
        if self._lpips:
            self._lpips[f"lpips{place}"].add(made, reference)

    def result(self) -> dict[str, Any]:
        means = {name: _mean(values) for name, values in self._values.items()}
        means |= {name: meter.mean() for name, meter in self._lpips.items()}
        identity = None if self._identity is None else self._identity.mean()
        return means | {
            "identity": identity,
            "identity_network": None if identity is None else self._identity.network,
            "frames_with_face": self._with_face if self._options.faces else None,
        }


def _lpips_meters(options: PairOptions) -> dict[str, Any]:
    """By the name of the measure; none without the network."""
    if options.networks.lpips is None:
        return {}
    from tk_tools.metrics.lpips import LpipsMeter, load_lpips

    lpips = load_lpips(options.networks.lpips, options.device)
    return {"lpips": LpipsMeter(lpips), "lpips_mouth": LpipsMeter(lpips, scaled=True)}


def _identity_meter(options: PairOptions) -> IdentityMeter:
    if options.networks.arcface is not None:
        from tk_tools.face.arcface import load_arcface

        return ArcFaceIdentity(load_arcface(options.networks.arcface, options.device))
    search = CropOptions(backend=options.backend, weights_dir=options.weights_dir, device=options.device)
    return BackendIdentity(open_backend(search), options.backend)


def _sharpness(picture: np.ndarray) -> float | None:
    return cpbd(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _mouth_box(lips: np.ndarray, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom around (20, 2) lip landmarks, inside a picture of `shape`."""
    low, high = lips.min(axis=0), lips.max(axis=0)
    margin = MOUTH_MARGIN * (high[0] - low[0])
    left, top = np.maximum(np.floor(low - margin), 0).astype(int)
    right, bottom = np.minimum(np.ceil(high + margin) + 1, (shape[1], shape[0])).astype(int)
    return int(left), int(top), int(right), int(bottom)
