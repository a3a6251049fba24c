"""How each golden name is computed by our code: one module per subject.

A module SYSTEM.py or SYSTEM_SUBJECT.py holds CASES = {NAME: function(golden) -> {output name: array}}, and gives every
array that the json lists under "outputs". Modules are found by name, so a new subject is a new file and nothing else.
TOLERANCES = {NAME: {output or its beginning, or "default": tolerance}} holds what a set's description states beside its
jsons.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from types import ModuleType

import numpy as np

Case = Callable[..., dict[str, np.ndarray]]


def cases_of(system: str) -> dict[str, Case]:
    """The cases of one system; a name that two modules claim is an error."""
    found: dict[str, Case] = {}
    for module in _modules(system):
        twice = found.keys() & module.CASES.keys()
        assert not twice, f"{module.__name__}: {sorted(twice)} is in another module too"
        found.update(module.CASES)
    return found


def tolerance_of(system: str, name: str, array: str) -> float | None:
    """What the set's description allows in an output of a golden name; None: it says nothing of it."""
    for module in _modules(system):
        for beginning, tolerance in getattr(module, "TOLERANCES", {}).get(name, {}).items():
            if beginning == "default" or array.startswith(beginning):
                return tolerance
    return None


def _modules(system: str) -> list[ModuleType]:
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    mine = [name for name in names if name == system or name.startswith(f"{system}_")]
    return [importlib.import_module(f"{__name__}.{name}") for name in mine]
