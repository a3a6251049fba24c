"""Where numbers go besides metrics.csv: a TensorBoard log in the run folder, and wandb when asked for."""

from __future__ import annotations

from typing import Any

from lightning_fabric.loggers import Logger, TensorBoardLogger

from tk_tools.errors import MissingPackage
from tk_tools.train.config import Config
from tk_tools.train.run_folder import RunFolder


def make_loggers(run: RunFolder, config: Config, first_step: int) -> list[Logger]:
    """The loggers of a run that goes on with `first_step`; what TensorBoard had of later steps is dropped."""
    loggers: list[Logger] = [
        TensorBoardLogger(root_dir=run.path, name="", version=run.tensorboard.name, purge_step=first_step)
    ]
    if config.wandb:
        loggers.append(WandbLogger(run, config))
    return loggers


class WandbLogger(Logger):
    """Logs to the Weights & Biases project `config.wandb`, under the name of the run folder."""

    def __init__(self, run: RunFolder, config: Config):
        try:
            import wandb
        except ImportError as error:
            raise MissingPackage("wandb is not installed; pip install wandb") from error
        self._run = wandb.init(
            project=config.wandb,
            name=run.path.name,
            dir=str(run.path),
            config=config.model_dump(mode="json"),
            resume="allow",
        )

    @property
    def name(self) -> str:
        return "wandb"

    @property
    def version(self) -> str:
        return self._run.id

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self._run.log(metrics, step=step)

    def log_hyperparams(self, params: Any) -> None:
        """The configuration went out with the start of the run."""

    def finalize(self, status: str) -> None:
        self._run.finish()
