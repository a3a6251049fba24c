"""NAME.phonemes.txt: phonemes, an utterance on each line, in the form of StyleTTS 2's lists (utterances.py).

Its first line is a comment that says from what and how the file was made; the lists that the original knows have none,
and are read as well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tk_tools.errors import InputError
from tk_tools.files.atomic import atomic_path
from tk_tools.files.provenance import MADE_FROM, Provenance, Source
from tk_tools.files.utterances import Utterance, read_utterances

SUFFIX = ".phonemes.txt"
_MARK = f"# {MADE_FROM}: "


def read_phonemes_file(path: Path, *, failed: Callable[[InputError], None] | None = None) -> Iterator[Utterance]:
    """The utterances of NAME.phonemes.txt or of a list of the original. failed, InputError: see read_utterances."""
    return read_utterances(path, skip=_MARK.encode(), failed=failed)


def write_phonemes_file(target: Path, utterances: Iterable[Utterance], made: Provenance) -> int:
    """Write the utterances as they come, the file whole or not at all; how many there were.

    InputError: there were none. OutputError: it cannot be written.
    """
    count = 0
    with atomic_path(target, check=_check) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
        print(_MARK + made.comment(), file=file)
        for utterance in utterances:
            print(utterance, file=file)
            count += 1
        if count == 0:
            raise InputError("holds nothing that can be spoken")
        file.flush()
    return count


def read_made_by(path: Path) -> Provenance:
    """What the file was made from. KeyError: it is not of these tools."""
    with open(path, encoding="utf-8") as file:
        mark, found, comment = file.readline().partition(_MARK)
    if mark or not found:
        raise KeyError(_MARK)
    content = json.loads(comment)
    return Provenance(content["params"], Source(**content["source"]))


def _check(path: Path) -> None:
    for _ in read_phonemes_file(path):
        pass
