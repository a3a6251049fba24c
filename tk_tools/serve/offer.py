"""What a service takes from its clients: the files or texts of one result, and the few options that they may set."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import click

from tk_tools.errors import ConfigError, InputError
from tk_tools.models import Inference, Upload, get_model, load
from tk_tools.serve.options import ServeOptions

_MEDIA_TYPES = {".mp4": "video/mp4", ".wav": "audio/wav"}


class Offer:
    """A model as its clients see it. ConfigError: the model is not one that can be served."""

    def __init__(self, options: ServeOptions):
        model = get_model(options.model)
        inference = inference_of(options.model)
        self.model, self.summary = model.name, model.summary
        self.suffix = inference.suffix
        self.media_type = _MEDIA_TYPES.get(self.suffix, "application/octet-stream")
        self.uploads = inference.service.uploads
        self.templates = tuple(options.templates)
        self._command = click.Command(model.name, params=model_params(inference))
        self._choices = {param.name: param for param in self._command.params if param.name in inference.service.choices}
        self._values = _unset(inference) | options.values

    def leave_out(self, unused: frozenset[str]) -> None:
        """Do without the uploads and choices that the weights have no use for. ConfigError: there are templates, and
        nothing is left for which they could stand."""
        self.uploads = tuple(upload for upload in self.uploads if upload.field not in unused)
        self._choices = {name: param for name, param in self._choices.items() if name not in unused}
        self.check_templates()

    def check_templates(self) -> None:
        """ConfigError: there are templates, and the model takes none."""
        if self.templates and self.templated is None:
            raise ConfigError(f"--template: {self.model} takes none, or not with these weights")

    @property
    def templated(self) -> Upload | None:
        """The file instead of which a client may name a template."""
        return next((upload for upload in self.uploads if upload.template), None)

    @property
    def spoken_to(self) -> Upload | None:
        """The sound that is left when the first template stands for the other file; None where it is not so."""
        others = [upload for upload in self.uploads if not upload.template]
        alone = len(others) == 1 and len(self.uploads) == 2 and self.templates
        return others[0] if alone and others[0].holds == "sound" else None

    def takes(self, files: Collection[str], options: Collection[str]) -> bool:
        """Whether a job has the files that it needs, and none of its options is unknown."""
        return set(files) == {upload.field for upload in self.uploads} and set(options) <= set(self._choices)

    def check_options(self, given: dict[str, str]) -> dict[str, str]:
        """The options that a client set, by their names here. InputError: no such option, or not such a value."""
        found = {}
        for name, text in given.items():
            param = self._choices.get(name.replace("-", "_"))
            if param is None:
                known = [upload.field for upload in self.uploads] + list(self._choices)
                known += ["template"] if self.templated else []
                raise InputError(f"there is no field {_short(name)!r}; known are {', '.join(known)} and callback")
            self._convert(param, text)
            found[param.name] = text
        return found

    def values(self, given: dict[str, str]) -> dict[str, Any]:
        """The values of all options of the model, for a job whose client set `given`."""
        return self._values | {name: self._convert(self._choices[name], text) for name, text in given.items()}

    def _convert(self, param: click.Parameter, text: str) -> Any:
        try:
            value = param.process_value(click.Context(self._command), text)
        except click.BadParameter as error:
            raise InputError(f"{param.name}: {_in_plain_words(param, text) or error.message}") from error
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f"{param.name}: {_in_plain_words(param, text)}")
        return value

    def describe(self) -> dict[str, Any]:
        """Facts for clients: the files, the templates and the options, with what they may be."""
        return {
            "model": self.model,
            "summary": self.summary,
            "result": self.media_type,
            "uploads": [
                {
                    "field": upload.field,
                    "title": upload.title,
                    "accept": list(upload.reads),
                    "holds": upload.holds,
                    "template": upload.template and bool(self.templates),
                }
                for upload in self.uploads
            ],
            "templates": list(self.templates),
            "options": [self._described(param) for param in self._choices.values()],
        }

    def _described(self, param: click.Option) -> dict[str, Any]:
        facts: dict[str, Any] = {"name": param.name, "help": param.help, "default": self._values[param.name]}
        if param.is_flag:
            return facts | {"kind": "flag"}
        if isinstance(param.type, click.Choice):
            return facts | {"kind": "choice", "choices": list(param.type.choices)}
        if isinstance(param.type, (click.IntRange, click.FloatRange)):
            whole = isinstance(param.type, click.IntRange)
            return facts | {"kind": "integer" if whole else "number", "min": param.type.min, "max": param.type.max}
        return facts | {"kind": "text"}


def inference_of(name: str) -> Inference:
    """How the model of that name is run. ConfigError: there is none, or it cannot be served."""
    inference: Inference = load(get_model(name).inference_options)
    if inference.service is None:
        raise ConfigError(f"{name} is not served: it does not read pictures, sound or texts that clients could send")
    return inference


def model_params(inference: Inference) -> list[click.Parameter]:
    """The options of the model's own command that a service has."""
    return [param for param in _all_params(inference) if param.name not in inference.service.not_served]


def _unset(inference: Inference) -> dict[str, Any]:
    """The values of the options that a service has not, as if nobody had given them."""
    others = [param for param in _all_params(inference) if param.name in inference.service.not_served]
    return click.Command("model", params=others, add_help_option=False).make_context("model", []).params


def _all_params(inference: Inference) -> list[click.Parameter]:
    def command() -> None:
        """Carries the options."""

    for option in reversed(inference.options):
        command = option(command)
    return click.command(command).params


def _in_plain_words(param: click.Parameter, text: str) -> str:
    """What is wrong with a value, for people who know nothing of command lines; empty where click says it well."""
    kind = param.type
    if isinstance(kind, click.types.BoolParamType):
        return f"{_short(text)!r} is neither true nor false"
    if not isinstance(kind, (click.IntRange, click.FloatRange)):
        return ""
    number = "a whole number" if isinstance(kind, click.IntRange) else "a number"
    least = "" if kind.min is None else f" above {kind.min:g}" if kind.min_open else f" from {kind.min:g}"
    most = "" if kind.max is None else f" below {kind.max:g}" if kind.max_open else f" to {kind.max:g}"
    return f"{_short(text)!r} is not {number}{least}{most or ' on' if least else most}"


def _short(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:40])
