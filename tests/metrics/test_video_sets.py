"""FVD of equal sets is nothing, more damage is further away, and sets that it cannot be taken of say so."""

import itertools
from fractions import Fraction

import cv2
import numpy as np
import pytest

from tests.metrics.networks_drawn import write_i3d
from tests.models.wav2lip.talking import portrait
from tk_tools.errors import InputError
from tk_tools.files.ffmpeg import write_video
from tk_tools.metrics.video_fvd import CLIP
from tk_tools.metrics.video_sets import distance_of_sets

SIDE = 64


def write(path, sigma=0.0, *, frames=2 * CLIP, start=0):
    """The portrait swaying, small; blurred."""
    pictures = (cv2.resize(portrait(start + n), (SIDE, SIDE), interpolation=cv2.INTER_AREA) for n in range(frames))
    write_video(path, (cv2.GaussianBlur(p, (0, 0), sigma) if sigma else p for p in pictures), fps=Fraction(25))
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_i3d(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return write(tmp_path_factory.mktemp("real") / "clip.mp4")


def test_equal_sets_are_at_zero_and_more_blur_is_further(weights, real, tmp_path):
    (tmp_path / "copy.mp4").write_bytes(real.read_bytes())
    made = [tmp_path / "copy.mp4", *(write(tmp_path / f"{sigma}.mp4", sigma) for sigma in (1.0, 6.0))]
    distances = [distance_of_sets("fvd", [path], [real], weights) for path in made]
    assert distances[0] == pytest.approx(0, abs=1e-3 * distances[1])
    assert all(near < far for near, far in itertools.pairwise(distances))


@pytest.fixture
def means(monkeypatch):
    """In the place of I3D: the mean of each picture."""
    monkeypatch.setattr("tk_tools.metrics.video_fvd.load_i3d", lambda *_: lambda clips: clips.mean(dim=(1, 3, 4)))


def test_what_is_left_over_of_sixteen_is_not_looked_at(means, weights, real, tmp_path):
    pieces = [write(tmp_path / f"{n}.mp4", 1.0, frames=CLIP, start=CLIP * n) for n in range(2)]
    short = write(tmp_path / "short.mp4", frames=CLIP - 1)
    found = distance_of_sets("fvd", pieces, [real], weights)
    assert distance_of_sets("fvd", [*pieces, short], [real], weights) == found > 0


@pytest.mark.parametrize(
    ("frames", "said"), [(CLIP + 3, "FVD needs two runs of 16 pictures"), (CLIP - 1, "FVD needs two runs")]
)
def test_sets_of_less_than_two_clips_are_told(means, weights, real, tmp_path, frames, said):
    with pytest.raises(InputError, match=said):
        distance_of_sets("fvd", [write(tmp_path / "a.mp4", frames=frames)], [real], weights)


@pytest.mark.parametrize("measure", ["fid", "fvd"])
def test_a_file_in_both_sets_is_told_before_anything_is_opened(real, tmp_path, measure):
    (tmp_path / "link.mp4").symlink_to(real)
    with pytest.raises(InputError, match=r"link\.mp4: is among the made videos and among the real ones"):
        distance_of_sets(measure, [tmp_path / "link.mp4"], [real], tmp_path / "no weights")


def test_pictures_are_scaled_and_the_middle_square_is_taken():
    from tk_tools.metrics.video_fvd import i3d_input

    marked = np.zeros((2, 112, 160, 3), np.uint8)
    marked[:, :, 24:136] = 255  # the middle square
    assert i3d_input(marked).shape == (3, 2, 224, 224)
    assert i3d_input(marked)[..., 2:-2].min() == 1
