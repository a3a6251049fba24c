"""A model that takes a text and, as the weights of many voices do, a voice; quick, for the tests of tk-serve."""

import time
from pathlib import Path

import click

from tests.media import write_click_wav
from tk_tools.errors import ConfigError
from tk_tools.files import progress
from tk_tools.models import Inference, Model, Request, Service, Upload

TEXT = Upload("text", "Text", (".txt",), holds="text", sets_length=True)
VOICE = Upload("voice", "Voice", (".wav",), holds="sound", template=True, option="reference")


def prepare(values, operands):
    reference = values["reference"]
    return Request(
        operands=operands,
        options=values,
        also=lambda text: () if reference is None else (reference,),
        check=lambda: None,
    )


def check_choices(values):
    if values["language"] != "en":
        raise ConfigError(f"nobody speaks {values['language']!r}")


def infer(text, *others):
    """A second of clicks, after `pace` seconds; the facts say what was given."""
    *reference, target, options = others
    progress.tell(1.0)
    time.sleep(options["pace"])
    write_click_wav(target, 1.0)
    return {"text": text.read_bytes().decode(), "voice": [path.stem for path in reference]}


MODEL = Model(
    name="speaker",
    summary="clicks, for tests",
    stages=(),
    inference="tests.serve.fake_speaker:infer",
    inference_options="tests.serve.fake_speaker:INFERENCE",
)
INFERENCE = Inference(
    help="Click.",
    metavar="TEXT OUTPUT",
    options=(
        click.option("--reference", type=click.Path(path_type=Path)),
        click.option("--voices", type=click.Choice(["one", "many"]), default="many"),
        click.option("--share", type=click.FloatRange(0, 1), default=0.5),
        click.option("--language", default="en"),
        click.option("--pace", type=click.FloatRange(0, 1000), default=0.0, help="Seconds that it takes."),
    ),
    prepare=prepare,
    reads=(".txt",),
    suffix=".wav",
    service=Service(
        uploads=(TEXT, VOICE),
        check=lambda values: None,
        choices=("share", "language", "pace"),
        not_served=("reference",),
        unused=lambda values: frozenset({"voice", "share"} if values["voices"] == "one" else ()),
        check_choices=check_choices,
    ),
)
