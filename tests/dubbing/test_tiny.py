"""Preset tiny on one real clip, from its video on: each stage brings held-out frames nearer to what they were."""

import os
from pathlib import Path

import pytest

from tests.tools import call
from tk_tools.train.metrics_file import read_metrics
from tk_tools.train.run_folder import read_weights

CLIP = "video/hdtf_WDA_AlexandriaOcasioCortez_000.mp4"
STAGES = ("frame64", "frame128", "frame256", "clip256")
DATA = os.environ.get("TK_DATA")


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.skipif(not DATA, reason="TK_DATA does not name the folder of sample media")
@pytest.mark.parametrize("model", ["lawdnet", "dinet"])
def test_the_mouths_of_held_out_frames_come_nearer_at_every_stage(tmp_path, model):
    """About ten minutes of two cores each."""
    faces = call("crop_face", "--layout", model, Path(DATA, CLIP), tmp_path / "faces")
    features = call("feat", "--model", "mel", faces, tmp_path / "feats")
    best = call("train", model, "--preset", "tiny", "--out", tmp_path / "run", faces, features)
    assert read_weights(best)[1]["settings"]["features"] == "mel"
    for stage in STAGES:
        rows = [row for row in read_metrics(tmp_path / "run" / stage / "metrics.csv") if "val/mouth_l1" in row]
        assert rows[-1]["val/mouth_l1"] < rows[0]["val/mouth_l1"], stage
