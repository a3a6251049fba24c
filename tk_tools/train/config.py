"""The configuration of a stage: a pydantic model whose fields are the keys, with meaning and published default.

Values come from a preset, then a YAML file, then `--set key=value`; an unknown key is refused with the nearest right
name.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tk_tools.errors import ConfigError

C = TypeVar("C", bound="Config")


class Section(BaseModel):
    """A group of keys; a field of this kind nests its keys: `--set network.width=32`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Config(Section):
    """The keys that every stage has. A stage's own config derives from it and may give them other defaults.

    presets: named sets of values, with dotted keys: {"tiny": {"batch_size": 4, "network.width": 8}}.
    free: the keys that do not change the numbers of a run, so that a resume may change them.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    free: ClassVar[frozenset[str]] = frozenset(
        [
            "max_steps",
            "checkpoint_every",
            "keep_checkpoints",
            "log_every",
            "loader_workers",
            "accelerator",
            "wandb",
        ]
    )

    def free_keys(self) -> frozenset[str]:
        """The keys that a resume of this run may change without being asked."""
        return self.free

    def steps(self, clips: int, devices: int) -> int:
        """How many steps are trained on that many clips and devices. ConfigError: the values do not allow it."""
        return self.max_steps

    max_steps: int = Field(
        100_000,
        ge=1,
        description="Steps to train; a step is one update on batch_size x accumulate x devices clips.",
    )
    batch_size: int = Field(16, ge=1, description="Clips in a batch of one device.")
    accumulate: int = Field(1, ge=1, description="Batches whose gradients are gathered for one step.")
    seed: int = Field(0, ge=0, description="Seed of the weights, the order of clips and all that is drawn from them.")
    validate_every: int = Field(
        1000,
        ge=1,
        description="Steps between validations; each also draws samples and may mark a best checkpoint.",
    )
    validate_batches: int = Field(
        0, ge=0, description="Batches in a validation, at most one pass; 0: once through the validation clips."
    )
    val_share: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="Share of the clips kept for validation when no validation list is given.",
    )
    checkpoint_every: int = Field(1000, ge=1, description="Steps between checkpoints.")
    keep_checkpoints: int = Field(2, ge=1, description="Newest checkpoints kept; the best one is kept besides.")
    log_every: int = Field(50, ge=1, description="Steps over which losses are averaged for the log and metrics.csv.")
    loader_workers: int = Field(2, ge=0, description="Processes that load data beside training; 0: none.")
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = Field(
        "32-true", description="Arithmetic: 32-true, bf16-mixed or 16-mixed (16-mixed wants a GPU)."
    )
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="Where to train: auto takes a GPU when there is one."
    )
    devices: int = Field(1, ge=1, description="Devices (or CPU processes) on this machine, one process each.")
    nodes: int = Field(1, ge=1, description="Machines, when a launcher (torchrun, Slurm) starts the processes.")
    strategy: Literal["auto", "ddp", "ddp_find_unused_parameters_true"] = Field(
        "auto", description="How several devices share the work: auto is ddp for more than one."
    )
    wandb: str = Field("", description="Weights & Biases project to log to as well; empty: none (pip install wandb).")


class _Loader(yaml.SafeLoader):
    """YAML in which 1e-4 is a number, as everybody expects, and not a text."""


class _Dumper(yaml.SafeDumper):
    """Puts in quotes the texts that _Loader would take for numbers."""


for _kind in (_Loader, _Dumper):
    _kind.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"^[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][-+]?[0-9]+$"),
        list("-+0123456789"),
    )


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; ConfigError when there is none."""
    try:
        values = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {getattr(error, 'strerror', None) or error}", path=path) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise ConfigError(
            f"is no YAML{where}: {getattr(error, 'problem', None) or 'cannot be parsed'}", path=path
        ) from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError("must hold keys and values, one `key: value` a line", path=path)
    return values


