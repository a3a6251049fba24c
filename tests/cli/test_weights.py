"""tk-weights: exact stdout and exit codes; what it reads is made here."""

import json
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from tk_tools.cli._main import run
from tk_tools.cli.weights import command
from tk_tools.weights.load import load_checkpoint


@pytest.fixture
def weights(capfd, monkeypatch, tmp_path):
    """Runs the command with empty caches; gives (exit code, stdout, stderr)."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TORCH_HOME", raising=False)
    monkeypatch.delenv("TK_WEIGHTS", raising=False)

    def call(*arguments):
        code = run(command, [str(argument) for argument in arguments])
        return int(code), *capfd.readouterr()

    return call


def save_discriminator(path):
    """A file with the keys that tell a Wav2Lip quality discriminator."""
    keys = ("face_encoder_blocks.0.0.conv_block.0.weight", "binary_pred.0.weight")
    torch.manual_seed(1)
    state = {key: nn.Conv2d(3, 4, 1).weight.detach() for key in keys}
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}, "global_step": 7}, path)
    return state


def test_list_shows_the_table(weights, tmp_path):
    save_discriminator(tmp_path / "visual_quality_disc.pth")
    code, out, err = weights("list", "--system", "wav2lip", "--weights-dir", tmp_path)
    rows = [line.split("\t") for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert rows[0] == ["name", "system", "holds", "size", "terms", "where"]
    assert [row[0] for row in rows[1:3]] == ["wav2lip", "wav2lip-gan"]
    assert rows[-1][0] == "wav2lip-disc"
    assert rows[-1][-1] == str(tmp_path / "visual_quality_disc.pth")
    assert rows[1][-1] == ""


def test_list_as_json_has_addresses_and_digests(weights):
    code, out, _ = weights("list", "--json")
    rows = {row["name"]: row for row in map(json.loads, out.splitlines())}
    assert code == 0
    assert rows["s3fd"]["sha256"].startswith("619a316812")
    assert rows["s3fd"]["addresses"]
    assert rows["s3fd"]["where"] is None


def test_list_present_shows_only_what_is_here(weights, tmp_path):
    save_discriminator(tmp_path / "visual_quality_disc.pth")
    _, out, _ = weights("list", "--present", "--json", "--weights-dir", tmp_path)
    rows = [json.loads(line) for line in out.splitlines()]
    assert rows
    assert all(os.path.exists(row["where"]) for row in rows)


def test_list_of_an_unknown_system(weights):
    code, out, err = weights("list", "--system", "wav3lip")
    assert (code, out) == (2, "")
    assert "'wav3lip' is not one of ad_nerf, dfrf," in err


def test_fetch_what_only_a_person_may(weights, tmp_path):
    code, out, err = weights("fetch", "diffvc-encoder", "wav2lip-expert")
    assert (code, out) == (1, "")
    assert err.count("by hand and put it at") == 2
    assert str(tmp_path / "cache" / "tk-tools" / "weights" / "lipsync_expert.pth") in err


def test_the_folder_for_weights_need_not_be_there_yet(weights, tmp_path, monkeypatch):
    monkeypatch.setenv("TK_WEIGHTS", str(tmp_path / "new"))
    code, _, err = weights("fetch", "diffvc-encoder")
    assert code == 1
    assert str(tmp_path / "new") in err
    assert weights("list", "--system", "wav2lip")[0] == 0


def test_fetch_of_an_unknown_name(weights):
    code, out, err = weights("fetch", "wav2lip_gan")
    assert (code, out) == (2, "")
    assert err == "tk-weights: no published weights named 'wav2lip_gan'; did you mean wav2lip-gan or wav2lip?\n"


def test_verify_names_network_and_faults(weights, tmp_path):
    save_discriminator(tmp_path / "visual_quality_disc.pth")
    save_discriminator(tmp_path / "wav2lip_gan.pth")
    code, out, _ = weights("verify", "--json", "--weights-dir", tmp_path, "wav2lip-disc", "wav2lip-gan")
    disc, gan = map(json.loads, out.splitlines())
    assert code == 1
    assert (disc["size"], disc["digest"], disc["fault"]) == ("unknown", "unknown", None)
    assert disc["holds"] == "a Wav2Lip quality discriminator (2 tensors)"
    assert (gan["size"], gan["digest"]) == ("differs", "differs")
    assert gan["fault"].startswith("holds a Wav2Lip quality discriminator, not generator")
    assert gan["fault"].endswith("the published file has 435801865")


def test_verify_finds_weights_that_are_not_finite(weights, tmp_path):
    torch.save({"a.weight": torch.ones(3), "b.weight": torch.tensor([1.0, torch.nan])}, tmp_path / "mine.pth")
    code, out, err = weights("verify", "--json", tmp_path / "mine.pth")
    assert code == 1
    assert "mine.pth: has weights that are NaN" in err  # also with standard output thrown away
    assert json.loads(out)["fault"].startswith("has weights that are NaN or infinite, first in b.weight")


def test_verify_finds_one_flipped_bit(weights, tmp_path):
    path = tmp_path / "mine.pth"
    torch.save({"weight": torch.arange(10_000.0)}, path)
    assert weights("verify", path)[0] == 0
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    code, out, _ = weights("verify", path)
    assert code == 1
    assert "differs from its check sum" in out


def test_verify_without_operands_looks_at_all_that_is_here(weights, tmp_path):
    save_discriminator(tmp_path / "visual_quality_disc.pth")
    (tmp_path / "enc.pt").write_text("<!doctype html>")
    code, out, _ = weights("verify", "--weights-dir", tmp_path)
    rows = {line.split("\t")[0]: line.split("\t") for line in out.splitlines()}
    assert code == 1
    assert rows["wav2lip-disc"][-1] == ""
    assert rows["diffvc-encoder"][-1].startswith("is a web page")
    assert rows["dlib-landmarks"][2:4] == ["ok", "ok"]


def test_convert_gives_equal_tensors_and_names_the_network(weights, tmp_path):
    source = tmp_path / "a disc.v2.pth"
    state = save_discriminator(source)
    code, out, err = weights("convert", source)
    target = tmp_path / "a disc.v2.safetensors"
    assert (code, out, err) == (0, f"{target}\n", "")
    checkpoint = load_checkpoint(target)
    assert set(checkpoint.state) == set(state)
    assert all(torch.equal(checkpoint.state[key], state[key]) for key in state)
    assert checkpoint.config["network"] == "wav2lip_disc"
    assert checkpoint.config["source"]["file"] == "a disc.v2.pth"
    assert len(checkpoint.config["source"]["sha256"]) == 64


def test_convert_again_does_nothing_and_gives_the_same_bytes(weights, tmp_path):
    save_discriminator(tmp_path / "disc.pth")
    target = tmp_path / "out" / "disc.safetensors"
    assert json.loads(weights("convert", "--json", tmp_path / "disc.pth", target)[1])["made"] is True
    first = target.read_bytes()
    assert json.loads(weights("convert", "--json", tmp_path / "disc.pth", target)[1])["made"] is False
    assert json.loads(weights("convert", "--json", "--force", tmp_path / "disc.pth", target)[1])["made"] is True
    assert target.read_bytes() == first
    assert os.listdir(target.parent) == ["disc.safetensors"]


def test_convert_keeps_the_file_of_another(weights, tmp_path):
    save_discriminator(tmp_path / "disc.pth")
    other = tmp_path / "disc.safetensors"
    other.write_text("mine")
    code, out, err = weights("convert", tmp_path / "disc.pth")
    assert (code, out) == (1, "")
    assert "exists and was not made from this file" in err
    assert other.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["absent.pth"], 1, "no such file"),
        (["empty.pth"], 1, "is empty"),
        (["empty.pth", "out.pth"], 2, "does not end in .safetensors"),
        ([], 2, "Missing argument 'FILE'"),
    ],
)
def test_convert_faults(weights, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.pth").touch()
    found, out, err = weights("convert", *arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert os.listdir(tmp_path) == ["empty.pth"]


def test_asking_for_help_does_not_load_torch():
    code = "import sys; from tk_tools.cli.weights import command; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_reader_that_has_gone_ends_the_list_quietly():
    """The reader leaves before the first line, so that the code does not hang on who was faster."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        line = [sys.executable, "-m", "tk_tools.cli.weights", "list", "--json"]
        done = subprocess.run(line, stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")
