"""Stages of StyleTTS 2 trained by tests: tiny networks, made recordings, and what listens to them untrained."""

import csv

import torch

from tests.models.styletts2.drawn import ALIGNER, PITCH
from tests.train.helpers import Told
from tk_tools.models import get_model, load
from tk_tools.models.stages import suffixes_of
from tk_tools.models.styletts2.aligner import TextAligner
from tk_tools.models.styletts2.pitch_extractor import PitchExtractor
from tk_tools.train.clips import ClipFiles
from tk_tools.train.config import make_config
from tk_tools.train.run_folder import RunFolder
from tk_tools.train.session import run_stage

SIZES = {
    "hidden": 32,
    "style": 8,
    "layers": 1,
    "style_channels": 4,
    "decoder_channels": 24,
    "decoder_residual": 4,
    "generator_channels": 16,
    "bert_width": 64,
    "bert_inner": 32,
    "bert_embedding": 16,
    "bert_layers": 2,
    "denoiser_layers": 1,
    "denoiser_heads": 1,
    "aligner_channels": 16,
    "aligner_embedding": 12,
    "aligner_layers": 2,
    "pitch_channels": [4, 6, 8, 10],
    "pitch_features": 12,
    "discriminator_width": 0.125,
}
SMALL = {"sizes": SIZES, "batch_size": 2, "max_frames": 80, "loader_workers": 0, "accelerator": "cpu", "log_every": 1}


def config_of(stage, **values):
    return make_config(load(get_model("styletts2").stage(stage).config), values=SMALL | values)


def train(stage, folder, path, needs, log=None, val=None, **values):
    """Train a stage on the list `path`, validated on the first recordings of it that the split takes."""
    found = get_model("styletts2").stage(stage)
    return run_stage(
        model="styletts2",
        stage=stage,
        task=load(found.task),
        config=config_of(stage, **values),
        clips=ClipFiles([path], [val] if val else []),
        suffixes=suffixes_of(found),
        needs=needs,
        out=folder,
        log=log or Told(),
        command="test",
    )


def write_listeners(folder):
    """The needs of stage first: an aligner and a pitch extractor in files like the published ones, untrained."""
    torch.manual_seed(0)
    pitch = PitchExtractor(PITCH)
    pitch.classifier.bias.data.fill_(150.0)  # Hz
    torch.save({"model": TextAligner(ALIGNER).state_dict()}, folder / "epoch_00080.pth")
    torch.save({"net": pitch.state_dict()}, folder / "bst.t7")
    return {"aligner": folder / "epoch_00080.pth", "pitch": folder / "bst.t7"}


def numbers(folder, column):
    """A column of metrics.csv."""
    with open(RunFolder(folder).metrics, newline="") as file:
        return [float(row[column]) for row in csv.DictReader(file) if row.get(column)]
