from fractions import Fraction

import numpy as np
import pytest

from tests.face.openface import write_openface
from tests.face.scenes import ground, put_face
from tests.face.test_crop import write_video
from tk_tools.errors import InputError
from tk_tools.face.crop import OPENFACE, CropOptions, crop_faces, crop_given
from tk_tools.face.openface import read_openface
from tk_tools.files.face_file import FaceFile

GIVEN = CropOptions(layout="lawdnet", backend=OPENFACE, gap=0.0)


@pytest.fixture
def points():
    """(10, 68, 2): some landmarks that grow from picture to picture."""
    return np.random.default_rng(0).uniform(100, 200, (68, 2)) + np.arange(10)[:, None, None]


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """A clip of 20 pictures, and the landmarks (20, 68, 2) that were found in it."""
    folder = tmp_path_factory.mktemp("openface")
    video = write_video(folder / "talk.mp4", [put_face(ground(300, 300), 140 + 2 * i, 150) for i in range(20)])
    crop_faces(video, folder / "found.face.h5", CropOptions(layout="lawdnet"))
    with FaceFile(folder / "found.face.h5") as file:
        return video, file.landmarks, file.transform


@pytest.mark.parametrize(("blank", "gaze"), [(" ", False), ("", True)])
def test_columns_are_found_by_name(tmp_path, points, blank, gaze):
    found = read_openface(write_openface(tmp_path / "a.csv", points, blank=blank, gaze=gaze))
    np.testing.assert_allclose(found.points, points, rtol=1e-5)
    np.testing.assert_array_equal(found.number, np.arange(10))
    assert (found.confidence == 0.98).all()


def test_rows_that_are_missing_or_lost_are_pictures_without_a_face(tmp_path, points):
    found = read_openface(write_openface(tmp_path / "a.csv", points, without=(3, 4), lost=(6,)))
    assert found.pictures == 10
    lookup = found.on_clock(Fraction(25), Fraction(25))
    given = [lookup.next() for _ in range(12)]
    assert [place for place, one in enumerate(given) if one is None] == [3, 4, 6, 10, 11]
    np.testing.assert_allclose(given[5][0], points[5], rtol=1e-5)


def test_another_rate_takes_the_row_of_that_time(tmp_path, points):
    lookup = read_openface(write_openface(tmp_path / "a.csv", points, fps=50)).on_clock(Fraction(25), Fraction(50))
    np.testing.assert_allclose([lookup.next()[0] for _ in range(5)], points[::2], rtol=1e-5)


def test_of_two_faces_the_one_that_is_there_longer(tmp_path, points):
    text = write_openface(tmp_path / "a.csv", points).read_text().splitlines()
    other = text[2].replace("2, 0,", "2, 1,", 1)
    (tmp_path / "a.csv").write_text("\n".join([*text[:3], other, *text[3:]]) + "\n")
    found = read_openface(tmp_path / "a.csv")
    assert (len(found.points), found.faces) == (10, 2)


def test_two_faces_are_told(talk, tmp_path):
    video, landmarks, _ = talk
    csv = write_openface(tmp_path / "talk.csv", landmarks)
    text = csv.read_text().splitlines()
    csv.write_text("\n".join([*text[:3], text[2].replace("2, 0,", "2, 1,", 1), *text[3:]]) + "\n")
    facts = crop_given(video, csv, tmp_path / "b.face.h5", GIVEN)
    assert f"{csv} has rows of 2 faces; the one in most rows is followed" in facts["warning"]


@pytest.mark.parametrize("time", ["0.08", "0.02"])
def test_time_stamps_that_do_not_rise_are_told_with_their_line(tmp_path, points, time):
    text = write_openface(tmp_path / "a.csv", points).read_text().splitlines()
    text[4] = text[4].replace("4, 0, 0.12,", f"4, 0, {time},", 1)
    (tmp_path / "a.csv").write_text("\n".join([text[0], "", *text[1:]]) + "\n")
    with pytest.raises(InputError, match=rf"line 6: its time stamp {time} s is not later than 0.08 s"):
        read_openface(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no row"),
        ("frame, confidence\n1, 0.9\n", "has no column x_0"),
        (None, "line 4 is not 141 numbers"),
        (b"\xff\xfe\x00binary", "is not a CSV file"),
    ],
)
def test_other_files_are_told(tmp_path, points, text, said):
    path = tmp_path / "a.csv"
    if text is None:
        lines = write_openface(path, points).read_text().splitlines()
        text = "\n".join([*lines[:3], lines[3][:200]])
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=said):
        read_openface(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_openface(tmp_path / "none.csv")


def test_given_landmarks_make_the_crops_that_found_ones_make(talk, tmp_path):
    video, landmarks, transform = talk
    csv = write_openface(tmp_path / "talk.csv", landmarks)
    facts = crop_given(video, csv, tmp_path / "a.face.h5", GIVEN)
    assert facts["backend"] == "openface"
    assert "ends with" not in facts["warning"]
    with FaceFile(tmp_path / "a.face.h5") as file:
        np.testing.assert_allclose(file.transform, transform, atol=0.02)
        np.testing.assert_allclose(file.landmarks, landmarks, atol=0.01)
        assert file.source.first.name == "talk.mp4"


def test_rows_that_are_missing_make_frames_invalid_and_other_counts_are_told(talk, tmp_path):
    video, landmarks, _ = talk
    csv = write_openface(tmp_path / "talk.csv", landmarks[:15], without=(2, 3, 4))
    facts = crop_given(video, csv, tmp_path / "a.face.h5", GIVEN)
    assert "ends with picture 15, the video with 20" in facts["warning"]
    assert "no face in 8 of 20 frames" in facts["warning"]
    with FaceFile(tmp_path / "a.face.h5") as file:
        np.testing.assert_array_equal(np.flatnonzero(~file.valid), [2, 3, 4, *range(15, 20)])


def test_landmarks_of_no_picture_leave_nothing(talk, tmp_path):
    video, landmarks, _ = talk
    csv = write_openface(tmp_path / "talk.csv", landmarks, lost=range(20))
    with pytest.raises(InputError, match=r"talk.csv: has landmarks for none of the 20 frames"):
        crop_given(video, csv, tmp_path / "a.face.h5", GIVEN)
    assert not (tmp_path / "a.face.h5").exists()


@pytest.mark.parametrize(
    "spoil", [lambda points: points + 5000, lambda points: points * (0.01, 1)], ids=["of another size", "a line"]
)
def test_landmarks_that_are_no_face_of_the_picture_are_no_face(talk, tmp_path, spoil):
    video, landmarks, _ = talk
    given = np.array(landmarks)
    given[5:9] = spoil(given[5:9])
    crop_given(video, write_openface(tmp_path / "talk.csv", given), tmp_path / "a.face.h5", GIVEN)
    with FaceFile(tmp_path / "a.face.h5") as file:
        np.testing.assert_array_equal(np.flatnonzero(~file.valid), [5, 6, 7, 8])
