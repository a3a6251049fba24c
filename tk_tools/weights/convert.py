"""Any checkpoint -> safetensors: equal tensors, the network's name and the source's digest in the header.

For what training left behind in a published file (optimisers, counters) there is no place: only weights go on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tk_tools.errors import OutputError, WeightsError
from tk_tools.weights.fetch import sha256
from tk_tools.weights.load import load_checkpoint
from tk_tools.weights.save import save_safetensors
from tk_tools.weights.signatures import recognise


def convert(source: Path, target: Path, *, part: str | None = None, force: bool = False) -> dict[str, Any]:
    """Write the weights in `source` to `target` and return the facts: network, tensors, made.

    `part` picks one of several networks. A target made from the same source and part is kept; another file under that
    name is replaced only with `force`. WeightsError: the source; OutputError: the target.
    """
    checkpoint = load_checkpoint(source, part)
    found = recognise(checkpoint.state)
    origin = {"file": source.name, "sha256": sha256(source), "part": part}
    config = {
        **checkpoint.config,
        "network": found.name if found else checkpoint.config.get("network"),
        "source": origin,
    }
    facts = {
        "network": config["network"],
        "tensors": len(checkpoint.state),
    }
    if target.exists() and not force:
        if _source_of(target) == origin:
            return {**facts, "made": False}
        raise OutputError("exists and was not made from this file; take another name, or --force", path=target)
    save_safetensors(target, checkpoint.state, config)
    return {**facts, "made": True}


def _source_of(path: Path) -> dict | None:
    try:
        checkpoint = load_checkpoint(path)
    except WeightsError:
        return None
    return checkpoint.config.get("source") if checkpoint.form == "safetensors" else None
