"""How each golden name is computed by our code: one module per subject.

A module SYSTEM.py or SYSTEM_SUBJECT.py holds CASES = {NAME: function(golden) -> {output name: array}}, and gives every
array that the json lists under "outputs". Modules are found by name, so a new subject is a new file and nothing else.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

import numpy as np

Case = Callable[..., dict[str, np.ndarray]]


def cases_of(system: str) -> dict[str, Case]:
    """The cases of one system; a name that two modules claim is an error."""
    found: dict[str, Case] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name == system or module.name.startswith(f"{system}_"):
            cases = importlib.import_module(f"{__name__}.{module.name}").CASES
            twice = found.keys() & cases.keys()
            assert not twice, f"{module.name}: {sorted(twice)} is in another module too"
            found.update(cases)
    return found
