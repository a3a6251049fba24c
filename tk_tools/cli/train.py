"""tk-train MODEL: files in, a trained run folder out; each model in the registry is a sub-command."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from tk_tools.cli import _options
from tk_tools.cli._main import ExitCode, entry
from tk_tools.cli._models import ModelGroup
from tk_tools.cli._output import write_line
from tk_tools.errors import InputError, TkError
from tk_tools.models import Model, Stage, load

TOOL = "tk-train"


def _model_command(model: Model) -> click.Command:
    from tk_tools.models.stages import need_names

    def call(**values: Any) -> int:
        return _train(model, **values)

    path = _options.path_type
    options = [
        click.option("--stage", type=click.Choice([s.name for s in model.stages]), help="Train this stage alone."),
        click.option(
            "--out",
            type=path(),
            metavar="RUN",
            help="Run folder of the stage; without --stage the folder of all their run folders.  "
            f"[default: runs/{model.name}[/STAGE]]",
        ),
        *(
            click.option(
                f"--{name}", type=path(), metavar="RUN", help=f"Run of stage {name}, or a file of its weights."
            )
            for name in need_names(model)
        ),
        click.option(
            "--init", type=path(), metavar="RUN", help="Start from the weights of this run or file (with --stage)."
        ),
        click.option(
            "--val",
            type=path(),
            multiple=True,
            metavar="PATH",
            help="Files, folders or a list (.txt) of paths or clips' names to validate on; else a share of the input.",
        ),
        click.option(
            "--exclude",
            type=path(),
            multiple=True,
            metavar="PATH",
            help="Files, folders or a list (.txt) of paths or clips' names to leave out.",
        ),
        click.option("--preset", metavar="NAME", help="Named set of values, such as tiny."),
        click.option(
            "--config", type=path(dir_okay=False), metavar="FILE", help="Values from a YAML file, see --print-config."
        ),
        click.option(
            "--set",
            "assignments",
            multiple=True,
            metavar="KEY=VALUE",
            help="One value; STAGE.KEY=VALUE for one stage alone, when all are trained.",
        ),
        click.option("--print-config", is_flag=True, help="Print the values as YAML, with their meaning, and end."),
        click.option("--devices", type=click.IntRange(min=1), help="Devices (or CPU processes): --set devices=N."),
        click.option("--resume", is_flag=True, help="Go on from the last checkpoint although settings differ."),
        click.option("--force", is_flag=True, help="Begin again: remove what an earlier run made in the run folder."),
        _options.null,
        _options.verbosity,
    ]
    for option in reversed(options):
        call = option(call)
    call = _options.operands("[PATH]...")(call)
    stages = "\n".join(f"  {stage.name}: {stage.summary} ({_read_by(stage)})" for stage in model.stages)
    return click.command(model.name, help=_HELP.format(model=model, stages=stages), context_settings=_options.CONTEXT)(
        call
    )


def _read_by(stage: Stage) -> str:
    """The suffixes of a stage's files, for its help."""
    from tk_tools.files.find import AUDIO_SUFFIXES
    from tk_tools.models.stages import suffixes_of

    kinds = [suffixes_of(part) for part in (stage, *stage.beside)]
    read = " with ".join("a sound" if suffixes == AUDIO_SUFFIXES else " or ".join(suffixes) for suffixes in kinds)
    return f"{read}; only with --stage {stage.name}" if stage.by_name else read


_HELP = """Train {model.name}: {model.summary}.

PATH: files, or folders searched for them; '-' or none: paths from standard input, read to their end. What lies beside a
file, such as the embedding of a mel, is found by its name, in another folder as well. Without --stage every stage is
trained in order, each with the weights of the ones before; finished ones are passed over. A run that was stopped goes
on where it was. Prints the path of the best weights, and nothing else, on standard output.

\b
Stages, and the files they read:
{stages}

Clips that are of no use (too short, silent, without a face, damaged) are told in a line each and left out before the
others are divided into those for training and those for validation; when none is left the exit code is 1. A single
clip is trained on and validated on.

A loss that is not finite ends the run with exit code 1; SIGINT and SIGTERM end it after the step at hand (a second
signal: at once). The last good checkpoint is kept.
"""


