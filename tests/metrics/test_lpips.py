"""LPIPS is 0 for equal pictures, grows with the damage, and does not depend on how the pairs come in batches.

Its weights here are drawn (the goldens hold the numbers), so no more is asked than holds for any: a picture mixed with
another is the further away, the more of the other is in it.
"""

import itertools

import numpy as np
import pytest
import torch

from tests.metrics.networks_drawn import write_lpips
from tests.models.wav2lip.talking import portrait, scenery
from tk_tools.errors import WeightsError
from tk_tools.metrics.lpips import LEAST_SIDE, LPIPS, LpipsMeter, load_lpips, lpips_of_pictures
from tk_tools.metrics.networks import LpipsFiles


@pytest.fixture(scope="module")
def lpips(tmp_path_factory):
    return load_lpips(LpipsFiles("alex", *write_lpips(tmp_path_factory.mktemp("weights"))))


def mixed(share):
    return np.round((1 - share) * portrait() + share * scenery()).astype(np.uint8)


def test_equal_pictures_are_at_zero_and_more_damage_is_further(lpips):
    real = np.stack([portrait()] * 5)
    distances = lpips_of_pictures(lpips, np.stack([mixed(share) for share in (0, 0.05, 0.2, 0.5, 1)]), real)
    assert distances[0] == 0
    assert all(near < far for near, far in itertools.pairwise(distances))


def test_it_is_the_same_from_both_sides(lpips):
    a, b = portrait()[None], mixed(0.3)[None]
    assert lpips_of_pictures(lpips, a, b) == pytest.approx(lpips_of_pictures(lpips, b, a), rel=1e-5)


@pytest.mark.parametrize("scaled", [False, True])
def test_batches_give_the_mean_of_single_pairs(lpips, scaled, monkeypatch):
    pairs = [(portrait(shift), mixed(0.1 * shift)) for shift in range(5)]
    if scaled:  # to the size of the patches, whatever their own is
        pairs = [(made[: 60 + n, :90], real[: 60 + n, :90]) for n, (made, real) in enumerate(pairs)]

    def mean():
        meter = LpipsMeter(lpips, scaled=scaled)
        for pair in pairs:
            meter.add(*pair)
        return meter.mean()

    monkeypatch.setattr("tk_tools.metrics.lpips.BATCH_PIXELS", 1)
    one_by_one = mean()
    monkeypatch.setattr("tk_tools.metrics.lpips.BATCH_PIXELS", 2 * 240 * 240)
    assert mean() == pytest.approx(one_by_one, rel=1e-5)


@pytest.mark.parametrize("network", LEAST_SIDE)
def test_the_least_side_is_the_smallest_that_goes_through(network):
    side = LEAST_SIDE[network]
    lpips = LPIPS(network).eval()
    assert lpips_of_pictures(lpips, *np.zeros((2, 1, side, side, 3), np.uint8)) == 0
    with pytest.raises(RuntimeError):
        lpips_of_pictures(lpips, *np.zeros((2, 1, side - 1, side - 1, 3), np.uint8))


def test_pictures_too_small_are_left_out(lpips):
    meter = LpipsMeter(lpips)
    meter.add(*np.zeros((2, 30, 100, 3), np.uint8))
    assert meter.mean() is None


def test_heads_of_the_other_network_are_refused(tmp_path):
    features, _ = write_lpips(tmp_path)
    (tmp_path / "vgg").mkdir()
    heads = tmp_path / "heads.pth"
    torch.save(LPIPS("vgg").heads.state_dict(), heads)
    with pytest.raises(WeightsError, match=r"heads\.pth: is LPIPS's heads for alex, but not whole|of another shape"):
        load_lpips(LpipsFiles("alex", features, heads))
