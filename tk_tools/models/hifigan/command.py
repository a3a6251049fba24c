"""The options of `tk-infer hifigan`, its help, and how a command line becomes a request. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tk_tools.errors import WeightsError
from tk_tools.models import Inference, Request
from tk_tools.models.hifigan.options import GRIFFIN_LIM, MEL_FILE, PUBLISHED, InferOptions

OPTIONS = (
    click.option(
        "--checkpoint",
        type=click.Path(path_type=Path),
        default=PUBLISHED,
        help="The generator: a run folder of tk-train, one of its files, a published file as downloaded, or its name in"
        f" `tk-weights list`; {GRIFFIN_LIM}: none, understandable and no more.",
    ),
)


def prepare(values: dict[str, Any], operands: tuple[Path, ...]) -> Request:
    """What a command line asks for."""
    checkpoint = values.pop("checkpoint")
    plain = str(checkpoint) == GRIFFIN_LIM
    options = InferOptions(vocoder=GRIFFIN_LIM if plain else "hifigan", **values)

    def weights() -> tuple[Path, ...]:
        from tk_tools.train.run_folder import weights_file

        if plain:
            return ()
        try:
            return (weights_file(checkpoint, options.weights_dir),)
        except WeightsError as error:
            if str(checkpoint) != PUBLISHED:
                raise
            ways = f"train a vocoder with tk-train hifigan, or do without by --checkpoint {GRIFFIN_LIM}"
            raise WeightsError(f"{error.message}; or {ways}", path=error.path) from error

    def check() -> None:
        from tk_tools.models.hifigan.inference import check_shared

        check_shared(next(iter(weights()), None), options)

    return Request(operands=operands, options=options, also=lambda mel: weights(), check=check)


HELP = f"""Turn mels into sound (HiFi-GAN).

INPUT: NAME.mel.h5 of the preset diffvc (80 bands at 22.05 kHz, as tk-mel makes them), or folders of them; '-': paths
from standard input. OUTPUT: a folder for NAME.wav, or for one input a .wav. 256 samples at 22.05 kHz for each frame,
so a sound comes back as long as its mel. Prints the path of each finished file.

Any length is done in bounded memory. A mel of another preset is refused; a file that cannot be done is told on stderr
and the others are done (exit code 1). Without --checkpoint the published weights {PUBLISHED} are taken if they are
here.

\b
Examples:
  tk-mel --preset diffvc speech.wav mels/ && tk-infer hifigan --checkpoint runs/voc mels/speech.mel.h5 again.wav
  tk-infer hifigan --checkpoint generator_v1 mels/ wavs/
  tk-mel --preset diffvc talks/ mels/ | tk-infer hifigan --checkpoint runs/voc - again/
  tk-infer hifigan --checkpoint {GRIFFIN_LIM} mels/ rough/

See also: tk-mel (makes the mels), tk-train hifigan (a vocoder of one's own), tk-weights, tk-eval-audio.
"""

INFERENCE = Inference(
    help=HELP,
    metavar="INPUT... OUTPUT",
    options=OPTIONS,
    prepare=prepare,
    reads=(MEL_FILE,),
    suffix=".wav",
    shared=("infer_device", "mark"),
)
