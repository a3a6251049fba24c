"""NAME.embed.h5: what is written is read, and what is no embedding is told."""

import h5py
import numpy as np
import pytest

from tk_tools.errors import InputError
from tk_tools.files.check import check_file
from tk_tools.files.embed_file import FrontEnd, read_embed_file, write_embed_file
from tk_tools.files.info import describe_file
from tk_tools.files.mel_file import write_mel_file
from tk_tools.files.provenance import Provenance, Source

MADE = Provenance({}, Source("a.wav", "digest"))
FRONT_END = FrontEnd("diffvc", "window", step=80, hop_length=160, sample_rate=16000)


def unit(rows, seed=0):
    values = np.random.default_rng(seed).random((rows, 256)).astype(np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_windows_come_back_with_their_times(tmp_path):
    values, starts = unit(300), 0.8 * np.arange(300)
    blocks = [(values[:256], starts[:256]), (values[256:], starts[256:])]
    assert write_embed_file(tmp_path / "a.embed.h5", blocks, FRONT_END, made=MADE) == 300
    embed = read_embed_file(tmp_path / "a.embed.h5")
    assert np.array_equal(embed.values, values)
    assert np.array_equal(embed.starts, starts)
    assert (embed.preset, embed.per, embed.files, embed.left_out) == ("diffvc", "window", None, ())
    assert embed.mean == pytest.approx(values.mean(axis=0) / np.linalg.norm(values.mean(axis=0)), abs=1e-6)


def test_names_of_a_speakers_files_come_back_byte_for_byte(tmp_path):
    files = ["ü.wav", "new\nline.wav", "a\udcff.wav"]
    left_out = [("b\udcff.wav", "the sound is silent")]
    write_embed_file(
        tmp_path / "p.embed.h5", [(unit(1), None)], FRONT_END, made=MADE, files=files, left_out=left_out
    )  # fmt: skip
    embed = read_embed_file(tmp_path / "p.embed.h5")
    assert (embed.files, embed.left_out, embed.starts) == (tuple(files), tuple(left_out), None)
    facts = describe_file(tmp_path / "p.embed.h5")
    assert (facts["rows"], facts["channels"], facts["files"], facts["preset"]) == (1, 256, 3, "diffvc")
    assert check_file(tmp_path / "p.embed.h5")["rows"] == 1


def test_another_kind_and_an_empty_file_are_told(tmp_path):
    write_mel_file(
        tmp_path / "a.embed.h5", [np.zeros((3, 80), np.float32)],
        preset="diffvc", sample_rate=22050, hop_length=256, unit="log", made=MADE,
    )  # fmt: skip
    with pytest.raises(InputError, match=r"is of kind mel; expected embed \(made by tk-embed\)"):
        read_embed_file(tmp_path / "a.embed.h5")
    write_embed_file(tmp_path / "b.embed.h5", [(unit(0), None)], FRONT_END, made=MADE)
    with pytest.raises(InputError, match="holds no embedding"):
        read_embed_file(tmp_path / "b.embed.h5")


@pytest.mark.parametrize("fault", [0.5, np.nan])
def test_check_finds_a_row_that_is_not_of_unit_length(tmp_path, fault):
    write_embed_file(tmp_path / "a.embed.h5", [(unit(4), 0.8 * np.arange(4))], FRONT_END, made=MADE)
    with h5py.File(tmp_path / "a.embed.h5", "r+") as file:
        file["embed"][2] = fault * file["embed"][2]
    with pytest.raises(InputError, match=r"/embed has length \S+ in row 2, expected 1"):
        check_file(tmp_path / "a.embed.h5")
