"""The clock of pictures: picture k is the one nearest to k / fps, upright; and what is no media file is told."""

from fractions import Fraction

import av
import numpy as np
import pytest

from tests.media import (
    CLICKS,
    H264,
    NTSC,
    counter_picture,
    ffmpeg,
    find_click,
    is_upright,
    read_number,
    write_click_wav,
    write_clip,
)
from tk_tools.errors import InputError
from tk_tools.files.ffmpeg import write_video
from tk_tools.files.media import probe, stream_seconds
from tk_tools.files.soundtrack import clip_samples, read_audio, read_clip_audio
from tk_tools.files.video import VideoReader, read_frames, read_picture


def numbers(path, fps=Fraction(25)) -> list[int]:
    return [read_number(picture) for picture in read_frames(path, fps=fps)]


def nearest(times: list[Fraction], fps: Fraction, count: int) -> list[int]:
    """The number of the source picture that is nearest to each place on the clock."""
    return [min(range(len(times)), key=lambda number: abs(times[number] - place / fps)) for place in range(count)]


@pytest.mark.parametrize("source", [12, 25, NTSC, 30, 50, 60])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_picture_k_is_the_nearest(tmp_path, source, suffix):
    frames = round(2 * source)
    path = write_clip(tmp_path / f"clip{suffix}", frames=frames, fps=source, sound=None, options=H264)
    seen = numbers(path)
    assert len(seen) == round(frames / source * 25)
    times = [number / Fraction(source) for number in range(frames)]
    off = [
        k
        for k, (got, best) in enumerate(zip(seen, nearest(times, Fraction(25), len(seen)), strict=True))
        if abs(abs(times[got] - Fraction(k, 25)) - abs(times[best] - Fraction(k, 25)))
        > 0.001  # mkv counts milliseconds
    ]
    assert off == []


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(10), NTSC, Fraction(60)])
def test_the_output_rate_is_what_was_asked(tmp_path, fps):
    path = write_clip(tmp_path / "clip.mp4", sound=None, options=H264)
    seen = numbers(path, fps=fps)
    assert len(seen) == round(2 * fps)
    assert seen == nearest([Fraction(number, 25) for number in range(50)], fps, len(seen))


