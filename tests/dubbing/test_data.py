"""Which frames an item is made of, that picture and sound belong together, and what is refused before training."""

import logging
from typing import ClassVar

import h5py
import numpy as np
import pytest
import torch

from tests.dubbing.clips import frame_number, make_clip
from tk_tools.dubbing.config import ClipConfig, DubbingConfig, FrameConfig, SyncConfig
from tk_tools.dubbing.data import ClipItems, FrameItems, SyncItems, inspect, pieces_of, unfit
from tk_tools.dubbing.masks import crop_size, mouth_square
from tk_tools.errors import ConfigError, InputError
from tk_tools.face.crop import stretches
from tk_tools.files.face_file import FaceFile
from tk_tools.train.task import Draw


class Lawdnet:
    layout: ClassVar[str] = "lawdnet"


class Frames(Lawdnet, FrameConfig):
    pass


class Clips(Lawdnet, ClipConfig):
    pass


class Sync(Lawdnet, SyncConfig):
    pass


KINDS = {FrameItems: Frames, ClipItems: Clips, SyncItems: Sync}
ITEMS = pytest.mark.parametrize("items", KINDS, ids=lambda kind: kind.__name__)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return [make_clip(folder, name, seed=seed) for seed, name in enumerate("abc")]


def features_of(path):
    return path.with_name(path.name.replace(".face.", ".feat."))


def config_of(kind=Frames, **values):
    return kind(**{"features": "mel", "mouth_size": 64} | values)


def items_of(items, paths, fixed=False, **values):
    config = config_of(KINDS[items], **values)
    return items([inspect(path, features_of(path), config) for path in paths], config, fixed=fixed)


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def numbers(pictures):
    """The frame numbers of pictures (..., h, w, 3)."""
    return np.array([frame_number(each) for each in pictures.flatten(end_dim=-4)]).reshape(pictures.shape[:-3])


def test_sizes_are_the_published_ones():
    assert [crop_size(mouth) for mouth in (64, 128, 256, 288)] == [(104, 80), (208, 160), (416, 320), (468, 360)]
    rows, columns = mouth_square(256)
    assert (rows.start, rows.stop, columns.start, columns.stop) == (128, 384, 32, 288)


@ITEMS
def test_an_item_follows_from_its_draw(items, paths):
    kept, read_again = items_of(items, paths), items_of(items, paths, cache_mb=0)
    for index in (0, 250, 120):
        draw = Draw(index=index, seed=1234 + index)
        assert same(kept[draw], read_again[draw])
        assert same(kept[draw], kept[draw])
    assert not same(kept[Draw(0, 1)], kept[Draw(0, 2)])


