"""Sounds with transcripts -> TextGrids by an installed Montreal Forced Aligner (McAuliffe et al. 2017), 2 or 3.

It aligns a folder at a time, adapting to each speaker (a folder of sounds); it is a program of its own, from conda.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tk_tools.errors import InputError, MissingPackage, TkError
from tk_tools.files.made_from import read_provenance
from tk_tools.files.provenance import describe
from tk_tools.files.spoken_text import read_transcript
from tk_tools.files.textgrid import SUFFIX, read_phones, write_phones
from tk_tools.jobs.run import Job

PROGRAM = "mfa"


@dataclass(frozen=True)
class MfaOptions:
    """`dictionary` and `acoustic_model`: names of MFA's models, or files."""

    dictionary: str = "english_us_arpa"
    acoustic_model: str = "english_us_arpa"


def check_mfa() -> None:
    """MissingPackage: there is no program mfa."""
    if shutil.which(PROGRAM) is None:
        raise MissingPackage(
            "no program mfa here (Montreal Forced Aligner); install it with: "
            "conda install -c conda-forge montreal-forced-aligner"
        )


class MfaRun:
    """What a run of MFA gave, kept for write_phones_of: a folder of its own for the sounds that had to be aligned."""

    def __init__(self, found: dict[Path, Path]):
        self._found = found

    def write_phones_of(self, source: Path, transcript: Path, target: Path, options: MfaOptions) -> dict[str, Any]:
        """Write the TextGrid of one sound. InputError: MFA gave none, or the
        transcript cannot be read."""
        made = describe(options, source, transcript)
        read_transcript(transcript)
        produced = self._found[source]
        if not produced.is_file():
            raise InputError(f"mfa could not align it with {transcript}; do they belong together?", path=source)
        phones = read_phones(produced)
        write_phones(target, phones, made)
        return {"phones": len(phones.symbols)}


@contextmanager
def run_mfa(jobs: list[Job], options: MfaOptions, *, workers: int = 1, force: bool = False) -> Iterator[MfaRun]:
    """Align the sounds of the jobs (each with its transcript in `also`) whose TextGrids are missing or out of date.

    TkError: mfa failed, with its last words. MissingPackage: see check_mfa. Transcripts that cannot be read are left
    out, and told when the job is done.
    """
    with tempfile.TemporaryDirectory(prefix="tk-mfa-") as folder:
        corpus, output = Path(folder, "corpus"), Path(folder, "aligned")
        speakers: dict[Path, str] = {}
        found: dict[Path, Path] = {}
        for number, job in enumerate(jobs):
            speaker = speakers.setdefault(job.source.parent, f"speaker{len(speakers)}")
            found[job.source] = output / speaker / f"{number}{SUFFIX}"
            try:
                if not force and read_provenance(job.target) == describe(options, job.source, *job.also):
                    continue
                words = read_transcript(job.also[0])
            except InputError:
                continue
            here = corpus / speaker
            here.mkdir(parents=True, exist_ok=True)
            (here / f"{number}{job.source.suffix.lower()}").symlink_to(job.source.absolute())
            (here / f"{number}.lab").write_text(f"{words}\n", encoding="utf-8")
        if corpus.is_dir():
            _call(corpus, output, Path(folder, "work"), options, workers)
        yield MfaRun(found)


def _call(corpus: Path, output: Path, work: Path, options: MfaOptions, workers: int) -> None:
    """Two runs at a time need folders of their own: mfa names its work by the corpus's folder, which is always ours."""
    check_mfa()
    models = [options.dictionary, options.acoustic_model]
    command = [PROGRAM, "align", str(corpus), *models, str(output), "--clean", "--num_jobs", str(workers)]
    command += ["--temporary_directory", str(work)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode != 0:
        lines = [line.strip() for line in done.stdout.decode(errors="replace").splitlines() if line.strip()]
        last = lines[-1] if lines else "without a word"
        raise TkError(
            f"mfa align ended with code {done.returncode}: {last} (its models come with: "
            f"mfa model download acoustic {options.acoustic_model}; mfa model download dictionary {options.dictionary})"
        )
