"""One training step of LawDNet's frame stage and of its clip stage, through the tasks themselves; its list of clips."""

import numpy as np
import torch

from tests.golden.golden import draw
from tk_tools.dubbing.data import PIECE, pieces_of
from tk_tools.dubbing.judge import PUBLISHED_FEATURES, PUBLISHED_MOUTH, Judge
from tk_tools.face.crop import stretches
from tk_tools.models.lawdnet.config import ClipConfig, Frame64Config
from tk_tools.models.lawdnet.networks import Generator, LawDNetConfig
from tk_tools.models.lawdnet.training import ClipTask, FrameTask
from tk_tools.nets.dinet_discriminator import Discriminator
from tk_tools.nets.dinet_sync_net import SyncNet
from tk_tools.nets.perceptual import PerceptualLoss
from tk_tools.train.task import Task, plain


def filled(net):
    """By the rule of all goldens."""
    state = net.state_dict()
    net.load_state_dict(
        {key: torch.from_numpy(np.asarray(draw(key, tuple(value.shape)))) for key, value in state.items()}
    )
    return net


@torch.no_grad()
def loud(net):
    """As the json's notes say: what the generator does is then felt in its losses."""
    for key, value in filled(net).state_dict().items():
        if sum(n > 1 for n in value.shape) >= 2:
            value.mul_(1.4)
        elif key.endswith("bias"):
            value.mul_(0.2)
    return net


def perception():
    loss = PerceptualLoss()
    filled(loss.network)
    return loss


class Kept(dict):
    """The gradients by parameter at the first step of an optimiser."""

    def __init__(self, net, optimizer):
        super().__init__()

        def keep(*_):
            if not self:
                self.update({name: each.grad.clone() for name, each in net.named_parameters() if each.requires_grad})

        optimizer.register_step_pre_hook(keep)

    def norms(self, names=None):
        return np.array([float(self[name].norm()) for name in names or self], np.float32)


def learnt(golden, task_kind, config, prefix, frames, clips):
    """(losses, gradients by network, made and masked pictures) of one step."""
    from lightning_fabric import Fabric

    task = task_kind.__new__(task_kind)
    Task.__init__(task, config, Fabric(accelerator="cpu", devices=1), train=(), val=(), needs={})
    task.train_data = range(1)
    generator = loud(Generator(LawDNetConfig())).train()
    task.set_up(generator, filled(Discriminator(3)), perception())
    if clips:
        judge = Judge(loud(SyncNet(29)).eval(), PUBLISHED_MOUTH, squashed=False, features=PUBLISHED_FEATURES)
        task.set_up_clips(filled(Discriminator(15)), judge)
    kept = {name: Kept(plain(net), task.optimizers[name]) for name, net in task.modules.items()}
    drawn = type(golden)(golden.folder / f"{golden.name}.json")
    drawn.meta = golden.meta | {
        "inputs": {
            f"{prefix}_source": {"shape": [frames, 3, 104, 80], "low": 0, "high": 1},
            f"{prefix}_reference": {"shape": [frames, 15, 104, 80], "low": 0, "high": 1},
            f"{prefix}_audio": {"shape": [frames, 29, 5], "low": -10, "high": 10},
        }
        | ({f"{prefix}_sync_audio": {"shape": [clips, 29, 9], "low": -10, "high": 10}} if clips else {})
    }
    given = drawn.tensors()
    made = []
    hook = generator.register_forward_hook(lambda net, inputs, output: made.append((inputs[0], output)))
    losses = task.learn(*given)
    hook.remove()
    (masked, fake), *_ = made
    return losses, kept, fake.detach(), masked


def results(golden, losses, kept, fake, masked, weights):
    assert sorted(kept["generator"]) == sorted(golden.meta["values"]["parameters"])
    found = {f"loss_{name}": weight * losses[ours] for name, (ours, weight) in weights.items()}
    found["grad_dI"] = kept["discriminator"].norms()
    if "clip_discriminator" in kept:
        found["grad_dV"] = kept["clip_discriminator"].norms()
    found["grad_g"] = kept["generator"].norms(golden.meta["values"]["parameters"])
    for name in golden.meta["outputs"]:
        if name.startswith("gradient/"):
            flat = kept["generator"][name.removeprefix("gradient/")].flatten()
            found[name] = flat[:: max(1, len(flat) // 500)]
    return found | {"fake": fake[:, :, ::4, ::4], "masked": masked[:, :, ::4, ::4]}


FRAME_LOSSES = {
    "dI": ("discriminator", 1),
    "perception": ("perception", 10),
    "g_dI": ("gan", 1),
    "img": ("picture", 1),
    "g": ("loss", 1),
}
CLIP_LOSSES = FRAME_LOSSES | {"dV": ("clip_discriminator", 1), "g_dV": ("gan_clip", 1), "sync": ("sync", 0.1)}


def frame_step(golden):
    learnt_once = learnt(golden, FrameTask, Frame64Config(), "frame", frames=2, clips=0)
    return results(golden, *learnt_once, FRAME_LOSSES)


def clip_step(golden):
    learnt_once = learnt(golden, ClipTask, ClipConfig(mouth_size=64), "clip", frames=5, clips=1)
    return results(golden, *learnt_once, CLIP_LOSSES)


def training_list(golden):
    """Our pieces of a clip of so many frames, with their features, are the list's clips."""
    (frames,) = golden.arrays["frames"].tolist()
    features = np.round(np.arange(frames)[:, None] + np.arange(29) / 100, 2)
    starts = pieces_of(tuple(stretches(np.ones(frames, bool))))
    for name, video in golden.meta["values"]["training_json"].items():
        assert video["video_clip_num"] == len(starts) == len(video["clip_data_list"])
        for number, (start, listed) in enumerate(zip(starts.tolist(), video["clip_data_list"], strict=True)):
            names = [f"{name}/{number:06d}/{frame:06d}.jpg" for frame in range(start, start + PIECE)]
            assert listed["frame_name_list"] == names
            assert listed["frame_path_list"] == [f"crop/{path}" for path in names]
            rows = slice(start, start + PIECE)
            assert np.allclose(listed["deep_speech_list"], features[rows])
            assert np.allclose(listed["deep_speech_dp2_list"], features[rows] + 1000)
    return {"frames": [frames]}


CASES = {"train_frame_step": frame_step, "train_clip_step": clip_step, "training_json": training_list}
GRADIENTS = {"gradient/": 1e-2, "grad_": 1e-2}  # the warp's samples jump from pixel to pixel
TOLERANCES = {"train_frame_step": GRADIENTS, "train_clip_step": GRADIENTS}
