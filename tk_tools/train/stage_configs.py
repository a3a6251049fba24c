"""The configs of all stages that one command trains, from one file, one preset and one set of assignments.

With several stages a file has a section for each, and an assignment may begin with a stage's name. A stage that is
trained alone takes its own section of such a file, or a file of its keys.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tk_tools.errors import ConfigError
from tk_tools.train.config import Config, as_yaml, has_key, make_config, nearest_key, parse_assignment, read_yaml


def stage_configs(
    kinds: Mapping[str, type[Config]],
    *,
    preset: str | None = None,
    path: Path | None = None,
    assignments: Sequence[str] = (),
    devices: int | None = None,
    stages: Collection[str] = (),
) -> dict[str, Config]:
    """The config of each stage in `kinds`. path: of a YAML file; assignments: KEY=VALUE or STAGE.KEY=VALUE; stages: all
    that the model has, whose sections a file may hold.

    A key without a stage goes to every stage that has it. ConfigError: as make_config, or no stage takes the key.
    """
    content = read_yaml(path) if path else {}
    if len(kinds) > 1 or _is_of_sections(content, stages):
        unknown = [name for name in content if name not in kinds and name not in stages]
        if unknown:
            known = ", ".join(kinds)
            raise ConfigError(f"unknown section {unknown[0]}; without --stage the sections are {known}", path=path)
        sections = content
        flat = [name for name, keys in content.items() if not isinstance(keys, dict | None)]
        if flat:
            raise ConfigError(f"section {flat[0]} holds no keys with values", path=path)
    else:
        sections = dict.fromkeys(kinds, content)
    chosen: dict[str, list[tuple[str, Any]]] = {name: [] for name in kinds}
    if devices:
        chosen = {name: [("devices", devices)] for name in kinds}
    for text in assignments:
        for name, key, value in _taken(kinds, text):
            chosen[name].append((key, value))
    return {
        name: make_config(kind, preset=preset, values=sections.get(name) or {}, assignments=chosen[name], path=path)
        for name, kind in kinds.items()
    }


def _is_of_sections(content: Mapping[str, Any], stages: Collection[str]) -> bool:
    return bool(content) and all(name in stages and isinstance(keys, dict | None) for name, keys in content.items())


def _taken(kinds: Mapping[str, type[Config]], text: str) -> list[tuple[str, str, Any]]:
    """(stage, key, value) for each stage that takes an assignment."""
    key, value = parse_assignment(text)
    head, _, rest = key.partition(".")
    if head in kinds and rest:
        return [(head, rest, value)]
    takers = [(name, key, value) for name, kind in kinds.items() if has_key(kind, key)]
    if not takers:
        near = next((near for kind in kinds.values() if (near := nearest_key(kind, key))), None)
        raise ConfigError(f"--set {text}: unknown key; " + (f"did you mean {near}?" if near else "see --print-config"))
    return takers


def check_processes(configs: Mapping[str, Config]) -> None:
    """ConfigError unless all stages of one command run in the same processes."""
    if len({(c.devices, c.nodes, c.strategy, c.accelerator) for c in configs.values()}) > 1:
        raise ConfigError(
            "devices, nodes, strategy and accelerator must be the same for all stages; or train them one by one"
        )


def configs_as_yaml(configs: Mapping[str, Config]) -> str:
    """The configs as a file that stage_configs reads back: a section for each, or the keys of the only stage."""
    if len(configs) == 1:
        return as_yaml(*configs.values())
    return "".join(f"{name}:\n{as_yaml(config, indent='  ')}" for name, config in configs.items())
