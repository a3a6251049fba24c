"""A model that is quick and does as it is told, for the tests of tk-serve: it joins by an entry point."""

import os
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import click

from tk_tools.errors import InputError, WeightsError
from tk_tools.files import progress
from tk_tools.models import Inference, Model, Request, Service, Upload

FACE = Upload("face", "Face", (".mp4", ".png", ".jpg"), holds="pictures", template=True)
SPEECH = Upload("speech", "Speech", (".wav", ".mp3", ".mp4"), holds="sound", sets_length=True)


@dataclass(frozen=True)
class Options:
    act: str
    pace: float
    loud: bool


def prepare(values, operands):
    face, speech, output = operands
    checkpoint = values.pop("checkpoint")
    values.pop("weights_dir")
    return Request(
        operands=(face, output),
        options=Options(**values),
        also=lambda face: (checkpoint, speech),
        check=lambda: None,
    )


def check(values):
    if not Path(values["checkpoint"]).is_file():
        raise WeightsError("no such file of weights", path=values["checkpoint"])


def infer(face, checkpoint, speech, target, options):
    """The face's own file, after `pace` seconds in twenty steps; or what `act` says."""
    for step in range(20):
        time.sleep(options.pace / 20)
        progress.tell((step + 1) / 20)
    if options.act == "fail":
        raise InputError("no face in any of its pictures", path=face)
    if options.act == "fault":
        raise RuntimeError(f"a fault in {target}")
    if options.act == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if options.act == "die once" and not (mark := Path(checkpoint).with_name("died")).exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    shutil.copyfile(face, target)
    return {"frames": 25, "loud": (lambda: True) if options.act == "unsendable" else options.loud}


MODEL = Model(
    name="fake",
    summary="copies the face, for tests",
    stages=(),
    inference="tests.serve.fake_model:infer",
    inference_options="tests.serve.fake_model:INFERENCE",
)
INFERENCE = Inference(
    help="Copy the face.",
    metavar="FACE SPEECH OUTPUT",
    options=(
        click.option("--checkpoint", type=click.Path(path_type=Path), required=True),
        click.option(
            "--act", type=click.Choice(["make", "fail", "fault", "die", "die once", "unsendable"]), default="make"
        ),
        click.option("--pace", type=click.FloatRange(0, 1000), default=0.0, help="Seconds that it takes."),
        click.option("--loud/--quiet-one", default=False, help="Say so in the facts."),
    ),
    prepare=prepare,
    reads=(".mp4",),
    suffix=".mp4",
    service=Service(uploads=(FACE, SPEECH), check=check, choices=("act", "pace", "loud"), not_served=()),
)
