"""Make the original StyleTTS 2, fetched by the user, importable with the packages of today, and run its notebooks'
functions and the steps of its training."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
import yaml
from torch import Tensor
from torch.nn import functional


def import_from(checkout: Path) -> None:
    """Make the modules of the checkout importable in this process; needs munch and einops."""
    if not (checkout / "Modules" / "diffusion" / "sampler.py").is_file():
        sys.exit(f"{checkout} is not a checkout of yl4579/StyleTTS2")
    from einops import rearrange
    from transformers import AlbertModel  # noqa: F401 - before the stand-ins, which it would take for the packages

    # What it imports: of torchaudio nothing is called in inference, of einops_exts one function.
    for name in ("torchaudio", "torchaudio.functional"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["torchaudio"].functional = sys.modules["torchaudio.functional"]
    exts = types.ModuleType("einops_exts")
    exts.rearrange_many = lambda tensors, pattern, **sizes: [rearrange(one, pattern, **sizes) for one in tensors]
    sys.modules.setdefault("einops_exts", exts)
    sys.path.insert(0, str(checkout))


def build(checkout: Path, config: str, sigma_data: float, listeners: bool = False) -> tuple[Any, Any]:
    """The networks of Configs/CONFIG with fresh weights, in eval mode, and the model_params that they were made from.

    sigma_data: in place of the configuration's, which is a placeholder. listeners: with aligner and pitch extractor.
    """
    from models import build_model
    from munch import Munch, munchify
    from transformers import AlbertConfig
    from Utils.PLBERT.util import CustomAlbert

    params = munchify(yaml.safe_load((checkout / "Configs" / config).read_text())["model_params"])
    params.diffusion.dist.sigma_data = sigma_data
    bert = yaml.safe_load((checkout / "Utils" / "PLBERT" / "config.yml").read_text())["model_params"]
    heard = _listeners(checkout) if listeners else (torch.nn.Identity(), torch.nn.Identity())
    nets = build_model(params, *heard, CustomAlbert(AlbertConfig(**bert)))
    return Munch({name: net.eval() for name, net in nets.items()}), params


def inference_of(checkout: Path, notebook: str, model: Any, params: Any) -> Callable[..., Any]:
    """The function `inference` of Demo/NOTEBOOK as it stands, on the processor; its text is a list of ids."""
    cells = json.loads((checkout / "Demo" / notebook).read_text())["cells"]
    sources = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    source = next(text for text in sources if text.startswith("def inference("))

    def length_to_mask(lengths: torch.Tensor) -> torch.Tensor:
        return torch.arange(int(lengths.max()))[None] + 1 > lengths[:, None]

    class Ids(list):
        """Passes through what the function does with a text."""

        def strip(self) -> Ids:
            return self

        def replace(self, *_: str) -> Ids:
            return self

    names = {
        "torch": torch,
        "device": "cpu",
        "model": model,
        "model_params": params,
        "length_to_mask": length_to_mask,
        "global_phonemizer": types.SimpleNamespace(phonemize=lambda texts: texts),
        "word_tokenize": lambda text: [text],
        "textclenaer": lambda text: list(text[0]),
        "sampler": _sampler(model),
    }
    # `' '.join(ps)` of the notebook is of strings; ids are passed on as they are.
    exec(source.replace("' '.join(ps)", "ps"), names)
    return lambda ids, *rest, **options: names["inference"](Ids(ids), *rest, **options)


def _sampler(model: Any) -> torch.nn.Module:
    """What samples styles, as the notebooks and the training make it."""
    from Modules.diffusion.sampler import ADPM2Sampler, DiffusionSampler, KarrasSchedule

    schedule = KarrasSchedule(sigma_min=0.0001, sigma_max=3.0, rho=9.0)
    return DiffusionSampler(model.diffusion.diffusion, sampler=ADPM2Sampler(), sigma_schedule=schedule, clamp=False)


def _listeners(checkout: Path) -> tuple[torch.nn.Module, torch.nn.Module]:
    """The aligner and the pitch extractor, with fresh weights."""
    from Utils.ASR.models import ASRCNN
    from Utils.JDC.model import JDCNet

    config = yaml.safe_load((checkout / "Utils" / "ASR" / "config.yml").read_text())["model_params"]
    return ASRCNN(**config), JDCNet(num_class=1, seq_len=192)


def make_trainable(checkout: Path) -> None:
    """After import_from, and before anything else: let the modules of training be imported, and run on a processor.

    The search for the path, a hundredth of a second, is ours: its package has to be compiled.
    """
    import librosa
    from scipy.fft import dct

    from tk_tools.nets.monotonic_alignment import maximum_path

    class MelSpectrogram(torch.nn.Module):
        """torchaudio's of these options: power, HTK's scale, no normalisation."""

        def __init__(self, sample_rate: int, n_fft: int, win_length: int, hop_length: int, window_fn: Callable):
            super().__init__()
            self.sizes = n_fft, hop_length, win_length
            self.register_buffer("window", window_fn(win_length))
            bank = librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=128, htk=True, norm=None)
            self.register_buffer("filters", torch.from_numpy(bank))

        def forward(self, wave: Tensor) -> Tensor:
            flat = wave.reshape(-1, wave.shape[-1])
            spectrum = torch.stft(flat, *self.sizes, window=self.window, return_complex=True)
            return (self.filters @ spectrum.abs().square()).unflatten(0, wave.shape[:-1])

    def search(path, scores, tokens, frames) -> None:
        path[:] = maximum_path(*map(torch.from_numpy, (scores, tokens, frames))).numpy()

    package, core = types.ModuleType("monotonic_align"), types.ModuleType("monotonic_align.core")
    core.maximum_path_c, package.core, package.maximum_path = search, core, None  # it has its own maximum_path
    package.mask_from_lens = lambda scores, tokens, frames: (
        (torch.arange(scores.shape[1])[:, None] < tokens[:, None, None])
        & (torch.arange(scores.shape[2]) < frames[:, None, None])
    ).to(scores)
    sys.modules |= {"monotonic_align": package, "monotonic_align.core": core}
    sys.modules["torchaudio.functional"].create_dct = lambda count, bands, norm: torch.from_numpy(
        dct(torch.eye(bands).double().numpy(), type=2, norm=norm)[:, :count]
    ).float()
    sys.modules["torchaudio"].transforms = types.SimpleNamespace(MelSpectrogram=MelSpectrogram)
    torch.Tensor.get_device = lambda tensor: tensor.device  # of a processor it is -1, which nothing can be moved to
    source = (checkout / "Modules" / "istftnet.py").read_text()
    module = types.ModuleType("Modules.istftnet")
    sys.modules["Modules.istftnet"] = module
    module.__package__ = "Modules"
    exec(source.replace(".to('cuda')", ""), module.__dict__)


class Batch(NamedTuple):
    """waves (B, samples), texts (B, T) and their lengths (B,), mels (B, 80, frames) and theirs."""

    waves: Tensor
    texts: Tensor
    input_lengths: Tensor
    mels: Tensor
    mel_input_length: Tensor


class _Learning(NamedTuple):
    """An optimiser of each network, the distance of mels, and the losses of what speaks and of the discriminators."""

    optimizer: Any
    distance: torch.nn.Module
    judge: torch.nn.Module
    tell_apart: torch.nn.Module


def _learning(model: Any) -> _Learning:
    """Of both stages; all parts are stepped alike, which the original's second stage tells apart by their sizes."""
    from losses import DiscriminatorLoss, GeneratorLoss, MultiResolutionSTFTLoss
    from optimizers import build_optimizer

    schedule = {"max_lr": 1e-4, "pct_start": 0.0, "epochs": 200, "steps_per_epoch": 1000}
    optimizer = build_optimizer(
        {name: net.parameters() for name, net in model.items()},
        scheduler_params_dict={name: dict(schedule) for name in model},
        lr=1e-4,
    )
    judges = model.mpd, model.msd
    return _Learning(optimizer, MultiResolutionSTFTLoss(), GeneratorLoss(*judges), DiscriminatorLoss(*judges))


