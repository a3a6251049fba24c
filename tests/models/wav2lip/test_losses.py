"""The pictures' error: absolute or squared, the mouth weighing more on request."""

import pytest
import torch

from tk_tools.models.wav2lip.losses import MOUTH, picture_loss


def pictures(error, rows=slice(None), columns=slice(None)):
    """(2, 3, 5, 96, 96) each: made is off by `error` in a part of the picture."""
    target = torch.rand(2, 3, 5, 96, 96)
    made = target.clone()
    made[..., rows, columns] += error
    return made, target


@pytest.mark.parametrize(("squared", "expected"), [(False, 0.1), (True, 0.01)])
def test_the_same_error_everywhere_is_itself_whatever_the_mouth_weighs(squared, expected):
    made, target = pictures(error=0.1)
    for mouth_weight in (1.0, 4.0):
        assert picture_loss(made, target, squared, mouth_weight).item() == pytest.approx(expected, rel=1e-4)


def test_an_error_in_the_mouth_counts_as_often_as_it_weighs():
    inside, outside = pictures(0.2, *MOUTH), pictures(0.2, rows=slice(0, 40), columns=slice(0, 52))
    assert MOUTH[0].stop - MOUTH[0].start == 40
    assert MOUTH[1].stop - MOUTH[1].start == 52
    ratio = picture_loss(*inside, mouth_weight=4.0) / picture_loss(*outside, mouth_weight=4.0)
    assert ratio.item() == pytest.approx(4.0, rel=1e-4)
