"""Look at a weight file as closely as can be: size, digest, damage, and which network it holds.

Reading runs nothing that the file holds (see forms.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tk_tools.errors import TkError
from tk_tools.weights.fetch import sha256
from tk_tools.weights.table import Published, published

_TENSOR_SUFFIXES = (".pth", ".pt", ".tar", ".ckpt", ".model", ".safetensors", ".t7", ".bin", ".pkl", ".pb")


@dataclass(frozen=True)
class Verdict:
    """What was found. size, digest: "ok", "differs", or "unknown" when nothing is published to compare with.

    holds: the network and number of tensors, empty for files that are no tensors. fault: None when all is well.
    """

    size: str
    digest: str
    sha256: str
    holds: str = ""
    fault: str | None = None


def verify(path: Path, entry: Published | None = None) -> Verdict:
    """Check a file against its entry of the table (default: the entry with its file name, if any)."""
    entry = entry or next((known for known in published() if path.name in known.names), None)
    try:
        digest = sha256(path)
        size = path.stat().st_size
    except (TkError, OSError) as error:
        return Verdict("unknown", "unknown", "", fault=getattr(error, "message", None) or str(error))
    size_word = _compare(None if entry is None or entry.size is None else size == entry.size)
    digest_word = _compare(None if entry is None or entry.sha256 is None else digest.startswith(entry.sha256))
    faults = []
    if size_word == "differs":
        faults.append(f"has {size} bytes, the published file has {entry.size}")
    elif digest_word == "differs":
        faults.append("its digest is not the published one")
    holds = ""
    if path.suffix in _TENSOR_SUFFIXES or (entry is not None and entry.network):
        try:
            holds = _contents(path, entry)
        except TkError as error:
            faults.insert(0, error.message)  # the verdict on the network explains the others
    return Verdict(size_word, digest_word, digest, holds, "; ".join(faults) or None)


def _compare(equal: bool | None) -> str:
    return "unknown" if equal is None else "ok" if equal else "differs"


def _contents(path: Path, entry: Published | None) -> str:
    """What is in a file of tensors. WeightsError: damaged, unsafe, another network's, or not finite."""
    from tk_tools.errors import WeightsError
    from tk_tools.weights.forms import check_sums, file_form
    from tk_tools.weights.load import check_finite, load_checkpoint
    from tk_tools.weights.signatures import recognise

    if file_form(path) in ("zip", "torchscript"):
        check_sums(path)
    state = load_checkpoint(path).state
    found = recognise(state)
    if entry is not None and entry.network and (found is None or found.name != entry.network):
        raise WeightsError(f"holds {found.title if found else 'an unknown network'}, not {entry.holds}")
    check_finite(state, path)
    return f"{found.title if found else 'tensors'} ({len(state)} tensors)"
