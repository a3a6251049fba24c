"""The symbol table, and ten sentences from text to tokens. The json itself holds what came out."""

from __future__ import annotations

from tests.golden.golden import Absent
from tk_tools.errors import MissingPackage
from tk_tools.text.ids import phonemes_to_ids
from tk_tools.text.phonemes import Phonemiser, separate_marks
from tk_tools.text.symbols import INDEX, SYMBOLS


def text(golden):
    table = {"symbols": list(SYMBOLS), "index": INDEX}
    try:
        phonemiser = Phonemiser("en-us")
    except MissingPackage as error:
        return table | {"sentences": Absent(str(error))}
    return table | {"sentences": [_sentence(phonemiser, given["text"]) for given in golden.meta["sentences"]]}


def _sentence(phonemiser, text):
    spoken = phonemiser.spoken(text)
    with_quotes, without = separate_marks(spoken), phonemiser.phonemes(text)
    tokens, unknown = phonemes_to_ids(with_quotes)
    return {
        "text": text,
        "espeak": f"{spoken} ",  # phonemizer puts a space behind
        "espeak_without_quotes": f"{phonemiser.spoken(text.replace(chr(34), ''))} ",
        "phonemes": without,
        "tokens": phonemes_to_ids(without).ids,
        "phonemes_with_quotes": with_quotes,
        "tokens_with_quotes": tokens,
        "unknown": list(unknown),
    }


CASES = {"text": text}
