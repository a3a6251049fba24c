"""Wav2Lip's training: samples, losses and three steps of each stage."""

import re
from contextlib import contextmanager
from fractions import Fraction

import numpy as np
import torch
from torch.nn import functional

from tk_tools.audio.mel import mel
from tk_tools.models.wav2lip import samples as assemble
from tk_tools.models.wav2lip.config import ExpertConfig, GanConfig, GeneratorConfig
from tk_tools.models.wav2lip.losses import cosine_bce, fake_loss, real_loss, sync_loss, weighted
from tk_tools.models.wav2lip.networks import Generator, QualityDiscriminator, make_expert
from tk_tools.models.wav2lip.training import ExpertTask, GanTask, GeneratorTask
from tk_tools.train.task import Task

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


def bare(task_class, config):
    """A task without data, whose networks the case sets up itself."""
    from lightning_fabric import Fabric

    task = task_class.__new__(task_class)
    Task.__init__(task, config, Fabric(accelerator="cpu", devices=1), train=(), val=(), needs={})
    return task


class Norms(list):
    """The gradient norms of a network's parameters at the first step of its optimiser."""

    def __init__(self, net, optimizer):
        super().__init__()
        parameters = list(net.parameters())

        def keep(*_):
            if not self:
                self.extend(float(p.grad.norm()) for p in parameters)

        optimizer.register_step_pre_hook(keep)


@contextmanager
def one_thread():
    """The expert's batch norms over four values magnify rounding; so its order is fixed, by this and by the layout."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def in_original_layout(*nets):
    for net in nets:
        net.to(memory_format=torch.contiguous_format)


@one_thread()
def train_steps(golden):
    everything = golden.tensors()
    steps = len(everything) // 6  # a step of the expert takes two inputs, one of the generators four
    inputs = {f"{kind}{i}": everything[2 * i + at] for i in range(steps) for at, kind in enumerate(("face", "mel"))}
    for i in range(steps):
        at = 2 * steps + 4 * i
        inputs |= dict(zip((f"x{i}", f"indiv{i}", f"gmel{i}", f"gt{i}"), everything[at : at + 4], strict=True))
    results = {}

    expert = golden.fill(make_expert()).train()
    task = bare(ExpertTask, ExpertConfig())
    task.set_up(expert)
    in_original_layout(expert)
    norms = Norms(expert, task.optimizer)
    losses = []
    for i in range(steps):
        faces = inputs[f"face{i}"]
        y = torch.arange(len(faces)) % 2
        losses.append(task.learn(inputs[f"mel{i}"], faces, y)["loss"])
    results["expert_loss"], results["expert_grad_norm"] = losses, norms
    with torch.no_grad():
        results["expert_cosine_after"] = functional.cosine_similarity(*expert.eval()(inputs["mel0"], inputs["face0"]))

    for tag, task_class, config_class in (("plain", GeneratorTask, GeneratorConfig), ("gan", GanTask, GanConfig)):
        generator = golden.fill(Generator()).train()
        task = bare(task_class, config_class(sync_from_start=True))
        task.set_up(generator, golden.fill(make_expert()))
        in_original_layout(generator, task.expert)
        norms = {"grad_norm": Norms(generator, task.optimizer)}
        if tag == "gan":
            task.set_up_discriminator(discriminator(golden).train())
            in_original_layout(task.discriminator)
            norms["disc_grad_norm"] = Norms(task.discriminator, task.discriminator_optimizer)
        rows = [
            task.learn(inputs[f"x{i}"], inputs[f"indiv{i}"], inputs[f"gmel{i}"], inputs[f"gt{i}"]) for i in range(steps)
        ]
        published = {"sync": "sync", "l1": "l1", "perceptual": "perceptual", "real": "disc_real", "fake": "disc_fake"}
        for ours, theirs in published.items():
            if ours in rows[0]:
                results[f"{tag}_{theirs}"] = [row[ours] for row in rows]
        results.update({f"{tag}_{name}": values for name, values in norms.items()})
    return {name: np.asarray([float(v) for v in values], dtype=np.float32) for name, values in results.items()}


CASES = {"losses": losses, "samples": samples, "train_steps": train_steps}
