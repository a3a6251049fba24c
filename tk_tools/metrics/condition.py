"""A condition on a row of measures, as a user writes it: `lse_c >= 3 and abs(offset) <= 2`. Nothing else can run."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

import simpleeval

from tk_tools.errors import ConfigError, TkError

LONGEST = 1000  # characters
FUNCTIONS = {"abs": abs, "max": max, "min": min, "round": round}


class Condition:
    """Call it with a row to know whether it holds there.

    text: numbers and the given names with comparisons, + - * / ** %, and, or, not, brackets and the FUNCTIONS.
    ConfigError: it does not read as one, or has another name in it.
    """

    def __init__(self, text: str, names: Collection[str]):
        self.text = text
        if len(text) > LONGEST:
            raise ConfigError(f"a condition of {len(text)} characters is too long; {LONGEST} do")
        try:
            found = {node.id for node in ast.walk(ast.parse(text.strip(), mode="eval")) if isinstance(node, ast.Name)}
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = error.args[0] if error.args else "too deep"
            raise ConfigError(f"{text!r} is no condition ({reason}); write one as lse_c >= 3") from error
        if unknown := sorted(found - set(names) - set(FUNCTIONS)):
            raise ConfigError(f"{text!r}: no measure {', '.join(unknown)}; there are {', '.join(names)}")
        with suppress(ArithmeticError):  # these values need not do
            self._work_out(dict.fromkeys(names, 1.0))

    def __call__(self, row: Mapping[str, Any]) -> bool:
        """TkError: it cannot be worked out for these values, such as a division by zero."""
        try:
            return self._work_out(row)
        except ArithmeticError as error:
            raise TkError(f"{self.text!r} cannot be worked out here: {error}") from error

    def _work_out(self, row: Mapping[str, Any]) -> bool:
        try:
            return bool(simpleeval.SimpleEval(names=dict(row), functions=FUNCTIONS).eval(self.text))
        except (simpleeval.InvalidExpression, TypeError, ValueError, RecursionError) as error:
            raise ConfigError(f"{self.text!r} is no condition: {error}") from error
