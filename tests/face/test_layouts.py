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


@pytest.mark.parametrize("width", [80, 360, 640])
def test_lawdnet_is_one_crop_at_any_width(landmarks, width):
    """The template lies on pixel centres, as published: half a pixel of each width."""
    small, large = (layouts.find_layout("lawdnet", size) for size in (width, 320))
    assert (small.width, small.height) == (width, 13 * width // 10)
    places = [
        warp.apply_points(layout.transform(layout.corners(landmarks), 400, 300), landmarks) for layout in (small, large)
    ]
    np.testing.assert_allclose(places[0] * 320 / width, places[1], atol=1e-6)


def test_lawdnet_lays_the_eyes_level_and_the_nose_in_the_middle(landmarks):
    turned = (landmarks - 100) @ np.array([[0.8, 0.6], [-0.6, 0.8]]) + 300
    layout = layouts.find_layout("lawdnet")
    placed = warp.apply_points(layout.transform(layout.corners(turned), 600, 600), turned)
    assert abs(placed[36:42, 1].mean() - placed[42:48, 1].mean()) < 1e-4
    assert placed[30, 0] == pytest.approx(160)


def test_landmarks_in_one_point_still_give_a_crop():
    """A failed detector must not stop a run."""
    for name in layouts.OF_ANY_WIDTH:
        layout = layouts.find_layout(name)
        transform = layout.transform(layout.corners(np.full((68, 2), 50.0)), 100, 100)
        assert np.isfinite(transform).all()


@pytest.mark.parametrize("name", layouts.OF_ANY_WIDTH)
def test_a_profile_still_gives_a_crop_of_its_size(landmarks, name):
    """Half of the points lie behind the others; the crop stays about as large as that of the face from the front."""
    profile = landmarks.copy()
    profile[:, 0] = 100 + 0.1 * (landmarks[:, 0] - 100)
    layout = layouts.find_layout(name)
    sizes = []
    for points in (landmarks, profile):
        corners = layout.corners(points)
        assert np.isfinite(layout.transform(corners, 400, 300)).all()
        sizes.append(np.linalg.norm(corners[1] - corners[0]))
    assert 0.4 < sizes[1] / sizes[0] < 2.5


def test_dinet_takes_its_size_from_the_largest_face_nearby(landmarks):
    layout = layouts.find_layout("dinet")
    own = layout.corners(landmarks)
    larger = layout.corners(landmarks * 1.3)
    steady = layout.steadied(np.stack([own, own, larger]), 1)
    alone = layout.steadied(np.stack([own]), 0)
    side = 1.05 * (140 - landmarks[29, 1])
    assert alone[1, 0] - alone[0, 0] == 2.5 * 4 * (int(side / 2 / 4) + 1)
    assert steady[1, 0] - steady[0, 0] == 2.5 * 4 * (int(1.3 * side / 2 / 4) + 1)
    for corners, size in ((own, 1), (larger, 1.3), (steady, 1), (alone, 1)):  # around the nose
        x = (corners[0, 0] + corners[1, 0]) / 2
        y = corners[0, 1] + (corners[2, 1] - corners[0, 1]) / 3.25
        assert (x, y) == pytest.approx((landmarks[33, 0] * size + 0.5, landmarks[29, 1] * size + 0.5))


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
    with pytest.raises(ConfigError, match="wav2lip has one size; of any width are lawdnet and dinet"):
        layouts.find_layout("wav2lip", 100)
    assert tuple(layouts.OF_ANY_WIDTH) == crop_face.OF_ANY_WIDTH
    assert tuple(layouts.LAYOUTS) == crop_face.LAYOUTS
