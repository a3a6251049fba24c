"""Whole sentences of StyleTTS 2."""

import numpy as np
import torch

from tests.golden.cases.styletts2_networks import Heard
from tk_tools.models.styletts2.networks import StyleTTS2
from tk_tools.models.styletts2.options import SpeechOptions
from tk_tools.models.styletts2.sizes import LIBRITTS, LJSPEECH
from tk_tools.models.styletts2.speech import speak

RENAMED = {"diffusion_steps": "steps", "embedding_scale": "guidance"}
SHOWN = 24000, 6000  # samples, of the beginning and of the end


@torch.no_grad()
def _filled(golden, sizes):
    network = StyleTTS2(sizes)
    for name, part in network.named_children():
        golden.fill(part.net if name == "diffusion" else part)
    for change in golden.meta["after_fill"]:
        tensor = network.get_submodule(change["module"]).state_dict()[change["key"]]
        tensor.mul_(change.get("times", 1.0)).add_(change.get("add", 0.0))
    return network.for_inference()  # as speech is made


def _options(kwargs, many):
    given = {RENAMED.get(name, name): value for name, value in kwargs.items()}
    carry = given.pop("t", None) if many else given.pop("alpha", None)
    return SpeechOptions(**given, **({} if carry is None else {"carry": carry}))


def inference(golden):
    many = "ref_s" in golden.meta["inputs"]
    network = _filled(golden, LIBRITTS if many else LJSPEECH)
    heard, results = Heard(), {}
    heard.outputs("logits", network.predictor.duration_proj)
    network.decoder.register_forward_pre_hook(lambda module, given: heard.update(decoder=given))
    sample = network.diffusion.sample
    network.diffusion.sample = lambda *given: heard.setdefault("style", sample(*given))
    for name, run in golden.meta["runs"].items():
        drawn = [torch.from_numpy(signal) for signal in golden.noise(run["noise"])]
        start = [] if many else [torch.from_numpy(golden.signal("noise"))]
        draws = iter(start + drawn)
        heard.pop("style", None)
        spoken = speak(
            network,
            golden.value("tokens")[1:],
            lambda like, draws=draws: next(draws).view(like.shape),
            _options(run["kwargs"], many),
            voice=torch.from_numpy(golden.signal("ref_s")) if many else None,
            before=torch.from_numpy(golden.signal("s_prev")) if name == "long" else None,
            among_others=name == "long",
        )
        text, pitch, energy, acoustic, _ = heard["decoder"]
        found = {
            "durations_float": heard["logits"].sigmoid().sum(dim=-1),
            "style_sampled": heard["style"],
            "style_acoustic": acoustic,
            "asr": text[:, ::32],
            "F0": pitch,
            "N": energy,
            "wave": spoken.wave[: SHOWN[0]],
            "wave_tail": spoken.wave[-SHOWN[1] :],
            "samples": np.array([len(spoken.wave)]),
            "s_returned": spoken.style,
        }
        results |= {f"{name}_{key}": value for key, value in found.items()}
    return results


CASES = {"inference_ljspeech": inference, "inference_libritts": inference}
