"""Made clips: what is seen and heard is what the truth says, the sound displaced by the shift asked for."""

import numpy as np
import pytest

from tk_tools.demo.clip import ClipOptions, make_clip, truth_path
from tk_tools.errors import OutputError
from tk_tools.face.crop import CropOptions, follow_face
from tk_tools.face.mouth import opening_from_landmarks
from tk_tools.files.media import probe
from tk_tools.files.rates import FRAME_RATE
from tk_tools.files.soundtrack import read_audio
from tk_tools.files.truth_file import read_truth_file
from tk_tools.files.video import read_frames
from tk_tools.metrics.lse import measure_sync

OPTIONS = ClipOptions(seed=11, index=0, seconds=3.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    target = tmp_path_factory.mktemp("made") / "a.mp4"
    make_clip(target, OPTIONS)
    return target


def test_clip_and_truth_agree_in_length(clip):
    info, truth = probe(clip), read_truth_file(truth_path(clip))
    assert (info.width, info.height, info.fps) == (256, 256, 25)
    assert len(list(read_frames(clip))) == len(truth.opening) == len(truth.width) == 75
    assert len(read_audio(clip, rate=16000)) / 16000 == pytest.approx(3.0, abs=0.05)
    assert truth.frame_rate == FRAME_RATE
    assert truth.shift == 0
    assert truth.params["seed"] == 11
    assert truth.params["size"] == 256


def test_truth_names_what_is_said(clip):
    truth = read_truth_file(truth_path(clip))
    assert len(truth.phoneme_names) == len(truth.phoneme_times) > 10
    assert np.all(np.diff(truth.phoneme_times, axis=1) > 0)
    assert truth.phoneme_times[0, 1] > 0
    assert truth.phoneme_times[-1, 0] < 3.0
    assert len(truth.sentences) == len(truth.sentence_starts) >= 1
    assert all(text[-1] in ".!?" for text in truth.sentences)


def test_measured_mouth_follows_the_truth(clip):
    truth = read_truth_file(truth_path(clip))
    frames = list(follow_face(read_frames(clip), CropOptions(smoothing=0)))
    assert all(frame.valid for frame in frames)
    landmarks = np.stack([frame.landmarks for frame in frames])
    assert np.corrcoef(opening_from_landmarks(landmarks), truth.opening)[0, 1] > 0.9
    assert np.ptp(truth.opening) > 0.12


def test_the_crop_does_not_tell_the_mouth(clip):
    """The box is as high with an open mouth as with a shut one: a network must take the mouth from the sound."""
    truth = read_truth_file(truth_path(clip))
    boxes = np.stack([frame.box for frame in follow_face(read_frames(clip), CropOptions(smoothing=0))])
    height = boxes[:, 3] - boxes[:, 1]
    half = np.median(truth.opening)
    assert height[truth.opening > half].mean() == pytest.approx(height[truth.opening <= half].mean(), rel=0.012)


@pytest.mark.parametrize("shift", [-5, 3])
def test_positive_shift_brings_the_sound_early_and_leaves_the_pictures(clip, tmp_path, shift):
    moved = tmp_path / "moved.mp4"
    make_clip(moved, ClipOptions(**vars(OPTIONS) | {"shift": shift}))
    assert all(np.array_equal(one, other) for one, other in zip(read_frames(clip), read_frames(moved), strict=True))
    rate = 16000
    still, early = (read_audio(path, rate=rate).astype(float) for path in (clip, moved))
    step = abs(shift) * rate // FRAME_RATE
    head, tail = (still[step:], early[: len(still) - step]) if shift > 0 else (still[: len(still) - step], early[step:])
    length = min(len(head), len(tail)) - 1000
    assert np.corrcoef(head[500:length], tail[500:length])[0, 1] > 0.98
    truths = [read_truth_file(truth_path(path)) for path in (clip, moved)]
    assert truths[1].shift == shift
    assert np.array_equal(truths[0].phoneme_times, truths[1].phoneme_times)


@pytest.mark.parametrize("shift", [-4, 0, 5])
def test_the_sync_measure_finds_the_shift(clip, tmp_path, shift):
    """The sound of the unshifted clip stands for its pictures; both are embedded as what is heard in five frames."""
    moved = tmp_path / "moved.mp4"
    make_clip(moved, ClipOptions(**vars(OPTIONS) | {"shift": shift}))

    def embed(path):
        samples = read_audio(path, rate=16000).astype(float)[: 74 * 640]
        energy = np.log(np.square(samples).reshape(-1, 160).mean(axis=1) + np.square(samples).mean() * 1e-3)
        return np.stack([energy[4 * frame : 4 * frame + 20] for frame in range(70)])

    assert measure_sync(embed(clip), embed(moved)).offset == shift


def test_same_options_same_bytes(clip, tmp_path):
    again = tmp_path / "a.mp4"
    make_clip(again, OPTIONS)
    assert again.read_bytes() == clip.read_bytes()
    assert truth_path(again).read_bytes() == truth_path(clip).read_bytes()


def test_clip_that_cannot_be_written(tmp_path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(OutputError):
        make_clip(tmp_path / "folder" / "a.mp4", ClipOptions(seed=1, index=0, seconds=0.4, size=64))
