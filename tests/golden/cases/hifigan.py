"""HiFi-GAN's discriminators, losses, mels and three training steps."""

import numpy as np
import torch

from tests.golden.golden import draw
from tk_tools.audio.log_mel import LogMel
from tk_tools.audio.mel_presets import DIFFVC
from tk_tools.models.hifigan.config import VocoderConfig
from tk_tools.models.hifigan.networks import Discriminators
from tk_tools.models.hifigan.training import JUDGED, VocoderTask
from tk_tools.nets.adversarial import adversarial_loss, feature_loss, told_apart_loss
from tk_tools.nets.hifigan import HiFiGAN, HiFiGANConfig
from tk_tools.train.task import Task

MPD = 5  # discriminators of the first kind, the others are of the second


def filled(net):
    drawn = {key: torch.from_numpy(draw(key, tuple(value.shape))) for key, value in net.state_dict().items()}
    net.load_state_dict(drawn, strict=True)
    return net.train()


def spaced(tensor, count=16):
    flat = tensor.flatten()
    return flat[torch.linspace(0, len(flat) - 1, count).long()].numpy()


@torch.no_grad()
def discriminators(golden):
    net = filled(Discriminators())
    ours = {key: list(value.shape) for key, value in net.state_dict().items()}
    assert ours == golden.meta["state_dict"]
    real, made = net(*golden.tensors())
    results = {}
    for tag, part in (("mpd", slice(MPD)), ("msd", slice(MPD, None))):
        for name, judged in (("real", real[part]), ("made", made[part])):
            results[f"{tag}_{name}"] = torch.cat([one.scores.flatten() for one in judged])
            results[f"{tag}_features_{name}"] = np.stack([spaced(layer) for one in judged for layer in one.maps])
        results[f"{tag}_feature_sizes"] = [layer.abs().mean() for one in real[part] for layer in one.maps]
        losses = (
            told_apart_loss(real[part], made[part]),
            adversarial_loss(made[part]),
            feature_loss(real[part], made[part]),
        )
        results[f"{tag}_losses"] = losses
    return {name: np.asarray(value, dtype=np.float32) for name, value in results.items()}


def mels(golden):
    (wave,) = golden.tensors()
    judged = LogMel(JUDGED)
    moved = wave.clone().requires_grad_()
    judged(moved).mean().backward()
    return {"input": LogMel(DIFFVC)(wave), "loss": judged(wave), "gradient": moved.grad[:, ::16] * 1000}


class Norms(dict):
    """The gradient norms by parameter at the first step of an optimiser."""

    def __init__(self, net, optimizer):
        super().__init__()
        named = {_published(name): parameter for name, parameter in net.named_parameters()}

        def keep(*_):
            if not self:
                self.update({name: float(parameter.grad.norm()) for name, parameter in named.items()})

        optimizer.register_step_pre_hook(keep)


def _published(name):
    for own, theirs in (("original0", "weight_g"), ("original1", "weight_v")):
        name = name.replace(f"parametrizations.weight.{own}", theirs)
    return name


def train_steps(golden):
    from lightning_fabric import Fabric

    waves, keys = golden.tensors(), golden.meta["keys"]
    task = VocoderTask.__new__(VocoderTask)
    Task.__init__(task, VocoderConfig(), Fabric(accelerator="cpu", devices=1), train=(), val=(), needs={})
    task.train_data = range(1000)  # an epoch is longer than these steps
    generator, judges = (
        filled(HiFiGAN(HiFiGANConfig(channels=golden.meta["args"]["channels"]))),
        filled(Discriminators()),
    )
    task.set_up(generator, judges)
    norms = {"generator": Norms(generator, task.optimizer), "judges": Norms(judges, task.discriminator_optimizer)}
    parts = []
    hook = judges.register_forward_hook(lambda net, inputs, outputs: parts.append(list(outputs)))
    with torch.no_grad():
        wave0 = generator(task.mel({"wave": waves[0]}))[:, 0, ::8]
    rows = [task.step({"wave": wave}) for wave in waves]
    hook.remove()
    results = {name: [row[name] for row in rows] for name in ("loss", "mel")}
    for tag, part in (("mpd", slice(MPD)), ("msd", slice(MPD, None))):
        told, real, made = parts[0::3], parts[1::3], parts[2::3]
        results[f"{tag}_loss"] = [told_apart_loss(one[part], other[part]) for one, other in told]
        results[f"{tag}_adversarial"] = [adversarial_loss(one[part]) for (one,) in made]
        results[f"{tag}_features"] = [
            feature_loss(one[part], other[part]) for (one,), (other,) in zip(real, made, strict=True)
        ]
        results[f"{tag}_grad_norms"] = [norms["judges"][f"{tag}.{key}"] for key in keys[f"{tag}_grad_keys"]]
    results["generator_grad_norms"] = [norms["generator"][key] for key in keys["generator_grad_keys"]]
    with torch.no_grad():
        after = generator(task.mel({"wave": waves[0]}))[:, 0, ::8]
    plain = {
        name: np.float32([float(value.detach() if torch.is_tensor(value) else value) for value in values])
        for name, values in results.items()
    }
    return plain | {"wave0": wave0, "wave_after": after}


CASES = {"discriminators": discriminators, "mels": mels, "train_steps": train_steps}
