"""Waveform -> mel spectrogram, for every preset of mel_presets, whole or in blocks with the very same numbers.

Right for features that published weights expect; for MFCCs see mfcc. The arithmetic is that of librosa and torchaudio
(Slaney and HTK mel scales), written out so that no version of either can change it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

import numpy as np
from scipy import fft

from tk_tools.audio.mel_presets import PRESETS, MelPreset
from tk_tools.errors import ConfigError, InputError
from tk_tools.files.resample import resampled

# Every block has this many columns, the last one filled up: a matrix product's rounding depends on its size.
COLUMNS_PER_BLOCK = 256


def preset_named(name: str) -> MelPreset:
    """The preset of that name. ConfigError names the known ones."""
    try:
        return PRESETS[name]
    except KeyError:
        raise ConfigError(f"no mel preset {name!r}; known: {', '.join(PRESETS)}") from None


def mel(waveform: np.ndarray, preset: MelPreset | str, sample_rate: int | None = None) -> np.ndarray:
    """Mel spectrogram of a whole waveform.

    Args: waveform (samples,) float in [-1, 1] or int16; sample_rate in Hz when it is not the preset's (it is then
    resampled, soxr HQ). Returns (columns, bands) float32, in the preset's unit.
    Raises InputError for an empty waveform and for a sample that is NaN or infinite.
    """
    preset = preset_named(preset) if isinstance(preset, str) else preset
    blocks = list(mel_blocks([waveform], preset, sample_rate=sample_rate))
    return np.concatenate(blocks)


def mel_blocks(
    waveform: Iterable[np.ndarray], preset: MelPreset, sample_rate: int | None = None
) -> Iterator[np.ndarray]:
    """`mel` of a waveform that comes in pieces of any size: yields (columns, bands) float32 blocks once known.

    Their concatenation equals `mel` of the joined pieces bit for bit, however it is cut.
    """
    pieces = _checked(waveform)
    if sample_rate not in (None, preset.sample_rate):
        pieces = resampled(pieces, rate_in=sample_rate, rate_out=preset.sample_rate)
    pieces = _padded(_emphasised(pieces, preset.pre_emphasis), preset)
    span = (COLUMNS_PER_BLOCK - 1) * preset.hop_length + preset.n_fft
    step = COLUMNS_PER_BLOCK * preset.hop_length
    pending, size = [], 0
    for piece in pieces:
        pending.append(piece)
        size += len(piece)
        if size < span:
            continue
        samples, start = np.concatenate(pending), 0
        while len(samples) - start >= span:
            yield _columns(samples[start : start + span], preset)
            start += step
        pending, size = [samples[start:]], len(samples) - start
    samples = np.concatenate(pending) if pending else np.zeros(0, dtype=np.float32)
    left = 1 + (len(samples) - preset.n_fft) // preset.hop_length
    if left > 0:
        yield _columns(np.pad(samples[:span], (0, max(0, span - len(samples)))), preset)[:left]


def filter_bank(preset: MelPreset) -> np.ndarray:
    """The preset's mel filters: (bands, n_fft // 2 + 1) float32."""
    bins = np.linspace(0, preset.filter_rate / 2, preset.n_fft // 2 + 1)
    to_mel, to_hz = (_slaney, _slaney_inverse) if preset.mel_scale == "slaney" else (_htk, _htk_inverse)
    ends = to_mel(np.array([preset.fmin, preset.fmax]))
    edges = to_hz(np.linspace(ends[0], ends[1], preset.n_mels + 2))
    widths = np.diff(edges)
    slopes = edges[:, None] - bins  # (bands + 2, bins)
    rising = -slopes[:-2] / widths[:-1, None]
    falling = slopes[2:] / widths[1:, None]
    filters = np.maximum(0, np.minimum(rising, falling))
    if preset.area_normalised:
        filters *= (2 / (edges[2:] - edges[:-2]))[:, None]
    return filters.astype(np.float32)


_SLANEY_LINEAR = 200 / 3  # Hz a mel below the break
_SLANEY_BREAK = 1000.0  # Hz
_SLANEY_STEP = np.log(6.4) / 27  # natural log of the frequency ratio of one mel above it


def _slaney(hz: np.ndarray) -> np.ndarray:
    above = _SLANEY_BREAK / _SLANEY_LINEAR + np.log(np.maximum(hz, 1e-9) / _SLANEY_BREAK) / _SLANEY_STEP
    return np.where(hz >= _SLANEY_BREAK, above, hz / _SLANEY_LINEAR)


def _slaney_inverse(mels: np.ndarray) -> np.ndarray:
    knee = _SLANEY_BREAK / _SLANEY_LINEAR
    return np.where(mels >= knee, _SLANEY_BREAK * np.exp(_SLANEY_STEP * (mels - knee)), _SLANEY_LINEAR * mels)


def _htk(hz: np.ndarray) -> np.ndarray:
    return 2595 * np.log10(1 + hz / 700)


def _htk_inverse(mels: np.ndarray) -> np.ndarray:
    return 700 * (10 ** (mels / 2595) - 1)


@functools.lru_cache(maxsize=8)
def _window_and_filters(preset: MelPreset) -> tuple[np.ndarray, np.ndarray]:
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(preset.win_length) / preset.win_length)
    before = (preset.n_fft - preset.win_length) // 2
    window = np.pad(hann, (before, preset.n_fft - preset.win_length - before)).astype(np.float32)
    return window, np.ascontiguousarray(filter_bank(preset).T)


