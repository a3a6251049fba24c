"""DiffVC's encoder, score network, diffusion and training steps."""

import numpy as np
import torch
from lightning_fabric import Fabric

from tk_tools.models.diffvc.average_voice import AverageVoice, MelEncoder, PostNet
from tk_tools.models.diffvc.config import DecoderConfig, EncoderConfig
from tk_tools.models.diffvc.diffusion import add_noise, beta, diffuse, gamma, kappa_omega, posterior
from tk_tools.models.diffvc.networks import Decoder, DiffVC, frame_mask
from tk_tools.models.diffvc.score import ScoreConfig, ScoreNetwork, time_embedding
from tk_tools.models.diffvc.training import DecoderTask, EncoderTask, masked_error
from tk_tools.train.task import Task


def _input(golden, name):
    return torch.from_numpy(golden.signal(f"/{name}"))


def _mask(golden, name, x):
    return frame_mask(torch.tensor(golden.meta["args"][f"{name}_lengths"]), x.shape[-1])


def _queue(golden, names):
    """Noise that gives the named signals, one at each call."""
    draws = iter(names)
    return lambda like: _input(golden, next(draws))


@torch.no_grad()
def _tame(golden, network, estimator, postnet=None):
    """What the json's "fill" changes after the fill."""
    golden.fill(network)
    estimator.final_conv.weight.copy_((estimator.final_conv.weight - 1) * 0.1)
    estimator.final_conv.bias.mul_(0.1)
    if postnet is not None:
        postnet.final_conv.weight.sub_(1)
    return network


def _listed(golden, module, prefix=""):
    """The parameters of a module in the order of the json's list, under whose `prefix` it stands."""
    parameters = dict(module.named_parameters())
    return [parameters[key.removeprefix(prefix)] for key in golden.meta["state_dict"] if key.startswith(prefix)]


def _gradients(parameters, loss):
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    return np.array([float(parameter.grad.norm()) for parameter in parameters])


@torch.no_grad()
def mel_encoder(golden):
    network = golden.fill(MelEncoder())
    results = {}
    for name in ("x", "x_short", "x_tiny"):
        x = _input(golden, name)
        results[f"y{name[1:]}"] = network(x, _mask(golden, name, x))
    return results


@torch.no_grad()
def postnet(golden):
    x = _input(golden, "x")
    return {"y": golden.fill(PostNet())(x, _mask(golden, "x", x))}


def fwd_diffusion(golden):
    network = golden.fill(AverageVoice())
    x, target = _input(golden, "x"), _input(golden, "target")
    mask = _mask(golden, "x", x)
    loss = masked_error(network(x, mask), target, mask)
    norms = _gradients(_listed(golden, network), loss)
    return {
        "y": network(x, mask).detach(),
        "loss": loss.detach(),
        "grad_norms": norms,
        "grad_norm_total": np.sqrt((norms**2).sum()),
    }


def _score_network(golden):
    return ScoreNetwork(ScoreConfig(use_reference=golden.meta["kwargs"]["use_ref_t"]))


@torch.no_grad()
def grad_log_p_estimator(golden):
    network = golden.fill(_score_network(golden))
    x, mean, reference, embedding = (_input(golden, name) for name in ("x", "mean", "ref", "c"))
    time = torch.tensor(golden.meta["args"]["t"])
    heard = {}
    network.mid_block1.register_forward_pre_hook(lambda module, given: heard.update(mid=given[0]))
    if network.config.use_reference:
        network.ref_block.register_forward_hook(lambda module, given, made: heard.update(reference=made))
    reference_mask = _mask(golden, "ref", reference)
    y = network(x, _mask(golden, "x", x), mean, reference.squeeze(1), reference_mask, embedding, time)
    results = {"y": y, "time_pos_emb": time_embedding(time, 256)}
    results["mid_block1_in_rms"] = heard["mid"].square().mean(dim=(2, 3)).sqrt()
    return results | ({"ref_block": heard["reference"]} if "reference" in heard else {})


def solver(golden):
    pairs = np.array(golden.meta["args"]["pairs"])
    s, t = pairs.T
    columns = [beta(t), gamma(s, t), gamma(s, t) ** 2, *posterior(s, t)]
    results = {"pair_table": np.stack(columns, axis=1)}
    for name in golden.meta["outputs"]:
        if name.startswith("steps_"):
            steps = int(name.split("_")[1])
            times = 1 - np.arange(steps) / steps
            rates = beta(times)
            results[name] = np.stack([times, rates, *kappa_omega(steps), np.sqrt(rates / steps)], axis=1)
    return results


