"""Waveform -> the last hidden states of a pretrained encoder: HuBERT, wav2vec 2.0 or Whisper, through transformers.

Their steps are 20 ms long; a row is the mean of the two of its frame. Models of the Hugging Face hub, from a folder or
its cache on this machine, and never downloaded here. Sources: Hsu et al. 2021 (HuBERT), Baevski et al. 2020 (wav2vec),
Radford et al. 2022 (Whisper).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tk_tools.audio.feature_model import FRAME_SAMPLES, SAMPLE_RATE, FeatureModel
from tk_tools.errors import MissingPackage, WeightsError
from tk_tools.weights.load import load_state_dict
from tk_tools.weights.signatures import recognise

STEP = FRAME_SAMPLES // 2  # samples from one step of these encoders to the next
_BEYOND = 80  # samples: a step of HuBERT and wav2vec 2.0 hears 400
_WINDOW = 30 * SAMPLE_RATE  # what goes through an encoder at once: Whisper takes no more
_MARGIN = 5 * SAMPLE_RATE  # of a window, at its ends, where another one hears more; whole frames, as are windows
_CONFIG = "config.json"


class EncoderFeatures(FeatureModel):
    """The models "hubert", "wav2vec2" and "whisper" (FeatureModel). Sound longer than 30 s goes through in windows that
    overlap by 10 s, of which the middle counts."""

    def __init__(self, name: str, encoder: Any, front_end: Any):
        self.name = name
        self.channels = int(encoder.config.hidden_size)
        self._encoder, self._front_end = encoder, front_end

    def _rows(self, pieces: Iterator[np.ndarray]) -> np.ndarray:
        rows = [self._window_rows(window)[first:last] for window, first, last in overlapping(pieces)]
        return np.concatenate(rows)

    def _window_rows(self, window: np.ndarray) -> np.ndarray:
        """(n whole frames of samples,) -> (n, channels)."""
        import torch

        given = self._front_end(window, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        # a waveform, or Whisper's mel of 30 s
        values = given["input_features" if "input_features" in given else "input_values"].to(self._encoder.device)
        if values.ndim == 2:
            values = torch.nn.functional.pad(values, (0, _BEYOND))
        with torch.inference_mode():
            states = self._encoder(values).last_hidden_state[0]
        steps = len(window) // STEP
        return states[:steps].unflatten(0, (-1, 2)).mean(dim=1).float().cpu().numpy()


def overlapping(pieces: Iterator[np.ndarray]) -> Iterator[tuple[np.ndarray, int, int]]:
    """(window, first, last): samples of whole frames, filled up with zeros at the end, and which of its frames count.

    Those that count, one window after another, are the frames of the waveform, each once.
    """
    held, size, first = [], 0, 0
    step, margin = _WINDOW - 2 * _MARGIN, _MARGIN // FRAME_SAMPLES
    for piece in pieces:
        held.append(np.asarray(piece, np.float32))
        size += len(piece)
        if size > _WINDOW:
            samples, start = np.concatenate(held), 0
            while len(samples) - start > _WINDOW:
                yield samples[start : start + _WINDOW], first, _WINDOW // FRAME_SAMPLES - margin
                start, first = start + step, margin
            held, size = [samples[start:]], len(samples) - start
    samples = np.concatenate(held)
    frames = -(-size // FRAME_SAMPLES)
    yield np.pad(samples, (0, frames * FRAME_SAMPLES - size)), first, frames


def model_files(name: str, checkpoint: str) -> tuple[Path, ...]:
    """The files of a model, its config.json first. checkpoint: a folder, or a name on the hub.

    MissingPackage: transformers. WeightsError: not on this machine, or not whole; the message says how to get it.
    """
    folder = Path(checkpoint)
    if folder.is_file():
        held = recognise(load_state_dict(folder))
        what = "is one file of weights" if held is None else f"holds {held.title}, not {name}"
        raise WeightsError(f"{what}; name the folder of a whole {name} model, with its config.json", path=folder)
    if not folder.is_dir():
        folder = _cached(name, checkpoint)
    config, front_end = folder / _CONFIG, folder / "preprocessor_config.json"
    weights = sorted(folder.glob("model*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))
    missing = [path.name for path in (config, front_end) if not path.is_file()]
    if not weights:
        missing.append("model.safetensors")
    if missing:
        raise WeightsError(f"holds no {' and no '.join(missing)}; name the folder of a whole {name} model", path=folder)
    return config, front_end, *weights


def _cached(name: str, checkpoint: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError
    except ImportError:
        raise _no_transformers(name) from None
    try:
        return Path(snapshot_download(checkpoint, local_files_only=True))
    except (OSError, HFValidationError) as error:
        fault = f"the {name} model {checkpoint} is neither a folder nor on this machine"
        raise WeightsError(f"{fault}; get it with: hf download {checkpoint}, or name a folder") from error


def load_encoder(name: str, folder: Path, device: str) -> EncoderFeatures:
    """The model in a folder. MissingPackage: transformers. WeightsError: of another kind, or damaged."""
    try:
        import transformers
    except ImportError:
        raise _no_transformers(name) from None
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        kind = transformers.AutoConfig.from_pretrained(folder, local_files_only=True).model_type
        if kind != name:
            raise WeightsError(f"holds a model of the kind {kind}, not {name}", path=folder)
        front_end = transformers.AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
        model = transformers.AutoModel.from_pretrained(folder, local_files_only=True)
    except WeightsError:
        raise
    except Exception as error:  # whatever its many readers raise for what lies in the folder
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"cannot be read as a {name} model: {reason}", path=folder) from error
    encoder = model.encoder if name == "whisper" else model
    return EncoderFeatures(name, encoder.eval().to(device), front_end)


def _no_transformers(name: str) -> MissingPackage:
    return MissingPackage(f"--model {name} needs transformers; install it with: pip install 'transformers>=4.40'")