def _train(model: Model, **values: Any) -> int:
    from tk_tools.cli._log import Log
    from tk_tools.models.stages import Asked, named_stages, need_names, stages_to_train, train_stages
    from tk_tools.train.processes import forward_warnings, is_first_process
    from tk_tools.train.stage_configs import check_processes, configs_as_yaml, stage_configs

    first = is_first_process()
    log = Log(TOOL, values["verbose"] - values["quiet"] if first else -2)  # the others would say it all again
    forward_warnings(log)
    if values["init"] and not values["stage"]:
        raise click.UsageError("--init needs --stage: which one is to start from these weights?")
    configs = stage_configs(
        {stage.name: load(stage.config) for stage in named_stages(model, values["stage"])},
        preset=values["preset"],
        path=values["config"],
        assignments=values["assignments"],
        devices=values["devices"],
        stages=[stage.name for stage in model.stages],
    )
    if values["print_config"]:
        click.echo(configs_as_yaml(configs), nl=False)
        return ExitCode.DONE
    check_processes(configs)
    given = {name: value for name in need_names(model) if (value := values[name]) is not None}
    asked = Asked(given=given, **{name: values[name] for name in ("stage", "out", "init", "resume", "force")})
    stages = stages_to_train(model, asked)
    clips, failures = _find_clips(stages, values, log) if first else ({}, 0)
    try:
        best = train_stages(model, stages, configs, clips, asked, command=shlex.join([TOOL, *sys.argv[1:]]), log=log)
    except TkError:
        if first:
            raise
        return ExitCode.DONE  # told by the first process, or already; another code would end that one before its time
    if first:
        write_line(os.fspath(best))
    return ExitCode.SOME_FAILED if failures else ExitCode.DONE


def _find_clips(stages: list[Stage], values: dict[str, Any], log: Any) -> tuple[dict[str, Any], int]:
    """The files of each stage for training and for validation, and how many operands or paths were none."""
    from tk_tools.cli._inputs import find_inputs
    from tk_tools.models.stages import all_suffixes, clips_of_stages
    from tk_tools.train.clips import named_clips

    faults: list[TkError] = []

    def failed(error: TkError) -> None:
        faults.append(error)
        log.error(str(error))

    def there(path: Path) -> bool:
        if not path.exists():
            failed(InputError("no such file or folder", path=path))
        return path.exists()

    def named(option: str) -> list[Path]:
        paths = []
        for operand in values[option]:
            names, unknown = named_clips(operand, reads, found)
            paths += [path for path in names if there(path)]
            if unknown:
                log.info(f"{operand}: {unknown} of its names are not among the inputs")
        return paths

    reads = all_suffixes(stages)
    inputs = find_inputs(values["operands"], reads, log, null=values["null"], failed=failed)
    found = [item.path for item in inputs if there(item.path)]
    held_out, excluded = named("val"), named("exclude")
    return clips_of_stages(stages, found, held_out if values["val"] else None, excluded), len(faults)


@click.command(
    TOOL,
    cls=ModelGroup,
    make_command=_model_command,
    context_settings=_options.CONTEXT,
    subcommand_metavar="MODEL [OPTIONS] [PATH]...",
)
def command() -> None:
    """Train a model on files; prints the path of the best weights.

    `tk-train MODEL --help` shows the model's stages and options.

    \b
    Examples:
      tk-crop-face --workers 8 in/ out/ | tk-train wav2lip
      tk-train wav2lip --stage expert --preset tiny --set max_steps=2000 --out runs/expert faces/
      tk-train wav2lip --stage expert --print-config > expert.yaml
      tk-train hifigan --preset v2 wavs/

    See also: tk-crop-face (makes the files), tk-split-list, tk-infer (runs what was trained), tk-plot.
    """


main = entry(command)

if __name__ == "__main__":
    main()