def test_a_frame_item_is_of_six_pieces_with_the_sound_around_its_frame(paths):
    data = items_of(FrameItems, paths)
    places = set()
    for seed in range(40):
        item = data[Draw(0, seed)]
        assert item["source"].shape == (104, 80, 3)
        (frame,), references = numbers(item["source"][None]), numbers(item["references"])
        assert len({frame // 9, *(references // 9)}) == 6
        assert item["audio"][1].tolist() == list(range(frame - 2, frame + 3))
        places.add(int(frame % 9))
    assert places == {2, 3, 4, 5, 6}


def test_a_clip_item_is_five_frames_each_with_its_own_references(paths):
    data = items_of(ClipItems, paths)
    drawn = set()
    for seed in range(20):
        item = data[Draw(0, seed)]
        frames, references = numbers(item["source"]), numbers(item["references"])
        start = frames[0] - 2
        assert frames.tolist() == list(range(start + 2, start + 7))
        assert start % 9 == 0
        assert all(len(set(row // 9)) == 5 and start // 9 not in row // 9 for row in references)
        assert item["audio"][:, 1].tolist() == [list(range(frame - 2, frame + 3)) for frame in frames]
        assert item["sync_audio"][1].tolist() == list(range(start, start + 9))
        drawn.add(tuple(references.ravel().tolist()))
    assert len(drawn) == 20


def test_a_sync_item_is_five_mouths_with_their_sound_and_one_that_is_off(paths):
    near, far = (items_of(SyncItems, paths, nearby_share=share) for share in (1.0, 0.0))
    away = []
    for seed in range(40):
        for data in (near, far):
            item = data[Draw(0, seed)]
            assert item["mouths"].shape == (5, 64, 64, 3)
            start, other = int(item["audio"][1, 0]), int(item["other"][1, 0])
            assert item["audio"][1].tolist() == list(range(start, start + 9))
            assert item["other"][1].tolist() == list(range(other, other + 9))
            away.append(abs(start - other))
    assert min(away) >= 3
    assert max(away[::2]) <= 25 < max(away[1::2])


def test_mouths_are_those_of_the_sound(paths):
    """The dark mouth is the larger the more it is open, which channel 0 says."""
    data = items_of(SyncItems, paths)
    for seed in range(5):
        item = data[Draw(0, seed)]
        dark = (item["mouths"] < 100).float().mean(dim=(1, 2, 3))
        assert dark.std() < 0.005 or np.corrcoef(dark, item["audio"][0, 2:7])[0, 1] > 0.95


def test_pieces_keep_off_gaps():
    valid = np.ones(60, bool)
    valid[[20, 50]] = False
    assert tuple(stretches(valid)) == ((0, 20), (21, 50), (51, 60))
    assert pieces_of(tuple(stretches(valid))).tolist() == [0, 9, 21, 30, 39, 51]


@ITEMS
def test_no_item_has_an_invalid_frame_or_a_sound_across_it(items, tmp_path):
    valid = np.ones(120, bool)
    gaps = [15, 16, 70, 100]
    valid[gaps] = False
    path = make_clip(tmp_path, "a", frames=120, valid=valid)
    data = items_of(items, [path])
    for seed in range(60):
        item = data[Draw(0, seed)]
        heard = [item[name][..., 1, :].flatten().tolist() for name in ("audio", "sync_audio", "other") if name in item]
        assert not set(gaps) & {int(number) for part in heard for number in part}
        if items is not SyncItems:  # a mouth without its corner tells no number
            assert not set(gaps) & set(numbers(item["references"]).ravel().tolist())


@ITEMS
def test_what_is_held_out_is_not_trained_on_and_alone_validated(items, paths):
    values = {"held_out_share": 0.3, "val_items_per_clip": 3}
    train, val = items_of(items, paths[:1], **values), items_of(items, paths[:1], fixed=True, **values)
    for seed in range(30):
        assert train[Draw(0, seed)]["audio"][..., 1, :].max() < 63
    for index in range(len(val)):
        item = val[Draw(index, 0)]
        assert item["audio"][..., 1, :].min() >= 63
        if "references" in item:
            assert numbers(item["references"]).max() < 63


def test_a_short_held_out_part_still_has_a_sound_that_is_off(tmp_path):
    path = make_clip(tmp_path, "a", frames=90)
    data = items_of(SyncItems, [path], fixed=True, held_out_share=0.1)
    item = data[Draw(0, 0)]
    assert item["audio"][1, 0] == 81
    assert abs(item["other"][1, 0] - 81) >= 3


@ITEMS
def test_validation_is_the_same_in_every_pass_and_spread(items, paths):
    data = items_of(items, paths, fixed=True, val_items_per_clip=4)
    assert len(data) == 12
    assert all(same(data[Draw(index, seed=1)], data[Draw(index, seed=2)]) for index in range(12))
    starts = [int(data[Draw(index, 0)]["audio"].reshape(-1, 8, data[Draw(0, 0)]["audio"].shape[-1])[0, 1, 0])
              for index in range(4)]  # fmt: skip
    assert starts == sorted(starts)
    assert starts[-1] - starts[0] > 45


@pytest.mark.parametrize(("height", "width"), [(208, 160), (52, 40)])
def test_crops_of_any_size_are_brought_to_the_stages(tmp_path, height, width):
    data = items_of(FrameItems, [make_clip(tmp_path, "a", frames=54, height=height, width=width)])
    assert data[Draw(0, 0)]["references"].shape == (5, 104, 80, 3)


def test_shrinking_does_not_alias(tmp_path):
    """A picture of one-pixel stripes is grey when it is a quarter as large; sampling would keep some stripes."""
    from tk_tools.dubbing.data import resized

    stripes = np.zeros((416, 320, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.ptp(resized(stripes, 104, 80)) <= 1


@pytest.mark.parametrize(
    ("made", "asked", "words"),
    [
        ({"layout": "wav2lip"}, {}, "layout wav2lip; crop again with --layout lawdnet"),
        ({"fps": 30}, {}, "30 frames/s"),
        ({"model": "deepspeech"}, {}, "features of deepspeech, not of mel; make them with tk-feat --model mel"),
        ({"digest": "blake2b:other"}, {}, "made from another clip"),
        ({"rows": 91}, {}, "91 rows, and .* 90 frames"),
        ({"rows": 60}, {}, "60 rows"),
        ({"silent": True}, {}, "silent"),
        ({"frames": 53}, {}, "6 pieces of 9 usable frames are needed to train on, and it has 5"),
        ({"valid": np.zeros(90, bool)}, {}, "and it has 0"),
        ({}, {"held_out_share": 0.5}, "and it has 5"),
        ({"valid": np.arange(90) < 70}, {"held_out_share": 0.2}, "held out at its end"),
    ],
)
def test_what_is_of_no_use_is_said(tmp_path, made, asked, words):
    path = make_clip(tmp_path, "a", **made)
    with pytest.raises(InputError, match=words) as caught:
        inspect(path, features_of(path), config_of(**asked))
    assert "a.fe" in str(caught.value) or "a.face" in str(caught.value)


def test_six_pieces_are_enough(tmp_path):
    path = make_clip(tmp_path, "a", frames=54)
    assert items_of(FrameItems, [path])[Draw(0, 0)]["references"].shape[0] == 5
    assert items_of(ClipItems, [path])[Draw(0, 0)]["references"].shape[:2] == (5, 5)


def test_the_sync_net_may_hear_other_features(paths, tmp_path):
    make_clip(tmp_path / "sub", "a", seed=0, model="deepspeech", channels=5)
    config = config_of(Clips, sync_features=str(tmp_path))
    clip = inspect(paths[0], features_of(paths[0]), config)
    item = ClipItems([clip], config)[Draw(0, 3)]
    assert (item["audio"].shape, item["sync_audio"].shape) == ((5, 8, 5), (5, 9))
    assert item["sync_audio"][1, 2:7].tolist() == numbers(item["source"]).tolist()
    assert clip.sync_model == "deepspeech"
    with pytest.raises(InputError, match=r"b.feat.h5"):
        inspect(paths[1], features_of(paths[1]), config)
    with pytest.raises(ConfigError, match="no such folder"):
        inspect(paths[0], features_of(paths[0]), config_of(Clips, sync_features=str(tmp_path / "none")))


def test_features_of_another_kind_are_unfit(tmp_path):
    paths = [make_clip(tmp_path, name, channels=channels) for name, channels in (("a", 8), ("b", 8), ("c", 5))]
    clips = {path: inspect(path, features_of(path), config_of()) for path in paths}
    reasons = unfit(clips)
    assert list(reasons) == [paths[2]]
    assert "features of 5 channels" in reasons[paths[2]]
    assert unfit({path: clips[path] for path in paths[:2]}) == {}


def test_a_clip_that_vanishes_is_told_once(paths, tmp_path, caplog):
    gone = make_clip(tmp_path, "gone")
    data = items_of(FrameItems, [gone, paths[0]])
    gone.unlink()
    with caplog.at_level(logging.WARNING):
        for seed in range(5):
            assert data[Draw(index=0, seed=seed)]["source"].shape == (104, 80, 3)
    assert sum("gone.face.h5" in line for line in caplog.messages) == 1


@ITEMS
def test_a_damaged_picture_changes_the_same_items_whatever_was_drawn_before(items, paths, tmp_path):
    """So a resumed run, which knows nothing of what the unbroken one met, goes on to its numbers."""
    broken = make_clip(tmp_path, "broken", seed=9)
    with FaceFile(broken) as file:
        begin, end = file.frames.offsets[[40, 43]]
    with h5py.File(broken, "r+") as file:
        file["video/data"][begin:end] = 0
    unbroken, resumed, no_room = (items_of(items, [broken, paths[0]], cache_mb=room) for room in (100, 100, 0))
    whole = items_of(items, [paths[0]])
    stood_in = []
    for number in range(20):
        draw = Draw(0, seed=number)
        item = unbroken[draw]
        if number >= 10:
            assert same(item, resumed[draw])
        assert same(item, no_room[draw])
        stood_in.append(same(item, whole[draw]))
    assert 0 < sum(stood_in) < 20


class TestSteps:
    @pytest.mark.parametrize(
        ("clips", "devices", "values", "steps"),
        [
            (400, 1, {"batch_size": 16, "augment_num": 32}, 8000),
            (400, 8, {"batch_size": 16, "augment_num": 32}, 1000),
            (400, 1, {"batch_size": 16, "augment_num": 32, "accumulate": 4, "decay": 15}, 4000),
            (1, 1, {"batch_size": 16, "augment_num": 32, "epoch_steps": 60}, 600),
            (1, 1, {"batch_size": 16, "augment_num": 32, "epoch_steps": 60, "max_steps": 660}, 660),
            (1, 1, {"batch_size": 64, "augment_num": 1}, 10),
        ],
    )
    def test_epochs_become_steps(self, clips, devices, values, steps):
        assert config_of(**values).steps(clips, devices) == steps

    def test_more_steps_than_the_rate_lasts_are_refused(self):
        with pytest.raises(ConfigError, match=r"661 are 12 epochs of 60 steps.*raise non_decay"):
            config_of(epoch_steps=60, max_steps=661).steps(1, 1)

    def test_other_configs_end_at_max_steps(self):
        assert DubbingConfig(max_steps=7).steps(100, 3) == 7
