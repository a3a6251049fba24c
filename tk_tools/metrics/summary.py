"""The numbers of a set of clips: means with their intervals, in words and as a JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tk_tools.errors import InputError
from tk_tools.files.atomic import atomic_path
from tk_tools.metrics.intervals import Mean, mean_with_interval


def means_of(found: Mapping[str, Sequence[float]]) -> dict[str, Mean]:
    """The mean of each measure that has values."""
    return {name: mean_with_interval(values) for name, values in found.items() if len(values)}


def in_words(means: Mapping[str, Mean], failed: int = 0) -> str:
    """One line: how many clips, and each mean with its interval; how many are not in them, since they failed."""
    parts = [f"{name} {interval_in_words(mean)}" for name, mean in means.items()]
    count = max(mean.count for mean in means.values())
    return f"{count} {'clip' if count == 1 else 'clips'}{failed_in_words(failed)}: {', '.join(parts)}"


def failed_in_words(failed: int) -> str:
    """What stands behind the number of clips."""
    return f" ({failed} more failed)" if failed else ""


def interval_in_words(mean: Mean) -> str:
    """The mean, and its interval in brackets where it has one."""
    return f"{mean.value:.4g}" + ("" if mean.low is None else f" ({mean.low:.4g} to {mean.high:.4g})")


def check_summary(path: Path) -> None:
    """InputError: a file is there that is no summary."""
    if not path.exists():
        return
    try:
        known = "means" in json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        known = False
    if not known:
        raise InputError("is there already and is no summary; move it or name another", path=path)


def write_summary(path: Path, tool: str, means: Mapping[str, Mean], **facts: Any) -> None:
    """Write the means, and what else is known of the set, as JSON. OutputError: it cannot be written."""
    content = {"tool": tool, "means": {name: mean._asdict() for name, mean in means.items()}, **facts}
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
