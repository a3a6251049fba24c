"""What tk-eval-video measures pictures by: LPIPS, CPBD, I3D and FVD, ArcFace."""

import numpy as np
import torch

from tk_tools.face import arcface
from tk_tools.metrics import cpbd as cpbd_module
from tk_tools.metrics import fid, i3d, video_fvd
from tk_tools.metrics.lpips import LPIPS
from tk_tools.nets.iresnet import load_iresnet_state


@torch.no_grad()
def lpips(golden):
    network = LPIPS(golden.meta["kwargs"]["net"]).eval()
    golden.fill(network.network, golden.meta["features"])
    golden.fill(network.heads, golden.meta["heads"])
    a, b, wide_a, wide_b = golden.tensors()
    return {"far": network(a, b), "near": network(a, 0.9 * a + 0.1 * b), "wide": network(wide_a, wide_b)}


def sharpness_picture(golden, smoothings, faint=False):
    """(200, 270) uint8: steps with grain on them, the more `smoothings`, the softer; faint: of little contrast."""
    steps, grain = golden.signals()
    rows, columns = grain.shape
    picture = (np.kron(steps, np.ones((8, 8)))[:rows, :columns] + grain).astype(int)
    if faint:
        picture = picture // 6 + 90
    for axis in (1, 0) * smoothings:
        padded = np.pad(picture, [(1, 1) if side == axis else (0, 0) for side in (0, 1)], mode="edge")
        left, middle, right = (padded.take(np.arange(k, k + picture.shape[axis]), axis=axis) for k in range(3))
        picture = (left + 2 * middle + right) // 4
    return picture.astype(np.uint8)


def cpbd(golden):
    results = {}
    for name in golden.meta["outputs"]:
        faint = name.startswith("faint")
        smoothings = int(name.removeprefix("faint" if faint else "smooth"))
        results[name] = cpbd_module.cpbd(sharpness_picture(golden, smoothings, faint))
    return results


@torch.no_grad()
def i3d_logits(golden):
    network = golden.fill(i3d.I3D())
    clips, short = golden.tensors()
    return {"logits": network(clips), "logits_short": network(short)}


def fvd(golden):
    results = {}
    for tag, (count, height, width) in golden.meta["videos"].items():
        pictures = np.stack([golden.frame(number, height, width)[..., ::-1] for number in range(count)])
        results[f"{tag}_s8"] = video_fvd.i3d_input(pictures)[..., ::8, ::8]
    a, b = fid.FeatureStatistics(), fid.FeatureStatistics()
    a.add(golden.signal("a"))
    b.add(np.float32(0.8) * golden.signal("b") + np.float32(0.15))
    distance = fid.frechet_distance_of_few_or_many(a, b)
    return results | {"fvd": distance, "fvd_styleganv": distance}


@torch.no_grad()
def iresnet(golden):
    drawn = golden.drawn_state()
    (faces,) = golden.tensors()
    return {"embedding": load_iresnet_state(drawn, golden.name)(faces)}


def arcface_alignment(golden):
    picture = np.ascontiguousarray(golden.frame(0, *golden.meta["inputs"]["picture"])[..., ::-1])
    results = {}
    for tag, points in golden.meta["inputs"]["points"].items():
        eye, other_eye, nose, corner, other_corner = np.array(points)
        landmarks = np.zeros((68, 2))
        landmarks[36:42], landmarks[42:48] = eye, other_eye
        landmarks[[30, 48, 54]] = nose, corner, other_corner
        results[f"{tag}_transform"] = arcface.alignment(arcface.five_points(landmarks))
        results[f"{tag}_face_s4"] = arcface.align_face(picture, landmarks)[::4, ::4]
    return results


CASES = {
    "lpips_alex": lpips,
    "lpips_vgg": lpips,
    "cpbd": cpbd,
    "i3d": i3d_logits,
    "fvd": fvd,
    "iresnet50": iresnet,
    "iresnet100": iresnet,
    "arcface_alignment": arcface_alignment,
}
