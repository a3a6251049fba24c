"""Names of devices, on machines that have them and on others."""

import pytest
import torch

from tk_tools.errors import ConfigError
from tk_tools.nets.device import choose_device


@pytest.fixture(params=[0, 1, 2])
def gpus(request, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: request.param)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param > 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    return request.param


@pytest.mark.parametrize(("name", "needs"), [("cpu", 0), ("cuda", 1), ("cuda:0", 1), ("cuda:1", 2), ("mps", 9)])
def test_what_is_not_there_is_told(gpus, name, needs):
    if gpus >= needs:
        assert choose_device(name) == name
    else:
        with pytest.raises(ConfigError, match=f"no device {name} here"):
            choose_device(name)


def test_auto_takes_what_there_is(gpus):
    assert choose_device("auto") == ("cuda" if gpus else "cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:", "", "CPU"])
def test_other_names(name):
    with pytest.raises(ConfigError, match="say auto, cpu, cuda"):
        choose_device(name)


@pytest.mark.parametrize("tool", ["tk-crop-face", "tk-eval-lse"])
def test_a_wrong_device_is_wrong_usage(tool, tmp_path, capfd):
    from importlib.metadata import entry_points

    from tk_tools.cli._main import run

    (script,) = entry_points(group="console_scripts", name=tool)
    module = __import__(script.module, fromlist=["command"])
    assert run(module.command, ["--device", "gpu", str(tmp_path), str(tmp_path / "out")]) == 2
    assert "--device" in capfd.readouterr().err
