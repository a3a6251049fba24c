"""The reference detectors and trackers, SyncNet v2, LSE and FID."""

import re

import numpy as np
import torch

from tests.golden.golden import draw
from tk_tools.face import reference_boxes, s3fd, s3fd_boxes
from tk_tools.face.boxes import overlap
from tk_tools.metrics import (
    face_tracks,
    inception,
    lip_sync,
)
from tk_tools.metrics import (
    fid as fid_module,
)
from tk_tools.metrics import (
    lse as lse_module,
)
from tk_tools.metrics import (
    syncnet_v2 as v2,
)


def _tags(golden):
    """The first words of the output names in their order, one for each input or pair of inputs."""
    return list(dict.fromkeys(name.split("_")[0] for name in golden.meta["outputs"]))


@torch.no_grad()
def s3fd_face_alignment(golden):
    network = golden.fill(s3fd.S3FD(s3fd.FACE_ALIGNMENT))
    results = {}
    for tag, x in zip(_tags(golden), golden.tensors(), strict=True):
        for number, (classes, boxes) in enumerate(network(x), start=1):
            results |= {f"{tag}_cls{number}": classes, f"{tag}_reg{number}": boxes}
    return results


@torch.no_grad()
def s3fd_syncnet(golden):
    network = s3fd.S3FD(s3fd.SYNCNET).eval()
    drawn = {
        key: torch.from_numpy(np.asarray(draw(key, tuple(shape), golden.salt)))
        for key, shape in golden.meta["state_dict"].items()
    }
    network.load_state_dict(s3fd.from_syncnet_names(drawn))
    results = {}
    for tag, x in zip(_tags(golden), golden.tensors(), strict=True):
        faces, boxes, sizes = s3fd_boxes.flatten_maps(network(x))
        results[f"{tag}_loc"] = boxes
        results[f"{tag}_conf"] = torch.stack([1 - faces, faces], dim=-1)
        results[f"{tag}_priors"] = s3fd_boxes.syncnet_priors(sizes, height=x.shape[2], width=x.shape[3])
    return results


@torch.no_grad()
def syncnet_v2(golden):
    network = golden.fill(v2.SyncNetV2(golden.meta["kwargs"]["num_layers_in_fc_layers"]))
    mfcc, lips = golden.tensors()
    return {
        "aud": network.embed_audio(mfcc),
        "lip": network.embed_lips(lips),
        "lipfeat": network.lip_features(lips),
    }


def _wav2lip_heads(golden):
    """Class and box maps with the json's hits in them."""
    maps = []
    for level in range(len(golden.meta["map_sizes"])):
        classes = golden.signal(2 * level)
        classes[:, 0] += 3
        for image, at, row, column, boost in golden.meta["hits"]:
            if at == level:
                classes[image, 1, row, column] += np.float32(boost)
        boxes = np.float32(1.5) * golden.signal(2 * level + 1)
        maps.append((torch.from_numpy(classes), torch.from_numpy(boxes)))
    return maps


def _syncnet_heads(golden):
    """Face probabilities (cells,) and offsets (cells, 4) of image 0."""
    sizes = golden.meta["map_sizes"]
    loc, logit = golden.signal(2 * len(sizes))[0], 2 * golden.signal(2 * len(sizes) + 1)[0] - 4
    starts = np.cumsum([0] + [rows * columns for rows, columns in sizes])
    for image, level, row, column, boost in golden.meta["hits"]:
        if image == 0:
            logit[starts[level] + row * sizes[level][1] + column] += np.float32(boost + 2)
    return torch.sigmoid(torch.from_numpy(logit)), torch.from_numpy(np.float32(1.5) * loc)


def _numbers(golden, pattern):
    """The whole numbers that a sentence of the notes states."""
    return [int(number) for number in re.findall(r"\d+", re.search(pattern, golden.meta["notes"]).group())]


def face_boxes(golden):
    results = {}
    faces = s3fd_boxes.face_alignment_faces(_wav2lip_heads(golden))
    for number, found in enumerate(faces):
        results[f"faces{number}"] = found
    results["rects"] = np.array([s3fd_boxes.best_rectangle(found) or (-1, -1, -1, -1) for found in faces])

    index, rows, columns = _numbers(golden, r"frame\(\d+, \d+, \d+\)")
    picture = golden.frame(index, rows, columns)[None, ..., ::-1]
    x = s3fd_boxes.syncnet_input(picture)
    results["syncnet_net_input_s8"] = x[0, :, ::8, ::8]
    height, width = x.shape[2:]
    priors = s3fd_boxes.syncnet_priors([tuple(size) for size in golden.meta["map_sizes"]], height=height, width=width)
    found = s3fd_boxes.syncnet_candidates(*_syncnet_heads(golden), priors)
    results["syncnet_detect_top"] = np.roll(found, 1, axis=1)[: golden.meta["outputs"]["syncnet_detect_top"][0]]
    results["syncnet_faces"] = s3fd_boxes.syncnet_faces(found, height=rows, width=columns)

    smoothed = [name.removesuffix("_in") for name in golden.meta["outputs"] if name.endswith("_in")]
    for place, tag in enumerate(smoothed, start=len(golden.input_names) - len(smoothed)):
        boxes = golden.signal(place).astype(np.int32)
        results |= {f"{tag}_in": boxes, f"{tag}_out": reference_boxes.smooth_boxes(boxes)}
    pads = _numbers(golden, r"pads \d+ \d+ \d+ \d+")
    height, width = _numbers(golden, r"pictures of \d+x\d+")
    for name, smooth in (("smooth", True), ("nosmooth", False)):
        boxes = reference_boxes.reference_boxes(
            golden.meta["detections"], pads=pads, height=height, width=width, smooth=smooth
        )
        results[f"inference_coords_{name}"] = boxes[:, [1, 3, 0, 2]]
    return results


