import numpy as np
import pytest

from tests.face.scenes import ground, put_face
from tk_tools.errors import ConfigError
from tk_tools.face import boxes
from tk_tools.face.backends import Detection, make_backend
from tk_tools.face.cuts import CutDetector
from tk_tools.face.identity import face_template, likeness
from tk_tools.face.layouts import find_layout
from tk_tools.face.picture import Picture
from tk_tools.face.smooth import FaceStream
from tk_tools.face.track import Sighting, Tracker, check_choice


@pytest.fixture(scope="module")
def backend():
    return make_backend("dlib")


def follow(pictures, backend, choice="largest", **options):
    """The frames of pictures (H, W, 3), which are valid (n,), and the middles of their boxes (n, 2) px."""
    frames = list(FaceStream(pictures, Tracker(backend, choice), find_layout("wav2lip"), **options))
    valid = np.array([frame.valid for frame in frames])
    middles = np.array([boxes.center(frame.box) for frame in frames])
    return frames, valid, middles


def test_a_moving_turning_face_is_followed(backend):
    times = np.arange(40)
    xs, ys = 200 + 60 * np.sin(times / 8), 180 + 30 * np.cos(times / 6)
    pictures = [
        put_face(ground(360, 400), x, y, turn=12 * np.sin(t / 9)) for t, x, y in zip(times, xs, ys, strict=True)
    ]
    frames, valid, middles = follow(pictures, backend)
    assert valid.all()
    # the face lies at a fixed place of the head, but for the turning
    offsets = middles - np.stack([xs, ys], axis=1)
    assert np.abs(offsets - np.median(offsets, axis=0)).max() < 12
    assert all(np.isfinite(frame.score) for frame in frames)
    assert frames[0].landmarks.shape == (68, 2)


def test_smoothing_steadies_the_box_without_delay(backend):
    shake = np.random.default_rng(seed=3).normal(0, 1.5, (30, 2))
    pictures = [put_face(ground(300, 300), 150 + x, 150 + y) for x, y in shake]
    jitter = []
    for smoothing in (0.0, 0.05):
        _, valid, middles = follow(pictures, backend, smoothing=smoothing)
        assert valid.all()
        jitter.append(np.abs(np.diff(middles, n=2, axis=0)).mean())
    assert jitter[1] < jitter[0] / 2


def test_the_crop_of_dinet_keeps_its_size_for_a_while(backend):
    """Without smoothing its size is that of the largest face within two pictures, in steps of four radii."""
    pictures = [put_face(ground(300, 300), 150, 150, scale=1 + 0.01 * (i % 7)) for i in range(14)]
    layout = find_layout("dinet")
    frames = list(FaceStream(pictures, Tracker(backend), layout, smoothing=0.0, gap=0.0))
    assert all(frame.valid for frame in frames)
    own = np.array([layout.corners(frame.landmarks) for frame in frames])
    for number, frame in enumerate(frames):
        near = own[max(0, number - 2) : number + 3]
        np.testing.assert_allclose(frame.corners, layout.steadied(near, min(number, 2)))


def test_faceless_stretch_is_marked_and_the_clock_kept(backend):
    empty = ground(400, 640)
    pictures = [empty if 15 <= i < 40 else put_face(empty, 150 + 2 * i, 150, scale=0.8) for i in range(55)]
    frames, valid, middles = follow(pictures, backend)
    assert len(frames) == 55
    assert all(frame.rgb is picture for frame, picture in zip(frames, pictures, strict=True))
    np.testing.assert_array_equal(np.flatnonzero(~valid), np.arange(15, 40))
    assert all(frame.landmarks is None for frame in frames[15:40])
    np.testing.assert_array_equal(middles[15:40], np.tile(middles[14], (25, 1)))


def test_short_gap_is_interpolated(backend):
    empty = ground(400, 640)
    pictures = [empty if 12 <= i < 18 else put_face(empty, 150 + 3 * i, 150, scale=0.8) for i in range(30)]
    frames, valid, middles = follow(pictures, backend)
    assert valid.all()
    assert all(np.isnan(frame.score) for frame in frames[12:18])
    steps = np.diff(middles[8:22, 0])
    assert steps.min() > 1
    assert steps.max() < 5
    _, valid, _ = follow(pictures, backend, gap=0.0)
    np.testing.assert_array_equal(np.flatnonzero(~valid), np.arange(12, 18))


