"""Media that tests make: small clips whose pictures carry their number and whose sound clicks at known times."""

import subprocess
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import soundfile

BITS = 8
CLICKS = (0.4, 1.2)  # seconds
NTSC = Fraction(30000, 1001)
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "12", "-pix_fmt", "yuv420p")


def ffmpeg(*arguments, pictures: bytes | None = None) -> None:
    """Run the program of imageio-ffmpeg; its last words are in the error."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", *map(str, arguments)]
    done = subprocess.run(command, input=pictures or b"", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def counter_picture(number: int, *, height: int = 64, width: int = 64) -> np.ndarray:
    """(height, width, 3) uint8: the bits of `number` as black and white columns in the lower three quarters, the lowest
    bit at the left; the upper quarter is grey, its left half bright, so that each orientation looks different."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 4] = 90
    picture[: height // 4, : width // 2] = 165
    for bit in range(BITS):
        left, right = bit * width // BITS, (bit + 1) * width // BITS
        picture[height // 4 :, left:right] = 235 if number >> bit & 1 else 20
    return picture


def read_number(picture: np.ndarray) -> int:
    """The number in an upright counter picture."""
    height, width = picture.shape[:2]
    grey = picture[height // 2 : -height // 8].mean(axis=(0, 2))
    middles = [int((bit + 0.5) * width / BITS) for bit in range(BITS)]
    return sum(1 << bit for bit, middle in enumerate(middles) if grey[middle] > 128)


def is_upright(picture: np.ndarray) -> bool:
    """Whether the bright patch of a counter picture is at the upper left and the dark one at the upper right."""
    height, width = picture.shape[:2]
    left, right = picture[: height // 5, : width // 3].mean(), picture[: height // 5, -width // 3 :].mean()
    return abs(left - 165) < 12 and abs(right - 90) < 12


def click_sound(seconds: float, rate: int, *, clicks=CLICKS, channels: int = 1) -> np.ndarray:
    """(samples, channels) float32: silence with a pulse of a few milliseconds around each time in `clicks`."""
    times = np.arange(round(seconds * rate)) / rate
    sound = sum(0.8 * np.exp(-0.5 * ((times - click) / 0.001) ** 2) for click in clicks)
    return np.repeat(np.asarray(sound, np.float32).reshape(-1, 1), channels, axis=1)


def find_click(samples: np.ndarray, rate: int, near: float, window: float = 0.15) -> float:
    """The time in seconds of the loudest sample within `window` seconds of `near`."""
    start = max(0, round((near - window) * rate))
    part = np.abs(np.asarray(samples[start : round((near + window) * rate)], np.float64))
    assert part.max() > 0.2 * np.abs(np.asarray(samples, np.float64)).max(), f"no click near {near}"
    return (start + int(part.argmax())) / rate


def write_click_wav(path: Path, seconds: float = 2.0, rate: int = 16000, *, subtype: str = "PCM_16", **options) -> Path:
    """A wav of click_sound."""
    soundfile.write(path, click_sound(seconds, rate, **options), rate, subtype=subtype)
    return path


def write_clip(
    path: Path,
    *,
    frames: int = 50,
    fps=Fraction(25),
    height: int = 64,
    width: int = 64,
    sound: float | None = 2.0,
    rate: int = 44100,
    channels: int = 2,
    sound_delay: float = 0.0,
    times: str | None = None,
    rotation: int | None = None,
    options: tuple = (),
) -> Path:
    """A clip of counter pictures beside clicks at CLICKS (seconds after the sound's own start).

    `sound`: its length in seconds, None for none; `sound_delay`: it starts so much later than the pictures. `times`: an
    ffmpeg expression for the time of picture N in ms. `rotation`: a tag in degrees. `options`: for the output.
    """
    fps = Fraction(fps)
    inputs = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{width}x{height}"]
    inputs += ["-framerate", f"{fps.numerator}/{fps.denominator}", "-i", "pipe:0"]
    if sound is not None:
        wav = path.with_name(f"{path.name}.source.wav")
        write_click_wav(wav, sound, rate, channels=channels)
        inputs += ["-itsoffset", f"{sound_delay}", "-i", wav, "-map", "0:v", "-map", "1:a"]
    if times is not None:
        inputs += ["-vf", f"settb=1/1000,setpts='{times}'", "-fps_mode", "passthrough", "-enc_time_base", "1/1000"]
    pictures = b"".join(counter_picture(number, height=height, width=width).tobytes() for number in range(frames))
    plain = path.with_name(f"plain-{path.name}") if rotation is not None else path
    ffmpeg(*inputs, *options, f"file:{plain}", pictures=pictures)
    if rotation is not None:
        ffmpeg("-display_rotation", rotation, "-i", plain, "-c", "copy", path)
        plain.unlink()
    if sound is not None:
        wav.unlink()
    return path
