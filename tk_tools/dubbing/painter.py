"""Paints mouths anew: a generator made ready to run on a device, with what is hidden from it.

What depends on the reference pictures alone is computed once for each video (`prepare`).
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import nn

from tk_tools.dubbing.samples import stacked, to_network, to_pictures

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
BATCH = {"cpu": 4, "cuda": 16}  # pictures at a time


class Painter:
    """generator: prepare(references (1, 3 n, h, w)) and generator(source (B, 3, h, w), audio (B, channels, 5),
    prepared) -> (B, 3, h, w), all RGB in 0..1; for_inference() makes it quick, and of no other use. mask: (h, w)
    float32 that its source is multiplied by."""

    def __init__(
        self,
        generator: nn.Module,
        mask: np.ndarray,
        device: str = "cpu",
        precision: str = "fp32",
        batch_size: int | None = None,
    ):
        self._device, self._type = torch.device(device), PRECISIONS[precision]
        self.together = batch_size or BATCH.get(self._device.type, BATCH["cuda"])
        if self._device.type == "cuda" and precision == "fp32":
            torch.backends.cudnn.allow_tf32 = False  # torch's default would round to ten bits
        self._net = copy.deepcopy(generator).to(self._device).eval()
        if self._type == torch.float32:
            self._net = self._net.for_inference()
        self._mask = torch.from_numpy(mask.copy()).to(self._device)

    @torch.inference_mode()
    def prepare(self, references: np.ndarray) -> Any:
        """(n, h, w, 3) uint8 RGB crops of one video -> what `paint` needs of them."""
        with self._arithmetic():
            return self._net.prepare(stacked(self._input(references))[None])

    @torch.inference_mode()
    def paint(self, crops: np.ndarray, heard: np.ndarray, prepared: Any) -> np.ndarray:
        """(B, h, w, 3) uint8 RGB, (B, channels, 5) float32 -> (B, h, w, 3) uint8 RGB with the mouths painted anew."""
        with self._arithmetic():
            made = self._net(self._input(crops) * self._mask, torch.from_numpy(heard).to(self._device), prepared)
        return to_pictures(made)

    def _input(self, pictures: np.ndarray) -> torch.Tensor:
        return to_network(torch.from_numpy(pictures).to(self._device))

    def _arithmetic(self) -> torch.autocast:
        return torch.autocast(self._device.type, dtype=self._type, enabled=self._type != torch.float32)
