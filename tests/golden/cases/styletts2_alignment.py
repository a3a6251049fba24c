"""Alignment search, masks and durations, and the soft alignment of predicted durations."""

from __future__ import annotations

import torch

from tk_tools.nets.monotonic_alignment import durations_to_path, maximum_path
from tk_tools.nets.padding import padding_mask
from tk_tools.nets.soft_durations import soft_alignment


def _given(golden, name):
    return torch.tensor(golden.meta["inputs"][name]["value"])


def _whole(scores):
    """The path where nothing is padding."""
    batch, tokens, frames = scores.shape
    return maximum_path(scores, torch.full((batch,), tokens), torch.full((batch,), frames))


def alignment(golden):
    tokens, frames = _given(golden, "token_lengths"), _given(golden, "frame_lengths")
    batch = torch.from_numpy(golden.signal("batch"))
    path = maximum_path(batch, tokens, frames)
    inside = ~padding_mask(tokens, int(tokens.max()))[:, :, None] & ~padding_mask(frames, int(frames.max()))[:, None]
    singles = {
        name.replace("attention", "path"): _whole(torch.from_numpy(golden.signal(name)))
        for name in golden.input_names
        if name.startswith("attention")
    }
    return singles | {
        "batch_path": path,
        "mask": inside.float(),
        "durations": path.sum(dim=2),
        "tie_path": _whole(torch.full(golden.meta["outputs"]["tie_path"], 0.5)),
        "length_to_mask": padding_mask(tokens, int(tokens.max())),
        "alignment": durations_to_path(_given(golden, "durations_in")),
    }


def slm_alignment(golden):
    (logits,) = golden.tensors()
    return {"alignment": soft_alignment(logits, _given(golden, "lengths"), sigma=golden.meta["kwargs"]["sig"])}


CASES = {"alignment": alignment, "slm_alignment": slm_alignment}
