"""Checkpoints load as they are published, at every width, and a wrong one is named."""

import pytest
import torch

from tk_tools.errors import WeightsError
from tk_tools.models.wav2lip.networks import Generator, QualityDiscriminator, make_expert
from tk_tools.models.wav2lip.published import load_discriminator, load_expert, load_generator

WIDTHS = [0.125, 0.375, 0.5]
LOADERS = [(Generator, load_generator), (QualityDiscriminator, load_discriminator), (make_expert, load_expert)]


def equal(a, b):
    b = b.state_dict()
    return all(torch.equal(value, b[key]) for key, value in a.state_dict().items())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("make", "load"), LOADERS)
def test_every_width_is_found(tmp_path, make, load, width):
    net = make(width)
    torch.save({"state_dict": net.state_dict(), "optimizer": None, "global_step": 3}, tmp_path / "a.pth")
    assert equal(net, load(tmp_path / "a.pth"))


def test_forms_of_published_files(tmp_path):
    net = Generator(0.125).eval()
    path = tmp_path / "a.pth"
    torch.save({f"module.{key}": value for key, value in net.state_dict().items()}, path)
    assert equal(net, load_generator(path))
    torch.jit.trace(net, (torch.zeros(1, 1, 80, 16), torch.zeros(1, 6, 96, 96))).save(path)
    assert equal(net, load_generator(path))
    assert not load_generator(path).training


@pytest.mark.parametrize(
    ("made", "load", "words"),
    [
        (make_expert, load_generator, "holds a Wav2Lip sync expert, not a Wav2Lip generator"),
        (Generator, load_expert, "holds a Wav2Lip generator, not a Wav2Lip sync expert"),
        (Generator, load_discriminator, "holds a Wav2Lip generator, not a Wav2Lip quality discriminator"),
    ],
)
def test_another_network_is_named(tmp_path, made, load, words):
    torch.save(made().state_dict(), tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=words):
        load(tmp_path / "a.pth")


def test_a_missing_tensor_is_an_error(tmp_path):
    state = Generator(0.125).state_dict()
    del state["output_block.1.bias"]
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="1 missing"):
        load_generator(tmp_path / "a.pth")
