"""Work functions that the workers of the tests import: sums, waits, deaths."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tk_tools.errors import InputError
from tk_tools.files.atomic import atomic_path
from tk_tools.files.provenance import describe
from tk_tools.files.soundtrack import read_audio
from tk_tools.files.wav import write_wav


@dataclass(frozen=True)
class Options:
    folder: str = ""
    seconds: float = 0.0


def add(left: int, right: int) -> int:
    return left + right


def fail(message: str) -> None:
    raise InputError(message)


def own_process() -> int:
    return os.getpid()


def die(marks: str, times: int) -> str:
    """Kill the own process the first `times` times that this is called with one folder of marks."""
    done = len(os.listdir(marks))
    if done < times:
        Path(marks, str(done)).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


def copy(source: Path, target: Path, options: Options) -> dict[str, Any]:
    """Copy a small file, slowly when asked; what the file's text orders comes first."""
    text = source.read_text()
    if text == "bad":
        raise InputError("is bad", path=source)
    if text == "bug":
        raise ZeroDivisionError("oh")
    with atomic_path(target) as temporary:
        temporary.write_text(text)
        if text.startswith("die"):
            die(f"{options.folder}/{source.stem}", int(text.split()[1]))
        time.sleep(options.seconds)
    return {"process": os.getpid()}


def sound_of(source: Path, *also_and_target: Path) -> dict[str, Any]:
    """extract_audio, whatever other files the result is said to be made from."""
    *also, target, options = also_and_target
    made = describe(options, source, *also)
    write_wav(target, [read_audio(source)], options.sample_rate, comment=made.comment())
    return {}