def tracking(golden):
    shot, crop = golden.meta["inputs"]["shot"], golden.meta["inputs"]["crop"]
    results = {}
    tracks = face_tracks.find_tracks([[(face["frame"], face["bbox"]) for face in faces] for faces in shot])
    for number, track in enumerate(tracks):
        results |= {f"track{number}_frames": track.frames, f"track{number}_boxes": track.boxes}
    path = face_tracks.crop_path(np.array(crop["boxes"]))
    results |= {"crop_s": path.half, "crop_x": path.x, "crop_y": path.y}
    first, count = crop["first_frame"], len(crop["boxes"])
    shown = _numbers(golden, r"outputs \d+(, \d+)* and \d+ of")
    frames = [golden.frame(first + i, *crop["picture"]) for i in shown]
    crops = [face_tracks.crop_frame(f, path.half[i], path.x[i], path.y[i]) for f, i in zip(frames, shown, strict=True)]
    results["crop_frames_s4"] = np.stack(crops)[:, ::4, ::4]
    results["crop_audio_cut"] = [float(t) for t in face_tracks.audio_cut(np.arange(first, first + count))]
    results["iou"] = overlap(*iou_pair(golden.meta["inputs"]))
    return results


UNSTATED_PAIR = ((0, 0, 100, 100), (30, 50, 100, 120))


def iou_pair(inputs):
    """The two boxes that `iou` is of: those that the json states as its input "iou", a pair or a dict with one.

    The first set's json states none, and no two of its boxes have that overlap (35/114): it varies with nothing that
    the json holds, so two boxes that have it stand for the pair that was kept out of it.
    """
    stated = inputs.get("iou", UNSTATED_PAIR)
    if isinstance(stated, dict):
        stated = stated.get("boxes") or list(stated.values())
    first, second = np.asarray(stated, dtype=float)
    return first, second


def _lse_outputs(result):
    return {"mean": result.curve, "lse_d": result.lse_d, "lse_c": result.lse_c, "offset": result.offset}


def lse(golden):
    results = {}
    rules = [rule for rule in golden.meta["inputs"].values() if "roll" in rule]
    for place, (tag, rule) in enumerate(zip(_tags(golden), rules, strict=True)):
        lips = golden.signal(2 * place)
        noise = np.float32(rule["mix"]) * golden.signal(2 * place + 1)
        audio = np.float32(0.7) * np.roll(lips, rule["roll"], axis=0) + noise
        found = lse_module.measure_sync(lips, audio, max_shift=golden.meta["vshift"])
        outputs = _lse_outputs(found) | {
            "dists": found.distances,
            "framewise_conf": found.framewise_confidence(),
        }
        results |= {f"{tag}_{name}": value for name, value in outputs.items()}
    return results


@torch.no_grad()
def lse_pipeline(golden):
    network = golden.fill(v2.SyncNetV2())
    for parameter in network.netfclip[3].parameters():
        parameter.mul_(0.1)
    scorer = lip_sync.SyncNetScorer(network)
    size = golden.meta["frame_size"]
    frames = np.stack([golden.frame(i, *size) for i in range(golden.meta["frames"])])[..., ::-1]
    samples = golden.pcm()[: golden.meta["samples"]]
    result = lip_sync.measure_clip(scorer, [frames], samples)
    sound = scorer.listen(samples)
    return _lse_outputs(result) | {
        "lip_s4": scorer.embed_faces(frames[: result.windows + 4])[:, ::4],
        "aud_s4": scorer.embed_sound(sound, 0, result.windows)[:, ::4],
    }


def fid(golden):
    results = {}
    for place, tag in enumerate(_tags(golden)):
        a, b = fid_module.FeatureStatistics(), fid_module.FeatureStatistics()
        a.add(golden.signal(2 * place))
        b.add(np.float32(0.8) * golden.signal(2 * place + 1) + np.float32(0.15))
        results[tag] = fid_module.frechet_distance(a, b)
        results[f"{tag}_by_eigenvalues"] = fid_module.frechet_distance_by_eigenvalues(a, b)
    return results


@torch.no_grad()
def fid_inception(golden):
    network = golden.fill(inception.FIDInception())
    (images,) = golden.tensors()
    first, second, third, features = network.blocks(images)
    return {
        "pool3": features,
        "block0_s8": first[:, ::4, ::8, ::8],
        "block1_s8": second[:, ::8, ::8, ::8],
        "block2_s4": third[:, ::16, ::4, ::4],
    }


CASES = {
    "s3fd_face_alignment": s3fd_face_alignment,
    "s3fd_syncnet": s3fd_syncnet,
    "syncnet_v2": syncnet_v2,
    "face_boxes": face_boxes,
    "tracking": tracking,
    "lse": lse,
    "lse_pipeline": lse_pipeline,
    "fid": fid,
    "fid_inception": fid_inception,
}
