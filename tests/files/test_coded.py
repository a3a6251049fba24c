"""Pictures come back from HDF5 as they went in: PNG and raw exactly, JPEG closely, and any window like the whole."""

from fractions import Fraction

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tk_tools.errors import InputError
from tk_tools.files.coded import CODECS, CodedFrames, CodedWriter


def pictures(count: int, height: int, width: int, *, noise: float = 1.0, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    smooth = np.stack([rows + columns, 2 * rows, 3 * columns], axis=2) % 200
    shift = random.integers(0, 40, (count, 1, 1, 3))
    return np.clip(smooth + shift + noise * random.normal(size=(count, height, width, 3)), 0, 255).astype(np.uint8)


def store(frames: np.ndarray, *, codec: str, fps=Fraction(25), quality: int = 95) -> h5py.File:
    file = h5py.File("memory", mode="w", driver="core", backing_store=False)
    writer = CodedWriter(file, fps=fps, codec=codec, quality=quality)
    for frame in frames:
        writer.append(frame)
    writer.close()
    return file


@given(
    count=st.integers(0, 6),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    codec=st.sampled_from(["png", "raw"]),
    numerator=st.integers(1, 120000),
    denominator=st.sampled_from([1, 1001]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_png_and_raw_are_exact(count, height, width, codec, numerator, denominator, seed):
    frames = pictures(count, height, width, noise=40, seed=seed)
    fps = Fraction(numerator, denominator)
    with store(frames, codec=codec, fps=fps) as file:
        read = CodedFrames(file)
        assert (len(read), read.fps, read.codec) == (count, fps, codec)
        if count:
            assert (read.height, read.width) == (height, width)
            assert np.array_equal(read.read(0, count), frames)


def test_jpeg_is_close_and_quality_counts():
    frames = pictures(4, 48, 64, noise=2)
    errors = []
    for quality in (50, 95):
        with store(frames, codec="jpeg", quality=quality) as file:
            error = np.abs(CodedFrames(file).read(0, 4).astype(int) - frames)
            errors.append(error.mean())
    assert errors[1] < 4
    assert errors[1] < errors[0]


@pytest.mark.parametrize("codec", CODECS)
def test_red_stays_red(codec):
    frames = np.zeros((1, 16, 16, 3), np.uint8)
    frames[..., 0] = 220
    with store(frames, codec=codec) as file:
        assert np.abs(CodedFrames(file).read(0, 1)[0].astype(int) - [220, 0, 0]).max() <= 4


@given(start=st.integers(0, 9), length=st.integers(0, 9), codec=st.sampled_from(CODECS))
@settings(max_examples=40, deadline=None)
def test_any_window_is_a_part_of_the_whole(start, length, codec):
    stop = min(9, start + length)
    start = min(start, stop)
    with store(pictures(9, 12, 10, noise=30), codec=codec) as file:
        read = CodedFrames(file)
        whole = np.stack(list(read))
        assert np.array_equal(read.read(start, stop), whole[start:stop])
        assert len(read.read_coded(start, stop)) == stop - start


def test_more_than_the_buffer_holds():
    frames = pictures(40, 200, 300, noise=0)  # 7 MB raw: the buffer is written out on the way
    with store(frames, codec="raw") as file:
        assert np.array_equal(CodedFrames(file).read(0, 40), frames)


def test_pictures_larger_than_the_buffer_keep_their_order(tmp_path):
    """Small, large, small: what waits in the buffer is written before what does not fit into it."""
    rng = np.random.default_rng(seed=0)
    pictures = rng.integers(0, 256, (3, 1200, 1300, 3)).astype(np.uint8)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        writer = CodedWriter(file, fps=Fraction(25), codec="png")
        plain = np.zeros_like(pictures[0])
        for picture in (plain, pictures[0], plain, pictures[1], pictures[2]):
            writer.append(picture)
        writer.close()
        expected = np.stack([plain, pictures[0], plain, pictures[1], pictures[2]])
        np.testing.assert_array_equal(CodedFrames(file).read(0, 5), expected)


def test_a_window_beyond_the_end_is_refused():
    with store(pictures(3, 8, 8), codec="raw") as file:
        read = CodedFrames(file)
        for start, stop in ((0, 4), (-1, 2), (2, 1)):
            with pytest.raises(IndexError):
                read.read(start, stop)


def test_pictures_of_two_sizes_are_refused():
    with h5py.File("memory", mode="w", driver="core", backing_store=False) as file:
        writer = CodedWriter(file, fps=Fraction(25))
        writer.append(np.zeros((8, 8, 3), np.uint8))
        with pytest.raises(ValueError, match="expected"):
            writer.append(np.zeros((8, 9, 3), np.uint8))


@pytest.mark.parametrize("codec", CODECS)
def test_a_damaged_picture_is_told_by_its_number(codec):
    with store(pictures(3, 16, 16), codec=codec) as file:
        offsets = file["video/offsets"][:]
        if codec == "raw":
            offsets[2:] = offsets[2:] - 1
            del file["video/offsets"]
            file["video/offsets"] = offsets
        else:
            file["video/data"][offsets[1] : offsets[2]] = 7
        read = CodedFrames(file)
        assert read.read(0, 1).shape == (1, 16, 16, 3)
        with pytest.raises(InputError, match="picture 1 is damaged"):
            read.read(0, 3)
