"""The configs of several stages: which values reach which of them."""

import pytest

from tk_tools.errors import ConfigError
from tk_tools.train.config import Config
from tk_tools.train.stage_configs import check_processes, configs_as_yaml, stage_configs


class Judge(Config):
    margin: float = 1.0


KINDS = {"judge": Judge, "maker": Config}


def test_a_key_goes_to_every_stage_that_has_it_unless_a_stage_is_named():
    configs = stage_configs(KINDS, assignments=["seed=3", "maker.max_steps=7", "margin=2.5"], devices=2)
    assert [config.seed for config in configs.values()] == [3, 3]
    assert [config.max_steps for config in configs.values()] == [Config().max_steps, 7]
    assert [config.devices for config in configs.values()] == [2, 2]
    assert configs["judge"].margin == 2.5


@pytest.mark.parametrize("names", [("judge", "maker"), ("maker",)])
def test_what_is_printed_reads_back(tmp_path, names):
    kinds = {name: KINDS[name] for name in names}
    configs = stage_configs(kinds, assignments=["seed=5", "maker.batch_size=3"])
    (tmp_path / "all.yaml").write_text(configs_as_yaml(configs))
    assert stage_configs(kinds, path=tmp_path / "all.yaml") == configs


def test_unknown_sections_and_keys(tmp_path):
    (tmp_path / "all.yaml").write_text("gudge: {seed: 1}")
    with pytest.raises(ConfigError, match="unknown section gudge; without --stage the sections are judge, maker"):
        stage_configs(KINDS, path=tmp_path / "all.yaml")
    (tmp_path / "all.yaml").write_text("judge: 3")
    with pytest.raises(ConfigError, match=r"all\.yaml: section judge holds no keys"):
        stage_configs(KINDS, path=tmp_path / "all.yaml")
    with pytest.raises(ConfigError, match="did you mean margin"):
        stage_configs(KINDS, assignments=["magin=1"])


def test_all_stages_run_in_the_same_processes():
    check_processes(stage_configs(KINDS, devices=2))
    with pytest.raises(ConfigError, match="the same for all stages"):
        check_processes(stage_configs(KINDS, assignments=["maker.devices=2"]))


def test_a_stage_alone_takes_its_section_of_a_file_for_all_of_them(tmp_path):
    path = tmp_path / "all.yaml"
    path.write_text("judge: {margin: 3.0}\nmaker: {max_steps: 7}\n")
    alone = {"maker": Config}
    assert stage_configs(alone, path=path, stages=KINDS)["maker"].max_steps == 7
    path.write_text("judge: {margin: 3.0}\n")
    assert stage_configs(alone, path=path, stages=KINDS)["maker"] == Config()
    path.write_text("judge: {margin: 3.0}\nmax_steps: 7\n")
    with pytest.raises(ConfigError, match=r"all\.yaml: unknown key judge"):
        stage_configs(alone, path=path, stages=KINDS)
