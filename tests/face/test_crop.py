import os
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.face.scenes import ground, put_face
from tests.media import write_click_wav
from tk_tools.errors import ConfigError, InputError
from tk_tools.face import boxes, warp
from tk_tools.face.crop import CropOptions, crop_faces, find_face, stretches
from tk_tools.files.extract import FramesOptions, extract_frames
from tk_tools.files.face_file import FaceFile
from tk_tools.files.ffmpeg import VideoWriter
from tk_tools.files.video import read_frames

PNG = CropOptions(codec="png")


def write_video(path: Path, pictures, sound: Path | None = None) -> Path:
    """An mp4 at 25 frames/s of pictures (H, W, 3) uint8 RGB."""
    height, width = pictures[0].shape[:2]
    with VideoWriter(path, width=width, height=height, fps=Fraction(25), audio=sound, quality=12) as writer:
        for picture in pictures:
            writer.write(picture)
    return path


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """30 pictures with sound; the face is missing in pictures 10 to 21."""
    folder = tmp_path_factory.mktemp("talk")
    empty = ground(400, 640)
    pictures = [empty if 10 <= i < 22 else put_face(empty, 200 + 3 * i, 180, scale=0.8) for i in range(30)]
    return write_video(folder / "a talk.mp4", pictures, sound=write_click_wav(folder / "sound.wav", 1.2))


@pytest.fixture(scope="module")
def cropped(talk):
    target = talk.with_name("a talk.face.h5")
    return crop_faces(talk, target, PNG), target


def test_facts_and_file(cropped, talk):
    facts, target = cropped
    assert facts["warning"] == "no face in 12 of 30 frames (0.4-0.88 s)"
    assert facts["without_face"] == [[0.4, 0.88]]
    assert (facts["frames"], facts["frames_without_face"], facts["fps"], facts["seconds"]) == (30, 12, 25.0, 1.2)
    with FaceFile(target) as file:
        assert (len(file), file.frames.height, file.frames.width) == (30, 96, 96)
        assert (file.layout, file.backend) == ("wav2lip", "dlib (HOG, 68 landmarks)")
        assert file.source_size == (640, 400)
        np.testing.assert_array_equal(np.flatnonzero(~file.valid), np.arange(10, 22))
        assert np.isnan(file.landmarks[10:22]).all()
        assert np.isfinite(file.landmarks[file.valid]).all()
        assert len(file.audio.samples) == 19200
        assert file.params["layout"] == "wav2lip"
        assert "weights_dir" not in file.params


def test_crops_are_what_the_transforms_say(cropped, talk):
    _, target = cropped
    with FaceFile(target) as file:
        crops = file.frames.read(0, len(file))
        for picture, made, transform, box in zip(read_frames(talk), crops, file.transform, file.box, strict=True):
            np.testing.assert_array_equal(warp.crop(picture, transform, width=96, height=96), made)
            np.testing.assert_allclose(warp.transform_corners(transform, 96, 96)[[0, 2]].ravel(), box, atol=1e-3)


def test_the_same_bytes_again(cropped, talk, tmp_path):
    _, target = cropped
    crop_faces(talk, tmp_path / "again.face.h5", PNG)
    assert (tmp_path / "again.face.h5").read_bytes() == target.read_bytes()


def test_from_frames_file(cropped, talk, tmp_path):
    frames = tmp_path / "a talk.frames.h5"
    extract_frames(talk, frames, FramesOptions(codec="raw"))
    facts = crop_faces(frames, tmp_path / "b.face.h5", PNG)
    assert facts["frames_without_face"] == 12
    with FaceFile(cropped[1]) as first, FaceFile(tmp_path / "b.face.h5") as second:
        np.testing.assert_array_equal(first.frames.read(0, 30), second.frames.read(0, 30))
        np.testing.assert_array_equal(first.audio.samples, second.audio.samples)


def test_no_face_is_an_error_and_leaves_nothing(tmp_path):
    source = write_video(tmp_path / "empty.mp4", [ground(120, 160)] * 4)
    with pytest.raises(InputError, match="no face in any of 4 frames") as error:
        crop_faces(source, tmp_path / "out" / "empty.face.h5", CropOptions())
    assert error.value.path == str(source)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_face_number_that_is_not_there(tmp_path):
    source = write_video(tmp_path / "one.mp4", [put_face(ground(300, 300), 150, 150)] * 2)
    with pytest.raises(InputError, match="no face number 2; at most 1 "):
        crop_faces(source, tmp_path / "one.face.h5", CropOptions(face="2"))


@pytest.mark.parametrize("layout", ["syncnet", "lawdnet"])
def test_layouts_and_pads(tmp_path, layout):
    picture = put_face(ground(320, 320), 160, 160)
    source = tmp_path / "photo.png"
    cv2.imwrite(str(source), picture[:, :, ::-1])
    facts = crop_faces(source, tmp_path / "photo.face.h5", CropOptions(layout=layout, pads=(1, 2, 3, 4)))
    assert facts["frames"] == 1
    assert facts["sound"] is False
    sizes = {"syncnet": (224, 224), "lawdnet": (416, 320)}
    with FaceFile(tmp_path / "photo.face.h5") as file:
        assert (file.frames.height, file.frames.width) == sizes[layout]
        assert file.valid.all()
        assert file.audio is None
        inside = warp.apply_points(file.transform[0], file.landmarks[0])
        assert inside.min() > 0
        assert (inside < sizes[layout][::-1]).all()


def test_find_face_in_one_picture():
    found = find_face(put_face(ground(320, 320), 160, 160))
    assert boxes.overlap(found.box, np.array([110, 90, 200, 210])) > 0.5
    assert find_face(ground(320, 320)) is None


def test_unknown_names(tmp_path):
    with pytest.raises(ConfigError, match="no layout round"):
        crop_faces(tmp_path / "a.mp4", tmp_path / "a.face.h5", CropOptions(layout="round"))
    with pytest.raises(ConfigError, match="no face backend eye"):
        crop_faces(tmp_path / "a.mp4", tmp_path / "a.face.h5", CropOptions(backend="eye"))


def test_stretches():
    assert stretches(np.array([1, 1, 0, 1, 0, 0, 1], bool)) == [(0, 2), (3, 4), (6, 7)]
    assert stretches(np.zeros(3, bool)) == []


DATA = Path(os.environ.get("TK_DATA", "/nonexistent"))
CLIPS = sorted((DATA / "video").glob("*.mp4"))


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("clip", CLIPS or [None], ids=lambda clip: clip.stem if clip else "none")
def test_real_clips(clip, tmp_path):
    """The face is found in 99 of 100 frames of every sample clip."""
    if clip is None:
        pytest.skip("no sample media: set TK_DATA")
    facts = crop_faces(clip, tmp_path / "clip.face.h5", CropOptions())
    assert facts["frames_without_face"] <= 0.01 * facts["frames"]
