"""Waveform -> the words that an automatic recogniser hears, for error rates against a transcript.

Whisper (Radford et al., 2022, by faster-whisper) is what papers report; its weights lie in the cache of huggingface-hub
and are never fetched here. pocketsphinx knows English alone and errs more, but brings its weights within its package.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable

import numpy as np

from tk_tools.audio.speech_choices import OFFLINE_RECOGNISER
from tk_tools.errors import MissingPackage, WeightsError

SAMPLE_RATE = 16000  # Hz

Recogniser = Callable[[np.ndarray], str]


@functools.lru_cache(maxsize=1)
def open_recogniser(name: str, device: str = "cpu") -> Recogniser:
    """The recogniser `name`: a size of Whisper (tiny to large-v3), a folder with a model of CTranslate2, or
    OFFLINE_RECOGNISER.

    It takes a waveform (n,) float in [-1, 1] at 16 kHz and gives its words. device: as torch names it. Raises
    MissingPackage, and WeightsError when the model is not on this machine; both say which command gets it.
    """
    return _open_pocketsphinx() if name == OFFLINE_RECOGNISER else _open_whisper(name, device)


def _open_pocketsphinx() -> Recogniser:
    try:
        import pocketsphinx
    except ImportError:
        raise MissingPackage("no recogniser pocketsphinx here; install it with: pip install pocketsphinx") from None

    def hear(samples: np.ndarray) -> str:
        # a new one each time: what it hears would depend on what it heard before
        decoder = pocketsphinx.Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")
        pcm = np.clip(np.round(samples * 32767.0), -32768, 32767).astype(np.int16)
        decoder.start_utt()
        decoder.process_raw(pcm.tobytes(), full_utt=True)
        decoder.end_utt()
        heard = decoder.hyp()
        return re.sub(r"\(\d+\)", "", heard.hypstr) if heard else ""  # the(2): a second way to say it

    return hear


def _open_whisper(name: str, device: str) -> Recogniser:
    try:
        from faster_whisper import WhisperModel
    except ImportError:
        raise MissingPackage(
            "no recogniser Whisper here; install it with: pip install faster-whisper "
            f"(or take --recogniser {OFFLINE_RECOGNISER}, English alone)"
        ) from None
    kind, _, index = device.partition(":")
    if os.path.isdir(name) and not os.path.isfile(os.path.join(name, "model.bin")):
        raise WeightsError("holds no model.bin of CTranslate2; name a folder that does, or a size", path=name)
    try:
        model = WhisperModel(
            name,
            device="cuda" if kind == "cuda" else "cpu",
            device_index=int(index or 0),
            local_files_only=True,
        )
    except FileNotFoundError as error:
        fetch = f"python -c 'import faster_whisper; faster_whisper.download_model(\"{name}\")'"
        raise WeightsError(f"the weights of Whisper {name} are not on this machine; get them with: {fetch}") from error
    except (ValueError, RuntimeError) as error:
        raise WeightsError(f"no recogniser {name!r}: {error}") from error

    def hear(samples: np.ndarray) -> str:
        # one temperature: with the others it draws at random where it is not sure
        segments, _ = model.transcribe(np.asarray(samples, np.float32), temperature=0.0)
        return " ".join(segment.text.strip() for segment in segments)

    return hear
