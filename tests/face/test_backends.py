import sys

import numpy as np
import pytest

from tests.face.scenes import ground, put_face
from tests.face.test_crop import write_video
from tk_tools.errors import ConfigError, InputError, MissingPackage, WeightsError
from tk_tools.face import boxes
from tk_tools.face.backends import DETECTORS, BackendOptions, make_backend
from tk_tools.face.crop import CropOptions, crop_faces
from tk_tools.face.picture import Picture
from tk_tools.files.face_file import FaceFile


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No weights on this machine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TK_WEIGHTS", raising=False)
    monkeypatch.delenv("TORCH_HOME", raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def fan_folder(tmp_path_factory):
    """A folder with FAN weights of the right shape and no knowledge."""
    import torch
    from face_alignment.models import FAN

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    torch.save(FAN(4).state_dict(), folder / "2DFAN4-11f355bf06.pth.tar")
    return folder


@pytest.fixture(scope="module")
def picture():
    return Picture(put_face(ground(320, 320), 160, 160))


FACE = np.array([110, 95, 205, 210])  # about where it is


def test_dlib_finds_the_face_with_each_effort(picture):
    backend = make_backend("dlib")
    for effort in range(backend.efforts):
        found = backend.search(picture, effort)
        assert effort == 2 or boxes.overlap(found[0].box, FACE) > 0.5
    assert boxes.overlap(backend.follow(picture, FACE)[0].box, FACE) > 0.5
    assert backend.confirm(picture, FACE)
    assert not backend.confirm(Picture(ground(320, 320)), FACE)


def test_dlib_landmarks_lie_on_the_face(picture):
    backend = make_backend("dlib")
    landmarks = backend.landmarks(picture, backend.search(picture, 0)[0].box)
    eyes, mouth, chin = landmarks[36:48].mean(axis=0), landmarks[48:68].mean(axis=0), landmarks[8]
    assert eyes[1] < mouth[1] < chin[1]
    assert np.abs(eyes[0] - mouth[0]) < 15
    assert boxes.overlap(backend.expected_box(landmarks), backend.search(picture, 0)[0].box) > 0.75


def test_descriptor_knows_the_person_again(picture):
    backend = make_backend("dlib")
    again = Picture(put_face(ground(320, 320), 150, 170, scale=0.9, turn=8))
    first, second = (
        backend.describe(one, backend.landmarks(one, backend.search(one, 0)[0].box)) for one in (picture, again)
    )
    assert first.shape == (128,)
    assert np.linalg.norm(first - second) < 0.4


@pytest.mark.parametrize(("detector", "file"), [("sfd", "s3fd-619a316812.pth"), ("blazeface", "blazeface.pth")])
def test_missing_detector_weights_are_named(nowhere, detector, file):
    with pytest.raises(WeightsError, match=f"tk-weights fetch {'s3fd' if detector == 'sfd' else detector}.*{file}"):
        make_backend("face-alignment", BackendOptions(detector=detector, weights_dir=nowhere))


def test_missing_landmark_weights_are_named(nowhere):
    """The detector alone would do for boxes; crops need the landmarks, so this is told at once."""
    with pytest.raises(WeightsError, match="2DFAN4-11f355bf06"):
        make_backend("face-alignment", BackendOptions(detector="dlib", weights_dir=nowhere))


def test_wrong_weights_are_refused(nowhere, fan_folder):
    for name in ("s3fd-619a316812.pth", "2DFAN4-11f355bf06.pth.tar"):
        (nowhere / name).write_bytes(b"<html>not found</html>")
    with pytest.raises(WeightsError):
        make_backend("face-alignment", BackendOptions(detector="sfd", weights_dir=nowhere))
    with pytest.raises(WeightsError):
        make_backend("face-alignment", BackendOptions(detector="dlib", weights_dir=nowhere))


def test_face_alignment_with_its_dlib_detector(fan_folder, picture):
    backend = make_backend("face-alignment", BackendOptions(detector="dlib", weights_dir=fan_folder))
    assert backend.label == "face-alignment (dlib, FAN 2D)"
    found = backend.search(picture, 0)
    assert boxes.overlap(found[0].box, FACE) > 0.5
    assert boxes.overlap(backend.follow(picture, FACE)[0].box, FACE) > 0.5
    assert backend.landmarks(picture, found[0].box).shape == (68, 2)
    assert backend.describe(picture, np.zeros((68, 2))) is None


def test_given_boxes(fan_folder, tmp_path):
    """The detector `folder`: rows of NaN are frames without the face."""
    clip = write_video(tmp_path / "a.b.mp4", [put_face(ground(320, 320), 160, 160)] * 16)
    given = np.tile(FACE.astype(np.float32), (16, 1))
    given[:12] = np.nan
    (tmp_path / "boxes").mkdir()
    np.save(tmp_path / "boxes" / "a.b.npy", given)
    options = CropOptions(
        backend="face-alignment", detector="folder", boxes=tmp_path / "boxes", weights_dir=fan_folder, gap=0.1
    )
    assert crop_faces(clip, tmp_path / "a.b.face.h5", options)["frames_without_face"] == 12
    with FaceFile(tmp_path / "a.b.face.h5") as file:
        assert file.backend == "face-alignment (folder, FAN 2D)"
        np.testing.assert_array_equal(np.flatnonzero(file.valid), [12, 13, 14, 15])
    np.save(tmp_path / "boxes" / "a.b.npy", np.zeros(3))
    with pytest.raises(InputError, match=r"expected numbers \(frames, 4\)"):
        crop_faces(clip, tmp_path / "c.face.h5", options)
    (tmp_path / "boxes" / "a.b.npy").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        crop_faces(clip, tmp_path / "c.face.h5", options)


def test_absent_packages(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(MissingPackage, match="pip install dlib-bin"):
        make_backend("dlib")
    monkeypatch.setitem(sys.modules, "face_alignment", None)
    with pytest.raises(MissingPackage, match="pip install face-alignment"):
        make_backend("face-alignment")


def test_names():
    with pytest.raises(ConfigError, match="no face backend yolo; there are dlib, face-alignment"):
        make_backend("yolo")
    with pytest.raises(ConfigError, match="no detector haar"):
        make_backend("face-alignment", BackendOptions(detector="haar"))
    assert {"sfd", "blazeface", "dlib", "folder"} <= set(DETECTORS)
