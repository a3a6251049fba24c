"""LawDNet's and DINet's geometry on closed-form landmarks and pictures: the crop, the mask, what was pasted back."""

import zlib

import numpy as np
import torch
from torch.nn import functional

from tests.golden.cases.lawdnet_networks import filled
from tk_tools.dubbing.masks import soft_mask
from tk_tools.dubbing.samples import stacked
from tk_tools.face import dinet_crop, lawdnet_crop, warp
from tk_tools.face.layouts import find_layout
from tk_tools.models.lawdnet.networks import Generator as LawDNet
from tk_tools.models.lawdnet.networks import LawDNetConfig

FRAME = (840, 960)


def face_landmarks(scale, degrees, x, y, wobble, phase):
    """(68, 2): the made face of the jsons' closed form."""
    turn, face = np.pi / 16, np.zeros((68, 2))
    jaw, five, six, k = np.arange(17) * turn, np.arange(5), np.arange(6), np.arange(68)
    face[:17] = np.stack([-0.5 * np.cos(jaw), 0.1 + 0.62 * np.sin(jaw)], axis=1)
    brow = -0.17 - 0.05 * np.sin(np.pi * five / 4)
    face[17:22] = np.stack([-0.42 + 0.08 * five, brow], axis=1)
    face[22:27] = np.stack([0.1 + 0.08 * five, brow], axis=1)
    face[27:31] = np.stack([np.zeros(4), -0.05 + 0.1 * np.arange(4)], axis=1)
    face[31:36] = np.stack([-0.1 + 0.05 * five, 0.33 + 0.02 * np.sin(np.pi * five / 4)], axis=1)
    angle = np.pi + six * np.pi / 3
    for start, side in ((36, -0.25), (42, 0.25)):
        face[start : start + 6] = np.stack([side + 0.085 * np.cos(angle), -0.02 + 0.035 * np.sin(angle)], axis=1)
    outer, inner = np.pi + np.arange(12) * np.pi / 6, np.pi + np.arange(8) * np.pi / 4
    face[48:60] = np.stack([0.2 * np.cos(outer), 0.5 + 0.07 * np.sin(outer)], axis=1)
    face[60:] = np.stack([0.15 * np.cos(inner), 0.5 + 0.025 * np.sin(inner)], axis=1)
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    face = scale * face @ np.array([[cosine, sine], [-sine, cosine]]) + (x, y)
    return face + wobble * np.stack([np.sin(1.7 * k + phase), np.cos(2.3 * k + phase)], axis=1)


