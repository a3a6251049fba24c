"""Stage pitch: what it is taught, what it learns of true pitch, what it hands on, and resumes."""

import shutil
import sys

import numpy as np
import pytest
import torch

from tests.models.hifigan.sounds import voice, write_voice
from tests.models.styletts2.recordings import write_list
from tests.train.helpers import Told, same
from tk_tools.audio.mel import mel
from tk_tools.errors import MissingPackage, OutputError
from tk_tools.models import get_model, load
from tk_tools.models.stages import suffixes_of
from tk_tools.models.styletts2.config import PitchConfig
from tk_tools.models.styletts2.published import load_pitch_extractor
from tk_tools.models.styletts2.training import tracked_pitch
from tk_tools.models.styletts2.training.data import QUIET_ENDS, inspect_list
from tk_tools.models.styletts2.training.pitch import ITEM_FRAMES, PitchItems, PitchTask, pitch_errors, quieter
from tk_tools.models.styletts2.training.tracked_pitch import TrackedPitch, track_frames
from tk_tools.train import checkpoint
from tk_tools.train.clips import ClipFiles
from tk_tools.train.config import make_config
from tk_tools.train.run_folder import RunFolder
from tk_tools.train.session import run_stage
from tk_tools.train.task import Draw

STAGE = get_model("styletts2").stage("pitch")
SMALL = {
    "sizes": {"pitch_channels": [8, 16, 24, 32], "pitch_features": 32},
    "batch_size": 2,
    "learning_rate": 4e-3,
    "loader_workers": 0,
    "accelerator": "cpu",
    "log_every": 1,
    "validate_every": 2,
    "checkpoint_every": 2,
}


def train(folder, paths, val=(), needs=None, **values):
    return run_stage(
        model="styletts2",
        stage="pitch",
        task=load(STAGE.task),
        config=make_config(load(STAGE.config), values=SMALL | values),
        clips=ClipFiles(paths, val),
        suffixes=suffixes_of(STAGE),
        needs=needs or {},
        out=folder,
        log=Told(),
        command="test",
    )


def true_pitch(seconds, seed, frames):
    """What tests/models/hifigan/sounds.py says, for each mel frame of the recording with its quiet ends."""
    times = np.arange(frames) / 80 - QUIET_ENDS / 24000
    glide = 120 + 20 * seed + 30 * np.sin(2 * np.pi * (0.7 + 0.1 * seed) * times)
    return np.where((times >= 0) & (times < seconds), glide, 0).astype(np.float32)


