"""The published procedure for real videos: a row for each face track of each shot, with its own place and offset."""

import numpy as np
import pytest
import soundfile
import torch

from tests.media import ffmpeg
from tests.metrics.loudness import loudness_expert, make_clip
from tk_tools.errors import InputError, WeightsError
from tk_tools.face import s3fd
from tk_tools.face.syncnet_detector import BATCH, SyncnetDetector
from tk_tools.metrics.lip_sync import ExpertScorer
from tk_tools.metrics.published_tracks import measure_tracks
from tk_tools.metrics.sync_clips import ClipOptions, Judge

FRAMES, CUT = 260, 130
LEFT, RIGHT = (40.0, 40.0, 160.0, 160.0), (240.0, 40.0, 360.0, 160.0)  # boxes of 120 px


def write_two_faces(path, *, late: int):
    """Two patches as bright as the sound is loud, the right one `late` frames behind; the scene changes at CUT."""
    level, samples = make_clip(5, FRAMES)
    level = 25 + level * (170 / 255)  # no change so great that it looks like a cut
    film = np.zeros((FRAMES, 220, 800, 3), np.uint8)
    film[:, :, :200] = level[:, None, None, None]
    film[:, :, 200:400] = np.roll(level, late)[:, None, None, None]
    film[CUT:, :, 400:] = 255
    sound = path.with_suffix(".wav")
    soundfile.write(sound, samples, 16000)
    ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", "800x220", "-framerate", "25", "-i", "pipe:0"),
        *("-i", sound, "-c:v", "libx264", "-crf", "4", "-preset", "ultrafast", path),
        pictures=film.tobytes(),
    )
    sound.unlink()
    return path


class Boxes:
    """A detector that knows: `boxes_of(number)` are the faces of a picture."""

    def __init__(self, boxes_of):
        self._boxes_of = boxes_of

    def faces_of_all(self, pictures):
        for number, picture in enumerate(pictures):
            yield picture, np.array([[*box, 0.95] for box in self._boxes_of(number)]).reshape(-1, 5)


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    weights = tmp_path_factory.mktemp("weights") / "expert.pth"
    torch.save(loudness_expert().state_dict(), weights)
    return Judge("made", weights, ExpertScorer(loudness_expert()))


def test_each_track_of_each_shot_is_a_row(judge, tmp_path):
    clip = write_two_faces(tmp_path / "two.mp4", late=3)
    seen = Boxes(lambda number: [LEFT] if 40 <= number < 60 else [LEFT, RIGHT])  # the right face is missed for a while
    rows = [facts for facts, _ in measure_tracks(clip, judge, seen, ClipOptions())]
    assert [(row["track"], row["first_frame"], row["frames"]) for row in rows] == [
        (1, 0, CUT),
        (2, 0, CUT),
        (3, CUT, CUT),
        (4, CUT, CUT),
    ]
    assert [row["offset"] for row in rows] == [0, 3, 0, 3]


def test_a_track_too_short_for_the_shifts_is_an_error_of_its_own(judge, tmp_path):
    clip = write_two_faces(tmp_path / "two.mp4", late=0)
    until = CUT + 101  # the second shot's faces are there for too few frames
    seen = Boxes(lambda number: [LEFT] if number < until else [])
    options = ClipOptions(max_shift=80)  # needs 125 frames
    first, second = measure_tracks(clip, judge, seen, options)
    assert (first[0]["lse_d"], first[1].windows) == (pytest.approx(first[1].lse_d), CUT - 4)
    assert second[1] is None
    assert (second[0]["track"], second[0]["first_frame"]) == (2, CUT)
    assert second[0]["error"].startswith("track 2 of 2: too short to measure")


def test_a_video_without_a_track_says_what_the_procedure_takes(judge, tmp_path):
    clip = write_two_faces(tmp_path / "two.mp4", late=0)
    small = [(box[0], box[1], box[0] + 90, box[1] + 90) for box in (LEFT, RIGHT)]
    for boxes in ([], small):
        with pytest.raises(InputError, match="no face track of more than 100 frames and 100 px"):
            list(measure_tracks(clip, judge, Boxes(lambda number, boxes=boxes: boxes), ClipOptions()))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """An sfd_face.pth of random weights."""
    torch.manual_seed(1)
    ours = {layer: name for name, layer in s3fd._syncnet_names().items()}
    state = {}
    for key, tensor in s3fd.S3FD(s3fd.SYNCNET).state_dict().items():
        layer, _, leaf = key.rpartition(".")
        state[f"{ours[layer]}.{leaf}"] = tensor * (3.0 if "conf" in key else 1.0)
    path = tmp_path_factory.mktemp("s3fd") / "sfd_face.pth"
    torch.save(state, path)
    return path


def test_faces_do_not_hang_on_the_batch(weights):
    pictures = np.random.default_rng(0).integers(0, 255, (BATCH + 3, 160, 240, 3), np.uint8)
    detector = SyncnetDetector(weights)
    together = list(detector.faces_of_all(pictures))
    assert [picture.tobytes() for picture, _ in together] == [picture.tobytes() for picture in pictures]
    for picture, faces in together:
        (alone,) = detector.faces(picture[None])
        assert faces == pytest.approx(alone, abs=1e-3)


def test_another_network_is_refused(tmp_path, judge):
    with pytest.raises(WeightsError, match="S3FD of syncnet_python"):
        SyncnetDetector(judge.weights)
