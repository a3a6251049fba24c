"""What is here of the networks that judge pictures, and what is said of the rest."""

import pytest

from tests.metrics.networks_drawn import write_arcface, write_lpips
from tk_tools.metrics.networks import find_networks


@pytest.fixture(autouse=True)
def _nothing_elsewhere(monkeypatch, tmp_path):
    for name in ("XDG_CACHE_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    monkeypatch.delenv("TK_WEIGHTS", raising=False)
    monkeypatch.setattr("tk_tools.weights.find._in_package", lambda reference: None)


def test_one_command_fetches_all_that_is_missing(tmp_path):
    networks, absent = find_networks("alex", tmp_path)
    assert (networks.lpips, networks.arcface, networks.digests()) == (None, None, {})
    assert "run `tk-weights fetch alexnet lpips-alex`" in absent["lpips"]
    assert str(tmp_path) in absent["lpips"]
    write_lpips(tmp_path)[1].unlink()
    assert "run `tk-weights fetch lpips-alex`" in find_networks("alex", tmp_path)[1]["lpips"]
    assert "run `tk-weights fetch vgg16 lpips-vgg`" in find_networks("vgg", tmp_path)[1]["lpips"]


def test_what_is_there_is_found_with_the_digest_of_each_file(tmp_path):
    features, heads = write_lpips(tmp_path)
    arcface = write_arcface(tmp_path)
    networks, absent = find_networks("alex", tmp_path)
    assert absent == {}
    assert (networks.lpips, networks.arcface) == (("alex", features, heads), arcface)
    assert sorted(networks.digests()) == ["alexnet", "arcface", "lpips-alex"]
