"""Configs: what is refused and how it is said, and YAML that reads back."""

from typing import ClassVar

import pytest
import yaml
from pydantic import Field

from tk_tools.errors import ConfigError
from tk_tools.train.config import (
    Config,
    Section,
    as_yaml,
    differences,
    make_config,
    parse_assignment,
    read_yaml,
)


class Network(Section):
    width: int = Field(32, ge=1, description="Channels of the first layer.")
    strides: tuple[int, ...] = Field((1, 2), description="Stride of each layer.")


class StageConfig(Config):
    presets: ClassVar = {"tiny": {"batch_size": 4, "network.width": 8}}
    learning_rate: float = Field(1e-4, gt=0, description="Step size of Adam: small.")
    note: str = Field("", description="Any text.")
    network: Network = Field(Network(), description="The network.")


def test_later_sources_win():
    config = make_config(
        StageConfig,
        preset="tiny",
        values={"batch_size": 6, "network": {"strides": [2, 2]}},
        assignments=[("batch_size", 7)],
    )
    assert (config.batch_size, config.network.width, config.network.strides) == (7, 8, (2, 2))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lerning_rate=1", "unknown key lerning_rate; did you mean learning_rate?"),
        ("network.widht=1", "unknown key network.widht; did you mean network.width?"),
        ("width=1", "unknown key width; did you mean network.width?"),
        ("zzz=1", "unknown key zzz; --print-config shows all keys"),
        ("batch_size=abc", "batch_size: must be a valid integer, not 'abc'"),
        ("batch_size='4'", "batch_size: must be a valid integer, not '4'"),
        ("batch_size=true", "batch_size: must be a valid integer, not True"),
        ("batch_size=0", "batch_size: must be greater than or equal to 1, not 0"),
        ("batch_size=", "batch_size: must be a valid integer, not None"),
        ("learning_rate=.nan", "learning_rate"),
        ("precision=float", "precision: must be '32-true', 'bf16-mixed' or '16-mixed', not 'float'"),
        ("note=2026-01-01", "of a kind that no key takes"),
        ("network=3", "network: must be an object, not 3"),
    ],
)
def test_wrong_values_are_refused_in_one_line(text, said):
    with pytest.raises(ConfigError) as caught:
        make_config(StageConfig, assignments=[parse_assignment(text)])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["1e-4", "1E-4", "0.0001", "1.0e-4"])
def test_floats_in_any_notation(value):
    assert make_config(StageConfig, assignments=[parse_assignment(f"learning_rate={value}")]).learning_rate == 1e-4


@pytest.mark.parametrize("text", ["batch_size", "=3", "a=[1"])
def test_bad_assignments(text):
    with pytest.raises(ConfigError):
        parse_assignment(text)


def test_unknown_preset_names_the_known():
    with pytest.raises(ConfigError, match="known: tiny"):
        make_config(StageConfig, preset="huge")


def test_yaml_has_meanings_and_reads_back(tmp_path):
    config = make_config(StageConfig, preset="tiny", assignments=[("note", "yes: # 1e-3 'ä"), ("learning_rate", 3e-5)])
    text = as_yaml(config)
    assert "# Step size of Adam: small.\nlearning_rate: 3.0e-05\n" in text
    assert "  # Channels of the first layer.\n  width: 8\n" in text
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    assert make_config(StageConfig, values=read_yaml(path)) == config
    assert set(yaml.safe_load(text)) == set(StageConfig.model_fields)


@pytest.mark.parametrize("note", ["no", "1", "1e5", "null", "", " x ", "a\nb", "~", "2026-01-01"])
def test_texts_that_look_like_something_else_read_back(tmp_path, note):
    path = tmp_path / "c.yaml"
    path.write_text(as_yaml(StageConfig(note=note)), encoding="utf-8")
    assert make_config(StageConfig, values=read_yaml(path)).note == note


@pytest.mark.parametrize("content", [b"a: [1", b"- 1\n", b"\xff\xfe", b"just text"])
def test_files_that_are_no_config(tmp_path, content):
    path = tmp_path / "c.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=str(path)):
        read_yaml(path)


def test_every_common_key_says_what_it_means():
    assert all(field.description for field in Config.model_fields.values())
    assert set(Config.free) <= set(Config.model_fields)


def test_differences_name_the_keys_that_count():
    old = make_config(StageConfig).model_dump(mode="json")
    new = make_config(StageConfig, assignments=[("network.width", 5), ("max_steps", 3)]).model_dump(mode="json")
    assert differences(old, new, free=Config.free) == ["network.width: 32 -> 5"]