def test_a_face_that_comes_late_is_found_from_its_first_picture(backend):
    """The search looks at every third picture by then; the ones before are traced back."""
    empty = ground(400, 640)
    pictures = [empty if i < 13 else put_face(empty, 150, 150, scale=0.8) for i in range(25)]
    _, valid, _ = follow(pictures, backend)
    np.testing.assert_array_equal(np.flatnonzero(valid), np.arange(13, 25))


def test_no_face(backend):
    frames, valid, _ = follow([ground(240, 320)] * 8, backend)
    assert len(frames) == 8
    assert not valid.any()


@pytest.mark.parametrize(("choice", "x"), [("largest", 150), ("left", 150), ("right", 450), ("1", 150), ("2", 450)])
def test_choice_among_two_faces(backend, choice, x):
    empty = ground(300, 600)
    pictures = [put_face(put_face(empty, 150, 150), 450 - i, 150, scale=0.8, mirrored=True) for i in range(6)]
    _, valid, middles = follow(pictures, backend, choice)
    assert valid.all()
    assert np.abs(middles[:, 0] - x).max() < 40


def test_a_number_that_is_not_there(backend):
    tracker = Tracker(backend, "3")
    two = put_face(put_face(ground(300, 600), 150, 150), 450, 150, mirrored=True)
    assert tracker.step(Picture(two))[0] is None
    assert tracker.most_faces == 2


def test_choices():
    assert [check_choice(choice) for choice in ("largest", "left", "right", "7")] == ["largest", "left", "right", "7"]
    for wrong in ("0", "-1", "middle", ""):
        with pytest.raises(ConfigError, match="say largest, left, right"):
            check_choice(wrong)


@pytest.mark.parametrize("height", [720, 1080])
def test_small_face_in_a_large_picture(backend, height):
    width = height * 16 // 9
    pictures = [put_face(ground(height, width), width / 2 + 3 * i, height / 3, scale=0.7) for i in range(5)]
    _, valid, middles = follow(pictures, backend)
    assert valid.all()
    assert np.abs(middles - (width / 2 + 6, height / 3)).max() < 30


