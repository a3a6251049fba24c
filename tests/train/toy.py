"""A small model with all that makes a resume hard: two optimisers, dropout, batch norm, a schedule."""

import os
import signal
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import nn
from torch.nn import functional
from torch.utils.data import Dataset

from tk_tools.errors import InputError
from tk_tools.models import Model, Stage
from tk_tools.train.config import Config
from tk_tools.train.run_folder import read_weights
from tk_tools.train.task import Draw, Task, plain

WIDTH = 6


class ToyConfig(Config):
    presets: ClassVar = {"tiny": {"max_steps": 6, "batch_size": 4}}
    free: ClassVar = Config.free | {"nan_at", "pause", "signal_at"}
    max_steps: int = Field(12, ge=1, description="Steps.")
    batch_size: int = Field(4, ge=1, description="Clips in a batch.")
    validate_every: int = Field(5, ge=1, description="Steps between validations.")
    checkpoint_every: int = Field(4, ge=1, description="Steps between checkpoints.")
    log_every: int = Field(3, ge=1, description="Steps in a row.")
    loader_workers: int = Field(0, ge=0, description="Processes.")
    accelerator: str = Field("cpu", description="Where.")
    learning_rate: float = Field(0.01, gt=0, description="Step size.")
    nan_at: int = Field(0, description="The step whose loss is NaN.")
    pause: float = Field(0.0, description="Seconds that a step takes.")
    signal_at: int = Field(0, description="The step at which the process gets SIGTERM.")


class ToyData(Dataset):
    """A clip is a text file with a number; "bad" in it makes the clip unusable."""

    def __init__(self, paths):
        self.paths = paths

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, draw: Draw):
        text = self.paths[draw.index].read_text()
        if "bad" in text:
            raise InputError("is no clip; make it again", path=self.paths[draw.index])
        noise = np.random.default_rng(draw.seed).normal(size=WIDTH)
        return {"x": torch.tensor(noise + float(text), dtype=torch.float32), "seed": draw.seed}


class ToyTask(Task):
    main = "generator"
    watch = "l1"

    def __init__(self, config, fabric, train, val, needs):
        super().__init__(config, fabric, train, val, needs)
        generator = nn.Sequential(
            nn.Linear(WIDTH, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, WIDTH)
        )
        if "expert" in needs:
            generator.load_state_dict(read_weights(needs["expert"])[0])
        if "init" in needs:
            generator.load_state_dict(read_weights(needs["init"])[0])
        judge = nn.Sequential(nn.Linear(WIDTH, 8), nn.LeakyReLU(), nn.Linear(8, 1))
        optimizer = torch.optim.Adam(generator.parameters(), lr=config.learning_rate)
        judge_optimizer = torch.optim.SGD(judge.parameters(), lr=config.learning_rate, momentum=0.9)
        scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
        self.generator, self.optimizer = fabric.setup(generator, optimizer)
        self.discriminator, self.judge_optimizer = fabric.setup(judge, judge_optimizer)
        self.scheduler = scheduler
        self.modules = {"generator": self.generator, "judge": self.discriminator}
        self.optimizers = {"generator": self.optimizer, "judge": self.judge_optimizer}
        self.schedulers = {"generator": scheduler}
        self.train_data, self.val_data = ToyData(train), ToyData(val)
        self.steps = 0

    def step(self, batch):
        self.generator.train()
        x = batch["x"]
        made = self.generator(x)
        l1 = functional.l1_loss(made, x)
        with self.judge(self.discriminator) as judge:
            adversarial = functional.softplus(-judge(made)).mean()
        self.descend(l1 + 0.1 * adversarial, self.generator, self.optimizer)
        fake, real = self.discriminator(made.detach()), self.discriminator(x + 0.01 * torch.randn_like(x))
        judged = functional.softplus(fake).mean() + functional.softplus(-real).mean()
        self.descend(judged, self.discriminator, self.judge_optimizer)
        if self.last_part:
            self.scheduler.step()
            self.steps += 1
        if self.config.pause:
            time.sleep(self.config.pause)
        if self.steps and self.steps == self.config.signal_at and self.fabric.global_rank == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        if self.config.nan_at and self.steps == self.config.nan_at:
            l1 = l1 * float("nan")
        self._dump(f"loss {l1.item()}")
        return {"l1": l1.detach(), "judge": judged.detach()}

    def _dump(self, line):
        """For the tests of several processes: what each of them has."""
        if "TOY_DUMP" in os.environ:
            with open(Path(os.environ["TOY_DUMP"], f"rank{self.fabric.global_rank}"), "a") as file:
                file.write(f"{line}\n")

    def validate(self, batches):
        weights = [parameter.double().sum().item() for net in self.modules.values() for parameter in net.parameters()]
        self._dump(f"weights {weights}")
        self.generator.eval()
        losses = [functional.l1_loss(self.generator(batch["x"]), batch["x"]).item() for batch in batches]
        torch.rand(1)
        return {"l1": sum(losses) / len(losses)}

    def draw_samples(self, folder: Path):
        x = torch.randn(1, WIDTH)
        (folder / "sample.txt").write_text(str(plain(self.generator).eval()(x).tolist()))

    def state(self):
        return {"steps": self.steps}

    def load_state(self, state):
        self.steps = state["steps"]

    def advice(self, history):
        return "the toy learns nothing; that is to be expected" if history[-1]["step"] >= 5 else None


def _stage(name, **more):
    return Stage(
        name=name,
        summary="a toy",
        reads=("toy.txt",),
        config="tests.train.toy:ToyConfig",
        task="tests.train.toy:ToyTask",
        **more,
    )


MODEL = Model(
    name="toy",
    summary="a toy",
    stages=(
        _stage("expert"),
        _stage("generator", needs=("expert",)),
        _stage("gan", needs=("expert",), starts_from="generator"),
    ),
    inference="",
    inference_options="",
)


def make_clips(folder: Path, count: int) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"clip{number}.toy.txt" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_text(str(number / 10))
    return paths
