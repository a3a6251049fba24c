"""tk-feat: the sound of clips -> NAME.feat.h5."""

from __future__ import annotations

import functools
import textwrap
from pathlib import Path
from typing import Any

import click

from tk_tools.audio.feature_choices import FEATURE_MODELS
from tk_tools.cli import _options
from tk_tools.cli._main import entry

TOOL = "tk-feat"


def _line(name: str) -> str:
    choice = FEATURE_MODELS[name]
    weights = f" (weights: {choice.weights})" if choice.weights else ""
    return textwrap.fill(
        f"  {name:<11} {choice.summary}{weights}", width=96, subsequent_indent=" " * 14, break_on_hyphens=False
    )


@click.command(TOOL, context_settings=_options.CONTEXT)
@_options.operands("[INPUT]... OUTPUT")
@click.option("--model", type=click.Choice(list(FEATURE_MODELS)), default="deepspeech", help="What listens.")
@click.option(
    "--checkpoint",
    metavar="PATH|NAME",
    help="Its weights: a file or, of hubert, wav2vec2 and whisper, a folder or a name on the Hugging Face hub.  "
    "[default: the published ones]",
)
@_options.weights_dir
@_options.device
@_options.file_tool
def command(**values: Any) -> int:
    """Make speech features, one row a video frame.

    INPUT: sounds, videos, NAME.frames.h5, NAME.face.h5, or folders searched for them; '-' or none: paths from standard
    input. OUTPUT: a folder, or one NAME.feat.h5. Prints the path of each finished file. Row i is what a speech
    recogniser hears from i/25 to (i + 1)/25 s: for a clip with pictures as many rows as it has frames at 25/s, for a
    sound alone its seconds times 25, rounded up. Sound beyond the pictures is cut, and where it ends early the last row
    goes on; stderr says so when it is more than a frame.

    The models deepspeech and deepspeech2 look at a recording as a whole: features of a piece differ from that piece of
    the whole one's. A model that generates faces needs the features that it was trained with. Weights are never
    downloaded here; the message says which command does, or where to put the file. Sound that cannot be read or holds
    no numbers is told on stderr, the others are done, and the exit code is 1.

    \b
    Examples:
      tk-feat --model deepspeech --workers 8 screened/ feats/
      tk-feat --model mel speech.wav speech.feat.h5
      tk-feat --model hubert --checkpoint chinese-hubert-large/ faces/ feats/
      tk-weights convert output_graph.pb deepspeech.safetensors        # once: it opens quicker
      find . -name '*.wav' | tk-feat --checkpoint deepspeech.safetensors - feats/

    See also: tk-crop-face (beside it), tk-train lawdnet (the one after), tk-plot, tk-weights.
    """
    from tk_tools.audio.make_features import FeatureOptions, make_features
    from tk_tools.audio.speech_features import feature_files, open_files
    from tk_tools.cli._batch import run_batch
    from tk_tools.files.find import AUDIO_SUFFIXES, VIDEO_SUFFIXES

    common = _options.take_common(values)
    checkpoint, weights_dir = values.pop("checkpoint"), values.pop("weights_dir")
    options = FeatureOptions(**values)

    @functools.cache
    def files() -> tuple[Path, ...]:
        return feature_files(options.model, checkpoint, weights_dir)

    def check() -> None:
        open_files(options.model, files(), options.device)

    return run_batch(
        TOOL,
        common,
        make_features,
        options,
        reads=(*AUDIO_SUFFIXES, *VIDEO_SUFFIXES, ".frames.h5", ".face.h5"),
        suffix=".feat.h5",
        also=lambda _: files(),
        check=check,
    )


command.epilog = "\b\nModels:\n" + "\n".join(map(_line, FEATURE_MODELS))
main = entry(command)

if __name__ == "__main__":
    main()
