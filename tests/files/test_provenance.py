"""A result says what it was made from; the same options and source give the same answer, other ones another."""

import dataclasses
import json
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.media import write_click_wav, write_clip
from tk_tools.errors import InputError
from tk_tools.files.extract import AudioOptions, FramesOptions, extract_audio, extract_frames
from tk_tools.files.ffmpeg import write_video
from tk_tools.files.h5 import Dataset, Kind, create_h5
from tk_tools.files.made_from import is_of_our_kind, read_provenance
from tk_tools.files.provenance import Provenance, Source, describe
from tk_tools.files.wav import write_wav

TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(st.none() | st.booleans() | NUMBERS | TEXT,
                      lambda inner: st.lists(inner, max_size=3), max_leaves=5)  # fmt: skip
MADE = st.builds(
    Provenance, params=st.dictionaries(TEXT, VALUES, max_size=4), source=st.builds(Source, name=TEXT, digest=TEXT)
)
KIND = Kind(name="test", suffix=".test.h5", schema=1, made_by="tests", meaning="a test",
            datasets={"x": Dataset(dtype="int64", shape=("n",), meaning="x")})  # fmt: skip


@dataclass(frozen=True)
class Options:
    rate: int = 3
    fps: Fraction = Fraction(25)
    sizes: tuple[int, ...] = (1, 2)
    where: Path = field(default=Path("x"), metadata={"shapes_content": False})


@given(made=MADE)
@settings(max_examples=30, deadline=None)
def test_round_trip_through_hdf5(tmp_path_factory, made):
    path = tmp_path_factory.mktemp("h5") / "a.test.h5"
    with create_h5(path, KIND, made) as file:
        file["x"] = np.arange(3)
    assert read_provenance(path) == made


@given(made=MADE)
@settings(max_examples=15, deadline=None)
def test_round_trip_through_wav_and_mp4(tmp_path_factory, made):
    folder = tmp_path_factory.mktemp("media")
    write_wav(folder / "a.wav", [np.zeros(100, np.int16)], 16000, comment=made.comment())
    assert read_provenance(folder / "a.wav") == made
    pictures = [np.zeros((16, 16, 3), np.uint8)] * 2
    write_video(folder / "a.mp4", pictures, fps=Fraction(25), metadata={"comment": made.comment(synthetic=True)})
    assert read_provenance(folder / "a.mp4") == made


def test_what_shapes_the_content_counts_and_the_rest_does_not(tmp_path):
    source, other = tmp_path / "a", tmp_path / "b"
    source.write_text("x")
    other.write_text("y")
    made = describe(Options(), source)
    assert made == describe(Options(where=Path("y")), source)
    assert made != describe(Options(rate=4), source)
    assert made != describe(Options(), other)
    assert made != describe(Options(), source, other)
    assert describe(Options(), source, other) != describe(Options(), other, source)
    assert json.loads(json.dumps(made.params)) == made.params == {"fps": "25", "rate": 3, "sizes": [1, 2]}
    source.write_text("z, longer")
    assert made != describe(Options(), source)


def test_the_first_of_several_sources_is_the_input(tmp_path):
    face, speech = tmp_path / "a + b", tmp_path / "c"
    face.write_text("x")
    speech.write_text("y")
    alone = describe(Options(), face).source
    assert alone.first == alone
    both = describe(Options(), face, speech).source
    assert both.first == alone
    assert both.name == "a + b + c"
    assert both.digest == f"{alone.digest} + {describe(Options(), speech).source.digest}"


def test_a_missing_source_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        describe(Options(), tmp_path / "none")


def test_files_of_others_have_no_provenance(tmp_path):
    write_click_wav(tmp_path / "a.wav")
    (tmp_path / "a.h5").write_text("no HDF5")
    (tmp_path / "a.mp4").write_text("no video")
    (tmp_path / "comment.wav").touch()
    write_wav(tmp_path / "comment.wav", [np.zeros(10, np.int16)], 16000, comment='{"params": 3}')
    for name in ("a.wav", "a.h5", "a.mp4", "none.wav", "comment.wav", "."):
        assert read_provenance(tmp_path / name) is None


def test_a_result_that_is_cut_short_is_not_up_to_date(tmp_path):
    source = write_clip(tmp_path / "clip.mkv")
    results = [tmp_path / "a.frames.h5", tmp_path / "a.wav"]
    extract_frames(source, results[0], FramesOptions())
    extract_audio(source, results[1], AudioOptions())
    for result in results:
        assert read_provenance(result) is not None
        content = result.read_bytes()
        for part in (0.0, 0.1, 0.5, 0.9):
            result.write_bytes(content[: int(len(content) * part)])
            assert read_provenance(result) is None, f"{result.name} cut to {part}"


@pytest.mark.parametrize("every", [1, 2, 3])
def test_the_same_bytes_while_someone_else_holds_parts_of_the_file(tmp_path, monkeypatch, every):
    """As a profiler does that looks at the stack, such as that of a Dask worker."""
    source = write_clip(tmp_path / "clip.mp4")
    extract_frames(source, tmp_path / "alone.frames.h5", FramesOptions())
    held = []
    usual = h5py.Dataset.__init__

    def hold(dataset, *arguments, **options):
        usual(dataset, *arguments, **options)
        if len(opened) % every == 0:
            held.append(dataset)
        opened.append(None)

    opened = []
    monkeypatch.setattr(h5py.Dataset, "__init__", hold)
    extract_frames(source, tmp_path / "watched.frames.h5", FramesOptions())
    assert held
    assert (tmp_path / "watched.frames.h5").read_bytes() == (tmp_path / "alone.frames.h5").read_bytes()


def test_the_same_input_gives_the_same_bytes(tmp_path):
    source = write_clip(tmp_path / "clip.mp4")
    for work, options, suffix in (
        (extract_frames, FramesOptions(), ".frames.h5"),
        (extract_audio, AudioOptions(), ".wav"),
        (extract_audio, dataclasses.replace(AudioOptions(), sample_rate=None), ".wav"),
    ):
        made = [tmp_path / "x" / f"a{suffix}", tmp_path / "longer name" / f"b{suffix}"]
        for target in made:
            work(source, target, options)
        assert made[0].read_bytes() == made[1].read_bytes()
        for target in made:
            target.unlink()


def test_the_same_pictures_give_the_same_mp4(tmp_path):
    wav = write_click_wav(tmp_path / "a.wav", 1.0)
    random = np.random.default_rng(0)
    pictures = random.integers(0, 255, (25, 48, 64, 3), dtype=np.uint8)
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, pictures, fps=Fraction(25), audio=wav, metadata={"comment": "x", "title": "y"})
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@pytest.mark.parametrize(
    ("content", "ours"),
    [(b"", True), (b"\x89HDF", True), (b"\x89HDF\r\n\x1a\n cut", True), (b"notes\n", False), (b"\x89PNG", False)],
)
def test_an_h5_that_cannot_be_read_is_ours_only_when_it_begins_as_one(tmp_path, content, ours):
    path = tmp_path / "a.face.h5"
    path.write_bytes(content)
    assert is_of_our_kind(path) is ours


def test_the_names_of_many_sources_are_cut_in_words():
    def of(count):
        names = ["a + b.wav", *(f"{number}.wav" for number in range(1, count))]
        return Source(" + ".join(names), " + ".join(["digest"] * count))

    assert of(4).in_words == "a + b.wav + 1.wav + 2.wav + 3.wav"
    assert of(400).in_words == "a + b.wav + 399 more"