@pytest.fixture
def no_tracker(monkeypatch):
    """Training whose tracker knows the pitch of the recordings of write_list, by their lengths."""

    def track(wave, tracker):
        seed = round((len(wave) / 24000 - 2 * QUIET_ENDS / 24000 - 0.8) / 0.05)
        return true_pitch(0.8 + 0.05 * seed, seed, len(wave) // 300)

    monkeypatch.setattr(tracked_pitch, "track_frames", track)


def test_the_tracked_pitch_is_the_true_one():
    wave = np.pad(voice(1.2, rate=24000), QUIET_ENDS)
    found = track_frames(wave, "pyin")
    true = true_pitch(1.2, 0, len(wave) // 300)
    both = (found > 0) & (true > 0)
    assert np.abs(found[both] / true[both] - 1).max() < 0.03
    assert ((found > 0) != (true > 0)).mean() < 0.04


def test_a_recording_is_tracked_once(tmp_path, monkeypatch):
    path = write_voice(tmp_path / "a.wav")
    calls = []
    monkeypatch.setattr(tracked_pitch, "track_frames", lambda wave, tracker: calls.append(1) or np.ones(4, np.float32))
    first, second = (TrackedPitch("pyin", tmp_path / "kept") for _ in range(2))
    for tracked in (first, first, second):
        assert tracked.of(path, np.zeros(1200, np.float32)).tolist() == [1, 1, 1, 1]
    assert len(calls) == 1
    TrackedPitch("harvest", tmp_path / "kept").of(path, np.zeros(1200, np.float32))
    assert len(calls) == 2


def test_a_folder_that_cannot_be_written_ends_the_training(tmp_path, no_tracker):
    made = write_list(tmp_path / "wavs", count=2)
    (tmp_path / "kept").write_text("a file")
    with pytest.raises(OutputError, match="kept"):
        train(tmp_path / "run", [made], max_steps=1, tracked=str(tmp_path / "kept"))


def test_what_was_kept_in_part_is_tracked_again(tmp_path, no_tracker):
    path = write_voice(tmp_path / "a.wav", 0.8)
    wave = np.pad(voice(0.8, rate=24000), QUIET_ENDS)
    first = TrackedPitch("pyin", tmp_path / "kept").of(path, wave)
    (kept,) = (tmp_path / "kept").iterdir()
    kept.write_bytes(kept.read_bytes()[:50])
    np.testing.assert_array_equal(TrackedPitch("pyin", tmp_path / "kept").of(path, wave), first)
    assert np.load(kept).shape == first.shape


def test_a_quieter_mel_is_that_of_the_quieter_sound():
    wave = voice(0.3, rate=24000)
    np.testing.assert_allclose(quieter(mel(wave, "styletts2"), 0.5), mel(0.5 * wave, "styletts2"), atol=2e-3)


def test_items_are_parts_of_recordings_with_silence_behind_short_ones(tmp_path, no_tracker):
    clips = list(inspect_list(write_list(tmp_path, count=2), PitchConfig()).clips.values())
    item = PitchItems(clips, PitchConfig(lowest_gain=0.5))[Draw(0, seed=1)]
    assert {name: tuple(value.shape) for name, value in item.items()} == {
        "mel": (80, ITEM_FRAMES), "pitch": (ITEM_FRAMES,), "silent": (ITEM_FRAMES,)
    }  # fmt: skip
    frames = clips[0].frames
    assert frames < ITEM_FRAMES
    np.testing.assert_allclose(item["mel"][:, frames:], mel(np.zeros(6000, np.float32), "styletts2")[0, 0], atol=1e-5)
    assert item["silent"][frames:].all()
    assert not item["pitch"][frames:].any()
    assert ((item["pitch"] == 0) == item["silent"].bool()).all()


def test_errors_are_counted_where_there_is_a_voice():
    true = torch.tensor([[100.0, 200, 0, 0]])
    errors = pitch_errors(torch.tensor([[200.0, 5, 3, 50]]), true)
    assert float(errors["hz"]) == (100 + 195) / 2
    assert float(errors["cents"]) == pytest.approx((1200 + 1200 * np.log2(20)) / 2)
    assert float(errors["voicing"]) == 0.5  # a voice too low for the decoder, and one where there is none


@pytest.mark.slow
def test_a_voice_that_it_never_heard_is_told_within_five_percent(tmp_path, no_tracker):
    made = write_list(tmp_path / "wavs", count=8)
    lines = made.read_text().splitlines(keepends=True)
    (tmp_path / "wavs/held.phonemes.txt").write_text(lines.pop(4))
    made.write_text("".join(lines))
    best = train(
        tmp_path / "run", [made], [tmp_path / "wavs/held.phonemes.txt"], batch_size=6, max_steps=60, validate_every=60
    )
    extractor = load_pitch_extractor(best)
    wave = np.pad(voice(1.0, rate=24000, seed=4), QUIET_ENDS)
    bands = torch.from_numpy(mel(wave, "styletts2"))
    with torch.no_grad():
        heard = extractor(bands.T[None])[0].numpy()
    true = true_pitch(1.0, 4, len(heard))
    spoken = true > 0
    assert np.abs(heard[spoken] / true[spoken] - 1).mean() < 0.05
    assert ((heard > 10) != spoken).mean() < 0.1


def test_it_resumes_within_an_epoch_and_is_gone_on_with(tmp_path, no_tracker):
    made = write_list(tmp_path / "wavs", count=5)
    train(tmp_path / "unbroken", [made], max_steps=3, checkpoint_every=1, keep_checkpoints=3)
    shutil.copytree(tmp_path / "unbroken", tmp_path / "broken")
    for step in (2, 3):
        RunFolder(tmp_path / "broken").checkpoint(step).unlink()
    best = train(tmp_path / "broken", [made], max_steps=3, checkpoint_every=1, keep_checkpoints=3)
    states = [checkpoint.load(RunFolder(tmp_path / name).checkpoint(3)) for name in ("unbroken", "broken")]
    assert states[0]["modules"].keys() == {"pitch_extractor", "voice_detector"}
    assert same(*(state["modules"] for state in states))
    assert same(*(state["optimizers"] for state in states))
    begun = train(tmp_path / "more", [made], needs={"init": best}, max_steps=1, learning_rate=1e-9)
    before, after = (load_pitch_extractor(path).classifier.weight for path in (best, begun))
    assert torch.allclose(before, after, atol=1e-5)


def test_a_tracker_that_is_not_installed_is_told_before_any_stage(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(MissingPackage, match="pip install pyworld-prebuilt"):
        PitchTask.check(PitchConfig(tracker="harvest"))
