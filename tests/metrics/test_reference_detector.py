"""S3FD's maps to boxes, pads and smoothing, on cases that can be worked out by hand."""

import numpy as np
import pytest
import torch

from tk_tools.face import s3fd
from tk_tools.face.reference_boxes import reference_boxes, smooth_boxes
from tk_tools.face.s3fd_boxes import (
    anchors,
    best_rectangle,
    decode,
    face_alignment_faces,
    non_maximum_suppression,
    syncnet_faces,
)


def test_suppression_keeps_the_best_of_those_that_overlap():
    boxes = np.array([[0, 0, 10, 10, 0.6], [1, 1, 11, 11, 0.9], [50, 50, 60, 60, 0.7]], np.float32)
    assert non_maximum_suppression(boxes, iou=0.3, pixel=0).tolist() == [1, 2]


def test_a_pixel_more_makes_small_boxes_overlap():
    boxes = np.array([[0, 0, 1, 1, 0.9], [1, 0, 2, 1, 0.8]], np.float32)  # side by side, or sharing a column
    assert len(non_maximum_suppression(boxes, iou=0.3, pixel=0)) == 2
    assert len(non_maximum_suppression(boxes, iou=0.3, pixel=1)) == 1


def test_nothing_to_suppress():
    assert len(non_maximum_suppression(np.zeros((0, 5), np.float32), iou=0.3, pixel=1)) == 0


def test_anchor_of_a_cell_and_its_box():
    priors = anchors([(2, 3), (1, 2), (1, 1), (1, 1), (1, 1), (1, 1)])
    assert priors[5].tolist() == [10, 6, 16, 16]  # row 1, column 2 of stride 4
    assert priors[7].tolist() == [12, 4, 32, 32]  # row 0, column 1 of stride 8
    box = decode(torch.tensor([1.0, 0, np.log(2) / 0.2, 0]), priors[5])
    assert box.numpy() == pytest.approx([10 + 1.6 - 16, 6 - 8, 10 + 1.6 + 16, 6 + 8], abs=1e-4)


def maps_with(hits, images=1):
    maps = []
    for level, size in enumerate([(8, 8), (4, 4), (2, 2), (1, 1), (1, 1), (1, 1)]):
        classes = torch.zeros((images, 2, *size))
        classes[:, 0] = 5
        for image, at, row, column, score in hits:
            if at == level:
                classes[image, 1, row, column] = 5 + score
        maps.append((classes, torch.zeros((images, 4, *size))))
    return maps


def test_each_picture_has_its_own_faces():
    first, second, none = face_alignment_faces(maps_with([(0, 1, 2, 2, 3), (1, 0, 1, 5, 2)], images=3))
    assert first[0, :4].tolist() == [20 - 16, 20 - 16, 20 + 16, 20 + 16]
    assert second[0, :4].tolist() == [22 - 8, 6 - 8, 22 + 8, 6 + 8]
    assert best_rectangle(second) == (14, 0, 30, 14)  # cut at the upper edge
    assert best_rectangle(none) is None


def test_syncnet_keeps_only_sure_faces():
    candidates = np.array([[0.1, 0.1, 0.5, 0.5, 0.95], [0.6, 0.6, 0.9, 0.9, 0.89]], np.float32)
    faces = syncnet_faces(candidates, height=100, width=200)
    assert faces == pytest.approx(np.array([[20, 10, 100, 50, 0.95]]), rel=1e-5)


def test_the_two_builds_read_each_others_tensors_and_differ():
    torch.manual_seed(0)
    ours = s3fd.S3FD(s3fd.FACE_ALIGNMENT).eval()
    names = s3fd._syncnet_names()
    theirs = {
        f"{ {v: k for k, v in names.items()}[key.rpartition('.')[0]] }.{key.rpartition('.')[2]}": value
        for key, value in ours.state_dict().items()
    }
    other = s3fd.S3FD(s3fd.SYNCNET).eval()
    other.load_state_dict(s3fd.from_syncnet_names(theirs))
    picture = torch.randn(1, 3, 90, 122)
    with torch.inference_mode():
        sizes = [[tuple(classes.shape[2:]) for classes, _ in network(picture)] for network in (ours, other)]
    assert sizes[0] == [(22, 30), (11, 15), (5, 7), (6, 7), (3, 4), (2, 2)]
    assert sizes[1] == [(22, 30), (11, 15), (5, 7), (2, 3), (1, 2), (1, 1)]


def test_smoothing_is_a_truncated_mean_of_five():
    boxes = np.arange(40).reshape(10, 4) ** 2
    smooth = smooth_boxes(boxes)
    assert smooth[0].tolist() == boxes[:5].mean(axis=0).astype(int).tolist()
    assert smooth[5].tolist() == boxes[5:].mean(axis=0).astype(int).tolist()
    assert smooth[6].tolist() == np.vstack([smooth[5], boxes[6:]]).mean(axis=0).astype(int).tolist()


def test_smoothing_of_fewer_than_five_boxes():
    boxes = np.array([[10] * 4, [20] * 4, [40] * 4, [81] * 4])
    assert smooth_boxes(boxes)[:, 0].tolist() == [81, 81, 81, 81]
    assert smooth_boxes(boxes[:3])[0, 0] == 30
    assert smooth_boxes(boxes[:2])[0, 0] == 15
    assert smooth_boxes(boxes[:1])[0, 0] == 10


def test_pads_stay_in_the_picture():
    boxes = reference_boxes(np.array([[2, 3, 90, 95]]), pads=(5, 10, 1, 20), height=100, width=100, smooth=False)
    assert boxes.tolist() == [[1, 0, 100, 100]]
