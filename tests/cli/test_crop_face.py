import json

import pytest

from tests.face.openface import write_openface
from tests.face.scenes import ground, put_face
from tests.face.test_crop import write_video
from tk_tools.files.face_file import FaceFile


@pytest.fixture
def clips(tmp_path):
    """One clip with a face and one without."""
    folder = tmp_path / "in put"
    folder.mkdir()
    write_video(folder / "face.mp4", [put_face(ground(300, 300), 150, 150)] * 5)
    write_video(folder / "none.mp4", [ground(120, 160)] * 5)
    return folder


def test_one_bad_clip_stops_nothing(tk, clips, tmp_path):
    ran = tk("tk-crop-face", "--json", "--errors", tmp_path / "errors", clips, tmp_path / "out")
    assert ran.code == 1
    (row,) = map(json.loads, ran.out.splitlines())
    assert row["path"] == str(tmp_path / "out" / "face.face.h5")
    assert (row["frames"], row["frames_without_face"], row["without_face"]) == (5, 0, [])
    assert f"{clips / 'none.mp4'}: no face in any of 5 frames" in ran.err
    (failed,) = map(json.loads, (tmp_path / "errors").read_text().splitlines())
    assert failed["path"] == str(clips / "none.mp4")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["face.face.h5"]
    assert tk("tk-crop-face", clips / "none.mp4", tmp_path / "new" / "out").code == 1
    assert not (tmp_path / "new").exists()


def test_a_second_run_does_nothing_until_an_option_changes(tk, clips, tmp_path):
    target = tmp_path / "face.face.h5"
    assert tk("tk-crop-face", clips / "face.mp4", target).paths == [target]
    before = target.stat().st_mtime_ns
    assert tk("tk-crop-face", clips / "face.mp4", target).code == 0
    assert target.stat().st_mtime_ns == before
    assert tk("tk-crop-face", "--pads", "0", "10", "0", "0", clips / "face.mp4", target).code == 0
    assert target.stat().st_mtime_ns > before


def test_several_faces_are_told_unless_one_is_asked_for(tk, tmp_path):
    two = put_face(put_face(ground(300, 600), 150, 150), 450, 150, scale=0.8, mirrored=True)
    write_video(tmp_path / "two.mp4", [two] * 5)
    ran = tk("tk-crop-face", "--json", tmp_path / "two.mp4", tmp_path / "out")
    assert json.loads(ran.out)["faces_seen"] == 2
    (told,) = ran.err.splitlines()
    assert "two.mp4: 2 faces in one picture; the largest is followed (--face says which)" in told
    assert told.endswith("no sound: enough for tk-infer, not for training")
    ran = tk("tk-crop-face", "--json", "--face", "left", tmp_path / "two.mp4", tmp_path / "left")
    assert json.loads(ran.out)["faces_seen"] == 2
    assert "2 faces" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--detector", "yunet"), "--backend face-alignment"),
        (("--backend", "face-alignment", "--detector", "folder"), "--boxes"),
        (("--backend", "face-alignment", "--boxes", "."), "--detector folder"),
        (("--backend", "face-alignment", "--device", "cuda:99"), "--device"),
        (("--face", "middle"), "say largest, left, right"),
        (("--width", "640"), "wav2lip has one size"),
        (("--layout", "lawdnet", "--width", "4"), "--width"),
        (("--layout", "dinet", "--pads", "0", "10", "0", "0"), "--pads is for the layout wav2lip"),
        (("--landmarks", ".", "--backend", "dlib"), "--landmarks and --backend"),
        (("--landmarks", "nowhere"), "nowhere"),
        (("--layout", "round"), "wav2lip"),
        (("--backend", "eye"), "face-alignment"),
        (("--pads", "1", "2", "3", "x"), "not a valid integer"),
    ],
)
def test_wrong_values_end_with_2_before_anything_is_opened(tk, tmp_path, arguments, said):
    ran = tk("tk-crop-face", *arguments, tmp_path / "missing.mp4", tmp_path / "out")
    assert ran.code == 2
    assert said in ran.err
    assert not (tmp_path / "out").exists()


def test_openface_files_are_taken_by_name(tk, clips, tmp_path):
    tk("tk-crop-face", "--layout", "lawdnet", "--width", "80", clips / "face.mp4", tmp_path / "face.face.h5")
    (tmp_path / "csv").mkdir()
    with FaceFile(tmp_path / "face.face.h5") as file:
        assert (file.frames.width, file.frames.height) == (80, 104)
        write_openface(tmp_path / "csv" / "face.csv", file.landmarks)
    options = ("--layout", "dinet", "--landmarks", tmp_path / "csv")
    ran = tk("tk-crop-face", *options, clips, tmp_path / "out")
    assert (ran.code, ran.paths) == (1, [tmp_path / "out" / "face.face.h5"])
    assert f"{tmp_path / 'csv' / 'none.csv'}: cannot be read" in ran.err
    assert "already there" in tk("tk-crop-face", *options, clips, tmp_path / "out").err
    with FaceFile(tmp_path / "out" / "face.face.h5") as file:
        assert (file.layout, file.backend) == ("dinet", "openface")


def test_one_openface_file_is_of_one_video(tk, clips, tmp_path):
    ran = tk(
        "tk-crop-face", "--landmarks", clips / "face.mp4", clips / "face.mp4", clips / "none.mp4", tmp_path / "out"
    )
    assert ran.code == 2
    assert "--landmarks FILE is of one video" in ran.err


def test_missing_weights_are_told_in_one_line(tk, clips, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TK_WEIGHTS", raising=False)
    ran = tk("tk-crop-face", "--backend", "face-alignment", clips, tmp_path / "out")
    assert ran.code == 1
    (told,) = ran.err.splitlines()
    assert "tk-weights fetch s3fd" in told
    assert "face.mp4" not in told
    assert not (tmp_path / "out").exists()
