"""One golden pair, NAME.json + NAME.npz, and the rule by which its weights and inputs are drawn.

No weights are stored: a tensor follows from its state-dict key, its shape and a salt, an input from its name and shape,
so that two implementations of one network can be compared without a checkpoint.
"""

from __future__ import annotations

import functools
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np


def draw(key: str, shape: tuple[int, ...], salt: int = 0) -> np.ndarray:
    """The float32 values of the state-dict entry `key`."""
    rng = np.random.default_rng([zlib.crc32(key.encode()), salt])
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "running_var":
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    z = rng.standard_normal(shape).astype(np.float32)
    if leaf in ("weight_g", "original0"):
        return 1 + 0.1 * z
    if sum(n > 1 for n in shape) >= 2:
        return z / np.float32(np.sqrt(np.prod(shape[1:])))
    if leaf.endswith(("weight", "gamma", "alpha", "scale")):
        return 1 + 0.1 * z
    return 0.1 * z


def drawn(name: str, rule: dict) -> np.ndarray:
    """The values of an input: uniform in [low, high), then what else its rule in a json asks for.

    signal: another name to draw it by; blocks: n times coarser, each value repeated; clamp_min; floor: whole numbers.
    """
    shape, blocks = list(rule["shape"]), rule.get("blocks", 1)
    coarse = [*shape[:-2], *(-(-size // blocks) for size in shape[-2:])] if blocks > 1 else shape
    rng = np.random.default_rng([zlib.crc32(rule.get("signal", name).encode()), 7])
    values = rng.uniform(rule.get("low", -1.0), rule.get("high", 1.0), tuple(coarse)).astype(np.float32)
    if blocks > 1:
        values = values.repeat(blocks, axis=-2).repeat(blocks, axis=-1)[..., : shape[-2], : shape[-1]]
    if "clamp_min" in rule:
        values = np.maximum(values, np.float32(rule["clamp_min"]))
    return np.floor(values).astype(rule["floor"]) if "floor" in rule else values


@dataclass(frozen=True)
class Absent:
    """Given by a case in place of an array that cannot be computed on this machine; what: what is not here."""

    what: str


class Golden:
    """What one json states and its npz holds; everything that varies between sets is asked of this object."""

    def __init__(self, path: Path):
        self.name = path.stem
        self.folder = path.parent
        self.meta: dict = json.loads(path.read_text(encoding="utf-8"))
        self.arrays: dict[str, np.ndarray] = {}  # none where the json itself holds what came out
        if path.with_suffix(".npz").exists():
            with np.load(path.with_suffix(".npz")) as arrays:
                self.arrays = {name: arrays[name] for name in arrays.files}

    @property
    def salt(self) -> int:
        return int(self.meta.get("salt", 0))

    @functools.cached_property
    def tolerances(self) -> dict[str, float]:
        """What the json states by output, over the largest magnitude: under "tolerance", or as largest differences
        under "conditioning"."""
        stated = self.meta.get("tolerance", {})
        if isinstance(stated, dict):
            return {name: float(value) for name, value in stated.items()}
        largest = {name: facts.get("tolerance") for name, facts in self.meta["conditioning"].items()}
        return {
            name: value / (float(np.abs(self.arrays[name]).max()) or 1.0)
            for name, value in largest.items()
            if value is not None
        }

    @property
    def undecided(self) -> set[str]:
        """Outputs whose numbers rounding decides, so that the json states no tolerance for them."""
        facts = self.meta.get("conditioning", {})
        return {name for name, fact in facts.items() if fact.get("tolerance", 0) is None}

    @functools.cached_property
    def input_names(self) -> list[str]:
        """The drawn inputs in the json's order; entries of another form (without a shape) are left out."""
        return [n for n, rule in self.meta["inputs"].items() if isinstance(rule, dict) and "shape" in rule]

    def signal(self, name: str | int) -> np.ndarray:
        """One drawn input, float32 uniform in [low, high): by its place, its name or the unique end of its name."""
        if isinstance(name, int):
            full = self.input_names[name]
        else:
            found = [n for n in self.input_names if n == name] or [n for n in self.input_names if n.endswith(name)]
            if len(found) != 1:
                raise KeyError(f"{self.name}.json has {len(found)} inputs that end in {name!r}")
            full = found[0]
        return drawn(full, self.meta["inputs"][full])

    def value(self, name: str):
        """What the json gives outright for an input, as an array or a text."""
        value = self.meta["inputs"][name]["value"]
        return value if isinstance(value, str) else np.asarray(value)

    def noise(self, listed: list[dict], ask: str = "randn") -> Iterator[np.ndarray]:
        """The random numbers that a list of the original's calls names: those of rand, or of randn and randn_like."""
        return (drawn(one["signal"], one) for one in listed if one["call"].startswith(ask))

    def signals(self) -> list[np.ndarray]:
        """All drawn inputs in the json's order."""
        return [self.signal(place) for place in range(len(self.input_names))]

    def tensors(self) -> list:
        """`signals()` as torch tensors."""
        import torch

        return [torch.from_numpy(array) for array in self.signals()]

    def stated(self, letter: str, default: float | None = None) -> float:
        """The number in "LETTER = NUMBER here" somewhere in the json's texts: how a set states its variation."""
        text = "\n".join(value for value in self.meta.values() if isinstance(value, str))
        found = re.search(rf"\b{letter} = (-?\d+(?:\.\d+)?) here", text)
        if found:
            return float(found.group(1))
        if default is None:
            raise KeyError(f"{self.name}.json states no {letter!r}")
        return default

    def sibling(self, name: str) -> Golden:
        """Another pair of the same set, for what one json says of another ("the waveform of audio_frontend")."""
        return Golden(self.folder / f"{name}.json")

    def fill(self, module, state_dict: dict[str, list[int]] | None = None):
        """Fill a torch module whose state dict bears the published keys, in place; returns it in eval mode.

        The keys and shapes must be those that the json lists under "state_dict" (or the list given), none more or less.
        """
        import torch

        listed = state_dict or self.meta.get("state_dict")
        state = module.state_dict()
        if listed is not None:
            ours = {key: list(value.shape) for key, value in state.items()}
            assert ours == listed, f"{self.name}: {_difference(ours, listed)}"
        with torch.no_grad():
            for key, value in state.items():
                if value.is_floating_point():
                    value.copy_(torch.from_numpy(np.asarray(draw(key, tuple(value.shape), self.salt))))
                else:
                    value.zero_()
            settle_spectral_norms(state)
        return module.eval()

    def drawn_state(self) -> dict:
        """The drawn tensors by the keys that the json lists: a published file, for what loads one."""
        import torch

        shapes = self.meta["state_dict"]
        drawn = {key: draw(key, tuple(shape), self.salt) if shape else 0 for key, shape in shapes.items()}
        return {key: torch.from_numpy(np.asarray(value)) for key, value in drawn.items()}

    def pcm(self) -> np.ndarray:
        """The int16 waveform at 16 kHz that `audio_frontend` describes; its variation `v` comes from that json."""
        front_end = self if "waveform" in self.meta else self.sibling("audio_frontend")
        v = front_end.stated("v")
        n = int(re.search(r"n = (\d+)", front_end.meta["waveform"]).group(1))
        t = np.arange(n) / 16000
        phase = 2 * np.pi * (110 * v**0.5 * t + 20 * t**2)
        voiced = sum(np.sin(h * phase) / h for h in range(1, 15))
        envelope = 0.5 - 0.5 * np.cos(2 * np.pi * (3.1 + 0.4 * v) * t)
        chirp = np.sin(2 * np.pi * (200 * t + 0.5 * (5800 / 3) * t**2))
        noise = np.random.default_rng(int(20200823 * v)).standard_normal(n)
        x = 0.22 * envelope * voiced + 0.05 * chirp + 0.004 * noise
        x[20800:23200] = 0
        x[:160] *= np.arange(160) / 160
        return np.clip(np.round(32767 * x), -32768, 32767).astype(np.int16)

    def frame(self, index: int, height: int, width: int) -> np.ndarray:
        """The test picture of the json's `frame` rule: (height, width, 3) uint8 in OpenCV's order, BGR."""
        moved = index + self.stated("s", default=0)
        y, x, c = np.ogrid[:height, :width, :3]
        value = (
            128
            + 60 * np.sin(2 * np.pi * (x / 37 + c / 3 + moved / 11))
            + 50 * np.cos(2 * np.pi * (y / 29 - c / 5 + moved / 7))
        )
        return np.clip(np.floor(value), 0, 255).astype(np.uint8)


def settle_spectral_norms(state: dict) -> None:
    """The vectors of a spectral norm follow from its weight: the leading singular ones, u with a sum of 0 or more."""
    import torch

    for layer in [key.removesuffix("weight_orig") for key in state if key.endswith("weight_orig")]:
        u, v, weight = (state[f"{layer}weight_{part}"] for part in ("u", "v", "orig"))
        matrix = (weight if len(weight) == len(u) else weight.transpose(0, 1)).flatten(start_dim=1).double()
        leading = torch.linalg.eigh(matrix @ matrix.T).eigenvectors[:, -1]  # much sooner than all singular vectors
        leading = leading if leading.sum() >= 0 else -leading
        u.copy_(leading)
        v.copy_(torch.nn.functional.normalize(matrix.T @ leading, dim=0))


def _difference(ours: dict, listed: dict) -> str:
    missing = [key for key in listed if key not in ours]
    extra = [key for key in ours if key not in listed]
    shapes = [key for key in ours if key in listed and ours[key] != listed[key]]
    return f"missing {missing[:3]}, unexpected {extra[:3]}, of another shape {shapes[:3]}"
