"""What has to be there before a sound gets its average-voice mel: its TextGrid, and the averages of the whole set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from tk_tools.audio.align import AlignOptions, make_averages
from tk_tools.audio.mfa import MfaOptions, run_mfa
from tk_tools.audio.phone_recogniser import RecogniserOptions, write_heard_phones
from tk_tools.errors import InputError
from tk_tools.files.average_mel_file import AVERAGE_MEL
from tk_tools.files.spoken_text import TRANSCRIPT_SUFFIXES, transcript_beside
from tk_tools.files.textgrid import SUFFIX
from tk_tools.files.textgrid_folder import match_textgrids
from tk_tools.jobs.run import Job, Outcome, run_jobs


class Told(Protocol):
    """Who is told what goes on."""

    def fail(self, source: Path, message: str) -> None: ...

    def warn(self, message: str) -> None: ...

    def info(self, message: str) -> None: ...

    def progress(self, message: str) -> None: ...


@dataclass(frozen=True)
class AlignPlan:
    """Of one run of tk-align.

    output: the folder of the results. textgrids: the folder that phones are read from, or written to by `aligner`
    (None: they are there). averages: the file to take them from; None: `made_averages`, from all sounds.
    workers, dask, force: as for run_jobs.
    """

    output: Path
    textgrids: Path
    aligner: MfaOptions | RecogniserOptions | None
    averages: Path | None
    made_averages: Path
    options: AlignOptions
    workers: int = 1
    dask: str | None = None
    force: bool = False

    def __call__(self, jobs: list[Job], own: list[Job], told: Told) -> Iterator[Job]:
        """Make what is needed for all `jobs`, and give `own`, those of this shard, with TextGrid and averages.

        Those that cannot be done are told and left out. TkError: what stops all of them.
        """
        faults: dict[Path, str] = {}
        if self.aligner is None:
            textgrids = self._find(jobs, faults, told)
        else:
            textgrids = self._align(jobs if self.averages is None else own, faults, told)
        averages = self.averages
        if averages is None:
            averages = self.made_averages
            pairs = [(job.source, textgrids[job.source]) for job in jobs if job.source in textgrids]
            failed = make_averages(
                pairs,
                averages,
                self.options,
                workers=self.workers,
                dask=self.dask,
                force=self.force,
                warn=told.warn,
                info=told.info,
                progress=told.progress,
            )
            faults |= {source: str(fault) for source, fault in failed.items()}
        for job in own:
            if job.source in faults:
                told.fail(job.source, faults[job.source])
            else:
                yield replace(job, also=(textgrids[job.source], averages))

    def _find(self, jobs: list[Job], faults: dict[Path, str], told: Told) -> dict[Path, Path]:
        matched = match_textgrids((job.source for job in jobs), self.textgrids)
        faults |= {source: str(fault) for source, fault in matched.faults.items()}
        if matched.unused and self.averages is None:
            told.info(
                f"TextGrids that belong to none of the sounds: {len(matched.unused)}, such as {matched.unused[0]}"
            )
        return matched.of

    def _align(self, jobs: list[Job], faults: dict[Path, str], told: Told) -> dict[Path, Path]:
        wanted = list(self._textgrid_jobs(jobs, faults))
        options, pool = self.aligner, {"workers": self.workers, "dask": self.dask}
        if isinstance(options, RecogniserOptions):
            outcomes = run_jobs(wanted, write_heard_phones, options, **pool, force=self.force)
            self._take(outcomes, len(wanted), faults, told)
        else:
            told.progress(f"mfa aligns {len(wanted)} sounds")
            with run_mfa(wanted, options, workers=self.workers, force=self.force) as run:
                outcomes = run_jobs(wanted, run.write_phones_of, options, force=self.force)
                self._take(outcomes, len(wanted), faults, told)
        return {job.source: job.target for job in wanted if job.source not in faults}

    def _textgrid_jobs(self, jobs: list[Job], faults: dict[Path, str]) -> Iterator[Job]:
        needed = isinstance(self.aligner, MfaOptions)
        for job in jobs:
            transcript = transcript_beside(job.source)
            if needed and transcript is None:
                name = f"NAME{TRANSCRIPT_SUFFIXES[0]} or NAME{TRANSCRIPT_SUFFIXES[1]}"
                faults[job.source] = str(InputError(f"has no transcript beside it ({name}) for mfa", path=job.source))
                continue
            name = job.target.name.removesuffix(AVERAGE_MEL.suffix) + SUFFIX
            target = self.textgrids / job.target.relative_to(self.output).with_name(name)
            yield Job(job.source, target, () if transcript is None else (transcript,))

    @staticmethod
    def _take(outcomes: Iterator[Outcome], count: int, faults: dict[Path, str], told: Told) -> None:
        for done, outcome in enumerate(outcomes, start=1):
            if outcome.status == "failed":
                faults[outcome.job.source] = outcome.message
            for warning in filter(None, (outcome.warning, outcome.facts.get("warning"))):
                told.warn(f"{outcome.job.source}: {warning}")
            told.progress(f"TextGrids: {done} of {count}")
