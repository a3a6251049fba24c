"""What the two stages are given: crops that belong together, and a reason for each clip that is of no use."""

import numpy as np
import pytest

from tests.models.diffvc.speech import (
    embedding_of,
    mel_of,
    write_average,
    write_embedding,
    write_mel,
    write_seed_layout,
)
from tk_tools.errors import InputError
from tk_tools.models.diffvc.config import DecoderConfig, EncoderConfig
from tk_tools.models.diffvc.data import DecoderCrops, EncoderCrops, inspect, read_embedding, read_mel, speaker_of
from tk_tools.train.config import make_config
from tk_tools.train.task import Draw

CROP = 16


def encoder_crops(clips, **options):
    return EncoderCrops(clips, make_config(EncoderConfig, values={"crop_frames": CROP}), **options)


def decoder_crops(clips, **options):
    return DecoderCrops(clips, make_config(DecoderConfig, values={"crop_frames": CROP}), **options)


def test_a_mel_and_its_average_are_cut_at_one_place(tmp_path):
    clip = inspect(write_mel(tmp_path, "a/x"), write_average(tmp_path, "a/x"), min_frames=1)
    data = encoder_crops([clip])
    starts = set()
    for seed in range(60):
        item = data[Draw(0, seed)]
        start = int(item["mel"][0, 0])
        starts.add(start)
        assert item["frames"] == CROP
        np.testing.assert_array_equal(item["mel"], mel_of("x.mel", 40)[start : start + CROP].T)
        np.testing.assert_array_equal(item["average"], mel_of("x.avgmel average", 40)[start : start + CROP].T)
    assert min(starts) == 0
    assert max(starts) == 40 - CROP
    assert data[Draw(0, 5)]["mel"].equal(data[Draw(0, 5)]["mel"])


def test_mel_and_reference_are_two_crops_of_one_clip_with_its_embedding(tmp_path):
    clip = inspect(write_mel(tmp_path, "a/x"), write_embedding(tmp_path, "a/x"), min_frames=1)
    data = decoder_crops([clip])
    items = [data[Draw(0, seed)] for seed in range(20)]
    starts = {(int(item["mel"][0, 0]), int(item["reference"][0, 0])) for item in items}
    assert len(starts) > 10
    np.testing.assert_array_equal(items[0]["embedding"], embedding_of("x.embed")[0])
    fixed = decoder_crops([clip], fixed=True)
    assert fixed[Draw(0, 1)]["mel"].equal(fixed[Draw(0, 2)]["mel"])


def test_a_short_clip_is_padded_and_says_how_much_of_it_is_sound(tmp_path):
    clip = inspect(write_mel(tmp_path, "a/x", 10), write_embedding(tmp_path, "a/x"), min_frames=1)
    item = decoder_crops([clip])[Draw(0, 0)]
    assert item["frames"] == 10
    assert item["mel"].shape == (80, CROP)
    assert not item["mel"][:, 10:].any()
    assert item["mel"].equal(item["reference"])


def test_the_originals_layout_is_read_as_it_is(tmp_path):
    write_seed_layout(tmp_path, speakers=1, clips=1)
    mel = tmp_path / "mels/a/a_0_mel.npy"
    clip = inspect(mel, tmp_path / "mels_mode/a/a_0_avgmel.npy", min_frames=1)
    assert (clip.frames, clip.speaker) == (40, "a")
    np.testing.assert_array_equal(read_mel(mel), mel_of("a_0", 40))
    np.testing.assert_array_equal(read_embedding(tmp_path / "embeds/a/a_0_embed.npy"), embedding_of("a_0")[0])


@pytest.mark.parametrize(
    ("path", "speaker"),
    [
        ("mels/p234/p234_001_mic2.mel.h5", "p234"),
        ("mels/1401/12345/1401_12345_000001.mel.h5", "1401"),
        ("mels/1688/1688-142285-0002.mel.h5", "1688"),
        ("mels/anna/hello.mel.h5", "anna"),
    ],
)
def test_a_speaker_is_the_folder_that_the_name_begins_with(path, speaker, tmp_path):
    assert speaker_of(tmp_path / path) == speaker


def test_each_clip_of_no_use_says_why(tmp_path):
    mel = write_mel(tmp_path, "x")
    faults = [
        (lambda: inspect(mel, write_embedding(tmp_path, "x"), min_frames=41), "has 40 frames, fewer than"),
        (lambda: inspect(mel, write_average(tmp_path, "x", frames=39), min_frames=1), "has 39 frames, and .* 40"),
        (lambda: inspect(mel, write_embedding(tmp_path, "x", digest="b:2"), min_frames=1), "from another sound than"),
        (lambda: inspect(mel, write_embedding(tmp_path, "x", rows=3), min_frames=1), "holds 3 embeddings"),
        (
            lambda: inspect(mel, write_embedding(tmp_path, "x", preset="resemblyzer"), min_frames=1),
            "preset resemblyzer; make it with tk-embed --preset diffvc",
        ),
        (
            lambda: inspect(write_mel(tmp_path, "y", preset="wav2lip"), write_embedding(tmp_path, "y"), min_frames=1),
            "mel of the preset wav2lip; make it with tk-mel --preset diffvc",
        ),
    ]
    for attempt, said in faults:
        with pytest.raises(InputError, match=said):
            attempt()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((40, 80), np.float32), "expected float32"),
        (np.zeros((80, 40), np.int16), "expected float32"),
        (np.full((80, 40), np.nan, np.float32), "no numbers"),
        (None, "cut short"),
    ],
)
def test_arrays_that_are_no_mels_are_named(tmp_path, values, said):
    path = tmp_path / "a_mel.npy"
    if values is None:
        path.write_bytes(b"\x93NUMPY")
    else:
        np.save(path, values)
    with pytest.raises(InputError, match=said):
        read_mel(path)
