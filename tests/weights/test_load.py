"""Loading takes every form that checkpoints are published in, and refuses the rest in one line."""

import argparse
import enum
import os
import pickle
import sys
import typing
import zipfile
from collections import defaultdict
from pathlib import PurePosixPath
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from tk_tools.errors import WeightsError
from tk_tools.weights.load import load_checkpoint, load_state_dict, load_strictly
from tk_tools.weights.save import save_safetensors


class RunsCode:
    """A pickle of this asks for `function` to be called with `argument` when it is loaded."""

    def __init__(self, function, argument):
        self.function, self.argument = function, argument

    def __reduce__(self):
        return self.function, (self.argument,)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 2))


@pytest.fixture
def state():
    return network().state_dict()


def assert_same(found, expected):
    assert list(found) == list(expected)
    for key, tensor in expected.items():
        assert found[key].dtype == tensor.dtype, key
        assert torch.equal(found[key], tensor), key


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "optimizer": None, "global_step": 258000},
        lambda state: {"state_dict": {"net": state}},
        lambda state: {
            "step": torch.tensor(3),
            "model_state": state,
            "optimizer_state": {"state": {0: {"m": torch.ones(2)}}},
        },
        lambda state: {"model": state, "epoch": np.int64(4), "loss": np.float64(0.5)},
        lambda state: {"generator": state},
        lambda state: {"modules": {"generator": state}, "optimizers": {"generator": {"state": {}}}},
        lambda state: {"audio2exp": state, "optimizer_audio2exp": {"state": {}, "param_groups": []}},
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {"state_dict": {f"module.module.{key}": value for key, value in state.items()}},
    ],
    ids=[
        "bare",
        "state_dict",
        "net",
        "model_state",
        "numpy",
        "generator",
        "ours",
        "named",
        "module",
        "module.module",
    ],
)
def test_reads_every_published_wrapping(tmp_path, state, wrap, zipped):
    path = tmp_path / "weights.pth"
    torch.save(wrap(state), path, _use_new_zipfile_serialization=zipped)
    checkpoint = load_checkpoint(path)
    assert_same(checkpoint.state, state)
    assert checkpoint.form == ("zip" if zipped else "legacy")


def test_reads_torchscript(tmp_path, state):
    path = tmp_path / "scripted.pt"
    torch.jit.trace(network()[:2].eval(), torch.zeros(1, 3, 8, 8)).save(str(path))
    checkpoint = load_checkpoint(path)
    assert checkpoint.form == "torchscript"
    assert_same(checkpoint.state, {key: value for key, value in state.items() if not key.startswith("2.")})


def test_safetensors_come_back_with_their_config(tmp_path, state):
    first = save_safetensors(tmp_path / "a.safetensors", state, {"model": "wav2lip", "rate": 16000, "mean": 0.1})
    second = save_safetensors(
        tmp_path / "b.safetensors",
        dict(reversed(state.items())),
        {"mean": 0.1, "rate": 16000, "model": "wav2lip"},
    )
    checkpoint = load_checkpoint(first)
    assert_same(checkpoint.state, dict(sorted(state.items())))
    assert checkpoint.config == {"model": "wav2lip", "rate": 16000, "mean": 0.1}
    assert first.read_bytes() == second.read_bytes()


def test_several_networks_keep_apart_and_one_can_be_picked(tmp_path, state):
    path = tmp_path / "both.pth"
    torch.save(
        {"net_G": {f"module.{k}": v for k, v in state.items()}, "net_G_ema": state, "opt_G": {"state": {}}},
        path,
    )
    assert next(iter(load_state_dict(path))) == "net_G.0.weight"
    assert len(load_state_dict(path)) == 2 * len(state)
    assert_same(load_state_dict(path, part="net_G_ema"), state)
    assert_same(load_state_dict(path, part="net_G"), state)
    with pytest.raises(WeightsError, match=r"no part named netG \(it has: net_G, net_G_ema\)"):
        load_state_dict(path, part="netG")


def test_prefix_stays_when_only_some_keys_have_it(tmp_path):
    path = tmp_path / "partly.pth"
    torch.save({"module.weight": torch.ones(2), "head.weight": torch.ones(2)}, path)
    assert list(load_state_dict(path)) == ["module.weight", "head.weight"]


