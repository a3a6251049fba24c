"""A command whose sub-commands are the models of the registry, each looked up when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click

from tk_tools.cli._main import printable
from tk_tools.errors import ConfigError, MissingPackage
from tk_tools.models import Model, get_model, model_names


class ModelGroup(click.Group):
    """`make_command` gives the sub-command of a model."""

    def __init__(self, *args, make_command: Callable[[Model], click.Command], **options):
        super().__init__(*args, **options)
        self._make_command = make_command

    def list_commands(self, context: click.Context) -> list[str]:
        return [model.name for model in self._models()]

    def get_command(self, context: click.Context, name: str) -> click.Command:
        try:
            return self._make_command(get_model(name))
        except ConfigError as error:
            raise click.UsageError(error.message, context) from error

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Models"):
            formatter.write_dl([(model.name, model.summary) for model in self._models()])

    def _models(self) -> Iterator[Model]:
        """All models; one of another package that cannot be loaded is told, and the others work."""
        for name in model_names():
            try:
                yield get_model(name)
            except MissingPackage as error:
                click.echo(f"{self.name}: {printable(str(error))}", err=True)
