"""A contact sheet shows the pictures whose numbers it writes: each test picture carries its number."""

from fractions import Fraction

import numpy as np
import pytest

from tests.media import counter_picture, read_number, write_clip
from tk_tools.errors import InputError
from tk_tools.files.extract import FramesOptions, extract_frames
from tk_tools.files.face_file import create_face_file
from tk_tools.files.provenance import Provenance, Source
from tk_tools.plots import PlotOptions
from tk_tools.plots.sheet import draw

MADE = Provenance({}, Source("made", "here"))


def tiles_of(sheet, *, columns, tile=64, gap=6, bar=20):
    """The tiles of a sheet of square pictures, row by row, empty places left out."""
    rows = (sheet.shape[0] - gap) // (tile + bar + gap)
    places = [divmod(place, columns) for place in range(rows * columns)]
    corners = [(gap + row * (tile + bar + gap), gap + column * (tile + gap)) for row, column in places]
    tiles = [sheet[y : y + tile, x : x + tile] for y, x in corners]
    return [tile for tile in tiles if tile.min() < 255]


@pytest.mark.parametrize(("frames", "wanted"), [(50, 6), (7, 6), (3, 6), (1, 6), (200, 5)])
def test_video_is_shown_from_first_to_last_evenly(tmp_path, frames, wanted):
    clip = write_clip(tmp_path / "clip.mp4", frames=frames, sound=None)
    sheet = draw(clip, PlotOptions(pictures=wanted, columns=3, tile=64))
    numbers = [read_number(tile) for tile in tiles_of(sheet, columns=min(3, frames))]
    assert len(numbers) == min(frames, wanted)
    assert (numbers[0], numbers[-1]) == (0, frames - 1)
    steps = np.diff(numbers)
    assert len(steps) == 0 or max(steps) <= 1.4 * min(steps) + 1


def test_frames_file_gives_the_same_pictures(tmp_path, clip):
    extract_frames(tmp_path / "clip.mp4", tmp_path / "clip.frames.h5", FramesOptions())
    sheet = draw(tmp_path / "clip.frames.h5", PlotOptions(pictures=8, columns=4, tile=64))
    assert [read_number(tile) for tile in tiles_of(sheet, columns=4)] == [0, 7, 14, 21, 28, 35, 42, 49]


def test_faceless_pictures_of_a_face_file_are_framed_in_red(tmp_path):
    path = tmp_path / "clip.face.h5"
    facts = {"layout": "wav2lip", "backend": "test", "source_size": (64, 64)}
    with create_face_file(path, fps=Fraction(25), made=MADE, **facts) as writer:
        for number in range(4):
            writer.append(
                counter_picture(number),
                box=np.zeros(4, np.float32),
                landmarks=np.zeros((68, 2), np.float32),
                score=1.0,
                valid=number != 2,
                transform=np.eye(3)[:2],
            )
    sheet = draw(path, PlotOptions(pictures=4, columns=4, tile=64))
    red = [bool((tile[0, :, 0] > 150).all() and (tile[0, :, 1] < 60).all()) for tile in tiles_of(sheet, columns=4)]
    assert red == [False, False, True, False]


def test_file_without_pictures(tmp_path):
    path = tmp_path / "empty.face.h5"
    with create_face_file(
        path, fps=Fraction(25), made=MADE, layout="wav2lip", backend="test", source_size=(64, 64)
    ) as writer:
        del writer
    with pytest.raises(InputError, match="no picture"):
        draw(path, PlotOptions())


def test_upright_pictures_keep_their_shape(tmp_path):
    clip = write_clip(tmp_path / "tall.mp4", frames=2, height=128, width=64, sound=None)
    sheet = draw(clip, PlotOptions(pictures=2, columns=2, tile=32))
    assert sheet.shape == (6 + 64 + 20 + 6, 6 + 2 * (32 + 6), 3)