def parse_assignment(text: str) -> tuple[str, Any]:
    """`key=value` of --set, the value read as YAML; keys of a section are joined by dots."""
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise ConfigError(f"--set {text}: give key=value, e.g. --set max_steps=2000")
    try:
        return key.strip(), yaml.load(value, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {text}: the value is no YAML; put it in quotes") from error


def make_config(
    kind: type[C],
    preset: str | None = None,
    values: Mapping[str, Any] | None = None,
    assignments: Iterable[tuple[str, Any]] = (),
    path: Path | None = None,
) -> C:
    """A config from a preset, then the values of a file (`path`, for messages), then assignments; the last one wins.

    ConfigError: an unknown preset or key (with the nearest right name), a value of the wrong type or out of its range.
    """
    tree: dict[str, Any] = {}
    if preset is not None:
        if preset not in kind.presets:
            known = ", ".join(sorted(kind.presets)) or "none"
            raise ConfigError(f"no preset {preset!r} here; known: {known}")
        for key, value in kind.presets[preset].items():
            _assign(tree, key, value)
    _merge(tree, values or {})
    for key, value in assignments:
        _assign(tree, key, value)
    try:
        return kind.model_validate_json(json.dumps(tree))  # JSON: strict, yet a list is taken for a tuple
    except ValidationError as error:
        raise ConfigError("; ".join(_explain(kind, fault) for fault in error.errors()[:3]), path=path) from None
    except TypeError as error:
        raise ConfigError(f"a value is of a kind that no key takes: {error}", path=path) from None


def has_key(kind: type[Section], key: str) -> bool:
    """Whether the dotted `key` is one of `kind`."""
    return key in set(_keys(kind))


def nearest_key(kind: type[Section], key: str) -> str | None:
    """The dotted key of `kind` that is most like `key`."""
    keys = list(_keys(kind))
    found = difflib.get_close_matches(key, keys, n=1, cutoff=0.7)
    if not found:  # the right name in the wrong section
        found = [known for known in keys if known.rpartition(".")[2] == key.rpartition(".")[2]]
    return found[0] if found else None


def as_yaml(config: Section, indent: str = "") -> str:
    """The config as YAML, a comment with its meaning above each key; read back, it gives the same config."""
    lines = []
    values = config.model_dump(mode="json")
    for name, field in type(config).model_fields.items():
        if field.description:
            lines.append(f"{indent}# {field.description}")
        value = getattr(config, name)
        if isinstance(value, Section):
            lines += [f"{indent}{name}:", as_yaml(value, indent + "  ").rstrip("\n")]
        else:
            text = yaml.dump(values[name], Dumper=_Dumper, default_flow_style=True, width=10**6, allow_unicode=True)
            lines.append(f"{indent}{name}: {text.removesuffix(chr(10)).removesuffix(chr(10) + '...')}")
    return "\n".join(lines) + "\n"


def differences(old: Mapping[str, Any], new: Mapping[str, Any], free: Iterable[str] = ()) -> list[str]:
    """`key: old -> new` for each dotted key that differs and is not free to; both as plain nested values."""
    before, after = dict(_flatten(old)), dict(_flatten(new))
    free = set(free)
    return [
        f"{key}: {before.get(key)!r} -> {after.get(key)!r}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key) and key.partition(".")[0] not in free
    ]


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _keys(kind: type[Section], prefix: str = "") -> Iterator[str]:
    for name, field in kind.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _keys(field.annotation, f"{prefix}{name}.")


def _assign(tree: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for name in sections:
        inner = tree.get(name)
        inner = dict(inner) if isinstance(inner, Mapping) else {}
        tree[name] = inner
        tree = inner
    tree[last] = value


def _merge(tree: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(tree.get(key), Mapping):
            tree[key] = dict(tree[key])
            _merge(tree[key], value)
        else:
            tree[key] = value


def _explain(kind: type[Section], fault: Mapping[str, Any]) -> str:
    key = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        nearest = nearest_key(kind, key)
        hint = f"did you mean {nearest}?" if nearest else "--print-config shows all keys"
        return f"unknown key {key}; {hint}"
    message = fault["msg"][:1].lower() + fault["msg"][1:]
    return f"{key}: {message.replace('input should be', 'must be')}, not {fault['input']!r}"
