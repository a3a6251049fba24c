"""A command whose sub-commands are the models of the registry, each looked up when it is asked for."""

from __future__ import annotations

from collections.abc import Callable

import click

from tk_tools.errors import ConfigError
from tk_tools.models import Model, get_model, model_names


class ModelGroup(click.Group):
    """`make_command` gives the sub-command of a model."""

    def __init__(self, *args, make_command: Callable[[Model], click.Command], **options):
        super().__init__(*args, **options)
        self._make_command = make_command

    def list_commands(self, context: click.Context) -> list[str]:
        return model_names()

    def get_command(self, context: click.Context, name: str) -> click.Command:
        try:
            return self._make_command(get_model(name))
        except ConfigError as error:
            raise click.UsageError(error.message, context) from error

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Models"):
            formatter.write_dl([(name, get_model(name).summary) for name in model_names()])
