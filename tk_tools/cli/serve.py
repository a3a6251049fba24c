"""tk-serve: a model behind HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tk_tools.cli import _options
from tk_tools.cli._main import entry
from tk_tools.errors import ConfigError, MissingPackage

TOOL = "tk-serve"
_LOCAL = ("127.0.0.1", "::1", "localhost")
_LEAST_TOKEN = 16  # characters


class _WithModel(click.Command):
    """Has the options of the model that --model names, beside its own."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        model = _named_model(arguments)
        if model is not None:
            context.meta[TOOL] = _model_params(model)
        return super().parse_args(context, arguments)

    def get_params(self, context: click.Context) -> list[click.Parameter]:
        *own, help_option = super().get_params(context)
        return [*own, *context.meta.get(TOOL, ()), help_option]


def _named_model(arguments: list[str]) -> str | None:
    for place, argument in enumerate(arguments):
        if argument == "--model" and place + 1 < len(arguments):
            return arguments[place + 1]
        if argument.startswith("--model="):
            return argument.partition("=")[2]
    return None


def _model_params(name: str) -> list[click.Parameter]:
    """The options of a model, those that it has in common with other tools too. BadParameter: it cannot be served."""
    from tk_tools.serve.offer import inference_of, model_params

    try:
        inference = inference_of(name)
    except (ConfigError, MissingPackage) as error:
        raise click.BadParameter(str(error), param_hint="--model") from error

    def shared() -> None:
        """Carries the options."""

    for option in reversed(("weights_dir", *(name for name in inference.shared if name != "infer_device"))):
        shared = getattr(_options, option)(shared)
    return [*model_params(inference), *click.command(shared).params]


def _check_token(context, param, value: Path | None) -> str | None:
    if value is None:
        return None
    try:
        token = value.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(f"{value} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(token) < _LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise click.BadParameter(
            f"{value} is to hold {_LEAST_TOKEN} or more letters and digits on one line; openssl rand -hex 32 > {value}"
        )
    return token