def diffusion(golden):
    decoder = Decoder()
    _tame(golden, decoder, decoder.estimator)
    x, mean, reference, reference_mean, embedding, z = (
        _input(golden, name) for name in ("x0", "mean", "ref", "mean_ref", "c", "z")
    )
    mask, reference_mask = _mask(golden, "x", x), _mask(golden, "ref", reference)
    time = torch.tensor(golden.meta["args"]["t"])
    noisy, noise = add_noise(x, mean, mask, time, _input(golden, "forward_noise0"))
    results = {"forward_xt": noisy, "forward_z": noise, "diffused_mean": diffuse(x, mean, mask, time)}
    x_ref, mean_x_ref = _input(golden, "x_ref"), _input(golden, "mean_x_ref")
    loss = decoder.loss(x, mask, mean, x_ref, mean_x_ref, embedding, time, _input(golden, "loss_noise0"))
    norms = _gradients(_listed(golden, decoder), loss)
    decoder.estimator.for_inference(fast_layers=True)  # as conversion runs it
    given = (mean + z, mask, mean, reference, reference_mask, reference_mean, embedding)
    steps = golden.meta["args"]["n_timesteps"]
    with torch.no_grad():
        for way in ("pf", "em", "ml"):
            draws = _queue(golden, [f"{way}_noise{step}" for step in range(steps)])
            results[f"reverse_{way}"] = decoder.sample(*given, way, steps, draws)
        results["reverse_ml_1step"] = decoder.sample(*given, "ml", 1, _queue(golden, ["ml1_noise0"]))
    return results | {
        "loss_t": loss.detach(),
        "grad_norms": norms,
        "grad_norm_total": np.sqrt((norms**2).sum()),
    }


def diffvc(golden):
    network = DiffVC()
    _tame(golden, network, network.decoder.estimator, network.encoder.postnet)
    x, target, embedding = (_input(golden, name) for name in ("x", "x_ref", "c"))
    train = [_input(golden, f"train_{name}") for name in ("x", "x_ref")]
    mask = _mask(golden, "train", train[0])
    noisy = (_input(golden, f"train_{name}") for name in ("t", "noise0"))
    loss = network(*train, _input(golden, "train_c"), mask, *noisy)
    norms = _gradients(_listed(golden, network.decoder, "decoder."), loss)
    network.for_inference()
    steps = golden.meta["args"]["n_timesteps"]
    with torch.no_grad():
        mean, made = network.convert(
            x,
            _mask(golden, "x", x),
            target,
            _mask(golden, "x_ref", target),
            embedding,
            golden.meta["args"]["mode"],
            steps,
            _queue(golden, [f"noise{step}" for step in range(steps + 1)]),
        )
    return {
        "mean_x": mean,
        "y": made,
        "loss": loss.detach(),
        "decoder_grad_norm_total": np.sqrt((norms**2).sum()),
    }


def _task(kind, config, network):
    """A stage's task without its data and without dropout, which the originals' numbers were made without."""
    task = object.__new__(kind)
    Task.__init__(task, config, Fabric(accelerator="cpu", devices=1), [], [], {})
    task.set_up(network)
    return task


def train_encoder(golden):
    network = golden.fill(AverageVoice())
    with torch.no_grad():
        network.postnet.final_conv.weight.sub_(1)
    task = _task(EncoderTask, EncoderConfig(), network)
    x, target = _input(golden, "x"), _input(golden, "target")
    mask = _mask(golden, "x", x)
    trained = _listed(golden, network)
    return _train(golden, task, trained, lambda step: task.learn(x, target, mask))


def train_decoder(golden):
    network = DiffVC()
    _tame(golden, network, network.decoder.estimator, network.encoder.postnet)
    with torch.no_grad():
        for key, parameter in network.decoder.named_parameters():
            if key.endswith(".fn.g"):
                parameter.mul_(0.1)
    task = _task(DecoderTask, DecoderConfig(crops_at_once=1), network)
    x, x_ref, embedding = (_input(golden, name) for name in ("x", "x_ref", "c"))
    mask = _mask(golden, "x", x)

    def learn(step):
        time, noise = _input(golden, f"t{step}"), _input(golden, f"noise{step}")
        return task.learn(x, x_ref, embedding, mask, time, noise)

    return _train(golden, task, _listed(golden, network.decoder, "decoder."), learn)


def _train(golden, task, parameters, learn):
    """The task's own steps: losses, gradient norms, and how far each parameter went."""
    stated = golden.meta["args"]
    (group,) = task.optimizer.param_groups
    assert (group["lr"], list(group["betas"]), group["eps"]) == (stated["lr"], list(stated["betas"]), stated["eps"])
    before = [parameter.detach().clone() for parameter in parameters]
    norms = []
    update = task.update
    task.update = lambda *given: norms.append(float(update(*given)))
    steps = stated["steps"]
    losses = [float(learn(step)) for step in range(steps)]
    changes = [(now.detach() - then).norm().item() for now, then in zip(parameters, before, strict=True)]
    losses.append(float(learn(steps)))
    return {
        "losses": np.array(losses),
        "grad_norm_totals": np.array(norms[:steps]),
        "update_norms": np.array(changes),
    }


CASES = {
    "mel_encoder": mel_encoder,
    "postnet": postnet,
    "fwd_diffusion": fwd_diffusion,
    "grad_log_p_estimator": grad_log_p_estimator,
    "grad_log_p_estimator_d_only": grad_log_p_estimator,
    "solver": solver,
    "diffusion": diffusion,
    "diffvc": diffvc,
    "train_encoder": train_encoder,
    "train_decoder": train_decoder,
}
