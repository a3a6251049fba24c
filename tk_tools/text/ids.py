"""Phonemes to the ids that StyleTTS 2's networks read, and back."""

from __future__ import annotations

from typing import NamedTuple

from tk_tools.text.symbols import INDEX, PAD, SYMBOLS

POSITIONS = 512  # of PL-BERT and of the style denoiser: the longest utterance in ids
LONGEST = POSITIONS - 2  # symbols of an utterance, with the pads that training puts on both ends


class Ids(NamedTuple):
    """ids: of the utterance, the pad in front. left_out: characters outside the table, each once, in their order."""

    ids: list[int]
    left_out: str


def phonemes_to_ids(phonemes: str, *, end: bool = False) -> Ids:
    """The ids of an utterance; what the table lacks is left out and named.

    end: a pad behind it too, as the published networks were trained; their inference has none.
    """
    ids = [INDEX[PAD], *(INDEX[symbol] for symbol in phonemes if symbol in INDEX)]
    return Ids(ids + [INDEX[PAD]] * end, outside_table(phonemes))


def outside_table(phonemes: str) -> str:
    """The characters that the table lacks, each once, in their order."""
    return "".join(dict.fromkeys(symbol for symbol in phonemes if symbol not in INDEX))


def ids_to_phonemes(ids: list[int]) -> str:
    """The symbols of ids without the pads. ValueError: there is no such id."""
    if strange := [number for number in ids if not 0 <= number < len(SYMBOLS)]:
        raise ValueError(f"ids are 0 to {len(SYMBOLS) - 1}, not {strange[0]}")
    return "".join(SYMBOLS[number] for number in ids if number != INDEX[PAD])
