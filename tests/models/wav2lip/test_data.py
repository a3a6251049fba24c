"""Items follow from (clip, seed); only windows with all their frames and sound are drawn; a lost file is told once."""

import logging

import numpy as np
import pytest
import torch

from tests.models.wav2lip.clips import make_clip
from tk_tools.errors import InputError
from tk_tools.files.face_file import FaceFile
from tk_tools.models.wav2lip import data as data_module
from tk_tools.models.wav2lip.config import ExpertConfig, GeneratorConfig
from tk_tools.models.wav2lip.data import ExpertWindows, GeneratorWindows, inspect, read_mel
from tk_tools.models.wav2lip.samples import FRAMES_PER_WINDOW, first_column, usable_windows
from tk_tools.train.task import Draw


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return [make_clip(folder / f"{seed}.face.h5", seed=seed) for seed in range(3)]


def generator_windows(paths, **values):
    config = GeneratorConfig(**values)
    return GeneratorWindows([inspect(path, config.min_windows) for path in paths], config)


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_an_item_follows_from_its_draw(paths):
    kept, read_again = generator_windows(paths), generator_windows(paths, cache_mb=0)
    for index in (0, 2, 1):
        draw = Draw(index=index, seed=1234 + index)
        assert same(kept[draw], read_again[draw])
        assert same(kept[draw], kept[draw])
    assert not same(kept[Draw(0, 1)], kept[Draw(0, 2)])


@pytest.mark.parametrize(("cache_mb", "made"), [(0, 6), (1, 3), (100, 3)])
def test_mels_are_made_once_although_the_pictures_find_no_room(paths, monkeypatch, cache_mb, made):
    """Three clips: mels of 62 kB, pictures of 1.7 MB each."""
    count = []
    monkeypatch.setattr(data_module, "read_mel", lambda file: count.append(file.path) or read_mel(file))
    data, expected = generator_windows(paths, cache_mb=cache_mb), generator_windows(paths)
    for seed in range(6):
        assert same(data[Draw(index=seed % 3, seed=seed)], expected[Draw(index=seed % 3, seed=seed)])
    assert len(count) == made + 3


def test_pictures_and_sound_belong_together(paths):
    data = generator_windows(paths)
    with FaceFile(paths[1]) as file:
        spectrum, pictures = read_mel(file), file.frames.read(0, len(file))
    item = data[Draw(index=1, seed=7)]
    (first,) = [k for k in range(len(pictures) - 4) if np.array_equal(pictures[k : k + 5], item["target"].numpy())][:1]
    start = first_column(first, 25)
    assert np.array_equal(item["mel"][0].numpy(), spectrum[start : start + 16].T)
    for t in range(FRAMES_PER_WINDOW):
        start = first_column(first - 1 + t, 25)
        assert np.array_equal(item["frame_mels"][t, 0].numpy(), spectrum[start : start + 16].T)
    assert not torch.equal(item["target"], item["reference"])


def test_single_frames_are_any_of_the_window_with_their_own_sound(paths):
    single, whole = generator_windows(paths, single_frames=True), generator_windows(paths)
    drawn = set()
    for seed in range(20):
        one, window = single[Draw(1, seed)], whole[Draw(1, seed)]
        (place,) = [t for t in range(5) if torch.equal(one["frame_mels"][0], window["frame_mels"][t])]
        assert torch.equal(one["target"][0], window["target"][place])
        assert torch.equal(one["reference"][0], window["reference"][place])
        assert [len(one[name]) for name in ("target", "reference", "frame_mels")] == [1, 1, 1]
        drawn.add(place)
    assert drawn == {0, 1, 2, 3, 4}


def expert_windows(paths, fixed=False, **values):
    config = ExpertConfig(**values)
    return ExpertWindows([inspect(path, config.min_windows) for path in paths], config, fixed=fixed)


def is_in_sync(path, mel, faces):
    """Whether the sound of a window and its half faces begin at the same frame of the clip."""
    with FaceFile(path) as file:
        spectrum, pictures = read_mel(file), file.frames.read(0, len(file))
    starts = [k for k in range(1, len(pictures) - 4) if np.array_equal(pictures[k : k + 5, 48:], faces.numpy())]
    wanted = [spectrum[first_column(k, 25) : first_column(k, 25) + 16].T for k in starts]
    return any(np.array_equal(window, mel[0].numpy()) for window in wanted)


def test_expert_items_are_in_sync_as_they_say(paths):
    data = expert_windows(paths, nearby_share=0.5, nearby_frames=6)
    said = []
    for seed in range(60):
        item = data[Draw(index=0, seed=seed)]
        assert item["faces"].shape == (1, 5, 48, 96, 3)
        said.append(bool(item["in_sync"]))
        assert is_in_sync(paths[0], item["mel"][0], item["faces"][0]) == said[-1]
    assert 15 < sum(said) < 45


def test_expert_items_of_several_windows_are_all_in_sync(paths):
    item = expert_windows(paths, windows_per_item=4)[Draw(index=2, seed=5)]
    assert item["mel"].shape == (4, 1, 80, 16)
    assert all(is_in_sync(paths[2], mel, faces) for mel, faces in zip(item["mel"], item["faces"], strict=True))


def test_no_window_comes_twice_in_an_item(paths):
    """Else the sound of the one would count as off the pictures of the other, which are its own."""
    data = expert_windows(paths, windows_per_item=8, nearby_share=1.0, nearby_frames=10)
    for seed in range(20):
        mels = data[Draw(seed % 3, seed)]["mel"]
        assert len({mel.numpy().tobytes() for mel in mels}) == 8


def test_validation_is_the_same_in_every_pass(paths):
    data = expert_windows(paths, fixed=True, val_windows_per_clip=4)
    assert len(data) == 12
    assert all(same(data[Draw(index, seed=1)], data[Draw(index, seed=2)]) for index in range(12))


def test_windows_keep_off_gaps_and_ends():
    valid = np.ones(40, bool)
    valid[20] = False
    firsts = usable_windows(valid, columns=128, fps=25)
    assert firsts.tolist() == [*range(1, 16), *range(21, 33)]  # the last sound ends at column int(3.2 * 35) + 16 = 128
    assert usable_windows(valid[:4], columns=128, fps=25).tolist() == []


def test_larger_crops_are_brought_to_96(tmp_path):
    data = generator_windows([make_clip(tmp_path / "big.face.h5", size=160)])
    assert data[Draw(0, 0)]["target"].shape == (5, 96, 96, 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layout": "syncnet"}, "layout syncnet; crop again with --layout wav2lip"),
        ({"fps": 30}, "30 frames/s"),
        ({"sound": False}, "has no sound"),
        ({"loudness": 0}, "nothing but silence"),
        ({"loudness": 20}, "nothing but silence"),
        ({"frames": 3}, "0 usable windows"),
        ({"valid": np.zeros(60, bool)}, "0 usable windows"),
    ],
)
def test_what_is_of_no_use_is_said(tmp_path, options, words):
    with pytest.raises(InputError, match=words) as caught:
        inspect(make_clip(tmp_path / "a.face.h5", **options), min_windows=2)
    assert "a.face.h5" in str(caught.value)


def test_a_clip_that_vanishes_is_told_once(paths, tmp_path, caplog):
    gone = make_clip(tmp_path / "gone.face.h5")
    data = generator_windows([gone, paths[0]])
    gone.unlink()
    with caplog.at_level(logging.WARNING):
        for seed in range(5):
            assert data[Draw(index=0, seed=seed)]["mel"].shape == (1, 80, 16)
    assert sum("gone.face.h5" in line for line in caplog.messages) == 1
