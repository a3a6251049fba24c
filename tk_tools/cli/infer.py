"""tk-infer MODEL: files in, made pictures or sounds out; each model in the registry is a sub-command."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from tk_tools.cli import _options
from tk_tools.cli._main import entry
from tk_tools.cli._models import ModelGroup
from tk_tools.models import Model, load

TOOL = "tk-infer"


def _model_command(model: Model) -> click.Command:
    inference = load(model.inference_options)

    def call(**values: Any) -> int:
        from tk_tools.cli._batch import run_batch
        from tk_tools.cli._log import Log

        common = _options.take_common(values)
        if inference.stream is not None:
            from tk_tools.cli._texts import run_texts

            return run_texts(TOOL, model, inference, values, common)
        request = inference.prepare(values, common.operands)
        if request.notice:
            Log(TOOL, common.verbosity).info(request.notice)
        return run_batch(
            TOOL,
            replace(common, operands=request.operands),
            load(model.inference),
            request.options,
            reads=inference.reads,
            suffix=request.suffix or inference.suffix,
            also=request.also,
            check=request.check,
        )

    shared = (getattr(_options, name) for name in reversed(inference.shared))
    tool = _options.file_tool if inference.stream is None else _options.text_tool
    for option in (tool, _options.weights_dir, *shared, *reversed(inference.options)):
        call = option(call)
    operands = _options.operands if inference.stream is None else _options.texts
    call = operands(inference.metavar)(call)
    return click.command(model.name, help=inference.help, context_settings=_options.CONTEXT)(call)


@click.command(
    TOOL,
    cls=ModelGroup,
    make_command=_model_command,
    context_settings=_options.CONTEXT,
    subcommand_metavar="MODEL [OPTIONS] [INPUT]... OUTPUT",
)
def command() -> None:
    """Make pictures or sounds with a trained model.

    `tk-infer MODEL --help` shows what a model takes and its options.

    \b
    Examples:
      tk-infer wav2lip --checkpoint runs/gan face.mp4 speech.wav talking.mp4
      find talks -name '*.mp4' | tk-infer wav2lip --checkpoint runs/gan --audio speech.wav - dubbed/
      tk-infer lawdnet --checkpoint runs/lawdnet/clip256 face.mp4 speech.wav dubbed.mp4
      tk-infer diffvc --checkpoint runs/dec source.wav target.wav out.wav
      tk-infer hifigan --checkpoint runs/voc mels/ wavs/
      tk-infer styletts2 --checkpoint epochs_2nd_00100.pth "Say this." out.wav

    See also: tk-train (trains a model), tk-weights (published checkpoints), tk-eval-lse, tk-eval-audio.
    """


main = entry(command)

if __name__ == "__main__":
    main()