def test_without_a_rate_every_picture_comes_once(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", fps=NTSC, frames=60, sound=None, options=H264)
    reader = VideoReader(path, fps=None)
    assert [read_number(picture) for picture in reader] == list(range(60))
    assert reader.fps == NTSC


@pytest.mark.parametrize("suffix", [".mkv", ".webm", ".mp4"])
def test_variable_frame_rate(tmp_path, suffix):
    # intervals of 30, 45 and 60 ms in turn, and a hole of 0.4 s after picture 20
    step = "45*N+if(eq(mod(N,3),1),-15,if(eq(mod(N,3),2),-15,0))+if(gte(N,20),400,0)"
    times = [
        (45 * n + (-15 if n % 3 == 1 else -15 if n % 3 == 2 else 0) + (400 if n >= 20 else 0)) / 1000 for n in range(40)
    ]
    codec = ("-c:v", "libvpx", "-b:v", "2M", "-deadline", "realtime") if suffix == ".webm" else H264
    path = write_clip(tmp_path / f"clip{suffix}", frames=40, times=step, sound=None, options=codec)
    seen = numbers(path)
    assert abs(len(seen) - times[-1] * 25) <= 2.5
    hole = range(round(times[19] * 25), round(times[20] * 25) - 1)
    for place, number in enumerate(seen):
        if place in hole:
            assert number == 19, "in a hole the picture before stays"
        else:
            early = 0.05 if number == 20 else 0.031
            assert -0.031 <= times[number] - place / 25 <= early, f"picture {place}"


def test_the_first_picture_sets_the_clock(tmp_path):
    path = write_clip(tmp_path / "clip.mkv", frames=50, times="N*40+700", sound=None, options=H264)
    assert numbers(path) == list(range(50))
    assert probe(path).start == pytest.approx(0.7, abs=0.002)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_tags_are_honoured(tmp_path, rotation):
    turned = [np.rot90(counter_picture(number, height=64, width=96), k=-(rotation // 90)) for number in range(10)]
    plain = tmp_path / "plain.mp4"
    write_video(plain, turned, fps=Fraction(25), quality=8)
    path = tmp_path / "clip.mp4"
    ffmpeg("-display_rotation", rotation, "-i", plain, "-c", "copy", path)
    info = probe(path)
    assert (info.height, info.width, info.rotation) == (64, 96, rotation)
    pictures = list(read_frames(path))
    assert [read_number(picture) for picture in pictures] == list(range(10))
    assert all(is_upright(picture) and picture.shape == (64, 96, 3) for picture in pictures)


def test_odd_sizes(tmp_path):
    codec = ("-c:v", "ffv1", "-pix_fmt", "yuv444p")
    path = write_clip(tmp_path / "clip.mkv", frames=5, height=67, width=75, sound=None, options=codec)
    pictures = list(read_frames(path))
    assert len(pictures) == 5
    for number, picture in enumerate(pictures):
        assert picture.shape == (67, 75, 3)
        assert picture.flags["C_CONTIGUOUS"]
        assert read_number(picture) == number
        assert is_upright(picture)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("clip.avi", ("-c:v", "mpeg4", "-q:v", "2", "-c:a", "pcm_s16le")),
        ("clip.mov", ("-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj444p")),
        ("clip.ts", H264),
        ("clip.mpg", ("-c:v", "mpeg1video", "-q:v", "2")),
        ("clip.flv", ("-c:v", "flv1", "-q:v", "2", "-ar", "44100")),
        ("hevc.mp4", ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-crf", "12")),
        ("bframes.mp4", ("-c:v", "libx264", "-preset", "medium", "-crf", "12", "-bf", "3", "-pix_fmt", "yuv420p")),
    ],
)
def test_containers_and_codecs(tmp_path, name, options):
    path = write_clip(tmp_path / name, options=options)
    seen = numbers(path)
    assert seen == list(range(50))
    rate = 16000
    samples = np.concatenate(list(read_clip_audio(path, rate=rate, samples=clip_samples(50, Fraction(25), rate))))
    assert len(samples) == 2 * rate
    for click in CLICKS:
        assert find_click(samples, rate, click) == pytest.approx(click, abs=0.003)


def test_cover_art_is_no_video(tmp_path):
    wav = write_click_wav(tmp_path / "source.wav", 2.0, 44100)
    cover = tmp_path / "cover.png"
    ffmpeg("-f", "lavfi", "-i", "color=red:size=64x64", "-frames:v", "1", cover)
    for name, codec in (("song.mp3", "libmp3lame"), ("song.m4a", "aac")):
        song = tmp_path / name
        ffmpeg(
            "-i",
            wav,
            "-i",
            cover,
            "-map",
            "0",
            "-map",
            "1",
            "-c:a",
            codec,
            "-c:v",
            "copy",
            "-disposition:v:0",
            "attached_pic",
            song,
        )
        assert not probe(song).has_video
        with pytest.raises(InputError, match="no video"):
            VideoReader(song)
        assert [
            find_click(read_audio(song, rate=16000, align=True), 16000, click) for click in CLICKS
        ] == pytest.approx(CLICKS, abs=0.002)


def test_one_picture_is_a_clip(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", frames=1, sound=None, options=H264)
    assert numbers(path) == [0]


def test_the_last_picture_is_kept(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", frames=61, fps=30, sound=None, options=H264)
    assert numbers(path)[-1] == 60


@pytest.mark.parametrize("front", [True, False], ids=["index in front", "index at the end"])
def test_a_truncated_mp4_is_refused_at_every_length(tmp_path, front):
    options = (*H264, "-movflags", "+faststart") if front else H264
    whole = write_clip(tmp_path / "clip.mp4", options=options).read_bytes()
    path = tmp_path / "cut.mp4"
    for part in (0.001, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99):
        path.write_bytes(whole[: int(len(whole) * part)])
        with pytest.raises(InputError) as error:
            list(read_frames(path))
        assert "\n" not in str(error.value)
        assert str(path) in str(error.value)


def test_a_matroska_file_cut_short_is_refused(tmp_path):
    codec = ("-c:v", "libvpx", "-b:v", "2M", "-deadline", "realtime", "-cluster_time_limit", "200")
    whole = write_clip(tmp_path / "clip.webm", options=codec).read_bytes()
    path = tmp_path / "cut.webm"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cut short"):
        list(read_frames(path))


@pytest.mark.parametrize("begin", [0.52, 1.32])
def test_what_an_edit_list_leaves_out_is_not_counted(tmp_path, begin):
    """As a clip has it that was cut without being encoded again, which begins at a whole picture before."""
    whole = write_clip(tmp_path / "whole.mp4", options=H264)
    path = tmp_path / "cut.mp4"
    ffmpeg("-ss", str(begin), "-i", whole, "-t", "0.6", "-c", "copy", path)
    seen = numbers(path)
    assert seen[0] == pytest.approx(25 * begin, abs=1)
    assert stream_seconds(path, "video") * 25 == len(seen) < probe(path).frame_count
    assert len(read_audio(path, rate=16000)) / 16000 == pytest.approx(0.6, abs=0.1)


def test_damage_in_the_middle_keeps_the_clock(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", sound=None, options=("-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p"))
    content = bytearray(path.read_bytes())
    starts = [place for place in range(len(content) - 1) if content[place : place + 3] == b"\xff\xd8\xff"]
    assert len(starts) == 50
    for number in (20, 21):
        content[starts[number] : starts[number + 1]] = bytes(starts[number + 1] - starts[number])
    path.write_bytes(content)
    reader = VideoReader(path)
    seen = [read_number(picture) for picture in reader]
    assert seen == [*range(20), 19, 22, *range(22, 50)]
    assert reader.damaged == 2


@pytest.mark.parametrize("content", [b"", b"this is a text\n" * 50, bytes(4096), b"<!DOCTYPE html><html></html>"])
def test_what_is_no_media_file_is_told(tmp_path, content):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    for read in (lambda: list(read_frames(path)), lambda: read_audio(path), lambda: probe(path)):
        with pytest.raises(InputError) as error:
            read()
        assert str(error.value).startswith(f"{path}: ")


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        probe(tmp_path / "none.mp4")
    with pytest.raises(InputError, match="is a folder"):
        probe(tmp_path)


@pytest.mark.parametrize(
    "name", ["a b.mp4", 'it\'s "so".mp4', "a\nb.mp4", "-dash.mp4", "http:x.mp4", "100%.mp4", "a\udcff.mp4", "ü.mp4"]
)
def test_any_name_can_be_read(clip, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    clip.rename(name)
    assert len(list(read_frames(name))) == 50
    assert len(read_audio(name, rate=8000, align=True)) == pytest.approx(16000, abs=1)


PATCHES = [(200, 40, 40), (40, 180, 60), (50, 60, 210), (128, 128, 128), (230, 220, 40), (10, 10, 10), (245, 245, 245)]


@pytest.mark.parametrize("patch", PATCHES)
def test_colours_survive_our_own_coding(tmp_path, patch):
    path = tmp_path / "clip.mp4"
    write_video(path, [np.full((64, 64, 3), patch, np.uint8)] * 3, fps=Fraction(25), quality=5)
    for picture in read_frames(path):
        assert np.abs(picture.astype(int) - patch).max() <= 3


def test_untagged_small_video_is_bt601(tmp_path):
    path = tmp_path / "clip.mp4"
    colour = (200, 40, 40)
    pictures = np.full((3, 64, 64, 3), colour, np.uint8).tobytes()
    ffmpeg("-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", "64x64", "-i", "pipe:0",
           "-vf", "scale=out_color_matrix=bt601", *H264, path, pictures=pictures)  # fmt: skip
    for picture in read_frames(path):
        assert np.abs(picture.astype(int) - colour).max() <= 4


def test_full_range_video(tmp_path):
    path = tmp_path / "clip.mp4"
    pictures = np.full((3, 64, 64, 3), (250, 250, 250), np.uint8).tobytes()
    ffmpeg("-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", "64x64", "-i", "pipe:0", "-c:v", "libx264",
           "-crf", "5", "-pix_fmt", "yuvj420p", "-color_range", "pc", path, pictures=pictures)  # fmt: skip
    for picture in read_frames(path):
        assert np.abs(picture.astype(int) - 250).max() <= 3


def test_a_transparent_and_a_grey_picture(tmp_path):
    for pixels in ("rgba", "gray", "rgb24"):
        path = tmp_path / f"{pixels}.png"
        ffmpeg("-f", "lavfi", "-i", "color=0x808080:size=33x35", "-frames:v", "1", "-pix_fmt", pixels, path)
        picture = read_picture(path)
        assert picture.shape == (35, 33, 3)
        assert np.abs(picture.astype(int) - 128).max() <= 2
        assert probe(path).is_still


def test_decoder_threads_report_nothing_to_python():
    # a level, any, lets them wait for the interpreter's lock, and closing a damaged file then waits for them for ever
    assert av.logging.get_level() is None


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".mp4", (*H264, "-g", "12", "-bf", "3")),
        (".mp4", (*H264, "-g", "9", "-bf", "3", "-x264-params", "open-gop=1")),
        (".mkv", (*H264, "-g", "250")),
        (".ts", (*H264, "-g", "12", "-bf", "2")),
        (".avi", ("-c:v", "mpeg4", "-g", "12")),
        (
            ".mov",
            (
                "-c:v",
                "mjpeg",
            ),
        ),
        (".mp4", ("-c:v", "libx265", "-x265-params", "log-level=none:keyint=12")),
    ],
    ids=["mp4", "open groups", "one group", "ts", "avi", "mjpeg", "hevc"],
)
@pytest.mark.parametrize("fps", [None, NTSC, Fraction(10)])
def test_a_part_from_the_middle_is_that_of_the_whole(tmp_path, suffix, options, fps):
    path = write_clip(tmp_path / f"clip{suffix}", frames=60, options=options)
    reader = VideoReader(path, fps=fps)
    whole = list(reader)
    for begin, end in [(0, 3), (2, 9), (11, 14), (12, 13), (17, 23), (len(whole) - 5, len(whole) - 1)]:
        part = list(reader.between(begin, end))
        assert len(part) == end - begin
        assert all(map(np.array_equal, part, whole[begin:end]))


def test_a_part_of_a_long_video_is_not_decoded_from_its_start(tmp_path, monkeypatch):
    reader = VideoReader(write_clip(tmp_path / "clip.mp4", frames=200, options=(*H264, "-g", "10")), fps=None)
    assert sum(1 for _ in reader) == 200
    decoded = []
    inner = VideoReader._decoded

    def counted(self):
        for item in inner(self):
            decoded.append(item[0])
            yield item

    monkeypatch.setattr(VideoReader, "_decoded", counted)
    assert len(list(reader.between(150, 155))) == 5
    assert len(decoded) < 30
