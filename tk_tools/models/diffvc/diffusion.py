"""The diffusion of DiffVC: noise that leads from a mel to its average voice, and three ways back.

beta(t) = b0 + (b1 - b0) t for t in 0..1; gamma(s, t) = exp(-half its integral from s to t). Source: Popov et al.,
"Diffusion-Based Voice Conversion with Fast Maximum Likelihood Sampling Scheme", ICLR 2022, section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from tk_tools.nets.noise import Noise

BETA_START, BETA_END = 0.05, 20.0
SOLVERS = ("ml", "em", "pf")
"""Maximum likelihood, Euler-Maruyama, probability flow."""

EARLIEST = 1e-5  # of the times in training, and as far from the latest


def beta(t):
    """The rate of the noise at time t (number or array)."""
    return BETA_START + (BETA_END - BETA_START) * t


def gamma(s, t):
    """How much of a deviation from the average voice at time s is left at t >= s."""
    integral = (BETA_START + (BETA_END - BETA_START) * (s + t) / 2) * (t - s)
    exp = torch.exp if isinstance(integral, torch.Tensor) else np.exp
    return exp(-integral / 2)


def posterior(s, t):
    """mu, nu and sigma of the way back from t to s: what is kept, what is drawn to the goal, and the noise."""
    whole, before, between = gamma(0.0, t), gamma(0.0, s), gamma(s, t)
    mu = between * (1 - before**2) / (1 - whole**2)
    nu = before * (1 - between**2) / (1 - whole**2)
    sigma = np.sqrt((1 - before**2) * (1 - between**2) / (1 - whole**2))
    return mu, nu, sigma


@dataclass(frozen=True)
class Steps:
    """Times 1, 1 - 1/N, ..., 1/N and what the solvers need at each, float64 (N,): x moves by
    (mean - x) `drift` - score `pull` + `noise` xi, all subtracted."""

    times: np.ndarray
    drift: np.ndarray
    pull: np.ndarray
    noise: np.ndarray


def times_back(steps: int) -> np.ndarray:
    """The times at which the score is asked for on the way back: 1, 1 - 1/N, ..., 1/N, float64."""
    return 1 - np.arange(steps) / steps


def kappa_omega(steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the maximum-likelihood solver with N steps: kappa, omega, sigma, (N,) each."""
    times = times_back(steps)
    before = np.maximum(times - 1 / steps, 0.0)
    before[-1] = 0.0
    mu, nu, sigma = posterior(before, times)
    step = beta(times) / steps
    kappa = gamma(0.0, before) * (1 - gamma(before, times) ** 2) / (gamma(0.0, times) * step) - 1
    omega = mu + nu / gamma(0.0, times) - 1 - step / 2
    return kappa, omega, sigma


def plan(solver: str, steps: int) -> Steps:
    """The steps of a solver, one of SOLVERS."""
    times = times_back(steps)
    step = beta(times) / steps
    if solver == "pf":
        return Steps(times, drift=step / 2, pull=step / 2, noise=np.zeros(steps))
    if solver == "em":
        return Steps(times, drift=step / 2, pull=step, noise=np.sqrt(step))
    kappa, omega, sigma = kappa_omega(steps)
    return Steps(times, drift=step / 2 + omega, pull=(1 + kappa) * step, noise=sigma)


def diffuse(mel: torch.Tensor, mean: torch.Tensor, mask: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    """A mel (B, 80, T) as it is at time (B,) without the noise: on its way to the average voice `mean`."""
    left = gamma(torch.zeros_like(time), time)[:, None, None]
    return (mel * left + mean * (1 - left)) * mask


def add_noise(mel, mean, mask, time: torch.Tensor, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The noisy mel (B, 80, T) at time (B,), and the noise that is in it, both masked."""
    spread = torch.sqrt(1 - gamma(torch.zeros_like(time), time) ** 2)[:, None, None]
    return (diffuse(mel, mean, mask, time) + noise * spread) * mask, noise * mask


def score_loss(score: torch.Tensor, noise: torch.Tensor, mask: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    """How far the score at time (B,) is from that of the noise, as one number: 0 is perfect, 1 is no score at all."""
    spread = torch.sqrt(1 - gamma(torch.zeros_like(time), time) ** 2)[:, None, None]
    return ((score * spread + noise) ** 2).sum() / (mask.sum() * score.shape[1])


def draw_times(count: int, device: str | torch.device = "cpu") -> torch.Tensor:
    """Times of a training batch: (count,) uniform in 0..1, never quite at the ends."""
    return torch.rand(count, device=device).clamp(EARLIEST, 1 - EARLIEST)


def way_back(
    score: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    start: torch.Tensor,
    mean: torch.Tensor,
    mask: torch.Tensor,
    solver: str,
    steps: int,
    noise: Noise = torch.randn_like,
) -> torch.Tensor:
    """From noise around the average voice `mean` (B, 80, T) to a mel, in N steps; `score(x, time (B,))` is asked once
    in each. Noise is drawn after it, in every step of ml and em."""
    x = start * mask
    for time, drift, pull, spread in zip(*vars(plan(solver, steps)).values(), strict=True):
        found = score(x, torch.full((len(x),), time, dtype=x.dtype, device=x.device))
        move = (mean - x) * drift - found * pull
        if solver != "pf":
            move = move + noise(x) * spread
        x = (x - move) * mask
    return x
