import numpy as np
import pytest

from tests.face.scenes import ground, put_face
from tk_tools.cli import crop_face
from tk_tools.errors import ConfigError
from tk_tools.face import boxes, layouts, warp
from tk_tools.face.backends import make_backend
from tk_tools.face.picture import Picture


@pytest.fixture(scope="module")
def landmarks():
    """A made frontal face, 100 wide, from brows at y = 40 to the chin at 140."""
    angle = np.pi * np.arange(17) / 16
    face = np.zeros((68, 2))
    face[:17] = np.stack([100 - 50 * np.cos(angle), 60 + 80 * np.sin(angle)], axis=1)
    face[17:27] = np.stack([np.linspace(62, 138, 10), np.full(10, 40.0)], axis=1)
    face[27:31] = np.stack([np.full(4, 100.0), np.linspace(58, 90, 4)], axis=1)
    face[31:36] = np.stack([np.linspace(90, 110, 5), np.full(5, 98.0)], axis=1)
    around = np.pi * np.arange(6) / 3
    face[36:42] = (80, 58) + 6 * np.stack([np.cos(around), np.sin(around)], axis=1)
    face[42:48] = (120, 58) + 6 * np.stack([np.cos(around), np.sin(around)], axis=1)
    face[48:60] = np.stack([100 - 18 * np.cos(np.pi * np.arange(12) / 6), np.full(12, 115.0)], axis=1)
    face[60:68] = np.stack([100 - 14 * np.cos(np.pi * np.arange(8) / 4), np.full(8, 115.0)], axis=1)  # shut
    return face


def test_face_box_reaches_from_mid_forehead_to_chin(landmarks):
    left, top, right, bottom = layouts.face_box(landmarks) - 0.5
    assert (left, right, bottom) == pytest.approx((50, 150, 140))
    assert top == pytest.approx(40 - 0.25 * 100)


def test_face_box_stays_while_the_jaw_moves(landmarks):
    """Where the chin goes down by as much as it does for the gap of the lips, nothing of the box moves."""
    landmarks = landmarks.copy()
    shut = layouts.face_box(landmarks)
    gap = 12.0
    landmarks[65:68, 1] += gap
    landmarks[:17, 1] += layouts.JAW_DROP * gap * layouts.JAW_SHARE
    np.testing.assert_allclose(layouts.face_box(landmarks), shut, atol=1e-9)
    assert landmarks[8, 1] > shut[3] + 5


def test_wav2lip_is_the_face_box_and_stays_in_the_picture(landmarks):
    layout = layouts.find_layout("wav2lip")
    corners = layout.corners(landmarks)
    whole = layout.transform(corners, 400, 300)
    expected = [50.5, 15.5, 150.5, 140.5]
    np.testing.assert_allclose(warp.transform_corners(whole, 96, 96)[[0, 2]].ravel(), expected)
    padded = layout.transform(corners, 400, 300, pads=(1, 10, 2, 3))
    np.testing.assert_allclose(
        warp.transform_corners(padded, 96, 96)[[0, 2]].ravel(), np.add(expected, (-2, -1, 3, 10))
    )
    cut = layout.transform(corners, 120, 130)
    np.testing.assert_allclose(warp.transform_corners(cut, 96, 96)[[0, 2]].ravel(), [50.5, 15.5, 120, 130])


def test_syncnet_is_lower_and_larger(landmarks):
    """Half the longer side s: rows y - s to y + 1.8 s, columns x - 1.4 s to x + 1.4 s."""
    layout = layouts.find_layout("syncnet")
    transform = layout.transform(layout.corners(landmarks), 400, 300)
    x, y, s = 100.5, 78.0, 62.5
    expected = [x - 1.4 * s, y - s, x + 1.4 * s, y + 1.8 * s]
    np.testing.assert_allclose(warp.transform_corners(transform, 224, 224)[[0, 2]].ravel(), expected)


def golden_face(scale, degrees, x, y, wobble, phase):
    """The face of the published alignment's reference numbers, by its closed form."""
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


@pytest.mark.parametrize(
    ("face", "matrix"),
    [
        ((300, 0, 480, 330, 0.0, 0.0), [[0.92836946, 0, -285.61743], [0, 0.92836946, -201.28535]]),
        ((420, 12, 470, 300, 2.5, 0.3), [[0.64698708, 0.13700466, -185.07867], [-0.13700466, 0.64698708, -24.436417]]),
        ((150, -25, 600, 260, 1.5, 1.1), [[1.6754413, -0.77394801, -644.02454], [0.77394801, 1.6754413, -794.53345]]),
    ],
)
def test_lawdnet_turns_the_face_as_published(face, matrix):
    """iPaw-AI-LAB/LawDNet_2024@76a14bb FaceAlign at a width of 320; its arithmetic is float32."""
    layout = layouts.find_layout("lawdnet")
    transform = layout.transform(layout.corners(golden_face(*face)), 960, 840)
    np.testing.assert_allclose(transform, matrix, rtol=1e-6, atol=2e-3)


@pytest.mark.parametrize("name", layouts.LAYOUTS)
def test_a_layout_follows_the_face(name, landmarks):
    """A face moved and enlarged gives the same place in the crop."""
    layout = layouts.find_layout(name)
    first = layout.transform(layout.corners(landmarks), 1000, 1000)
    moved = (landmarks + 0.5) * 2 + (150, 220) - 0.5
    second = layout.transform(layout.corners(moved), 1000, 1000)
    np.testing.assert_allclose(warp.apply_points(first, landmarks), warp.apply_points(second, moved), atol=0.6)


def test_landmarks_from_unlike_boxes_give_the_same_face_box():
    """Backends agree through the landmarks: HOG and CNN box differ, the face boxes do not."""
    backend = make_backend("dlib")
    picture = Picture(put_face(ground(400, 400), x=200, y=200, scale=1.1))
    hog, cnn = backend.search(picture, 0)[0], backend.search(picture, backend.efforts - 1)[0]
    first, second = (layouts.face_box(backend.landmarks(picture, found.box)) for found in (hog, cnn))
    assert boxes.overlap(first, second) > 0.9
    assert boxes.overlap(hog.box, cnn.box) < boxes.overlap(first, second)


def test_names():
    with pytest.raises(ConfigError, match="no layout wave; there are wav2lip"):
        layouts.find_layout("wave")
    assert tuple(layouts.LAYOUTS) == crop_face.LAYOUTS
