"""The networks in a checkpoint, published or of tk-train, as plain tensors by their keys; and into a module, strictly.

For the kinds of files see weights/forms.py, for plain tensors to hand on weights/save.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tk_tools.errors import WeightsError
from tk_tools.weights.forms import file_form, read_tree

if TYPE_CHECKING:
    from torch import Tensor, nn

CONTAINERS = ("state_dict", "model_state_dict", "model_state", "modules", "model", "net")
"""Keys under which training scripts put the network, first match wins; without any, all state dicts are taken."""

TRAINING_STATE = re.compile(r"optim|sched|^opt_|^sch_|scaler|random|sampler", re.IGNORECASE)


@dataclass
class Checkpoint:
    """What a file of weights holds.

    state: tensors by key; several networks in one file are told apart by a prefix ("net_g.", "bert.").
    config: the configuration kept with them, empty when there is none.
    form: of the file (see forms.file_form).
    """

    state: dict[str, Tensor]
    config: dict[str, Any] = field(default_factory=dict)
    form: str = "zip"


def load_state_dict(path: str | Path, part: str | None = None) -> dict[str, Tensor]:
    """The tensors of a checkpoint by their published keys, on the CPU; see `load_checkpoint`."""
    return load_checkpoint(path, part).state


def load_checkpoint(path: str | Path, part: str | None = None) -> Checkpoint:
    """Read a checkpoint; `part` picks one of several networks in it ("net_G_ema", "generator").

    A `module.` in front of every key of a network (a trace of data-parallel training) is removed.
    WeightsError: missing, empty, cut short, not weights, or it would run code.
    """
    path = Path(path)
    form = file_form(path)
    tree, config = read_tree(path, form)
    networks = _networks(tree)
    if part is not None:
        networks = {"": _pick(networks, part, path)}
    state: dict[str, Tensor] = {}
    for name, tensors in networks.items():
        prefix = f"{name}." if name and len(networks) > 1 else ""
        state.update({prefix + key: tensor for key, tensor in _without_module_prefix(tensors).items()})
    if not state:
        raise WeightsError("holds no tensors; give a checkpoint or a state dict", path=path)
    return Checkpoint(state=state, config=dict(config) if isinstance(config, Mapping) else {}, form=form)


def load_strictly(module: nn.Module, state: Mapping[str, Tensor], path: str | Path, what: str) -> nn.Module:
    """Put `state` into `module`, all of it and nothing else; `what` names the network for the message.

    The one difference allowed: `num_batches_tracked`, which torch before 0.4.1 did not save and inference does not use.
    WeightsError: what the file holds instead, then how many tensors are missing, unknown or of another shape, with two
    of their names; or a weight is not finite.
    """
    own = module.state_dict()
    missing = [key for key in own if key not in state and not key.endswith("num_batches_tracked")]
    unknown = [key for key in state if key not in own]
    shapes = [
        f"{key} is {_shape(state[key])}, not {_shape(own[key])}"
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    if missing or unknown or shapes:
        counts = [
            f"{len(keys)} {name}"
            for name, keys in (("missing", missing), ("unknown", unknown), ("of another shape", shapes))
            if keys
        ]
        names = ", ".join([*missing, *shapes, *unknown][:2])
        fault = f"(of its {len(own)} tensors {', '.join(counts)}, such as {names})"
        raise WeightsError(f"{_instead(state, what)} {fault}", path=path)
    check_finite(state, path)
    module.load_state_dict({**own, **state}, strict=True)
    return module


def _instead(state: Mapping[str, Tensor], what: str) -> str:
    """What the tensors of a file are that do not fit the network `what`."""
    from tk_tools.weights.signatures import recognise

    found = recognise(state)
    if found is None:
        return f"is not {what} but an unknown network; give the weights of {what}"
    if found.title.startswith(what):
        return f"is {what}, but not whole or of another version"
    return f"holds {found.title}, not {what}; give the weights of {what}"


def check_finite(state: Mapping[str, Tensor], path: str | Path) -> None:
    """WeightsError: a weight is NaN or infinite; the message names the first tensor that has one."""
    for key, tensor in state.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise WeightsError(
                f"has weights that are NaN or infinite, first in {key}; fetch it again, or take an earlier checkpoint",
                path=path,
            )


def _networks(tree: Any) -> dict[str, Mapping]:
    """The state dicts of a checkpoint by the name they are kept under, "" when there is but one."""
    from torch import Tensor

    if not isinstance(tree, Mapping):
        return {}
    if any(isinstance(value, Tensor) for value in tree.values()) and not any(_holds(tree, key) for key in CONTAINERS):
        return {"": tree}
    for key in CONTAINERS:
        if _holds(tree, key):
            return _networks(tree[key])
    parts = {
        str(name): value
        for name, value in tree.items()
        if not TRAINING_STATE.search(str(name)) and _is_state_dict(value)
    }
    if len(parts) == 1:
        return {"": next(iter(parts.values()))}
    return parts


def _holds(tree: Mapping, key: str) -> bool:
    """Whether tree[key] is a state dict, or a dict of state dicts."""
    value = tree.get(key)
    return _is_state_dict(value) or (
        isinstance(value, Mapping) and any(_is_state_dict(part) for part in value.values())
    )


def _is_state_dict(value: Any) -> bool:
    from torch import Tensor

    return (
        isinstance(value, Mapping)
        and all(isinstance(key, str) for key in value)
        and any(isinstance(tensor, Tensor) for tensor in value.values())
    )


def _pick(networks: dict[str, Mapping], part: str, path: Path) -> Mapping:
    if part in networks:
        return networks[part]
    inside = {}
    for tensors in networks.values():
        inside.update({key[len(part) + 1 :]: tensor for key, tensor in tensors.items() if key.startswith(f"{part}.")})
    if not inside:
        known = ", ".join(name for name in networks if name) or "one network alone"
        raise WeightsError(f"holds no part named {part} (it has: {known})", path=path)
    return inside


def _without_module_prefix(tensors: Mapping) -> dict[str, Tensor]:
    from torch import Tensor

    tensors = {key: value for key, value in tensors.items() if isinstance(value, Tensor)}
    while tensors and all(key.startswith("module.") for key in tensors):
        tensors = {key[len("module.") :]: value for key, value in tensors.items()}
    return tensors


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"
