"""The work of tk-align: the averages of a set's phones -> NAME.phones.h5, and with them one sound -> NAME.avgmel.h5.

Mels are computed for the averages and again for each result, so that memory does not grow with the set.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tk_tools.audio.average_voice import (
    SILENCES,
    UNKNOWN,
    UNLABELLED,
    LevelCounts,
    average_mel,
    interval_levels,
    phones_on_frames,
)
from tk_tools.audio.make_mel import file_mel_blocks
from tk_tools.audio.mel import preset_named
from tk_tools.audio.mel_presets import DIFFVC, MelPreset
from tk_tools.errors import InputError, TkError
from tk_tools.files.average_mel_file import FramedPhones, write_average_mel_file
from tk_tools.files.digest import file_digest
from tk_tools.files.made_from import is_of_our_kind, read_provenance
from tk_tools.files.mel_file import Mel
from tk_tools.files.phone_averages_file import PhoneAverages, read_phone_averages, write_phone_averages
from tk_tools.files.provenance import Provenance, Source, describe, shaping
from tk_tools.files.textgrid import Phones, read_phones
from tk_tools.jobs.each import each
from tk_tools.jobs.pool import WorkerDied
from tk_tools.jobs.run import explain

Pair = tuple[Path, Path]  # a sound and its TextGrid
_EARLY = 1.0  # seconds that a TextGrid may end before the sound without a word


@dataclass(frozen=True)
class AlignOptions:
    """`preset`: the mel front end; levels are rounded to a tenth, so it has to be a logarithmic one."""

    preset: str = DIFFVC.name


def make_average_mel(
    source: Path, textgrid: Path, averages: Path, target: Path, options: AlignOptions
) -> dict[str, Any]:
    """The mel of `source` with each phone of `textgrid` said by the average voice of the file `averages`.

    Facts: frames, phones; "left_out", and nothing is written, where a word is unknown (spn): what stands there is no
    phone. InputError: a file cannot be read, is silent, or does not belong to the others.
    """
    preset = preset_named(options.preset)
    made = describe(options, source, textgrid, averages)
    phones = _read_speech(textgrid)
    if UNKNOWN in phones.symbols:
        stays = f"; {target} of an earlier run stays" if target.exists() else ""
        why = f"left out: {textgrid} has a word that its aligner did not know ({UNKNOWN}){stays}"
        return {"left_out": UNKNOWN, "warning": why}
    table = read_averages(averages, options)
    mel, framed = _on_frames(source, textgrid, phones, preset)
    try:
        values = average_mel(mel, framed, table)
    except InputError as error:
        raise InputError(error.message, path=textgrid) from error
    average = Mel(values, preset=preset.name, sample_rate=preset.sample_rate, hop_length=preset.hop_length)
    write_average_mel_file(target, average, framed, unit=preset.summary, made=made)
    facts: dict[str, Any] = {"frames": len(values), "phones": len(framed.symbols)}
    left = len(values) / float(preset.columns_per_second) - phones.seconds
    if left > _EARLY:
        facts["warning"] = (
            f"the last {left:.1f} s keep their own mel: {textgrid} ends before them; is it of this sound?"
        )
    return facts


def read_averages(path: Path, options: AlignOptions) -> PhoneAverages:
    """The averages in a NAME.phones.h5. InputError: not such a file, or made with another front end."""
    averages = read_phone_averages(path)
    if averages.preset != options.preset:
        raise InputError(f"was made with the preset {averages.preset}; {options.preset} is needed", path=path)
    return averages


def make_averages(
    pairs: list[Pair],
    target: Path,
    options: AlignOptions,
    *,
    workers: int = 1,
    dask: str | None = None,
    force: bool = False,
    warn: Callable[[str], None] = lambda message: None,
    info: Callable[[str], None] = lambda message: None,
    progress: Callable[[str], None] = lambda message: None,
) -> dict[Path, TkError]:
    """Make `target`, the averages over all recordings with at least one phone, unless it is there and of these very
    files; those with unknown words count too, as published.

    Returns why each sound that gave nothing did not (where none gave anything, the file is not made); empty when the
    file was there. The order of the pairs has no influence. warn, info, progress: called with what goes on.
    InputError: another file stands there, or it is words that the TextGrids hold.
    """
    found = read_provenance(target)
    if not force and target.exists():
        if found is None and not is_of_our_kind(target):
            raise InputError("is there already and not made by these tools; move it, or --force", path=target)
        if found is not None and found == _provenance(map(_digests, pairs), options):
            return {}
    preset = preset_named(options.preset)
    counts, digests, faults = LevelCounts(preset), [], {}
    measured = each(pairs, partial(_measure, options=options), workers=workers, dask=dask, from_anywhere=_absolute)
    with closing(measured):
        for done, ((sound, _), record) in enumerate(measured, start=1):
            if isinstance(record, WorkerDied):
                faults[sound] = InputError(str(record), path=sound)
                continue
            digests.append(record.digests)
            if record.fault is None:
                counts.add(record.symbols, record.levels, record.durations)
            else:
                faults[sound] = record.fault
            progress(f"averages: {done} of {len(pairs)} sounds")
    if counts:
        averages, made = counts.averages(), _provenance(digests, options)
        write_phone_averages(
            target,
            averages,
            sample_rate=preset.sample_rate,
            hop_length=preset.hop_length,
            unit=preset.summary,
            made=made,
        )
        if found is not None and found != made:
            warn(f"{target}: replaced; it was of {found.source.name} (--averages would have taken it as it was)")
        used = len(pairs) - len(faults)
        info(f"averages of {len(averages.symbols)} phones from {used} sound{'s' * (used != 1)}: {target}")
    return faults


class _Measured(NamedTuple):
    """Of one recording: the digests of its files, and each interval's symbol, levels and frames; or what is wrong."""

    digests: str
    symbols: tuple[str, ...] = ()
    levels: np.ndarray | None = None
    durations: np.ndarray | None = None
    fault: TkError | None = None


