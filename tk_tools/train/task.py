"""What a model must give to be trained: networks, optimisers, data, and one step.

The loop (loop.py) counts, logs, saves and resumes; a Task knows nothing of steps, files or processes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch import Tensor, nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler
    from torch.utils.data import Dataset

    from tk_tools.train.config import Config


class Draw(NamedTuple):
    """One item that the sampler asks a data set for: `data_set[Draw(index, seed)]`.

    index: which clip, 0 <= index < len(data_set). seed: a number of this draw alone; all that is random in
    the item follows from it (`numpy.random.default_rng(draw.seed)`), so that it is the same in any loader
    worker and after a resume.
    """

    index: int
    seed: int


class Task(ABC):
    """One stage of a model, built by `__init__` on every process, with torch's random state already seeded.

    `__init__` builds the networks and sets up what is trained: `self.net, self.optimizer = fabric.setup(net,
    optimizer)`; a frozen network is only moved: `fabric.to_device(expert)`. It fills:

    modules     every network whose state matters for a resume (a frozen one whose batch norms drift too)
    optimizers  every optimiser
    schedulers  every learning rate schedule; `step` calls their `.step()`
    train_data  map-style: `len()` is the number of clips, `[Draw]` gives one item; one whose items are not of one
                shape has a method `collate` that makes a batch of a list of them
    val_data    the same, for validation
    main        the name in `modules` of the network that is handed on (best.safetensors)
    watch       the name among the numbers of `validate` that tells the best checkpoint
    watch_mode  its better end, "min" or "max"
    """

    main: ClassVar[str]
    watch: ClassVar[str] = "loss"
    watch_mode: ClassVar[Literal["min", "max"]] = "min"

    modules: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]
    schedulers: dict[str, LRScheduler]
    train_data: Dataset
    val_data: Dataset

    last_part: bool = True
    """Set by the loop: False while gradients of further batches of the same step are to come."""

    @classmethod
    def check(cls, config: Any) -> None:
        """TkError: the stage cannot be trained here, whatever the clips are (weights are missing). Asked before the
        first of several stages begins."""
        return None

    @classmethod
    def inspect(cls, path: Path, *beside: Path, config: Config) -> Any:
        """What `__init__` is given for a file: plain data, made once and on the first process alone.

        beside: the files of its name that Stage.beside asks for. Of a file that is a list of clips, a
        `tk_tools.train.clips.Listed`. InputError: the file is of no use for training, and why; it is then left out.
        """
        return path

    @classmethod
    def unfit(cls, clips: Mapping[Path, Any], config: Config) -> dict[Path, str]:
        """Of all clips, as `inspect` gave them, those that are not to be trained on for what the others are, and why;
        each reason is told once."""
        return {}

    def __init__(
        self,
        config: Config,
        fabric: Fabric,
        train: Sequence[Any],
        val: Sequence[Any],
        needs: Mapping[str, Path],
    ):
        """train, val: the clips of each set, as `inspect` gives them, one or more. needs: the file of weights for
        each name of Stage.needs that was given (read it with `tk_tools.train.run_folder.read_weights`).
        """
        self.config = config
        self.fabric = fabric
        self.modules, self.optimizers, self.schedulers = {}, {}, {}

    @abstractmethod
    def step(self, batch: Any) -> dict[str, Tensor]:
        """Train on one batch (already on the device); gives its named losses, each a scalar without gradient.

        Does its own backward and optimiser steps, best through `descend`. The optimisers come with empty
        gradients.
        """

    @abstractmethod
    def validate(self, batches: Iterable[Any]) -> dict[str, float]:
        """Named means over `batches`; runs on every process, each with a share of the same size.

        The loop turns gradients off, puts the train/eval mode of `modules` back, and the random state too.
        """

    def draw_samples(self, folder: Path) -> None:
        """Write sample pictures, videos or sounds into the existing `folder`.

        Runs on the first process alone, so networks are called through `plain`, which waits for no other
        process.
        """
        return None

    @property
    def era(self) -> int:
        """A number that grows when something joins the training, so that the best checkpoint is sought anew: numbers of
        validations before do not compare with those that come."""
        return 0

    def state(self) -> dict[str, Any]:
        """Further plain values that a resume needs (a loss weight that a validation switched on)."""
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `state` gave."""
        return None

    def header(self) -> dict[str, Any]:
        """Plain values to be known of what is handed on, beside stage and settings (a mean over the training data)."""
        return {}

    def advice(self, history: Sequence[Mapping[str, float]]) -> str | None:
        """One line for the user when the numbers so far show a fault (a loss that does not move), with
        likely causes.

        history: the rows of metrics.csv, oldest first, with the keys step, epoch, train/NAME and val/NAME
        (where present). Asked after each validation; a line that was shown is not shown again.
        """
        return None

    def descend(self, loss: Tensor, net: nn.Module, optimizer: Optimizer) -> None:
        """Backward, and at the last of config.accumulate batches the optimiser step; leaves no gradients."""
        self.fabric.backward(loss / self.config.accumulate)
        self.update(net, optimizer)

    def update(self, net: nn.Module, optimizer: Optimizer, clip_norm: float | None = None) -> Tensor | None:
        """The optimiser step on gradients that are there, at the last of config.accumulate batches.

        clip_norm: the gradients' norm (over all that the optimiser trains) is brought down to it first; gives what it
        was before.
        """
        if not self.last_part:
            return None
        norm = None
        if clip_norm is not None:
            norm = self.fabric.clip_gradients(net, optimizer, max_norm=clip_norm, error_if_nonfinite=False)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return norm

    @contextmanager
    def judge(self, net: nn.Module) -> Iterator[nn.Module]:
        """`net` as a judge whose weights do not learn while another network descends (a discriminator, an
        expert).

        Gradients pass through it but leave none in it, and no other process waits for it.
        """
        wanted = [parameter for parameter in net.parameters() if parameter.requires_grad]
        for parameter in wanted:
            parameter.requires_grad_(False)
        try:
            with self.fabric.autocast():
                yield plain(net)
        finally:
            for parameter in wanted:
                parameter.requires_grad_(True)


def plain(net: nn.Module) -> nn.Module:
    """The network itself, without what Fabric wrapped around it."""
    from lightning_fabric.wrappers import _FabricModule  # private there; `is_wrapped` alone is public

    return net.module if isinstance(net, _FabricModule) else net
