"""What `tk-infer styletts2` offers: its options, its help, and which operands it takes. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tk_tools.errors import ConfigError
from tk_tools.files.find import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from tk_tools.models import Inference, Request, Service, Talking, Upload
from tk_tools.models.styletts2.options import CONFIG_SUFFIXES, InferOptions, SpeechOptions

READS = (".txt", ".phonemes.txt")
RECORDINGS = (*AUDIO_SUFFIXES, *VIDEO_SUFFIXES)
PHONEMES = ".phonemes.txt"
CONFIG = "config.yml"  # as it is saved beside a published checkpoint
OF_A_REFERENCE = ("alpha", "beta")  # the options that say how much of one is kept


def _check_config(ctx, param, value: Path | None) -> Path | None:
    if value is not None and not value.name.lower().endswith(CONFIG_SUFFIXES):
        raise click.BadParameter(f"{value} is no {CONFIG}, the file that was saved beside the checkpoint")
    return value


def _seconds(name: str, default: float, help: str):
    return click.option(name, type=click.FloatRange(0, 10), default=default, metavar="SECONDS", help=help)


OPTIONS = (
    click.option(
        "--checkpoint",
        type=click.Path(path_type=Path),
        required=True,
        help="StyleTTS 2 of the second stage: a run folder of tk-train, one of its files, a published file as"
        " downloaded, or its name in `tk-weights list`.",
    ),
    click.option(
        "--model-config",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        callback=_check_config,
        metavar="FILE.yml",
        help="What was saved beside a published checkpoint of the original; its styles' deviation is read from it.",
        show_default=f"{CONFIG} beside the checkpoint, else the deviation of the published ones",
    ),
    click.option(
        "--reference",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="FILE",
        help="Whose voice, for weights of many voices: a recording of a few seconds of clear speech.",
    ),
    click.option(
        "--alpha",
        type=click.FloatRange(0, 1),
        help="How much of the timbre is made up for the text; 0: that of the reference.",
        show_default=f"{SpeechOptions.alpha}",
    ),
    click.option(
        "--beta",
        type=click.FloatRange(0, 1),
        help="How much of the intonation is made up for the text; 0: that of the reference.",
        show_default=f"{SpeechOptions.beta}",
    ),
    click.option(
        "--steps",
        type=click.IntRange(2, 1000),
        default=SpeechOptions.steps,
        metavar="N",
        help="Noise levels of the style's diffusion; more make it more varied, and cost little.",
    ),
    click.option(
        "--guidance",
        type=click.FloatRange(0, 10),
        default=SpeechOptions.guidance,
        help="How closely the style follows the text: 1 as it was learned, 2 livelier.",
    ),
    click.option(
        "--carry",
        type=click.FloatRange(0, 1),
        default=SpeechOptions.carry,
        help="How much of its style a sentence takes from the one before.",
    ),
    _seconds("--pause", InferOptions.pause, "Silence between sentences."),
    _seconds("--paragraph-pause", InferOptions.paragraph_pause, "Silence between paragraphs."),
    click.option(
        "--language",
        default=InferOptions.language,
        metavar="CODE",
        help="Language of espeak-ng; the weights must have learned it.",
    ),
    click.option("--seed", type=click.IntRange(min=0), default=SpeechOptions.seed, metavar="N", help="Of all noise."),
    click.option(
        "--face",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="A picture or a video of who says it; the result is then an .mp4.",
    ),
    click.option(
        "--face-checkpoint",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="The weights that move the face, as `tk-infer FACE_MODEL` takes them.",
    ),
    click.option(
        "--face-model",
        metavar="NAME",
        help="What moves the face: a model of tk-infer that takes a face and speech.",
        show_default="wav2lip",
    ),
)


def prepare(values: dict[str, Any], operands: tuple[Path, ...]) -> Request:
    """What a command line asks for. UsageError: options that have no use beside each other, or no --face-checkpoint."""
    checkpoint, config, reference = values.pop("checkpoint"), values.pop("model_config"), values.pop("reference")
    talking = _talking(values.pop("face"), values.pop("face_checkpoint"), values.pop("face_model"))
    shares = {name: value for name in OF_A_REFERENCE if (value := values.pop(name)) is not None}
    if shares and reference is None:
        raise click.UsageError("--alpha and --beta say how much of a reference is kept; give its --reference.")
    options = InferOptions(**values, **shares)
    text = not all(path.name.endswith(PHONEMES) for path in operands[:-1])

    def shared() -> tuple[Path, ...]:
        """The files from which every result is made, beside its text."""
        from tk_tools.train.run_folder import weights_file

        weights = weights_file(checkpoint, options.weights_dir)
        found = config or weights.with_name(CONFIG)
        return (weights, *([found] if found.is_file() else []), *([reference] if reference else []))

    def check() -> str | None:
        from tk_tools.models.styletts2.inference import check_shared

        weights, *beside = shared()
        return check_shared(weights, tuple(beside), options, text=text)

    return Request(operands, options, also=lambda source: shared(), check=check, talking=talking)


def check_service(values: dict[str, Any]) -> None:
    """Open what all texts of a service have in common. ConfigError: an option is of no use with weights of one voice;
    else as check_weights."""
    given = [name for name in OF_A_REFERENCE if values[name] is not None]
    if not _have_many_voices(values) and given:
        raise ConfigError(f"--{given[0]} says how much of a reference is kept, and these weights have one voice")


def unused_by_service(values: dict[str, Any]) -> frozenset[str]:
    """Weights of one voice have no use for another, nor for what says how much of it is kept."""
    return frozenset() if _have_many_voices(values) else frozenset({"voice", *OF_A_REFERENCE})


def check_choices(values: dict[str, Any]) -> None:
    """ConfigError: there is no such language."""
    from tk_tools.text.make_phonemes import phonemiser

    phonemiser(values["language"])


def _have_many_voices(values: dict[str, Any]) -> bool:
    from tk_tools.models.styletts2.inference import check_weights

    request = prepare(values | dict.fromkeys(("reference", *OF_A_REFERENCE)), (Path("text"), Path("out.wav")))
    checkpoint, *config = request.also(Path("text"))
    return check_weights(checkpoint, tuple(config), request.options)


def _talking(face: Path | None, checkpoint: Path | None, model: str | None) -> Talking | None:
    if face is None:
        if checkpoint is not None or model is not None:
            raise click.UsageError("--face-checkpoint and --face-model are for a face; give --face PATH.")
        return None
    if checkpoint is None:
        raise click.UsageError("--face needs --face-checkpoint PATH: the weights that move it.")
    return Talking(model or "wav2lip", face, checkpoint)


HELP = """Say a text (StyleTTS 2).

