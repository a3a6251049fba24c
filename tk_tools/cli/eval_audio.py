"""tk-eval-audio: made speech against its references, as numbers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from tk_tools import __version__
from tk_tools.audio.speech_choices import DISTORTIONS, RECOGNISER, TRACKERS, WARPING
from tk_tools.cli import _options
from tk_tools.cli._main import entry
from tk_tools.errors import InputError

TOOL = "tk-eval-audio"
VOICE_COLUMNS = ("path", "reference", "seconds", "speaker", "wer", "cer", "tool", "protocol", "error")
COLUMNS = (
    "path", "reference", "seconds", "mcd", "f0_rmse", "f0_cents", "f0_corr", "vde", "stoi", "estoi", "pesq", "speaker",
    "loudness", "duration", "wer", "cer", "tool", "protocol", "error",
)  # fmt: skip


@click.command(TOOL, context_settings=_options.CONTEXT)
@_options.operands("[INPUT]...")
@_options.reference
@_options.pairs
@click.option(
    "--voice",
    type=_options.path_type(exists=True),
    metavar="PATH",
    help="Instead: recordings of the voice that is wanted, whatever they say; speaker similarity is measured.",
)
@click.option(
    "--mcd",
    type=click.Choice(DISTORTIONS),
    default=DISTORTIONS[0],
    help="Whose MCD: ESPnet's (SPTK mel-cepstra with c0, FastDTW), as most report, or that of mel-cepstral-distance.",
)
@click.option(
    "--mcd-rate",
    type=click.Choice([str(rate) for rate in WARPING]),
    default=str(next(iter(WARPING))),
    help="Sample rate of the distortion (Hz); it sets the order of the cepstra, so state it with the number.",
)
@click.option(
    "--f0", type=click.Choice(TRACKERS), default=TRACKERS[0], help="What tracks F0: librosa's pYIN, or WORLD's."
)
@click.option(
    "--align",
    is_flag=True,
    help="Shift by the lag of the waveforms (at most 0.5 s), then compare what both have; nothing is stretched.",
)
@click.option(
    "--transcripts",
    type=_options.path_type(exists=True),
    metavar="PATH",
    help="What is said: a folder with NAME.txt, or a list with a name and its words on each line; for wer and cer.",
)
@click.option(
    "--recogniser",
    default=RECOGNISER,
    metavar="NAME",
    help="Who listens: a size of Whisper, a folder with such a model (CTranslate2), or pocketsphinx (English).",
)
@_options.summary
@_options.device
@_options.weights_dir
@_options.row_tool
def command(
    reference: Path | None,
    pairs: Path | None,
    voice: Path | None,
    summary: Path | None,
    **values: Any,
) -> int:
    """Measure how near made speech comes to real speech.

    INPUT: the made sounds or videos, or folders searched for them; '-' or none: paths from standard input. Each is
    compared with the file of its name (whatever the suffix) in the folder of references, or as a list says. Sample
    rates may differ. A table on a terminal, tab-separated values into a pipe; the means, with 95 % bootstrap intervals
    over the clips, go to stderr.

    mcd: mel-cepstral distortion in dB, always after dynamic time warping. f0_rmse (Hz), f0_cents and f0_corr compare
    the melody where both are voiced, vde is the share of frames voiced in one alone: frames of 10 ms side by side, or
    along the path of the warping when the lengths differ. stoi, estoi (pystoi) and pesq (wide band, 16 kHz) need equal
    lengths, to within 20 ms; else they are left empty, or --align cuts both. speaker: cosine of the GE2E embeddings
    (Resemblyzer). loudness: LUFS of the made less the real (BS.1770). duration: made over real. Both are of the whole
    sounds. wer and cer compare what a recogniser hears in the made clip with --transcripts.

    --voice: the made clips, converted or cloned, say what nobody recorded in that voice, so speaker alone is measured
    (and wer, cer): the cosine with the mean embedding of its recordings. A folder of references in which no INPUT finds
    its name is taken for such recordings, which is told.

    A measure whose package or weights are not here is told by name, with the command that gets it, and the others are
    taken. What cannot be measured is left empty; --json says why under left_out.

    \b
    Examples:
      tk-eval-audio --reference real/ made/
      tk-eval-audio --reference real/ --align --mcd-rate 22050 --summary vocoder.json vocoded/
      tk-eval-audio --voice target/ converted/
      find dubbed -name '*.mp4' | tk-eval-audio --reference talks/ --transcripts words.tsv --json

    See also: tk-eval-video (pictures), tk-eval-lse (lip sync), tk-weights fetch ge2e.
    """
    from tk_tools.cli._log import Log
    from tk_tools.cli._measure import run_measure
    from tk_tools.cli._references import take_references
    from tk_tools.metrics.references import ReferencesByName
    from tk_tools.metrics.speech_pair import (
        MEASURES,
        SUFFIXES,
        SpeechOptions,
        find_absent,
        measure_of_name,
        without,
    )
    from tk_tools.metrics.summary import check_summary, in_words, means_of, write_summary
    from tk_tools.metrics.target_voice import find_voice, measure_voice

    common = _options.take_common(values)
    log = Log(TOOL, common.verbosity)
    if voice is not None and (reference is not None or pairs is not None):
        raise click.UsageError("--voice is instead of --reference and --pairs; give one of them.")
    references, common = take_references(common, reference, pairs, SUFFIXES)
    if voice is None and references is None:
        raise click.UsageError(
            "Give --reference PATH, --pairs FILE or --voice PATH: what are the sounds to be compared with?"
        )
    if isinstance(references, ReferencesByName) and not _any_named(references, common.operands):
        log.warn(f"no INPUT has its name in {reference}: taken for recordings of the voice that is wanted (--voice)")
        voice = reference
    if common.dask:
        values |= {name: values[name] and values[name].absolute() for name in ("transcripts", "weights_dir")}
        if Path(values["recogniser"]).is_dir():
            values["recogniser"] = str(Path(values["recogniser"]).absolute())
    options = SpeechOptions(**values | {"mcd_rate": int(values["mcd_rate"])})
    if summary is not None:
        check_summary(summary)
    absent = find_absent(options)
    if voice is not None:
        absent = {name: reason for name, reason in absent.items() if name in VOICE_COLUMNS}
    for reason in dict.fromkeys(absent.values()):
        names = [name for name in absent if absent[name] == reason]
        log.warn(f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} absent: {reason}")
    options = without(options, absent)
    seen = _Seen(MEASURES)
    if voice is None:
        measure = partial(measure_of_name, references=references, options=options)
    else:
        wanted = find_voice(voice.absolute() if common.dask else voice, options)
        for path, why in wanted.left_out:
            log.warn(f"left out of the voice: {path}: {why}")
        measure = partial(measure_voice, voice=wanted, options=options)
    code, failed = run_measure(
        TOOL,
        common,
        measure,
        reads=SUFFIXES,
        columns=COLUMNS if voice is None else VOICE_COLUMNS,
        seen=seen,
    )
    for line in seen.left_out_in_words():
        log.warn(line)
    means = means_of(seen.found)
    if means:
        log.info(in_words(means, failed) + seen.rates_in_words())
    if summary is not None:
        counts = {"clips": seen.clips, "failed": failed, "shard": common.shard}
        write_summary(summary, f"{TOOL} {__version__}", means, absent=absent, **counts, **seen.whole())
    return code


def _any_named(references: Any, operands: tuple[Path, ...]) -> bool:
    """Whether an operand has a reference of its name; of paths on standard input it is not known beforehand."""
    from tk_tools.files.find import find_files
    from tk_tools.metrics.speech_pair import SUFFIXES

    if not operands or Path("-") in operands:
        return True
    try:
        return references.has_any(found.path for operand in operands for found in find_files(operand, SUFFIXES))
    except InputError:
        return True  # told where the operands are read


class _Seen:
    """Gathers what the rows hold for the lines and the summary at the end."""

    def __init__(self, measures: tuple[str, ...]):
        self.found: dict[str, list[float]] = {name: [] for name in measures}
        self.clips = 0
        self.protocol: dict[str, Any] = {}
        self._edits: dict[str, int] = dict.fromkeys(("word_edits", "words", "character_edits", "characters"), 0)
        self._left_out: dict[tuple[str, ...], list[str]] = {}

    def __call__(self, path: Path, facts: dict[str, Any]) -> None:
        self.clips += 1
        self.protocol = facts["protocol"]
        for name, values in self.found.items():
            if facts[name] is not None:
                values.append(facts[name])
        for name in self._edits:
            self._edits[name] += facts.get(name, 0)
        reasons: dict[str, list[str]] = {}
        for name, reason in facts["left_out"].items():
            reasons.setdefault(reason, []).append(name)
        for reason, names in reasons.items():
            self._left_out.setdefault(tuple(names), []).append(f"{path}: {reason}")

    def left_out_in_words(self) -> list[str]:
        """A line for each group of measures that some clips have not, with the first of these clips."""
        return [
            f"{', '.join(names)} left empty in {len(told)} of {self.clips} rows, first of {told[0]}"
            for names, told in self._left_out.items()
        ]

    def whole(self) -> dict[str, Any]:
        """What is known of the set beside its means: how it was measured, and the error rates over all words."""
        return {"protocol": self.protocol} | {f"{name}_of_all": value for name, value in self._rates().items()}

    def rates_in_words(self) -> str:
        """The error rates over all words, to be put behind the means over the clips."""
        return "".join(f", {name} of all {value:.4g}" for name, value in self._rates().items())

    def _rates(self) -> dict[str, float]:
        edits = self._edits
        if not edits["words"]:
            return {}
        return {"wer": edits["word_edits"] / edits["words"], "cer": edits["character_edits"] / edits["characters"]}


main = entry(command)

if __name__ == "__main__":
    main()