def picture(number, height, width):
    """(3, height, width) float32: the closed-form picture of frame `number`."""
    channel, y, x = np.arange(3)[:, None, None], np.arange(height)[None, :, None], np.arange(width) + 5 * number
    value = 127.5 + 60 * np.sin(2 * np.pi * x * (channel + 1) / 97) + 50 * np.cos(2 * np.pi * y / (71 + 13 * channel))
    return np.clip(value + 17 * ((x // 16 + y // 16) % 2), 0, 255).astype(np.float32)


def drawn(name, shape, low, high):
    """An input that no json lists, by the rule for all."""
    rng = np.random.default_rng([zlib.crc32(name.encode()), 7])
    return rng.uniform(low, high, shape).astype(np.float32)


def crop_as_published(pictures, matrices, width):
    """(n, 3, H, W) and (n, 2, 3) -> (n, 3, height, width): the right places, and the original's shift of them.

    It counts from outermost centre to outermost centre where the sampling counts from edge to edge.
    """
    height = lawdnet_crop.height_of(width)
    crops = []
    for one, matrix in zip(pictures, matrices, strict=True):
        x, y = (np.linspace(-1, 1, 2 * n + 1)[1::2] for n in (width, height))
        grid = np.stack(np.meshgrid((x + 1) * (width - 1) / 2, (y + 1) * (height - 1) / 2), axis=-1)
        source = warp.invert_points(matrix, grid) / ((FRAME[1] - 1) / 2, (FRAME[0] - 1) / 2) - 1
        where = torch.from_numpy(source.astype(np.float32))[None]
        crops.append(functional.grid_sample(torch.from_numpy(one)[None], where, align_corners=False)[0].numpy())
    return np.stack(crops)


def sets(golden):
    return np.stack([face_landmarks(*one) for one in golden.meta["values"]["sets"]])


def matrices(landmarks, width):
    return np.stack([lawdnet_crop.matrix(one, width) for one in landmarks])


def square(matrix):
    return np.concatenate([matrix, np.broadcast_to([[[0.0, 0.0, 1.0]]], (len(matrix), 1, 3))], axis=1)


def face_align(golden):
    landmarks, values = sets(golden), golden.meta["values"]
    pictures = [picture(number, *values["frame"]) for number in range(len(landmarks))]
    results = {"landmarks": landmarks, "template25": lawdnet_crop.TEMPLATE}
    for width in (80, 320, 360, 640):
        layout = find_layout("lawdnet", width)
        assert [layout.height, layout.width] == values[f"crop_{width}"]
        found = np.stack([layout.transform(layout.corners(one), 960, 840) for one in landmarks])
        np.testing.assert_allclose(square(found), golden.arrays[f"matrix_{width}"], rtol=0, atol=1e-3)  # pixels
        results[f"matrix_{width}"] = square(found)
        results[f"inverse_{width}"] = np.linalg.inv(square(found))
        scale = 1 / np.sqrt(np.linalg.det(found[:, :, :2]))
        np.testing.assert_allclose(scale, values[f"source_pixels_per_crop_pixel_{width}"], rtol=1e-5)
        step = {320: 8, 360: 12}.get(width)
        if step:
            crop = crop_as_published(pictures, found, width)
            results[f"crop_{width}"] = crop[:, :, ::step, ::step]
            results[f"crop_patch_{width}"] = crop[:, :, 200:220, 150:170]
            warped = [warp.apply_points(*pair) for pair in zip(found, landmarks, strict=True)]
            results[f"warped_landmarks_{width}"] = np.stack(warped)
    results["template_in_360_crop"] = 180 * (lawdnet_crop.TEMPLATE + lawdnet_crop.CENTRE)
    return results


def recover(golden):
    """The original's way to paste, which leaves holes: each crop pixel goes into one pixel of the frame."""
    height, width = golden.meta["values"]["crop"]
    made = drawn("recover", (3, 3, height, width), 0, 255)
    found = matrices(sets(golden), width)
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    frames, written = [], []
    for number, (crop, matrix) in enumerate(zip(made, found, strict=True)):
        frame = picture(number, *golden.meta["values"]["frame"])
        x, y = np.moveaxis(np.trunc(warp.invert_points(matrix, grid)).astype(int), -1, 0)
        frame[:, y, x] = crop
        frames.append(frame)
        written.append(np.zeros(frame.shape[1:], np.float32))
        written[-1][y, x] = 1
    frames, written = np.stack(frames), np.stack(written)
    patch = np.s_[..., 300:340, 450:490]
    return {
        "matrix": square(found),
        "recovered": frames[:, :, ::6, ::6],
        "recovered_patch": frames[patch],
        "written_patch": written[patch],
    }


def smooth_square_mask(golden):
    results = {"kernel": kernel()}
    for height, width in ((104, 80), (208, 160), (416, 320), (468, 360)):
        alpha, name = soft_mask(height, width), f"{height}x{width}"
        step = max(1, height // 52)
        results[f"alpha_row_{name}"] = alpha[int(0.6 * height)]
        results[f"alpha_column_{name}"] = alpha[:, width // 2]
        results[f"alpha_{name}"] = alpha[::step, ::step][:52, :40]
    fake, real = (drawn(f"feather_{name}", (1, 3, 104, 80), 0, 255) for name in ("fake", "real"))
    share = 0.8 * soft_mask(104, 80)
    results["feathered"] = ((1 - share) * fake + share * real)[:, :, ::4, ::4]
    return results


def kernel():
    distance = np.arange(-2, 3) ** 2
    weights = np.exp(-0.5 * (distance[:, None] + distance))
    return weights / weights.sum()


def dinet_crop_radius(golden):
    results, values = {}, golden.meta["values"]
    for case in values["cases"]:
        scale, degrees, x, y, wobble = case["set"]
        moved = [(scale * (1 + 0.01 * f), degrees, x + 3 * f, y + f, wobble, f) for f in range(9)]
        clip = np.trunc([face_landmarks(*one) for one in moved])
        results.setdefault(str(case["set"]), clip)
        radii = dinet_crop.face_radius(clip, case["random_scale"])
        radius = dinet_crop.crop_radius(radii)
        boxes = np.stack([dinet_crop.box(nose, radius) for nose in dinet_crop.nose_of(clip)])
        steady = np.floor(radii).max() <= 1.5 * np.floor(radii).min()
        inside = boxes.min() >= 0 and (boxes[:, 2:] <= np.array(values["frame"])[::-1]).all()
        assert (steady and inside) == case["crop"], case["set"]
        if case["crop"]:
            assert radius == case["radius"], case["set"]
            left, top, right, bottom = boxes.T
            expected = np.stack([top, bottom, left, right], axis=1)
            np.testing.assert_array_equal(expected, case["boxes_y0_y1_x0_x1"])
    return {f"clip_{number}": clip for number, clip in enumerate(results.values())}


@torch.no_grad()
def pipeline_80(golden):
    """Align, mask, paint; the crops sampled where the original samples them."""
    width, faces = golden.meta["kwargs"]["out_W"], golden.sibling("face_align").meta["values"]
    found = matrices(np.stack([face_landmarks(*one) for one in faces["sets"]]), width)
    pictures = [picture(number, *faces["frame"]) for number in range(3)]
    aligned = torch.from_numpy(np.clip(crop_as_published(pictures, found, width), 0, 255) / 255)
    masked = aligned * torch.from_numpy(soft_mask(*aligned.shape[2:]).copy())
    references = stacked(aligned[golden.meta["values"]["references"]])
    golden.meta["loud"] = golden.sibling("lawdnet_loud").meta["loud"]
    net = filled(golden, LawDNet(LawDNetConfig()))
    new = net(masked, torch.from_numpy(drawn("pipeline_audio", (3, 29, 5), -1, 1)), net.prepare(references[None]))
    return {
        "masked": masked[..., ::4, ::4],
        "reference": references[..., ::4, ::4],
        "new": new[..., ::2, ::2],
        "matrix": square(found),
    }


CASES = {
    "pipeline_80": pipeline_80,
    "face_align": face_align,
    "recover": recover,
    "smooth_square_mask": smooth_square_mask,
    "dinet_crop_radius": dinet_crop_radius,
}
