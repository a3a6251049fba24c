"""How each golden name is computed by our code: one module per subject.

A module SYSTEM.py or SYSTEM_SUBJECT.py holds CASES = {NAME: function(golden) -> {output name: array}}, and gives every
array that the json lists under "outputs". Modules are found by name, so a new subject is a new file and nothing else.
TOLERANCES = {NAME: {output name or "default": value}}, where a module has it, holds for what the json leaves open.
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
        cases = module.CASES
        twice = found.keys() & cases.keys()
        assert not twice, f"{module.__name__}: {sorted(twice)} is in another module too"
        found.update(cases)
    return found


def tolerances_of(system: str, name: str) -> dict[str, float]:
    """What a module of the system's cases says of one name."""
    return next((told[name] for module in _modules(system) if name in (told := getattr(module, "TOLERANCES", {}))), {})


def _modules(system: str) -> list[ModuleType]:
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return [
        importlib.import_module(f"{__name__}.{name}")
        for name in names
        if name == system or name.startswith(f"{system}_")
    ]
