"""Talking heads whose truth is known: a mouth that comes late, and another person, show where they should."""

import itertools
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.media import ffmpeg
from tk_tools.demo.identity import make_face
from tk_tools.demo.motion import make_motion
from tk_tools.demo.render import Renderer, face_scale
from tk_tools.files.ffmpeg import write_video
from tk_tools.metrics.video_pair import PairOptions, measure_pair

SIZE, FRAMES = 192, 13


def write_speaker(path, person, late=0):
    """A head that holds still while its mouth opens and shuts, `late` frames later than it should."""
    random = np.random.default_rng(person)
    renderer = Renderer(make_face(random, scale=face_scale(SIZE)), SIZE)
    motion = make_motion(random, count=FRAMES, rate=25)
    motion = replace(
        motion,
        **{name: np.full_like(value, name in ("scale", "gain")) for name, value in vars(motion).items()},
    )
    openings = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(FRAMES) - late) / 24)
    pictures = (renderer.draw(opening=o, width=0.0, motion=motion, index=n) for n, o in enumerate(openings))
    write_video(path, pictures, fps=Fraction(25), quality=1)
    return path


@pytest.fixture(scope="module")
def speaker(tmp_path_factory):
    return write_speaker(tmp_path_factory.mktemp("real") / "a.mp4", person=1)


def test_the_later_the_mouth_the_greater_its_distance(speaker, tmp_path):
    rows = [measure_pair(write_speaker(tmp_path / f"{late}.mp4", 1, late), speaker) for late in (0, 2, 5, 10)]
    distances = [row["lmd"] for row in rows]
    assert all(row["frames_with_face"] == FRAMES for row in rows)
    assert distances[0] == 0
    assert all(less < more for less, more in itertools.pairwise(distances))
    mouths = [row["ssim_mouth"] for row in rows]
    assert mouths[0] == 1
    assert all(more > less for more, less in itertools.pairwise(mouths))
    assert all(row["identity"] > 0.95 for row in rows)


def test_other_persons_are_less_alike_than_the_same_one_a_frame_late(speaker, tmp_path):
    same = measure_pair(write_speaker(tmp_path / "late.mp4", 1, late=1), speaker)
    others = [measure_pair(write_speaker(tmp_path / f"{person}.mp4", person), speaker) for person in (4, 5, 6)]
    assert {row["identity_network"] for row in (same, *others)} == {"dlib"}
    assert max(row["identity"] for row in others) < same["identity"] - 0.02  # one portrait, in disguises


@pytest.mark.data
def test_real_persons_are_more_like_themselves_than_like_any_other(tmp_path):
    names = ["hdtf_WDA_AlexandriaOcasioCortez_000.mp4", "presenter_1080x1920_25fps.mp4", "silent_576x768.mp4"]
    sources = [Path(os.environ.get("TK_DATA", "/nonexistent")) / "video" / name for name in names]
    if not all(source.is_file() for source in sources):
        pytest.skip("no sample media: set TK_DATA")
    clips = {}
    for number, source in enumerate(sources):
        for second in (0, 4):
            clips[number, second] = tmp_path / f"{number}-{second}.mp4"
            ffmpeg("-ss", second, "-i", source, "-frames:v", 5, "-vf", "scale=-2:720", "-an", clips[number, second])
    pairs = itertools.product(range(len(names)), repeat=2)
    alike = {(a, b): measure_pair(clips[a, 0], clips[b, 4], PairOptions(align=True))["identity"] for a, b in pairs}
    same = min(value for (a, b), value in alike.items() if a == b)
    assert same > max(value for (a, b), value in alike.items() if a != b) + 0.05