def _measure(pair: Pair, options: AlignOptions) -> _Measured:
    digests = _digests(pair)
    try:
        phones = _read_speech(pair[1])
        mel, framed = _on_frames(*pair, phones, preset_named(options.preset))
        return _Measured(
            digests, framed.symbols, interval_levels(mel, framed.frames), np.diff(framed.frames, axis=1)[:, 0]
        )
    except Exception as error:  # noqa: BLE001 - also a fault of ours in one file; the others are to be done
        return _Measured(digests, fault=explain(error, pair[0])[0])


def _read_speech(textgrid: Path) -> Phones:
    phones = read_phones(textgrid)
    if SILENCES.issuperset(set(phones.symbols) - {UNLABELLED}):
        raise InputError("holds no phone, silence alone", path=textgrid)
    return phones


def _on_frames(sound: Path, textgrid: Path, phones: Phones, preset: MelPreset) -> tuple[np.ndarray, FramedPhones]:
    mel = np.concatenate(list(file_mel_blocks(sound, preset)))
    try:
        return mel, phones_on_frames(phones, len(mel), preset)
    except InputError as error:
        raise InputError(error.message, path=textgrid) from error


def _digests(pair: Pair) -> str:
    try:
        return " ".join(map(file_digest, pair))
    except InputError:
        return ""  # cannot be read: told where it is worked on


def _absolute(pair: Pair) -> Pair:
    return pair[0].absolute(), pair[1].absolute()


def _provenance(digests: Iterable[str], options: AlignOptions) -> Provenance:
    """That of the averages: one digest of all files of the set, in whatever order they came."""
    together = hashlib.blake2b(digest_size=16)
    count = 0
    for digest in sorted(digests):
        together.update(os.fsencode(f"{digest}\n"))
        count += 1
    return Provenance(
        shaping(options), Source(f"{count} recording{'s' * (count != 1)}", f"blake2b:{together.hexdigest()}")
    )