def test_nothing_is_smoothed_over_a_cut(backend):
    before = [put_face(ground(300, 400), 120, 150)] * 10
    after = [put_face(np.roll(ground(300, 400), 150, axis=1) // 2, 280, 150, mirrored=True)] * 10
    _, valid, middles = follow(before + after, backend)
    assert valid.all()
    assert np.ptp(middles[:10, 0]) < 2
    assert np.ptp(middles[10:, 0]) < 2
    assert middles[10, 0] - middles[9, 0] > 120


def test_cuts_stand_out_from_motion():
    detector = CutDetector()
    pan = [np.roll(ground(200, 320), 6 * i, axis=1) for i in range(10)]
    other = [np.roll(255 - ground(200, 320)[::-1] // 2, 6 * i, axis=1) for i in range(5)]
    found = [detector.is_cut(Picture(picture)) for picture in pan + other]
    assert [i for i, cut in enumerate(found) if cut] == [10]


def test_likeness(backend):
    picture = Picture(put_face(ground(300, 300), 150, 150))
    turned = Picture(put_face(ground(300, 300), 140, 160, turn=15, scale=1.2) // 2)
    landmarks, others = (backend.landmarks(one, backend.search(one, 0)[0].box) for one in (picture, turned))
    template = face_template(picture, landmarks)
    assert likeness(template, face_template(turned, others)) > 0.8  # turn, size and light do not matter
    assert likeness(template, face_template(picture, landmarks + np.array([60, 20]))) < 0.5
    assert likeness(template, None) == 0


class Scripted:
    """A backend whose faces are known: per picture a list of (x, y, person); the first pixel is its number."""

    label, efforts, sure_score = "scripted", 1, 0.5

    def __init__(self, script):
        self.script = script

    def search(self, picture, effort):
        faces = self.script[int(picture.rgb[0, 0, 0])]
        return [Detection(boxes.square(np.array([x, y]), 60), 1.0) for x, y, _ in faces]

    def follow(self, picture, box):
        return [found for found in self.search(picture, 0) if boxes.overlap(found.box, box) > 0]

    def confirm(self, picture, box):
        return bool(self.follow(picture, box))

    def landmarks(self, picture, box):
        """Nodes on the box; its middle tells who it is."""
        grid = np.stack(np.meshgrid(np.linspace(0.1, 0.9, 17), np.linspace(0.1, 0.9, 4)), axis=2).reshape(-1, 2)
        return box[:2] + grid * (box[2:] - box[:2])

    def expected_box(self, landmarks):
        return boxes.square(landmarks.mean(axis=0), 60)

    def describe(self, picture, landmarks):
        middle = landmarks.mean(axis=0)
        near = min(self.script[int(picture.rgb[0, 0, 0])], key=lambda face: np.hypot(*(middle - face[:2])))
        return np.eye(3)["ABC".index(near[2])]


def scripted_pictures(script):
    """Each person has a texture of its own, so that the looks differ as well."""
    textures = {who: np.random.default_rng(ord(who)).integers(0, 256, (60, 60, 3)).astype(np.uint8) for who in "ABC"}
    for number, faces in enumerate(script):
        picture = np.full((200, 400, 3), 90, np.uint8)
        for x, y, who in faces:
            picture[y - 30 : y + 30, x - 30 : x + 30] = textures[who]
        picture[0, 0] = number
        yield Picture(picture)


def places(script, choice="left"):
    """Where the tracker finds the face in each picture of the script: x in px, None without one."""
    tracker = Tracker(Scripted(script), choice)
    found = [tracker.step(picture)[0] for picture in scripted_pictures(script)]
    return [None if sighting is None else round(sighting.landmarks.mean(axis=0)[0]) for sighting in found]


def test_when_the_face_leaves_nobody_else_takes_its_place():
    both, alone = [(100, 100, "A"), (300, 100, "B")], [(300, 100, "B")]
    found = places([both] * 5 + [alone] * 8 + [both] * 5)
    assert found[:13] == [100] * 5 + [None] * 8
    assert found[15:] == [100] * 3  # searched for in every third picture by then


def test_a_face_that_passes_in_front_is_not_followed():
    script = []
    for i in range(30):
        a, b = (100 + 6 * i, 100, "A"), (280 - 6 * i, 100, "B")
        script.append([b] if abs(a[0] - b[0]) < 30 else [a, b])
    found = places(script)
    assert found[:12] == [100 + 6 * i for i in range(12)]
    assert all(place is None or abs(place - 100 - 6 * i) < 25 for i, place in enumerate(found))
    assert found[-3:] == [100 + 6 * i for i in range(27, 30)]


def test_the_same_person_is_found_on_the_other_side():
    first, second = [(100, 100, "A"), (300, 100, "B")], [(100, 100, "B"), (300, 100, "A")]
    assert places([first] * 5 + [[]] * 3 + [second] * 5)[-5:] == [300] * 5


def test_sightings_are_of_the_chosen_face_only():
    script = [[(100, 100, "A"), (300, 100, "B")]] * 3
    tracker = Tracker(Scripted(script), "right")
    for picture in scripted_pictures(script):
        sighting, cut = tracker.step(picture)
        assert isinstance(sighting, Sighting)
        assert not cut
        assert sighting.landmarks.mean(axis=0)[0] == pytest.approx(300, abs=1)


class Counting:
    """Pictures made on demand, with the number of those still held."""

    def __init__(self, count):
        self.count, self.made = count, []

    def __iter__(self):
        import weakref

        for i in range(self.count):
            picture = put_face(ground(240, 260), 120 + i % 5, 120)
            self.made.append(weakref.ref(picture))
            yield picture

    def held(self):
        return sum(reference() is not None for reference in self.made)


def test_memory_does_not_grow_with_the_clip(backend):
    pictures = Counting(70)
    most = 0
    for number, _ in enumerate(FaceStream(pictures, Tracker(backend), find_layout("wav2lip"))):
        if number > 20:
            most = max(most, pictures.held())
    assert most < 22
