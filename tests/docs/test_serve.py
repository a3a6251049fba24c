"""docs/serve.md names what the service has: its routes, the limits of its command, and what its models take."""

from __future__ import annotations

from pathlib import Path

import pytest

from tk_tools.cli.serve import command
from tk_tools.models import get_model, load, model_names
from tk_tools.serve.app import make_app
from tk_tools.serve.dispatcher import Dispatcher
from tk_tools.serve.offer import Offer, model_params
from tk_tools.serve.options import ServeOptions
from tk_tools.serve.pages import ASSETS
from tk_tools.serve.store import JobStore

PAGE = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")
SERVICES = {name: inference.service for name in model_names() if (inference := load(get_model(name).inference_options))}


def test_every_route_stands_there(tmp_path):
    params = model_params(load(get_model("wav2lip").inference_options))
    values = dict.fromkeys((param.name for param in params), None)
    options = ServeOptions(model="wav2lip", values=values, state=tmp_path, templates={"anchor": Path("anchor.mp4")})
    offer, store = Offer(options), JobStore(tmp_path)
    app = make_app(options, offer, store, Dispatcher(options, offer, store, told=None))
    routes = {(method, route.path) for route in app.routes for method in route.methods if route.path not in ASSETS}
    assert len(routes) >= 11
    assert [route for route in routes if route[1] != "/openapi.json" and f"`{' '.join(route)}`" not in PAGE] == []
    store.close()


def test_the_limits_are_those_of_the_command():
    limits = {"queue": "{:d}", "max_upload": "{:.0f} MB", "max_seconds": "{:.0f} s", "job_seconds": "{:.0f} s"}
    limits |= {"max_characters": "{:,} characters"}
    defaults = {param.name: param.default for param in command.params}
    for name, shown in (limits | {"keep_hours": "{:.0f} h"}).items():
        assert f"| `--{name.replace('_', '-')}` | {shown.format(defaults[name])} " in PAGE


@pytest.mark.parametrize("model", [name for name, service in SERVICES.items() if service is not None])
def test_what_a_model_takes_stands_there(model):
    rows = (line for line in PAGE.splitlines() if line.startswith("|"))
    (row,) = [row for row in rows if model in row.split("|")[1].replace(",", "").split()]
    service = SERVICES[model]
    for name in (*(upload.field for upload in service.uploads), *service.choices):
        assert f"`{name}`" in row
    known = {param.name for param in model_params(load(get_model(model).inference_options))}
    assert set(service.choices) <= known
