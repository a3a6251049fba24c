"""What `tk-infer diffvc` offers: its options, its help, and which operands it takes. Imports nothing heavy."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import click

from tk_tools.errors import InputError
from tk_tools.files.find import AUDIO_SUFFIXES, VIDEO_SUFFIXES, find_files
from tk_tools.models import Inference, Request, Service, Upload
from tk_tools.models.diffvc.options import (
    GRIFFIN_LIM,
    HIFIGAN,
    LONGEST_REFERENCE,
    LONGEST_SEGMENT,
    NO_VOCODER,
    InferOptions,
)

READS = (*AUDIO_SUFFIXES, *VIDEO_SUFFIXES)
SUFFIX, MEL_SUFFIX = ".wav", ".mel.h5"
SPEAKER_WEIGHTS, VOCODER_WEIGHTS = "ge2e", "diffvc-hifigan"  # names in `tk-weights list`
STDIN = Path("-")


OPTIONS = (
    click.option(
        "--checkpoint",
        type=click.Path(path_type=Path),
        required=True,
        help="DiffVC, encoder and decoder: a run folder of tk-train (stage decoder), one of its files, a published file"
        " as downloaded, or its name in `tk-weights list`.",
    ),
    click.option(
        "--target",
        "targets",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="PATH",
        help="Whose voice: a recording (any sound or video) or a folder of them, all of one speaker. Again for more.",
    ),
    click.option(
        "--solver",
        type=click.Choice(["ml", "em", "pf"]),
        default="ml",
        help="Of the diffusion: maximum likelihood, Euler-Maruyama or probability flow; with few steps only ml is of"
        " use.",
    ),
    click.option(
        "--steps",
        type=click.IntRange(1, 1000),
        default=30,
        metavar="N",
        help="Steps of the diffusion, with which the time grows; with --solver ml 6 come near the quality of 30.",
    ),
    click.option(
        "--seed", type=click.IntRange(min=0), default=0, metavar="N", help="Of the noise that speech is made of."
    ),
    click.option(
        "--denoise/--no-denoise", default=True, help="Subtract the steady noise of what is made, as published."
    ),
    click.option(
        "--vocoder",
        metavar="PATH",
        help="HiFi-GAN, which makes sound of the mels: a run folder of tk-train, a published file, its name in"
        f" `tk-weights list`; or {GRIFFIN_LIM}, which needs no weights and sounds poor; or {NO_VOCODER}: the mels"
        " themselves, NAME.mel.h5, which a HiFi-GAN can be fine-tuned on.",
        show_default=f"the weights {VOCODER_WEIGHTS} where they are here, else {GRIFFIN_LIM}",
    ),
    click.option(
        "--precision",
        type=click.Choice(["fp32", "bf16"]),
        default="fp32",
        help="Arithmetic of the decoder; bf16 is faster where the device has it.",
    ),
)


def prepare(values: dict[str, Any], operands: tuple[Path, ...]) -> Request:
    """What a command line asks for. UsageError: it does not say whose voice, or says it twice."""
    checkpoint, targets, vocoder = values.pop("checkpoint"), values.pop("targets"), values.pop("vocoder")
    if not targets:
        operands, targets = _without_target(operands)
    elif len(operands) == 3 and _is_result(operands[2]):
        raise click.UsageError("--target and the TARGET among the operands both say whose voice; give one of them.")
    notice = None
    if vocoder is None and _published_vocoder(values["weights_dir"]) is None:
        vocoder, notice = GRIFFIN_LIM, _poor_sound(values["weights_dir"])
    options = InferOptions(vocoder=vocoder if vocoder in (GRIFFIN_LIM, NO_VOCODER) else HIFIGAN, **values)

    @lru_cache(maxsize=1)
    def shared() -> tuple[Path, ...]:
        """The files from which every result is made, beside its source."""
        from tk_tools.train.run_folder import weights_file
        from tk_tools.weights.find import find_weights

        files = [weights_file(checkpoint, options.weights_dir), find_weights(SPEAKER_WEIGHTS, options.weights_dir)]
        if options.vocoder == HIFIGAN:
            files.append(weights_file(Path(vocoder or VOCODER_WEIGHTS), options.weights_dir))
        return (*files, *_recordings(targets))

    def check() -> str | None:
        from tk_tools.models.diffvc.inference import check_shared

        weights, speaker_weights, *further = shared()
        return check_shared(weights, speaker_weights, further, options)

    suffix = MEL_SUFFIX if options.vocoder == NO_VOCODER else SUFFIX
    return Request(operands, options, also=lambda source: shared(), check=check, notice=notice, suffix=suffix)


def check_service(values: dict[str, Any]) -> str | None:
    """Open what all voices of a service have in common. WeightsError, ConfigError: see check_weights."""
    from tk_tools.models.diffvc.inference import check_weights

    request = prepare(values, (Path("source"), Path("voice"), Path("out.wav")))
    checkpoint, speaker_weights, *further = request.also(Path("source"))
    check_weights(checkpoint, speaker_weights, further, request.options)
    return request.notice


def _without_target(operands: tuple[Path, ...]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """SOURCE TARGET OUTPUT as operands without the target, and the target."""
    if len(operands) != 3 or operands[1] == STDIN:
        raise click.UsageError("Whose voice? Say SOURCE TARGET OUTPUT, or --target PATH with any number of sources.")
    source, target, output = operands
    return (source, output), (target,)


def _is_result(path: Path) -> bool:
    return path.name.endswith((SUFFIX, MEL_SUFFIX)) and not path.is_dir()


def _recordings(targets: tuple[Path, ...]) -> list[Path]:
    """The recordings of the voice. InputError: a folder has none, or a file is none."""
    found = [item.path for target in targets for item in find_files(target, READS)]
    for path in found:
        if path.suffix == ".h5":
            raise InputError(
                "is no recording: the target's voice is its embedding and a mel to refer to, both made of its sound;"
                " give the recording itself",
                path=path,
            )
    return found


def _published_vocoder(weights_dir: Path | None) -> Path | None:
    from tk_tools.weights.find import locate
    from tk_tools.weights.table import get_published

    return locate(get_published(VOCODER_WEIGHTS), weights_dir)


def _poor_sound(weights_dir: Path | None) -> str:
    from tk_tools.weights.find import fetch_folder
    from tk_tools.weights.table import get_published

    entry = get_published(VOCODER_WEIGHTS)
    return (
        "no vocoder's weights are on this machine: the sound is made by Griffin-Lim, which is understandable and no"
        f" more. Better: a run of HiFi-GAN (--vocoder RUN), or the published file {entry.file} (from {entry.page}) in"
        f" {fetch_folder(weights_dir)}"
    )


HELP = f"""Say what one voice said in another voice (DiffVC).