TEXT: what to say, in quotes; or a .txt file of any length, or folders of them; or '-', and without any, the text itself
from standard input (not paths). A NAME.phonemes.txt of tk-phonemize is said as it stands. OUTPUT: one .wav of 24 kHz,
mono, or a folder for NAME.wav; '-' writes the wav to standard output, sentence by sentence while it is made. Where a
file or folder is called like the text, that is taken. What ends in .txt, begins with / ./ ../ or ~, or has a slash and
no space is taken for a file as well, and told when it is not there. Prints the path of each finished file.

Numbers, dates, addresses and emoji become words (see tk-phonemize). A long text is said sentence by sentence, each in
the style of the one before as far as --carry says, with steady pauses, in bounded memory; a sentence of more than 511
symbols is cut, between clauses where it has some. Beside the published code, what is shorter than about a second is
joined to the sentence beside it or, alone, said several times of which the first is kept: a word alone may become loud
noise. Symbols that StyleTTS 2 lacks are told with their line. The noise follows from --seed and the sentence's number.

Weights of many voices speak in that of --reference, those of one voice need none. --alpha 0 --beta 0 keep the
reference's style for each sentence. --face makes the face say it, as `tk-infer wav2lip` would with its defaults.

What all texts have in common (checkpoint, reference, language, face) and cannot be used is told once, before anything
is made; a text that cannot be said is told on stderr, the others are done. The exit code is 1 in both cases.

\b
Examples:
  tk-infer styletts2 --checkpoint epochs_2nd_00100.pth "Say this." out.wav
  tk-infer styletts2 --checkpoint runs/tts/second --reference voice.wav --steps 10 book.txt chapters/ out/
  echo "Say this." | tk-infer styletts2 --checkpoint runs/tts/second - - | ffplay -nodisp -autoexit -
  fortune | tk-infer styletts2 --checkpoint runs/tts/second --face photo.jpg --face-checkpoint runs/gan - talking.mp4

Needs: pip install '.[text,styletts2]' in the folder of tk-tools (phonemizer and espeak-ng, which are under the GPL).

See also: tk-phonemize, tk-train, tk-eval-audio, tk-weights, tk-infer wav2lip.
"""

INFERENCE = Inference(
    help=HELP,
    metavar="[TEXT]... OUTPUT",
    options=OPTIONS,
    prepare=prepare,
    reads=READS,
    suffix=".wav",
    shared=("infer_device", "mark"),
    service=Service(
        uploads=(
            Upload("text", "Text", (".txt",), holds="text", sets_length=True),
            Upload("voice", "Voice", RECORDINGS, holds="sound", template=True, option="reference"),
        ),
        check=check_service,
        choices=("steps", "guidance", "alpha", "beta", "language", "seed"),
        not_served=("reference", "face", "face_checkpoint", "face_model"),
        unused=unused_by_service,
        check_choices=check_choices,
    ),
    stream="tk_tools.models.styletts2.inference:stream",
)
