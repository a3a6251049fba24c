"""Training items: whole recordings with their mels and phonemes, each a line of a list.

An item follows from (clip, seed) alone, so a resumed run sees what an unbroken one would.
Source: FilePathDataset and Collater of meldataset.py, yl4579/StyleTTS2. Where this differs from them: speakers may have
any name, every other text can be drawn, and a batch keeps the order of its draws.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from tk_tools.audio.mel import mel
from tk_tools.audio.mel_presets import STYLETTS2
from tk_tools.errors import ConfigError, InputError
from tk_tools.files.find import AUDIO_SUFFIXES, stem_of
from tk_tools.files.phonemes_file import SUFFIX, read_phonemes_file
from tk_tools.files.stretch import Sound, look_at, read_at
from tk_tools.files.utterances import Utterance
from tk_tools.models.styletts2.config import StyleTTS2Config
from tk_tools.models.styletts2.sizes import HOP, SAMPLE_RATE, STEP
from tk_tools.text.ids import LONGEST, phonemes_to_ids
from tk_tools.train.clips import Listed
from tk_tools.train.kept import Kept, room_of
from tk_tools.train.stand_ins import StandIns
from tk_tools.train.task import Draw

QUIET_ENDS = 5000  # zero samples put before and behind each recording
SHORTEST_CLIP = 80  # frames; shorter ones are not trained on
SHORTEST = SHORTEST_CLIP + 2  # frames of a recording: a clip ends a step before it
REFERENCE = 192  # frames of a reference at most
SHORTEST_OTHER = 50  # symbols of another text, if there are such
SILENCE = 1e-4  # of full scale; a recording whose samples stay below is silent
_NAMED = 3  # symbols and lines that a warning names

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Clip:
    """A recording, the ids of what is said in it with the pad on both ends, and who speaks."""

    sound: Sound
    tokens: tuple[int, ...]
    speaker: str

    @property
    def path(self) -> Path:
        """The recording, which the clip is named by."""
        return self.sound.path

    @property
    def frames(self) -> int:
        """Of its mel, an even number."""
        return frames_of(self.sound.length(SAMPLE_RATE))


def frames_of(samples: int) -> int:
    """Mel frames of a recording (24 kHz) with its quiet ends, an even number."""
    return (1 + (samples + 2 * QUIET_ENDS) // HOP) // 2 * 2


def inspect_list(path: Path, config: StyleTTS2Config) -> Listed:
    """The clips of a list, PATH|PHONEMES|SPEAKER on each line; or of NAME.phonemes.txt without paths the recording NAME
    beside it, spoken by whom the folder is named after. InputError: it cannot be read, or there is no such recording.
    """
    faults: list[InputError] = []
    utterances = list(read_phonemes_file(path, failed=faults.append))
    if utterances and utterances[0].recording is None:
        return Listed(dict([_beside(path, utterances)]), faults)
    folder = Path(config.wavs) if config.wavs else path.parent
    clips: dict[Path, Clip] = {}
    outside: dict[str, list[int]] = {}
    for utterance in utterances:
        recording = folder / utterance.recording
        try:
            if recording in clips:
                raise InputError(f"{recording} stands in a line before")
            clips[recording] = _clip(recording, utterance.text, utterance.speaker)
        except InputError as error:
            faults.append(InputError(f"line {utterance.line}: {error}", path=path))
            continue
        for symbol in phonemes_to_ids(utterance.text).left_out:
            outside.setdefault(symbol, []).append(utterance.line)
    _tell_outside(path, outside)
    return Listed(clips, faults)


def _beside(path: Path, utterances: Sequence[Utterance]) -> tuple[Path, Clip]:
    """The recording that the phonemes of a whole file are said in."""
    name = stem_of(path, (SUFFIX, "_list.txt"))
    found = [sound for suffix in AUDIO_SUFFIXES if (sound := path.with_name(name + suffix)).exists()]
    if not found:
        raise InputError(
            f"is no list of recordings (PATH|PHONEMES|SPEAKER), and no {name}.wav lies beside it", path=path
        )
    text = " ".join(utterance.text for utterance in utterances)
    _tell_outside(path, {symbol: [utterances[0].line] for symbol in phonemes_to_ids(text).left_out})
    return found[0], _clip(found[0], text, path.absolute().parent.name)


def _clip(recording: Path, text: str, speaker: str) -> Clip:
    """InputError: it is of no use, and why."""
    tokens = phonemes_to_ids(text, end=True).ids
    if len(tokens) <= 2:
        raise InputError("has no symbol of the table", path=recording)
    if len(tokens) - 2 > LONGEST:
        raise InputError(f"has {len(tokens) - 2} symbols, and {LONGEST} is the most; divide it", path=recording)
    if not recording.exists():
        raise InputError("no such file", path=recording)
    clip = Clip(look_at(recording), tuple(tokens), speaker)
    if clip.sound.peak < SILENCE:
        raise InputError("is silent", path=recording)
    if clip.frames < SHORTEST:
        least = (SHORTEST * HOP - 2 * QUIET_ENDS) / SAMPLE_RATE
        raise InputError(f"lasts {clip.sound.seconds:.2f} s, and {least:.2f} s is the least", path=recording)
    if len(tokens) > clip.frames // 2:
        raise InputError(
            f"has {len(tokens)} tokens, and only {clip.frames // 2} steps of 25 ms to say them in; is it its text?",
            path=recording,
        )
    return clip


def _tell_outside(path: Path, outside: Mapping[str, Sequence[int]]) -> None:
    if not outside:
        return
    named = [
        f"{symbol!r} (line {', '.join(map(str, lines[:_NAMED]))}{', ...' if len(lines) > _NAMED else ''})"
        for symbol, lines in list(outside.items())[:_NAMED]
    ]
    more = f" and {len(outside) - _NAMED} more" if len(outside) > _NAMED else ""
    log.warning("%s: the table of symbols lacks %s%s; they are passed over", path, ", ".join(named), more)


class Recordings(Dataset):
    """Whole recordings: `[Draw(index, seed)]` gives wave (HOP * frames,) with quiet ends, mel (80, frames) and tokens
    (T,); with `texts`, for what is learnt from other speech, also reference (80, up to REFERENCE), of any recording of
    the same speaker, and other_tokens (T',) of another text. `collate` makes a batch of them.

    texts: those to draw from, as `other_texts` gives them. others: clips of the data set beside this one, which has its
    share of config.cache_mb.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        config: StyleTTS2Config,
        texts: Sequence[Sequence[int]] | None = None,
        others: int = 0,
    ):
        self.clips, self._texts = clips, texts
        self._of_speaker: dict[str, list[int]] = {}
        for place, clip in enumerate(clips):
            self._of_speaker.setdefault(clip.speaker, []).append(place)
        self._kept = Kept(room_of(config.cache_mb, config.loader_workers, len(clips), others))
        self._stand_ins = StandIns(len(clips))
        self._reference_stand_ins = {speaker: StandIns(len(own)) for speaker, own in self._of_speaker.items()}

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        return self._stand_ins.item(draw.index, lambda place: self._item(place, np.random.default_rng(draw.seed)))

    def _item(self, place: int, random: np.random.Generator) -> dict[str, Tensor]:
        clip = self.clips[place]
        samples, bands = self._read(place)
        item = {
            "wave": torch.from_numpy(samples.flatten()),
            "mel": torch.from_numpy(bands.T.copy()),
            "tokens": torch.tensor(clip.tokens),
        }
        if self._texts is not None:
            heard = self._reference(clip.speaker, random)
            start = int(random.integers(max(0, len(heard) - REFERENCE) + 1))
            item["reference"] = torch.from_numpy(heard[start : start + REFERENCE].T.copy())
            item["other_tokens"] = torch.tensor(self._texts[int(random.integers(len(self._texts)))])
        return item

    def _reference(self, speaker: str, random: np.random.Generator) -> np.ndarray:
        """The bands (frames, 80) of a recording of a speaker, drawn; of the speaker's next one if it is damaged."""
        own = self._of_speaker[speaker]
        stand_ins = self._reference_stand_ins[speaker]
        return stand_ins.item(int(random.integers(len(own))), lambda nth: self._read(own[nth])[1])

    def _read(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Of each frame its samples (frames, HOP) and its bands (frames, 80)."""
        kept = self._kept.get(place)
        if kept is None:
            kept = self._kept.keep(place, _frames(self.clips[place]))
        return kept[:, :HOP], kept[:, HOP:]

    @staticmethod
    def collate(items: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """wave (B, samples), mel (B, 80, frames), mel_lengths, tokens (B, T), token_lengths; of those that have them
        reference (B, 80, REFERENCE), reference_lengths, other_tokens (B, T'), other_token_lengths. 0 on the padding.
        """
        batch = {"wave": pad_sequence([item["wave"] for item in items], batch_first=True)}
        batch["mel"], batch["mel_lengths"] = _padded([item["mel"] for item in items])
        batch["tokens"], batch["token_lengths"] = _padded([item["tokens"] for item in items])
        if "reference" in items[0]:
            references, batch["reference_lengths"] = _padded([item["reference"] for item in items])
            batch["reference"] = pad(references, (0, REFERENCE - references.shape[-1]))
            batch["other_tokens"], batch["other_token_lengths"] = _padded([item["other_tokens"] for item in items])
        return batch


def items_of(batch: Mapping[str, Tensor]) -> Iterable[dict[str, Tensor]]:
    """The items of a batch of recordings as batches of one, without padding."""
    for item, (frames, tokens) in enumerate(
        zip(*(batch[f"{of}_lengths"].tolist() for of in ("mel", "token")), strict=True)
    ):
        one = {name: values[item : item + 1] for name, values in batch.items()}
        one["wave"] = one["wave"][:, : frames // 2 * STEP]
        one["mel"], one["tokens"] = one["mel"][..., :frames], one["tokens"][:, :tokens]
        yield one


def _frames(clip: Clip) -> np.ndarray:
    """(frames, HOP + 80) float32: of each mel frame its samples and its bands. InputError: it changed meanwhile."""
    wave = np.pad(read_at(clip.sound, 0, clip.sound.length(SAMPLE_RATE), SAMPLE_RATE), QUIET_ENDS)
    bands = mel(wave, STYLETTS2)
    bands = bands[: len(bands) // 2 * 2]
    samples = np.pad(wave, (0, HOP))[: len(bands) * HOP].reshape(-1, HOP)
    return np.concatenate([samples, bands], axis=1)


def _padded(items: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Items (..., T_i) with zeros behind them, (B, ..., T), and their lengths (B,)."""
    lengths = torch.tensor([item.shape[-1] for item in items])
    size = int(lengths.max())
    return torch.stack([pad(item, (0, size - item.shape[-1])) for item in items]), lengths


def other_texts(path: str, clips: Sequence[Clip]) -> list[tuple[int, ...]]:
    """Texts that nobody recorded, in ids with the pad on both ends: those of a file of phonemes (`path`), or those of
    the clips where it is empty; the ones of SHORTEST_OTHER symbols or more, unless all are shorter.

    ConfigError: the file cannot be read, or holds none that can be said.
    """
    if path:
        try:
            found = [
                tuple(phonemes_to_ids(utterance.text, end=True).ids) for utterance in read_phonemes_file(Path(path))
            ]
        except InputError as error:
            raise ConfigError(f"other_texts: {error.message}", path=error.path) from error
        found = [tokens for tokens in found if 2 < len(tokens) <= LONGEST + 2]
        if not found:
            raise ConfigError("other_texts: holds no text that can be said", path=path)
    else:
        found = [clip.tokens for clip in clips]
    return [tokens for tokens in found if len(tokens) - 2 >= SHORTEST_OTHER] or found
