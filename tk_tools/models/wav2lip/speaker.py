"""Makes faces speak: crops and sound in, crops out, in batches on one device, and puts them back into the pictures.

The generator runs with its batch norms folded into the convolutions and channels last, which changes its numbers by
less than 1e-4; each core draws a batch of its own, so that no number depends on how many cores there are.
Source of the arithmetic around it: datagen and main of inference.py, Rudrabha/Wav2Lip.
"""

from __future__ import annotations

import copy
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tk_tools.face.warp import feather_mask
from tk_tools.models.wav2lip.networks import Generator, UpBlock
from tk_tools.models.wav2lip.samples import generator_faces, to_network, to_pictures
from tk_tools.nets.blocks import ConvBlock
from tk_tools.nets.sync_expert import FACE_SIZE

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}

Box = tuple[int, int, int, int]
"""Left, top, right, bottom of a face in whole pixels, inside the picture."""


@dataclass
class Shot:
    """A picture (H, W, 3) uint8 RGB, the box of the face in it and the face (96, 96, 3), both None without one."""

    picture: np.ndarray
    box: Box | None
    crop: np.ndarray | None


def take_shot(picture: np.ndarray, box: Box | None, by_area: bool) -> Shot:
    """The shot of a picture; for by_area see cut_face."""
    return Shot(picture, box, None if box is None else cut_face(picture, box, by_area))


def cut_face(picture: np.ndarray, box: Box, by_area: bool) -> np.ndarray:
    """The box of a picture as (96, 96, 3), bilinear as published weights saw it.

    by_area: average where it is over twice as large, against aliasing, as in the crops that tk-train sees.
    """
    left, top, right, bottom = box
    large = by_area and min(right - left, bottom - top) >= 2 * FACE_SIZE
    return cv2.resize(
        picture[top:bottom, left:right],
        dsize=(FACE_SIZE, FACE_SIZE),
        interpolation=cv2.INTER_AREA if large else cv2.INTER_LINEAR,
    )


def paste_face(picture: np.ndarray, face: np.ndarray, box: Box, feather: float) -> np.ndarray:
    """A copy of the picture with (96, 96, 3) uint8 stretched over the box; no pixel outside the box changes.

    feather: width of the blended edge as a share of the shorter side; 0 for a hard edge, as the original's.
    """
    left, top, right, bottom = box
    size = (right - left, bottom - top)
    face = cv2.resize(face, dsize=size, interpolation=cv2.INTER_LINEAR)
    picture = picture.copy()
    region = picture[top:bottom, left:right]
    if feather > 0:
        difference = face.astype(np.int32) - region
        difference *= feather_mask(*size, feather)[:, :, None]
        region += ((difference + 128) >> 8).astype(np.uint8)  # wraps around for negative differences, as it must
    else:
        region[...] = face
    return picture


BATCH = {"cpu": 8, "cuda": 64}  # faces at a time where the generator draws most a second (CPU: one core)


class Speaker:
    """A generator made ready to run on a device. `together` is how many faces are best given to `draw` at once."""

    def __init__(
        self, generator: Generator, device: str = "cpu", precision: str = "fp32", batch_size: int | None = None
    ):
        self._device, self._type = torch.device(device), PRECISIONS[precision]
        self._batch_size = batch_size or BATCH.get(self._device.type, BATCH["cuda"])
        cores = torch.get_num_threads() if self._device.type == "cpu" else 1
        self.together = cores * self._batch_size
        self._cores = _threads_of_one_core(cores) if self._device.type == "cpu" else ThreadPoolExecutor(1)
        if self._device.type == "cuda" and precision == "fp32":
            torch.backends.cudnn.allow_tf32 = False  # torch's default would round to ten bits
        net = _folded(generator).requires_grad_(False)
        if self._type != torch.float32:  # rounding at the two ends, 6 % of the work, shows most in the picture
            first, last = copy.deepcopy(net.face_encoder_blocks[0]), copy.deepcopy(net.output_block)
            net.to(self._type)
            net.face_encoder_blocks[0], net.output_block = _InFloat(first, self._type), _InFloat(last, torch.float32)
        self._net = net.to(device=self._device, memory_format=torch.channels_last)

    def draw(self, crops: np.ndarray, mels: np.ndarray) -> np.ndarray:
        """(B, 96, 96, 3) uint8 RGB, (B, 1, 80, 16) float32 -> (B, 96, 96, 3) uint8 RGB, truncated as the original."""
        parts = [slice(first, first + self._batch_size) for first in range(0, len(crops), self._batch_size)]
        return np.concatenate(list(self._cores.map(self._draw, [crops[p] for p in parts], [mels[p] for p in parts])))

    @torch.inference_mode()
    def _draw(self, crops: np.ndarray, mels: np.ndarray) -> np.ndarray:
        target = to_network(torch.from_numpy(crops)[:, None].to(self._device))
        faces = generator_faces(target, target)[:, :, 0]
        heard = torch.from_numpy(mels).to(device=self._device, dtype=self._type)
        return to_pictures(self._net(heard, faces))


def _threads_of_one_core(count: int) -> ThreadPoolExecutor:
    """Threads in which torch uses one core each; elsewhere it uses as many as before."""
    all_started = threading.Barrier(count)

    def begin(_) -> None:
        torch.set_num_threads(1)
        all_started.wait()

    default = torch.get_num_threads()
    pool = ThreadPoolExecutor(count)
    list(pool.map(begin, range(count)))
    torch.set_num_threads(default)  # what was set in a thread is also what torch gives to every later one
    return pool


class _InFloat(nn.Module):
    """A module that computes in float32 inside a network of another precision."""

    def __init__(self, module: nn.Module, result: torch.dtype):
        super().__init__()
        self.module, self._result = module, result

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.module(x.float()).to(self._result)


def _folded(generator: Generator) -> Generator:
    """A copy in which each convolution and its batch norm are one convolution; no tensor is held a third time."""
    tensors = {id(tensor): tensor for block in _blocks(generator) for tensor in block.conv_block.parameters()}
    net = copy.deepcopy(generator, tensors).eval()
    for block in _blocks(net):
        convolution, norm = block.conv_block
        transposed = isinstance(convolution, nn.ConvTranspose2d)
        block.conv_block = fuse_conv_bn_eval(convolution, norm, transpose=transposed)
    return net


def _blocks(net: nn.Module) -> list[nn.Module]:
    """The modules of a convolution and its norm."""
    return [module for module in net.modules() if isinstance(module, (ConvBlock, UpBlock))]
