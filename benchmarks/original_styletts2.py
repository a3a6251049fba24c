"""Make the original StyleTTS 2, fetched by the user, importable with the packages of today, and run its notebooks'
functions."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml


def import_from(checkout: Path) -> None:
    """Make the modules of the checkout importable in this process; needs munch and einops."""
    if not (checkout / "Modules" / "diffusion" / "sampler.py").is_file():
        sys.exit(f"{checkout} is not a checkout of yl4579/StyleTTS2")
    from einops import rearrange
    from transformers import AlbertModel  # noqa: F401 - before the stand-ins, which it would take for the packages

    # What it imports: of torchaudio nothing is called here, of einops_exts one function.
    for name in ("torchaudio", "torchaudio.functional"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["torchaudio"].functional = sys.modules["torchaudio.functional"]
    exts = types.ModuleType("einops_exts")
    exts.rearrange_many = lambda tensors, pattern, **sizes: [rearrange(one, pattern, **sizes) for one in tensors]
    sys.modules.setdefault("einops_exts", exts)
    sys.path.insert(0, str(checkout))


def build(checkout: Path, config: str, sigma_data: float) -> tuple[Any, Any]:
    """The networks of Configs/CONFIG with fresh weights, in eval mode, and the model_params that they were made from.

    sigma_data: in place of the configuration's, which is a placeholder.
    """
    from models import build_model
    from munch import Munch, munchify
    from transformers import AlbertConfig
    from Utils.PLBERT.util import CustomAlbert

    params = munchify(yaml.safe_load((checkout / "Configs" / config).read_text())["model_params"])
    params.diffusion.dist.sigma_data = sigma_data
    bert = yaml.safe_load((checkout / "Utils" / "PLBERT" / "config.yml").read_text())["model_params"]
    nothing = torch.nn.Identity()  # aligner and pitch extractor take no part
    nets = build_model(params, nothing, nothing, CustomAlbert(AlbertConfig(**bert)))
    return Munch({name: net.eval() for name, net in nets.items()}), params


def inference_of(checkout: Path, notebook: str, model: Any, params: Any) -> Callable[..., Any]:
    """The function `inference` of Demo/NOTEBOOK as it stands, on the processor; its text is a list of ids."""
    from Modules.diffusion.sampler import ADPM2Sampler, DiffusionSampler, KarrasSchedule

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
        "sampler": DiffusionSampler(
            model.diffusion.diffusion,
            sampler=ADPM2Sampler(),
            sigma_schedule=KarrasSchedule(sigma_min=0.0001, sigma_max=3.0, rho=9.0),
            clamp=False,
        ),
    }
    # `' '.join(ps)` of the notebook is of strings; ids are passed on as they are.
    exec(source.replace("' '.join(ps)", "ps"), names)
    return lambda ids, *rest, **options: names["inference"](Ids(ids), *rest, **options)