def test_training_checkpoint_gives_its_config(tmp_path, state):
    path = tmp_path / "last.ckpt"
    torch.save({"modules": {"a": state, "b": state}, "config": {"lr": 1e-4}, "optimizers": {}}, path)
    assert load_checkpoint(path).config == {"lr": 1e-4}
    assert_same(load_state_dict(path, part="b"), state)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize(
    "held",
    [
        argparse.Namespace(rate=16000),
        PurePosixPath("runs/a"),
        defaultdict(list, a=[1]),
        np.arange(4.0),
        np.array([1, "a"], dtype=object),
        {int: 3},
    ],
    ids=["namespace", "path", "defaultdict", "array", "objects", "type"],
)
def test_pickled_configuration_is_read_past(tmp_path, state, held, zipped):
    path = tmp_path / "with_options.pth"
    torch.save({"state_dict": state, "hyper_parameters": held}, path, _use_new_zipfile_serialization=zipped)
    assert_same(load_state_dict(path), state)


def test_classes_and_types_that_lightning_keeps_are_read_past(tmp_path, state, monkeypatch):
    """As in the checkpoint of deepspeech.pytorch: an enum of torch's LSTMs, and what List[str] is made by."""
    module = ModuleType("deepspeech_pytorch")
    module.RNNType = enum.Enum("RNNType", {"lstm": torch.nn.LSTM}, module="deepspeech_pytorch")
    monkeypatch.setitem(sys.modules, "deepspeech_pytorch", module)
    path = tmp_path / "lightning.ckpt"
    held = {"rnn_type": module.RNNType.lstm, "kind": typing.List[str], "none": type(None)}  # noqa: UP006
    torch.save({"state_dict": state, "hyper_parameters": held}, path)
    monkeypatch.delitem(sys.modules, "deepspeech_pytorch")
    assert_same(load_state_dict(path), state)


def test_configuration_that_cannot_be_read_past_is_named(tmp_path, state, monkeypatch):
    """A list of a package's own kind fills itself while it is read, which only its own code can do."""
    module = ModuleType("omegaconf")
    module.Steps = type("Steps", (list,), {"__module__": "omegaconf"})
    monkeypatch.setitem(sys.modules, "omegaconf", module)
    path = tmp_path / "with_options.pth"
    torch.save({"state_dict": state, "steps": module.Steps([1, 2])}, path)
    with pytest.raises(WeightsError, match=r"pickles objects of omegaconf\.Steps that need their code"):
        load_state_dict(path)


# --- what is refused -------------------------------------------------------------------------------------------------

