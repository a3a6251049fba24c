"""Wav2Lip's training: samples, losses and three steps of each stage."""

import re
from fractions import Fraction

import numpy as np
import torch
from torch.nn import functional

from tk_tools.audio.mel import mel
from tk_tools.models.wav2lip import samples as assemble
from tk_tools.models.wav2lip.losses import cosine_bce, fake_loss, real_loss, sync_loss, weighted
from tk_tools.models.wav2lip.networks import QualityDiscriminator, make_expert

SOFTENED = 0.02  # a filled discriminator would saturate


def discriminator(golden):
    net = golden.fill(QualityDiscriminator())
    with torch.no_grad():
        net.binary_pred[0].weight.mul_(SOFTENED)
    return net


@torch.no_grad()
def losses(golden):
    audio, video, made, real, spectrum = golden.tensors()
    a = functional.normalize(audio.abs(), dim=1)
    v = functional.normalize((functional.normalize(video.abs(), dim=1) + 0.5 * a).abs(), dim=1)
    y = torch.tensor(golden.meta["y"])
    l1 = functional.l1_loss(made, real)
    expert = golden.fill(make_expert())
    eval_mode = sync_loss(expert, spectrum, made)
    train_mode = sync_loss(expert.train(), spectrum, made)
    quality = discriminator(golden)
    perceptual = real_loss(quality(made))
    return {
        "cosine": functional.cosine_similarity(a, v),
        "cosine_bce": cosine_bce(a, v, y),
        "cosine_bce_all_in_sync": cosine_bce(a, v, torch.ones_like(y)),
        "cosine_bce_all_off_sync": cosine_bce(a, v, torch.zeros_like(y)),
        "l1": l1,
        "sync_loss_eval_mode": eval_mode,
        "sync_loss_train_mode": train_mode,
        "perceptual": perceptual,
        "disc_real": real_loss(quality(real)),
        "disc_fake": fake_loss(quality(made)),
        "total_no_gan_start": weighted(l1, train_mode, 0.0),
        "total_no_gan_later": weighted(l1, train_mode, 0.01),
        "total_gan_start": weighted(l1, train_mode, 0.0, perceptual, 0.07),
        "total_gan_later": weighted(l1, train_mode, 0.03, perceptual, 0.07),
    }


def samples(golden):
    chosen = golden.meta["chosen"]
    (height, tall), (width, wide) = (
        (int(base), int(cycle)) for base, cycle in re.findall(r"(\d+) \+ i % (\d+)", chosen["picture"])
    )

    def window(first):
        bgr = [golden.frame(i, height + i % tall, width + i % wide) for i in range(first, first + 5)]
        rgb = np.stack([assemble.resized(picture) for picture in bgr])[..., ::-1]
        return assemble.to_network(torch.from_numpy(rgb.copy())[None])

    spectrum, fps = mel(golden.pcm(), "wav2lip"), Fraction(25)
    first, target, wrong = chosen["first"], window(chosen["first"]), window(chosen["wrong"])
    heard = assemble.mel_window(spectrum, first, fps)
    return {
        "expert_in_x_s4": assemble.expert_faces(target)[0, :, ::4, ::4],
        "expert_in_mel": heard,
        "expert_in_y": [1.0],
        "expert_off_x_s4": assemble.expert_faces(wrong)[0, :, ::4, ::4],
        "expert_off_mel": heard,
        "expert_off_y": [0.0],
        "generator_x_s4": assemble.generator_faces(target, wrong)[0, ..., ::4, ::4],
        "generator_indiv_mels": assemble.frame_mels(spectrum, first, fps),
        "generator_mel": heard,
        "generator_y_s4": target[0, ..., ::4, ::4],
    }


CASES = {"losses": losses, "samples": samples}