def first_step(model: Any, batch: Batch, max_len: int, joined: bool) -> Callable[[], dict[str, float]]:
    """A step of train_first.py by its own functions, in its order, without WavLM: what it gives are its losses.

    joined: whether TMA_epoch is reached. Text is laid out by the attention, and clips begin at the beginning, which
    the original draws.
    """
    from utils import length_to_mask, log_norm, mask_from_lens
    from utils import maximum_path as best_path

    optimizer, distance, judge, tell_apart = _learning(model)
    waves, texts, input_lengths, mels, mel_input_length = batch
    length = min(int(mel_input_length.min()) // 2 - 1, max_len // 2)

    def step() -> dict[str, float]:
        with torch.no_grad():
            mask = length_to_mask(mel_input_length // 2)
            text_mask = length_to_mask(input_lengths)
        _, spelt, attention = model.text_aligner(mels, mask, texts)
        attention = attention[:, 1:]
        with torch.no_grad():
            hidden = text_mask.unsqueeze(2) | mask.unsqueeze(1)
        attention.masked_fill_(hidden, 0.0)
        with torch.no_grad():
            path = best_path(attention, mask_from_lens(attention, input_lengths, mel_input_length // 2))
        laid_out = model.text_encoder(texts, input_lengths, text_mask) @ attention
        clips, mel, real = laid_out[..., :length], mels[..., : 2 * length], waves[:, : 600 * length]
        with torch.no_grad():
            loudness = log_norm(mel.unsqueeze(1)).squeeze(1)
            pitch, _, _ = model.pitch_extractor(mel.unsqueeze(1))
        made = model.decoder(clips, pitch, loudness, model.style_encoder(mel.unsqueeze(1)))
        losses = {}
        if joined:
            optimizer.zero_grad()
            told = losses["discriminators"] = tell_apart(real.unsqueeze(1), made.detach()).mean()
            told.backward()
            optimizer.step("msd")
            optimizer.step("mpd")
        optimizer.zero_grad()
        total = losses["mel"] = distance(made.squeeze(1), real)
        if joined:
            losses["spelling"] = sum(
                functional.cross_entropy(one[:count], text[:count])
                for one, text, count in zip(spelt, texts, input_lengths, strict=True)
            ) / len(texts)
            losses["monotonic"] = functional.l1_loss(attention, path) * 10
            losses["generator"] = judge(real.unsqueeze(1), made).mean()
            total = 5 * losses["mel"] + losses["monotonic"] + losses["spelling"] + losses["generator"]
        total.backward()
        for part in ("text_encoder", "style_encoder", "decoder"):
            optimizer.step(part)
        if joined:
            optimizer.step("text_aligner")
            optimizer.step("pitch_extractor")
        return {name: float(loss.detach()) for name, loss in losses.items()}

    return step


def second_step(
    model: Any, batch: Batch, max_len: int, diffusing: bool, joint: bool, levels: int
) -> Callable[[], dict[str, float]]:
    """A step of train_second.py for one voice by its own functions, in its order, without WavLM and so without the
    adversary: what it gives are its losses.

    diffusing, joint: whether diff_epoch and joint_epoch are reached. Clips begin at the beginning, and styles are
    sampled in `levels` steps, 3 or 4, both of which the original draws.
    """
    from utils import length_to_mask, log_norm, mask_from_lens
    from utils import maximum_path as best_path

    optimizer, distance, judge, tell_apart = _learning(model)
    sampler = _sampler(model)
    waves, texts, input_lengths, mels, mel_input_length = batch
    length = min(int(mel_input_length.min()) // 2 - 1, max_len // 2)

    def whole(encoder: Callable[[Tensor], Tensor]) -> Tensor:
        styles = [encoder(mel[None, None, :, :count]) for mel, count in zip(mels, mel_input_length, strict=True)]
        return torch.stack(styles).squeeze()

    def step() -> dict[str, float]:
        with torch.no_grad():
            mask = length_to_mask(mel_input_length // 2)
            text_mask = length_to_mask(input_lengths)
            _, _, attention = model.text_aligner(mels, mask, texts)
            attention = attention[:, 1:]
            path = best_path(attention, mask_from_lens(attention, input_lengths, mel_input_length // 2))
            laid_out = model.text_encoder(texts, input_lengths, text_mask) @ path
        prosodic, acoustic = whole(model.predictor_encoder), whole(model.style_encoder)
        style = torch.cat([acoustic, prosodic], dim=-1).detach()
        known = model.bert(texts, attention_mask=(~text_mask).int())
        planned = model.bert_encoder(known).transpose(-1, -2)
        losses = {}
        if diffusing:
            model.diffusion.diffusion.sigma_data = style.std(dim=-1).mean().item()
            given = {"embedding": known, "embedding_scale": 1, "embedding_mask_proba": 0.1, "num_steps": levels}
            sampled = sampler(noise=torch.randn_like(style).unsqueeze(1), **given).squeeze(1)
            losses["diffusion"] = model.diffusion.diffusion(style.unsqueeze(1), embedding=known).mean()
            losses["style"] = functional.l1_loss(sampled, style)
        logits, planned = model.predictor(planned, prosodic, input_lengths, path, text_mask)
        clips, planned = laid_out[..., :length], planned[..., :length]
        mel, recorded = mels[..., : 2 * length], waves[:, None, : 600 * length]
        prosodic, acoustic = model.predictor_encoder(mel.unsqueeze(1)), model.style_encoder(mel.unsqueeze(1))
        with torch.no_grad():
            true_pitch, _, _ = model.pitch_extractor(mel.unsqueeze(1))
            model.text_aligner.get_feature(mel)  # of which it makes nothing
            true_energy = log_norm(mel.unsqueeze(1)).squeeze(1)
            rebuilt = model.decoder(clips, true_pitch, true_energy, acoustic)
        real = recorded if joint else rebuilt
        pitch, energy = model.predictor.F0Ntrain(planned, prosodic)
        made = model.decoder(clips, pitch, energy, acoustic)
        losses["pitch"] = functional.smooth_l1_loss(true_pitch, pitch) / 10
        losses["energy"] = functional.smooth_l1_loss(true_energy, energy)
        if diffusing:
            optimizer.zero_grad()
            told = losses["discriminators"] = tell_apart(real.detach(), made.detach()).mean()
            told.backward()
            optimizer.step("msd")
            optimizer.step("mpd")
        optimizer.zero_grad()
        losses["mel"] = distance(made, real)
        if diffusing:
            losses["generator"] = judge(real, made).mean()
        losses |= _duration_losses(logits, path.sum(dim=-1).long(), input_lengths)
        weights = dict.fromkeys(losses, 1) | {"discriminators": 0, "mel": 5, "ending": 20}
        sum(weights[name] * loss for name, loss in losses.items() if weights[name]).backward()
        learning = ["bert_encoder", "bert", "predictor", "predictor_encoder"]
        learning += ["diffusion"] * diffusing + ["style_encoder", "decoder"] * joint
        for part in learning:
            optimizer.step(part)
        return {name: float(loss.detach()) for name, loss in losses.items()}

    return step


def _duration_losses(logits: Tensor, durations: Tensor, lengths: Tensor) -> dict[str, Tensor]:
    """Of the second stage: item by item, and the goal token by token, as it has them."""
    duration = ending = 0
    for own, steps, count in zip(logits, durations, lengths, strict=True):
        own, steps = own[:count], steps[:count]
        goal = torch.zeros_like(own)
        for token, lasting in enumerate(steps):
            goal[token, :lasting] = 1
        duration += functional.l1_loss(own.sigmoid().sum(dim=1)[1:-1], steps[1:-1])
        ending += functional.binary_cross_entropy_with_logits(own.flatten(), goal.flatten())
    return {"duration": duration / len(logits), "ending": ending / len(logits)}
