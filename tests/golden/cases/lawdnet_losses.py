"""Losses and the learning rate of LawDNet and DINet."""

import numpy as np
import torch

from tk_tools.dubbing.learning_rate import published_factor
from tk_tools.dubbing.losses import gan_loss


def gan(golden):
    prediction = torch.from_numpy(golden.arrays["prediction"])
    return {
        "prediction": prediction,
        "real": gan_loss(prediction, real=True),
        "fake": gan_loss(prediction, real=False),
    }


def lr_schedule(golden):
    results = {}
    for name, (epochs,) in golden.meta["outputs"].items():
        steady, falling = map(int, name.split("_")[1:])
        results[name] = np.array([1e-4 * published_factor(epoch, steady, falling) for epoch in range(epochs)])
    return results


CASES = {"gan_loss": gan, "lr_schedule": lr_schedule}
