"""SSIM and PSNR are scikit-image's and torchmetrics' numbers, perfect for equal pictures, worse with each damage."""

import itertools

import cv2
import numpy as np
import pytest
import torch
from skimage import metrics
from torchmetrics.functional.image import peak_signal_noise_ratio
from torchmetrics.functional.image import structural_similarity_index_measure as structural_similarity

from tests.models.wav2lip.talking import portrait
from tk_tools.metrics.picture_quality import psnr, ssim


def noisy(picture, amount, seed=0):
    noise = np.random.default_rng(seed).normal(0, amount, picture.shape)
    return np.clip(np.round(picture + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("amount", [2, 20, 80])
def test_numbers_of_scikit_image(amount):
    real = portrait()
    made = noisy(cv2.GaussianBlur(real, (0, 0), 1.2), amount)
    shared = {"data_range": 255, "channel_axis": 2}
    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    assert ssim(made, real) == pytest.approx(metrics.structural_similarity(made, real, **shared, **gaussian), abs=1e-5)
    assert ssim(made, real, "uniform") == pytest.approx(metrics.structural_similarity(made, real, **shared), abs=1e-5)
    assert psnr(made, real) == pytest.approx(metrics.peak_signal_noise_ratio(real, made, data_range=255), abs=1e-5)


@pytest.mark.parametrize("amount", [2, 20, 80])
def test_numbers_of_torchmetrics(amount):
    real = portrait()
    made = noisy(cv2.GaussianBlur(real, (0, 0), 1.2), amount)
    tensors = [torch.from_numpy(picture).double().permute(2, 0, 1)[None] for picture in (made, real)]
    _, whole = structural_similarity(*tensors, data_range=255.0, return_full_image=True)
    inside = whole[..., 5:-5, 5:-5]  # torchmetrics also counts windows that reach over the edge
    assert ssim(made, real) == pytest.approx(float(inside.mean()), abs=1e-5)
    assert psnr(made, real) == pytest.approx(float(peak_signal_noise_ratio(*tensors, data_range=255.0)), abs=1e-5)


@pytest.mark.parametrize("level", [0, 128, 252])
def test_single_precision_is_enough_where_hardly_anything_varies(level):
    real = np.full((60, 80, 3), level, np.uint8)
    made = real.copy()
    made[::7, ::2] += 3
    shared = {"data_range": 255, "channel_axis": 2}
    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    assert ssim(made, real) == pytest.approx(metrics.structural_similarity(made, real, **shared, **gaussian), abs=2e-6)
    assert ssim(made, real, "uniform") == pytest.approx(metrics.structural_similarity(made, real, **shared), abs=2e-6)


@pytest.mark.parametrize("window", ["gaussian", "uniform"])
def test_equal_pictures_are_perfect_and_damage_counts(window):
    real = portrait()
    assert (ssim(real, real, window), psnr(real, real)) == (pytest.approx(1.0, abs=1e-12), 100.0)
    blurred = [cv2.GaussianBlur(real, (0, 0), sigma) for sigma in (0.6, 1, 2, 4)]
    with_noise = [noisy(real, amount) for amount in (1, 4, 16, 64)]
    moved = [np.roll(real, shift, axis=1) for shift in (1, 2, 4)]
    for damages in (blurred, with_noise, moved):
        for measured in ([ssim(made, real, window) for made in damages], [psnr(made, real) for made in damages]):
            assert all(worse < better for better, worse in itertools.pairwise(measured))


def test_pictures_smaller_than_the_window_are_refused():
    small = np.zeros((10, 40, 3), np.uint8)
    with pytest.raises(ValueError, match="smaller than the window"):
        ssim(small, small)
