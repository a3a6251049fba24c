"""tk-phonemize: texts -> NAME.phonemes.txt, or phonemes on standard output."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from tk_tools.cli import _options
from tk_tools.cli._main import entry

TOOL = "tk-phonemize"


def _check_text(ctx, param, value: str | None) -> str | None:
    if value is not None and any("\ud800" <= character <= "\udfff" for character in value):
        raise click.BadParameter("is not UTF-8 text")
    return value


@click.command(TOOL, context_settings=_options.CONTEXT)
@_options.operands("[INPUT]... [OUTPUT]")
@click.option("--language", default="en-us", metavar="CODE", help="Language of espeak-ng: en-us, de, fr-fr, cmn, ...")
@click.option(
    "--text", metavar="TEXT", callback=_check_text, help="Print the phonemes of TEXT instead; no files are named."
)
@click.option(
    "--normalise/--no-normalise",
    default=True,
    help="Say numbers, dates, money, abbreviations, addresses and emoji in words before espeak-ng reads them.",
)
@_options.file_tool
def command(**values: Any) -> int:
    """Turn texts into phonemes for StyleTTS 2.

    INPUT: .txt files, or folders searched for them; '-' or none: paths from standard input. A file has an utterance on
    each line, or is a list of recordings: PATH|TEXT or PATH|TEXT|SPEAKER on each line, of which the text is turned.
    With one operand the utterances are printed, a line each; of two or more the last is OUTPUT, a folder or one
    NAME.phonemes.txt, and the path of each finished file is printed.

    Phonemes are those of espeak-ng with stress, punctuation kept and set apart. A line of a text that is too long for
    StyleTTS 2 (510 symbols) becomes several, between its sentences; a recording's is kept and told. What cannot be
    spoken, and symbols that StyleTTS 2 does not have, are told with their line. A file that cannot be read, or a list
    with a line that lacks a field, is told on stderr, the others are done, and the exit code is 1.

    \b
    Examples:
      tk-phonemize --language en-us texts/ | wc -l
      tk-phonemize --workers 4 texts/ train_list.txt phonemes/
      tk-phonemize --text 'It costs $12.50, Dr. Smith.'
      find texts -name '*.txt' | tk-phonemize --language de - phonemes/

    Needs: pip install '.[text]' in the folder of tk-tools (phonemizer and espeak-ng, which are under the GPL).

    See also: tk-check, tk-train.
    """
    from tk_tools.text.make_phonemes import PhonemizeOptions, make_phonemes, say

    common, text = _options.take_common(values), values.pop("text")
    options = PhonemizeOptions(**values)
    if text is not None:
        return _print_text(common, text, options)
    if len(common.operands) < 2:
        return _print_files(common, options)
    from tk_tools.cli._batch import run_batch
    from tk_tools.files.phonemes_file import SUFFIX

    def check() -> None:
        say("1", options)

    return run_batch(TOOL, common, make_phonemes, options, reads=(".txt",), suffix=SUFFIX, check=check)


def _print_text(common: _options.Common, text: str, options) -> int:
    from tk_tools.cli._log import Log
    from tk_tools.cli._output import print_rows, write_line
    from tk_tools.errors import InputError
    from tk_tools.text.ids import outside_table
    from tk_tools.text.make_phonemes import lacking, name, say, unspoken
    from tk_tools.text.scripts import unreadable

    if common.operands:
        raise click.UsageError("--text stands in place of the files; name one or the other.")
    phonemes = say(text, options)
    if not phonemes:
        raise InputError(f"nothing can be spoken in --text {text!r}")
    if unread := unreadable(text, options.language):
        Log(TOOL, common.verbosity).warn(f"--text: {unspoken(unread)}")
    if symbols := outside_table(phonemes):
        Log(TOOL, common.verbosity).warn(f"--text: {lacking([name(symbol) for symbol in symbols])}")
    if common.json:
        print_rows([{"text": text, "phonemes": phonemes}], (), as_json=True)
    else:
        write_line(phonemes)
    return 0


def _print_files(common: _options.Common, options) -> int:
    from tk_tools.cli._log import Log
    from tk_tools.cli._measure import run_measure
    from tk_tools.files.utterances import Utterance
    from tk_tools.text.make_phonemes import phonemes_of, say

    log = Log(TOOL, common.verbosity)

    def tell(path, row: dict[str, Any]) -> None:
        if warning := row.pop("warning", None):
            log.warn(f"{path}: {warning}")

    def line(row: dict[str, Any]) -> str:
        return str(Utterance(row["line"], row["phonemes"], row.get("recording"), row.get("speaker")))

    if common.dask is None:
        say("1", options)  # what is missing for all is told once
    work = partial(phonemes_of, options=options)
    return run_measure(TOOL, common, work, reads=(".txt",), columns=(), seen=tell, line=line).code


main = entry(command)

if __name__ == "__main__":
    main()
