"""Write weights as safetensors, the form to hand on: plain tensors, with the configuration as JSON in the header.

The same tensors and configuration give the same bytes; the file appears whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tk_tools.files.atomic import atomic_path

if TYPE_CHECKING:
    from torch import Tensor


def save_safetensors(path: str | Path, state: Mapping[str, Tensor], config: Mapping[str, Any]) -> Path:
    """Write `state` to `path`, with `config` (plain data) in the header under "config"; returns the path.

    Tensors that share memory are written once each. OutputError: the folder or the disk does not take the file.
    """
    from safetensors.torch import save

    tensors = {key: state[key].detach().cpu().contiguous().clone() for key in sorted(state)}
    header = {"config": json.dumps(config, sort_keys=True, allow_nan=False)}
    path = Path(path)
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(tensors, metadata=header))
    return path
