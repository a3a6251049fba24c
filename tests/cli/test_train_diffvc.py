"""tk-train diffvc: mels with what lies beside them, the original's layout, lists of names; what is missing is named."""

import pytest

from tests.models.diffvc.speech import write_data_set, write_embedding, write_mel, write_seed_layout

SMALL = [
    *("--set", "network.channels=16", "--set", "crop_frames=16", "--set", "batch_size=2", "--set", "max_steps=1"),
    *("--set", "loader_workers=0", "--set", "accelerator=cpu"),
]
ENCODER = ["--stage", "encoder", "--set", "network.filters=16", "--set", "network.layers=1", *SMALL]
ENCODER += ["--set", "network.picture_channels=8"]


@pytest.fixture
def train(tk):
    return lambda *arguments: tk("tk-train", "diffvc", *arguments)


def test_the_originals_layout_with_its_lists_of_names(train, tmp_path):
    write_seed_layout(tmp_path / "data", speakers=2, clips=4)
    (tmp_path / "valid.txt").write_text("a_0\nb_3\nz_9\n")
    (tmp_path / "exceptions.txt").write_text("a_1\n")
    lists = ["--val", tmp_path / "valid.txt", "--exclude", tmp_path / "exceptions.txt"]
    ran = train(*ENCODER, *lists, "--out", tmp_path / "run", tmp_path / "data")
    assert ran.code == 0, ran.err
    assert "5 clips for training, 2 for validation" in ran.err
    assert "valid.txt: 1 of its names are not among the inputs" in ran.err
    assert ran.out == f"{tmp_path}/run/best.safetensors\n"


def test_no_average_mels_at_all_is_wrong_usage_that_names_the_tool(train, tmp_path):
    mel = write_mel(tmp_path, "a/a_0")
    ran = train(*ENCODER, mel)
    assert ran.code == 2
    assert ".avgmel.h5 _avgmel.npy; tk-align makes them" in ran.err


def test_a_clip_whose_average_is_missing_is_told_and_the_others_are_trained_on(train, tmp_path):
    write_data_set(tmp_path / "data", speakers=1, clips=4)
    (tmp_path / "data/avg/a/a_2.avgmel.h5").unlink()
    ran = train(*ENCODER, "--out", tmp_path / "run", tmp_path / "data")
    assert ran.code == 0, ran.err
    assert "left out: " in ran.err
    assert "a_2.mel.h5: there is no a_2.avgmel.h5 for it among the inputs; tk-align makes it" in ran.err
    assert "2 clips for training, 1 for validation" in ran.err


def test_both_stages_in_order_out_of_one_folder(train, tmp_path):
    write_data_set(tmp_path / "data")
    sizes = ["--set", "encoder.network.filters=16", "--set", "encoder.network.layers=1", "--set", "sample_steps=1"]
    sizes += ["--set", "encoder.network.picture_channels=8", "--set", "decoder.network.condition=8"]
    ran = train(*SMALL, *sizes, "--set", "min_utterances=1", "--out", tmp_path / "runs", tmp_path / "data")
    assert ran.code == 0, ran.err
    assert ran.out == f"{tmp_path}/runs/decoder/best.safetensors\n"


def test_weights_that_are_no_encoder_are_named_as_what_they_are(train, tmp_path):
    import torch

    from tk_tools.nets.speaker_encoder import SpeakerEncoder

    torch.save(SpeakerEncoder().state_dict(), tmp_path / "enc.pt")
    mel, _ = write_mel(tmp_path, "a/a_0"), write_embedding(tmp_path, "a/a_0")
    shape = ["--stage", "decoder", "--encoder", tmp_path / "enc.pt", "--set", "min_utterances=1"]
    ran = train(*shape, *SMALL, "--out", tmp_path / "run", mel, tmp_path / "a")
    assert ran.code == 1
    assert "enc.pt: holds the GE2E speaker encoder" in ran.err
    assert len(ran.err.strip().splitlines()) <= 2
