"""The one place where ffmpeg is called: pictures and sound into an mp4 (the program is the one of imageio-ffmpeg)."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np

from tk_tools.errors import OutputError
from tk_tools.files import progress
from tk_tools.files.atomic import output_error

_LAST_WORDS = 2000  # bytes of ffmpeg's stderr that are kept for the message


class VideoWriter:
    """Write pictures (and a sound file) as H.264 and AAC in an mp4.

    `width`, `height`: size of the pictures given; odd ones are widened by one row or column, since 4:2:0 video has even
    sizes. `fps`: pictures per second. `audio`: a file whose whole sound goes beside the pictures, or the part of it
    that begins at `audio_start` and lasts `audio_seconds` at most. `metadata`: tags such as title and
    comment. `quality`: x264's constant rate factor (0 lossless, 51 worst). The same pictures give the same bytes.
    Write to a temporary path (files.atomic) and close, or use as a context manager; OutputError: ffmpeg failed.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        fps: Fraction,
        audio: Path | None = None,
        audio_start: float = 0,
        audio_seconds: float | None = None,
        metadata: dict[str, str] | None = None,
        quality: int = 18,
        preset: str = "veryfast",
        threads: int = 4,
    ):
        import imageio_ffmpeg

        self.path = Path(path)
        self.width, self.height = width, height
        self._even = (width + width % 2, height + height % 2)
        self.count = 0
        self._fps = fps = Fraction(fps)
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "error", "-y"]
        command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{self._even[0]}x{self._even[1]}"]
        command += ["-framerate", f"{fps.numerator}/{fps.denominator}", "-i", "pipe:0"]
        if audio is not None:
            command += [
                "-protocol_whitelist",
                "file",
                *(["-ss", f"{audio_start:.6f}"] if audio_start > 0 else []),
                *(["-t", f"{audio_seconds:.6f}"] if audio_seconds is not None else []),
                "-i",
                f"file:{audio}",
                "-map",
                "0:v:0",
                "-map",
                "1:a:0",
            ]
            command += ["-c:a", "aac", "-b:a", "192k"]
        command += [
            "-vf",
            "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int",
        ]
        command += ["-c:v", "libx264", "-preset", preset, "-crf", str(quality), "-pix_fmt", "yuv420p"]
        command += [
            "-colorspace",
            "bt709",
            "-color_primaries",
            "bt709",
            "-color_trc",
            "bt709",
            "-color_range",
            "tv",
        ]
        command += ["-threads", str(threads), "-map_metadata", "-1", "-fflags", "+bitexact"]
        command += ["-flags:v", "+bitexact", "-flags:a", "+bitexact", "-movflags", "+faststart"]
        for key, value in sorted((metadata or {}).items()):
            command += ["-metadata", f"{key}={value}"]
        command += ["-f", "mp4", f"file:{self.path}"]
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed with ffmpeg
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            start_new_session=True,
        )

    def write(self, picture: np.ndarray) -> None:
        """Add one picture: (height, width, 3) uint8 RGB."""
        if picture.shape != (self.height, self.width, 3) or picture.dtype != np.uint8:
            raise ValueError(f"expected ({self.height}, {self.width}, 3) uint8, got {picture.shape} {picture.dtype}")
        extra = (self._even[1] - self.height, self._even[0] - self.width)
        if any(extra):
            picture = np.pad(picture, ((0, extra[0]), (0, extra[1]), (0, 0)), mode="edge")
        try:
            self._process.stdin.write(np.ascontiguousarray(picture).data)
        except BrokenPipeError as error:
            raise self._failure() from error
        self.count += 1
        progress.tell(float(self.count / self._fps))

    def close(self) -> None:
        """Finish the file. OutputError: ffmpeg failed, in its own last words."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        if self._process.wait() != 0:
            raise self._failure()
        self._stderr.close()

    def abort(self) -> None:
        """Stop ffmpeg without finishing; the caller removes the file."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._stderr.close()

    def _failure(self) -> OutputError:
        code = self._process.wait()
        self._stderr.seek(0, 2)
        self._stderr.seek(max(0, self._stderr.tell() - _LAST_WORDS))
        lines = self._stderr.read().decode(errors="replace").strip().splitlines()
        self._stderr.close()
        said = lines[-1] if lines else "it said nothing"
        if code == -signal.SIGXFSZ:
            said = "the file grew past the size limit of the system"
        elif code == 256 - errno.ENOSPC or os.strerror(errno.ENOSPC) in said:  # its own code for it; words come later
            return output_error(OSError(errno.ENOSPC, ""), self.path)
        return OutputError(f"ffmpeg failed with code {code} after {self.count} pictures: {said}", path=self.path)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind, error, trace) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


def write_video(path: Path, pictures: Iterable[np.ndarray], *, fps: Fraction, **options) -> int:
    """Write pictures of one size to an mp4 (options as VideoWriter's) and return how many there were."""
    writer = None
    try:
        for picture in pictures:
            if writer is None:
                writer = VideoWriter(path, width=picture.shape[1], height=picture.shape[0], fps=fps, **options)
            writer.write(picture)
    except BaseException:
        if writer is not None:
            writer.abort()
        raise
    if writer is None:
        raise OutputError("there is no picture to write", path=path)
    writer.close()
    return writer.count


def copy_with_comment(source: Path, target: Path, comment: str) -> None:
    """Write `target`: the pictures and the sound of an mp4 as they are, under another comment; to a temporary path, as
    VideoWriter. OutputError: ffmpeg failed."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-loglevel", "error", "-y"]
    command += ["-protocol_whitelist", "file", "-i", f"file:{source}", "-map", "0", "-c", "copy", "-map_metadata", "-1"]
    command += ["-fflags", "+bitexact", "-movflags", "+faststart", "-metadata", f"comment={comment}"]
    done = subprocess.run(
        [*command, "-f", "mp4", f"file:{target}"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        if os.strerror(errno.ENOSPC) in said:
            raise output_error(OSError(errno.ENOSPC, ""), target)
        last = said.splitlines()[-1] if said else "it said nothing"
        raise OutputError(f"ffmpeg failed with code {done.returncode}: {last}", path=target)