def _check_hosts(context, param, values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        return ()
    from tk_tools.serve.callback import check_host

    try:
        return tuple(check_host(value) for value in values)
    except ConfigError as error:
        raise click.BadParameter(str(error).partition(": ")[2]) from error


def _check_templates(context, param, values: tuple[str, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for value in values:
        name, separator, file = value.partition("=")
        if not separator or "/" in name:
            name, file = Path(value).name.partition(".")[0], value
        if not name or not all(c.isalnum() or c in "-_." for c in name) or len(name) > 64:
            raise click.BadParameter(f"{value}: a template's name has letters, digits, - and _; say NAME=FILE")
        if name in found:
            raise click.BadParameter(f"two templates are called {name}; say NAME=FILE")
        found[name] = Path(file)
    return found


def _check_devices(context, param, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        _options._check_device_name(context, param, value)
    return values


@click.command(TOOL, cls=_WithModel, context_settings=_options.CONTEXT)
@click.option("--model", required=True, metavar="NAME", help="What is served; its own options are then known too.")
@click.option(
    "--template",
    "templates",
    multiple=True,
    callback=_check_templates,
    metavar="[NAME=]FILE",
    help="A face (or voice) that clients name instead of sending one; again for more. The first is that of"
    " /generate-video and its like.",
)
@click.option("--host", default="127.0.0.1", help="Address to listen on; 0.0.0.0: all, for which a token is wise.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, help="Port to listen on; 0: a free one.")
@click.option(
    "--state",
    type=_options.path_type(file_okay=False),
    default="tk-serve",
    metavar="FOLDER",
    help="Where jobs and results are kept, also over a restart.",
)
@click.option(
    "--device",
    "devices",
    multiple=True,
    default=("auto",),
    callback=_check_devices,
    metavar="NAME",
    help="Device of torch: auto, cpu, cuda, cuda:N or mps; again for more. Each has a worker.",
)
@click.option("--queue", type=click.IntRange(1, 100_000), default=64, help="Jobs that may wait; more are refused.")
@click.option(
    "--max-upload", type=click.FloatRange(0.001, 100_000), default=500, metavar="MB", help="Of one request, in MB."
)
@click.option(
    "--max-seconds", type=click.FloatRange(0.1, 86_400), default=600, metavar="S", help="That a file sent may last."
)
@click.option(
    "--max-characters", type=click.IntRange(1, 10_000_000), default=20_000, metavar="N", help="That a text may have."
)
@click.option(
    "--job-seconds", type=click.FloatRange(0.1, 604_800), default=3600, metavar="S", help="That a job may take."
)
@click.option(
    "--keep-hours", type=click.FloatRange(0.0001, 87_600), default=24, metavar="H", help="That a result is kept."
)
@click.option(
    "--token-file",
    "token",
    type=_options.path_type(dir_okay=False),
    callback=_check_token,
    metavar="FILE",
    help="Whoever asks has to show the token in FILE (Authorization: Bearer TOKEN).",
)
@click.option(
    "--callback-host",
    "callback_hosts",
    multiple=True,
    callback=_check_hosts,
    metavar="HOST",
    help="A host (HOST or HOST:PORT) that the service may tell of ended jobs; again for more.",
    show_default="nobody is called",
)
@_options.verbosity
def command(
    model: str,
    templates: dict[str, Path],
    host: str,
    port: int,
    state: Path,
    devices: tuple[str, ...],
    queue: int,
    max_upload: float,
    max_seconds: float,
    max_characters: int,
    job_seconds: float,
    keep_hours: float,
    token: str | None,
    callback_hosts: tuple[str, ...],
    verbose: int,
    quiet: int,
    **values: Any,
) -> None:
    """Serve a model over HTTP: files in, results out.

    Clients send a face and a speech (a speech and a voice, a text, ...), or the name of a template, and get a job; they
    ask how far it is and fetch the result. There is a page for people at /, and all routes are explained at /docs. The
    page docs/serve.md of tk-tools has the same with examples, limits and a unit for systemd.

    `tk-serve --model NAME --help` shows the model's own options, which hold for all jobs; a few of them may be set by
    clients. The model is loaded before the address is printed on stdout. Jobs wait in a queue that survives a restart;
    each device has one worker, a process of its own, and a job that is cancelled or takes too long is stopped.

    Messages go to stderr. A port or --state folder in use is wrong usage (exit code 2), weights that cannot be used end
    it with 1. Ctrl-C (130) and SIGTERM (143) stop it: the job that runs is queued again.

    \b
    Examples:
      tk-serve --model wav2lip --checkpoint runs/gan --template anchor.mp4
      tk-serve --model diffvc --checkpoint runs/dec --template her=voices/her.wav --port 8081
      tk-serve --model styletts2 --checkpoint runs/tts/second --template her=voices/her.wav
      tk-serve --model wav2lip --checkpoint runs/gan --host 0.0.0.0 --token-file token --max-upload 50
      curl -F face=@face.mp4 -F speech=@speech.wav http://127.0.0.1:8080/jobs
      curl --form-string "text=Say this." -F template=her http://127.0.0.1:8080/jobs

    See also: tk-infer (the same without a service), tk-crop-face (finds a template's face beforehand), tk-weights.
    """
    from tk_tools.cli._log import Log
    from tk_tools.cli._output import write_line
    from tk_tools.serve.offer import inference_of
    from tk_tools.serve.options import MB, ServeOptions
    from tk_tools.serve.server import serve

    if len(set(devices)) != len(devices):
        raise click.BadParameter("a device is named twice", param_hint="--device")
    if "infer_device" in inference_of(model).shared:
        values["device"] = devices[0]
    options = ServeOptions(
        model=model,
        values=values,
        state=state,
        templates=templates,
        devices=devices,
        queue=queue,
        upload_bytes=round(max_upload * MB),
        upload_seconds=max_seconds,
        characters=max_characters,
        job_seconds=job_seconds,
        keep_hours=keep_hours,
        token=token,
        callback_hosts=callback_hosts,
    )
    log = Log(TOOL, verbose - quiet)
    if host not in _LOCAL and token is None:
        log.warn(f"whoever reaches {host} may use it and see all jobs; --token-file keeps strangers out")
    serve(options, host, port, log, ready=write_line)


main = entry(command)

if __name__ == "__main__":
    main()