FOREIGN = {
    "empty": (b"", "is empty"),
    "web page": (b"\n\n<!DOCTYPE html><html lang=en><body>not found</body></html>", "web page"),
    "page without a doctype": (b"<html><head></head></html>", "web page"),
    "page with a mark": (b"\xef\xbb\xbf<!doctype HTML>", "web page"),
    "lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 435807851\n",
        "Git-LFS pointer",
    ),
    "text": (b"Entry not found", "not a checkpoint"),
    "json": (b'{"error": "Repository not found"}', "not a checkpoint"),
    "mp4": (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00" * 9, "not a checkpoint"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(600), "not a checkpoint"),
    "zeros": (bytes(5000), "not a checkpoint"),
    "one byte": (b"\x80", "cut short"),
    "plain pickle": (pickle.dumps({"weight": [1.0]}), "no torch checkpoint"),
    "npy": (b"\x93NUMPY\x01\x00v\x00" + bytes(200), "not a checkpoint"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_refuses_what_is_no_checkpoint(tmp_path, name):
    content, message = FOREIGN[name]
    path = tmp_path / "wav2lip.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=message) as caught:
        load_state_dict(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_refuses_missing_folder_and_unreadable(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        load_state_dict(tmp_path / "absent.pth")
    with pytest.raises(WeightsError, match="is a folder"):
        load_state_dict(tmp_path)


def test_refuses_foreign_archives(tmp_path):
    path = tmp_path / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("checkpoints/wav2lip.pth", "x")
    with pytest.raises(WeightsError, match=r"zip archive without weights .checkpoints/wav2lip.pth"):
        load_state_dict(path)


@pytest.mark.parametrize("form", ["zip", "legacy", "torchscript", "safetensors"])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999])
def test_refuses_every_form_cut_short(tmp_path, state, form, share):
    path = tmp_path / "whole"
    if form == "torchscript":
        torch.jit.trace(network()[:2].eval(), torch.zeros(1, 3, 8, 8)).save(str(path))
    elif form == "safetensors":
        save_safetensors(path, state, {})
    else:
        torch.save(state, path, _use_new_zipfile_serialization=form == "zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: min(int(len(whole) * share), len(whole) - 1)])
    with pytest.raises(WeightsError, match=r"cut short|damaged|not a checkpoint"):
        load_state_dict(path)


@pytest.mark.parametrize("form", ["zip", "legacy", "pickle"])
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (os.system, "posix.system"),
        (eval, "eval"),
        (exec, "exec"),
        (os.mkdir, "posix.mkdir"),
        (print, "print"),
    ],
    ids=["system", "eval", "exec", "mkdir", "print"],
)
def test_refuses_pickles_that_run_code_and_names_what_they_ask_for(tmp_path, state, form, function, name):
    mark = tmp_path / "was_run"
    argument = {"system": f"touch {mark}", "mkdir": str(mark)}.get(function.__name__, f"open({str(mark)!r}, 'w')")
    held = {"state_dict": state, "trap": RunsCode(function, argument)}
    path = tmp_path / "weights.pth"
    if form == "pickle":
        path.write_bytes(pickle.dumps({"trap": held["trap"]}))
    else:
        torch.save(held, path, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(WeightsError, match=rf"would run code: its pickle asks for \S*{name}; refused"):
        load_state_dict(path)
    assert not mark.exists()


def test_refuses_torchscript_with_code_that_runs_on_loading(tmp_path):
    path = tmp_path / "trap.pt"

    class Trap(nn.Module):
        @torch.jit.export
        def __getstate__(self):
            return torch.ones(1), self.training

        @torch.jit.export
        def __setstate__(self, state: tuple[torch.Tensor, bool]):
            self.training = state[1]

        def forward(self, x):
            return x

    torch.jit.script(Trap()).save(str(path))
    with pytest.raises(WeightsError, match="runs code when loaded"):
        load_state_dict(path)


def test_refuses_checkpoints_without_tensors(tmp_path):
    path = tmp_path / "nothing.pth"
    torch.save({"state_dict": {}, "epoch": 3}, path)
    with pytest.raises(WeightsError, match="holds no tensors"):
        load_state_dict(path)


# --- strict loading --------------------------------------------------------------------------------------------------


def test_loads_strictly(state):
    module = network()
    with torch.no_grad():
        module[0].weight.zero_()
    load_strictly(module, state, "a.pth", "a test network")
    assert torch.equal(module[0].weight, state["0.weight"])


def test_batch_counters_may_be_absent(state):
    del state["1.num_batches_tracked"]
    load_strictly(network(), state, "a.pth", "a test network")


def test_counts_and_names_what_does_not_fit(state):
    state["0.weight"] = torch.zeros(8, 3, 5, 5)
    state["9.weight"] = state.pop("2.weight")
    del state["2.bias"]
    module = network()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    with pytest.raises(WeightsError) as caught:
        load_strictly(module, state, "a.pth", "a test network")
    assert str(caught.value) == (
        "a.pth: is not a test network but an unknown network; give the weights of a test network "
        "(of its 9 tensors 2 missing, 1 unknown, 1 of another shape, such as 2.weight, 2.bias)"
    )
    assert_same(module.state_dict(), before)


def test_the_verdict_comes_first_and_names_at_most_two_tensors():
    expert = {
        "face_encoder.0.conv_block.0.weight": torch.zeros(32, 15, 7, 7),
        "audio_encoder.0.conv_block.0.weight": torch.zeros(32, 1, 3, 3),
    }
    with pytest.raises(WeightsError) as caught:
        load_strictly(network(), expert, "lipsync_expert.pth", "a Wav2Lip generator")
    assert str(caught.value).startswith(
        "lipsync_expert.pth: holds a Wav2Lip sync expert, not a Wav2Lip generator; give the weights of a Wav2Lip "
        "generator (of its 9 tensors 8 missing, 2 unknown, such as "
    )
    assert str(caught.value).count(".weight") + str(caught.value).count(".bias") == 2
    with pytest.raises(WeightsError, match="is a Wav2Lip sync expert, but not whole or of another version"):
        load_strictly(network(), expert, "a.pth", "a Wav2Lip sync expert")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused(state, value):
    state["1.running_var"][3] = value
    state["2.bias"][0] = value
    module = network()
    with pytest.raises(WeightsError, match=r"^a\.pth: has weights that are NaN or infinite, first in 1\.running_var; "):
        load_strictly(module, state, "a.pth", "a test network")
    assert module[1].running_var.isfinite().all()