def _columns(samples: np.ndarray, preset: MelPreset) -> np.ndarray:
    """((columns - 1) hop + n_fft,) padded samples -> (columns, bands)."""
    window, filters = _window_and_filters(preset)
    frames = np.lib.stride_tricks.sliding_window_view(samples, preset.n_fft)[:: preset.hop_length]
    spectrum = fft.rfft(frames * window, axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    if preset.spectrum_floor:
        power += np.float32(preset.spectrum_floor)
    energy = power if preset.spectrum == "power" else np.sqrt(power)
    return _COMPRESSIONS[preset.compression](energy @ filters)


def _wav2lip(bands: np.ndarray) -> np.ndarray:
    decibels = 20 * np.log10(np.maximum(1e-5, bands)) - 20  # -20: the reference level of the original
    return np.clip(8 * (decibels + 100) / 100 - 4, -4, 4).astype(np.float32)  # -100 dB..0 -> -4..4


_COMPRESSIONS = {
    "wav2lip": _wav2lip,
    "log": lambda bands: np.log(np.maximum(bands, 1e-5)),
    "styletts2": lambda bands: (np.log(1e-5 + bands) + 4) / 4,  # mean -4, deviation 4 of its training speech
    "none": lambda bands: bands,
}


def _checked(waveform: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    seen = 0
    for piece in waveform:
        piece = np.asarray(piece)
        if piece.ndim != 1:
            raise ValueError(f"a waveform is (samples,), not {piece.shape}")
        samples = piece / np.float32(32768) if piece.dtype == np.int16 else piece.astype(np.float32, copy=False)
        if not np.isfinite(samples).all():
            place = seen + int(np.argmin(np.isfinite(samples)))
            raise InputError(f"sample {place} of the sound is not a number; export the sound again")
        seen += len(samples)
        if len(samples):
            yield samples
    if not seen:
        raise InputError("the sound is empty")


def _emphasised(pieces: Iterable[np.ndarray], coefficient: float) -> Iterator[np.ndarray]:
    last = np.float32(0)
    for piece in pieces:
        if not coefficient or not len(piece):
            yield piece
            continue
        before = np.concatenate([[last], piece[:-1]]).astype(np.float32)
        last = piece[-1]
        yield piece - np.float32(coefficient) * before


def _padded(pieces: Iterable[np.ndarray], preset: MelPreset) -> Iterator[np.ndarray]:
    """The waveform with the preset's padding at both ends, holding back what the end will need."""
    pad = preset.padding
    reserve = pad + 1 + preset.hop_length  # reflection looks back pad + 1 samples from where whole hops end
    held, started = np.zeros(0, dtype=np.float32), False
    for piece in pieces:
        held = np.concatenate([held, piece])
        if not started and len(held) > pad + reserve:
            yield _edge(held[: pad + 1], (pad, 0), preset)[:pad]
            started = True
        if started and len(held) > reserve:
            # A whole number of hops, so that what is left tells where the last whole hop ends.
            ready = (len(held) - reserve) // preset.hop_length * preset.hop_length
            yield held[:ready]
            held = held[ready:]
    if preset.whole_hops:
        held = held[: len(held) - len(held) % preset.hop_length]
    if len(held):
        yield _edge(held, (0 if started else pad, pad), preset)


def _edge(samples: np.ndarray, width: tuple[int, int], preset: MelPreset) -> np.ndarray:
    return np.pad(samples, width, mode=preset.pad_mode)
