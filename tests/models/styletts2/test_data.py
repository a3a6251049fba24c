"""Lists become clips, line by line, and clips become batches that follow from their draws."""

import logging

import numpy as np
import pytest
import soundfile
import torch

from tests.models.hifigan.sounds import write_voice
from tests.models.styletts2.recordings import TEXTS, write_list
from tk_tools.audio.mel import mel
from tk_tools.errors import ConfigError, InputError
from tk_tools.models.styletts2.config import StyleTTS2Config
from tk_tools.models.styletts2.training import data as data_module
from tk_tools.models.styletts2.training.data import (
    QUIET_ENDS,
    REFERENCE,
    Recordings,
    frames_of,
    inspect_list,
    other_texts,
)
from tk_tools.text.ids import ids_to_phonemes
from tk_tools.train.task import Draw

CONFIG = StyleTTS2Config(loader_workers=0)


def clips_of(path, config=CONFIG):
    found = inspect_list(path, config)
    assert found.faults == []
    return list(found.clips.values())


def test_a_clip_is_a_whole_recording_with_quiet_ends(tmp_path):
    clips = clips_of(write_list(tmp_path, count=2))
    assert [clip.path for clip in clips] == [tmp_path / "0.wav", tmp_path / "1.wav"]
    assert ids_to_phonemes(list(clips[0].tokens)) == TEXTS[0]
    assert clips[0].tokens[0] == clips[0].tokens[-1] == 0
    item = Recordings(clips, CONFIG)[Draw(0, seed=1)]
    assert item.keys() == {"wave", "mel", "tokens"}
    samples, _ = soundfile.read(tmp_path / "0.wav", dtype="float32")
    padded = np.pad(samples, QUIET_ENDS)
    frames = frames_of(len(samples))
    assert frames == clips[0].frames == (1 + len(padded) // 300) // 2 * 2
    assert item["wave"].shape == (300 * frames,)
    np.testing.assert_array_equal(item["wave"][: len(padded)], padded[: 300 * frames])
    np.testing.assert_array_equal(item["mel"], mel(padded, "styletts2")[:frames].T)


def test_other_rates_are_resampled(tmp_path):
    clip = clips_of(write_list(tmp_path / "other", count=1, rate=22050))[0]
    same = clips_of(write_list(tmp_path / "same", count=1))[0]
    waves = [Recordings([one], CONFIG)[Draw(0, 0)]["wave"] for one in (clip, same)]
    assert len(waves[0]) == len(waves[1])
    inside = slice(QUIET_ENDS + 200, -QUIET_ENDS - 800)  # the edges ring
    assert (waves[0] - waves[1])[inside].abs().max() < 0.03


def test_a_batch_is_padded_with_zeros_and_follows_from_its_draws(tmp_path):
    clips = clips_of(write_list(tmp_path, count=4, speakers=2))
    data = Recordings(clips, CONFIG, texts=other_texts("", clips))
    draws = [Draw(3, 5), Draw(0, 6)]
    batch = data.collate([data[draw] for draw in draws])
    frames = [clips[3].frames, clips[0].frames]
    assert batch["mel_lengths"].tolist() == frames
    assert batch["mel"].shape == (2, 80, frames[0])
    assert batch["wave"].shape == (2, 300 * frames[0])
    assert batch["token_lengths"].tolist() == [len(clips[3].tokens), len(clips[0].tokens)]
    assert batch["reference"].shape == (2, 80, REFERENCE)
    for item, (length, other) in enumerate(zip(frames, batch["other_token_lengths"].tolist(), strict=True)):
        assert not batch["mel"][item, :, length:].any()
        assert not batch["wave"][item, 300 * length :].any()
        assert tuple(batch["other_tokens"][item, :other].tolist()) in {clip.tokens for clip in clips}
    assert not batch["reference"][0, :, batch["reference_lengths"][0] :].any()
    again = Recordings(clips, CONFIG, texts=other_texts("", clips))
    again = again.collate([again[draw] for draw in draws])
    assert all(torch.equal(batch[name], again[name]) for name in batch)


def test_a_reference_is_of_the_same_speaker(tmp_path):
    clips = clips_of(write_list(tmp_path, count=4, seconds=2.5, speakers=2))
    data = Recordings(clips, CONFIG, texts=other_texts("", clips))
    whole = [data[Draw(place, 0)]["mel"] for place in range(4)]

    def heard_in(reference):
        windows = [mel.unfold(1, reference.shape[1], 1).permute(1, 0, 2) for mel in whole]
        (found,) = [place for place, parts in enumerate(windows) if (parts == reference).all(dim=(1, 2)).any()]
        return found

    drawn = [heard_in(data[Draw(1, seed)]["reference"]) for seed in range(8)]
    assert {*drawn} == {1, 3}
    assert {data[Draw(1, seed)]["reference"].shape[1] for seed in range(8)} == {REFERENCE}


def test_a_damaged_reference_is_not_taken_for_the_clip(tmp_path, caplog):
    clips = clips_of(write_list(tmp_path, count=4, speakers=2))
    (tmp_path / "3.wav").write_bytes(b"RIFF")  # of the speaker of 1
    data = Recordings(clips, CONFIG, texts=other_texts("", clips))
    for seed in range(8):
        item = data[Draw(1, seed)]
        assert tuple(item["tokens"].tolist()) == clips[1].tokens
        assert torch.isin(item["reference"], item["mel"]).all()
    (told,) = caplog.messages
    assert "3.wav" in told


def test_the_sets_share_the_memory_for_what_was_read(tmp_path, monkeypatch):
    clips = clips_of(write_list(tmp_path, count=4))
    read = []
    make = data_module._frames
    monkeypatch.setattr(data_module, "_frames", lambda clip: read.append(clip.path) or make(clip))
    config = CONFIG.model_copy(update={"cache_mb": 1})  # six of these recordings
    for others, times in ((0, 4), (4, 5)):
        data = Recordings(clips, config, others=others)
        for place in (0, 1, 2, 3) * 2:
            data[Draw(place, 0)]
        assert len(read) == times
        read.clear()


def test_each_faulty_line_is_told_with_its_number(tmp_path, caplog):
    path = write_list(tmp_path, count=2)
    write_voice(tmp_path / "short.wav", 0.5, rate=24000)
    soundfile.write(tmp_path / "silent.wav", np.zeros(24000), 24000)
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    with open(path, "a", encoding="utf-8") as file:
        file.write("gone.wav|ˈɛ|a\nbroken.wav|ˈɛ|a\n0.wav|ˈɛ|a\nshort.wav|ˈɛ|a\nsilent.wav|ˈɛ|a\n")
        file.write(f"1.wav|ˈɛ\n{tmp_path}/2.wav|{'ˈɛ' * 60}|a\n{tmp_path}/3.wav|5|a\n{tmp_path}/4.wav|(ˈɛ)|a\n")
    for number in (2, 3, 4):
        write_voice(tmp_path / f"{number}.wav", 0.8, rate=24000)
    with caplog.at_level(logging.WARNING):
        found = inspect_list(path, CONFIG)
    assert [clip.name for clip in found.clips] == ["0.wav", "1.wav", "4.wav"]
    told = sorted(str(fault).removeprefix(f"{path}: ") for fault in found.faults)
    expected = {
        "line 3: ": "gone.wav: no such file",
        "line 4: ": "broken.wav: ",
        "line 5: ": "0.wav stands in a line before",
        "line 6: ": "short.wav: lasts 0.50 s, and 0.61 s is the least",
        "line 7: ": "silent.wav: is silent",
        "line 8 has": "2 fields, and those before have 3",
        "line 9: ": "2.wav: has 122 tokens, and only 49 steps of 25 ms to say them in",
        "line 10": "3.wav: has no symbol of the table",
    }
    assert len(told) == len(expected)
    for begin, says in expected.items():
        (line,) = [line for line in told if line.startswith(begin)]
        assert says in line
    assert caplog.messages == [f"{path}: the table of symbols lacks '(' (line 11), ')' (line 11); they are passed over"]


def test_paths_start_from_the_folder_of_wavs(tmp_path):
    path = write_list(tmp_path / "wavs", count=1)
    elsewhere = tmp_path / "train_list.txt"
    elsewhere.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    assert "no such file" in str(inspect_list(elsewhere, CONFIG).faults[0])
    config = CONFIG.model_copy(update={"wavs": str(tmp_path / "wavs")})
    assert clips_of(elsewhere, config)[0].path == tmp_path / "wavs/0.wav"


def test_phonemes_without_a_path_are_of_the_sound_beside(tmp_path):
    write_list(tmp_path / "her", count=2)
    path = tmp_path / "her/1.phonemes.txt"
    path.write_text("ðɪs\nɪz ɐ\n", encoding="utf-8")
    (clip,) = clips_of(path)
    assert (clip.path, clip.speaker) == (tmp_path / "her/1.wav", "her")
    assert ids_to_phonemes(list(clip.tokens)) == "ðɪs ɪz ɐ"
    with pytest.raises(InputError, match=r"no 7\.wav lies beside it"):
        inspect_list(path.rename(tmp_path / "her/7.phonemes.txt"), CONFIG)


def test_other_texts_are_long_enough_where_there_are_such(tmp_path):
    clips = clips_of(write_list(tmp_path, count=2))
    assert other_texts("", clips) == [clip.tokens for clip in clips]  # all are short
    path = tmp_path / "other.txt"
    path.write_text(f"x.wav|{'ab ' * 20}|0\ny.wav|ab|0\nz.wav|{'a' * 511}|0\n", encoding="utf-8")
    (found,) = other_texts(str(path), clips)
    assert ids_to_phonemes(list(found)) == ("ab " * 20).strip()
    with pytest.raises(ConfigError, match="other_texts: cannot be read"):
        other_texts(str(tmp_path / "gone.txt"), clips)
