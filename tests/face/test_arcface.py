"""Faces are laid on ArcFace's five points wherever they stand, and described alike one by one and together."""

import numpy as np
import pytest
import torch

from tests.metrics.networks_drawn import write_arcface
from tests.models.wav2lip.talking import portrait
from tk_tools.errors import WeightsError
from tk_tools.face.arcface import PLACES, align_face, alignment, describe_faces, five_points, load_arcface
from tk_tools.face.crop import find_face
from tk_tools.face.warp import apply_points


def moved(points, *, degrees, scale, shift):
    angle = np.deg2rad(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ turn.T + shift


@pytest.mark.parametrize("degrees", [0, 30, -120, 180])
def test_points_that_were_moved_are_brought_back(degrees):
    points = moved(PLACES, degrees=degrees, scale=2.5, shift=(300, -40))
    assert apply_points(alignment(points), points) == pytest.approx(PLACES, abs=1e-9)


def test_other_points_come_as_near_as_turning_scaling_and_shifting_can():
    random = np.random.default_rng(1)
    points = moved(PLACES, degrees=12, scale=1.4, shift=(20, 90)) + random.normal(0, 3, (5, 2))
    best = alignment(points)

    def error(transform):
        return ((apply_points(transform, points) - PLACES) ** 2).sum()

    for _ in range(50):
        change = random.normal(0, 1e-3, 4)
        other = best + np.array([[change[0], -change[1], change[2]], [change[1], change[0], change[3]]])
        assert error(best) <= error(other)


def test_a_face_is_laid_on_the_published_points():
    frame = find_face(portrait())
    face = align_face(frame.rgb, frame.landmarks)
    found = find_face(np.pad(face, ((40, 40), (40, 40), (0, 0)), mode="edge"))
    assert face.shape == (112, 112, 3)
    assert np.linalg.norm(five_points(found.landmarks) - 40 - PLACES, axis=1).mean() < 5


@pytest.mark.parametrize("depth", [18, 50])
def test_the_depth_is_read_off_the_file(tmp_path, depth):
    assert load_arcface(write_arcface(tmp_path, depth)).depth == depth


def test_faces_together_are_described_as_each_by_itself(tmp_path):
    network = load_arcface(write_arcface(tmp_path))
    faces = [portrait(shift)[20:132, 60:172] for shift in (0, 5, 40)]
    together = describe_faces(network, faces)
    assert np.linalg.norm(together, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert together[1] == pytest.approx(describe_faces(network, faces[1:2])[0], abs=1e-5)
    assert together[0] @ together[1] > together[0] @ together[2]


def test_another_network_is_refused(tmp_path):
    torch.save({"features.0.weight": torch.zeros(1), "features.3.weight": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="is not ArcFace's IResNet"):
        load_arcface(tmp_path / "a.pth")