SOURCE: any sound, or a video with sound; its words, rhythm and length are kept. TARGET: a recording of the voice to
speak with, a few seconds of clear speech, or a folder of recordings of that one speaker. OUTPUT: one .wav of 22.05 kHz,
mono.

Many sources: name files or folders, or pipe paths in ('-'), with --target for the voice and a folder as OUTPUT.
Prints the path of each finished file.

Of several recordings of the target the embeddings are averaged, and their first {LONGEST_REFERENCE} s are what the
decoder hears as its reference. A source of up to {LONGEST_SEGMENT} s is converted in one piece, as published; a longer
one in segments that are cut where it is quiet and joined by cross-fades in the mel, so that memory does not grow with
its length. The result is as long as the whole frames of the source, of 256 samples: up to 0.012 s shorter. Where a
source is silent, so is the result. The speaker encoder's weights ({SPEAKER_WEIGHTS}) come with a package, see
`tk-weights list`.

What all sources have in common (checkpoint, voice, vocoder) and cannot be used is told once, before anything is made; a
source that cannot be done is told on stderr, the others are done. The exit code is 1 in both cases.

\b
Examples:
  tk-infer diffvc --checkpoint vc_libritts_wodyn.pt source.wav target.wav out.wav
  tk-infer diffvc --checkpoint runs/dec --target voice.wav --target more/ speeches/ converted/
  find talks -name '*.mp4' | tk-infer diffvc --steps 6 --checkpoint runs/dec --target voice.wav - converted/
  tk-infer diffvc --checkpoint runs/dec --vocoder none --target wavs/her wavs/her mels/her    # for tk-train hifigan

See also: tk-train (trains it, and HiFi-GAN), tk-eval-audio (how like the target it sounds), tk-weights.
"""

INFERENCE = Inference(
    help=HELP,
    metavar="SOURCE... [TARGET] OUTPUT",
    options=OPTIONS,
    prepare=prepare,
    reads=READS,
    suffix=SUFFIX,
    shared=("infer_device", "mark"),
    service=Service(
        uploads=(
            Upload("source", "Speech", READS, holds="sound", sets_length=True),
            Upload("voice", "Voice", READS, holds="sound", template=True),
        ),
        check=check_service,
        choices=("steps", "solver", "seed", "denoise"),
        not_served=("targets",),
    ),
)
