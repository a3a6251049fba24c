"""A warm start gives back the reference and hears as the expert does."""

import numpy as np
import pytest
import torch

from tk_tools.errors import ConfigError
from tk_tools.models.wav2lip.networks import Generator, make_expert
from tk_tools.models.wav2lip.warm_start import fit_output, warm_start

WIDTH = 0.125


def faces(count: int) -> torch.Tensor:
    """(count, 6, 96, 96): a smooth picture with its lower half masked, and another one whole."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.uniform(0.1, 0.9, (count, 6, 6, 6)).astype(np.float32))
    pictures = torch.nn.functional.interpolate(coarse, size=96, mode="bicubic").clamp(0, 1)
    pictures[:, :3, 48:] = 0
    return pictures


@torch.no_grad()
def test_the_reference_comes_back():
    torch.manual_seed(0)
    generator = warm_start(Generator(WIDTH), make_expert(WIDTH)).train()  # batch norms of the batch at hand
    given, sound = faces(8), torch.randn(8, 1, 80, 16)
    fit_output(generator, sound, given, target=given[:, 3:])
    error = (generator(sound, given) - given[:, 3:]).abs().mean()
    assert error < 0.05
    cold = Generator(WIDTH).train()
    fit_output(cold, sound, given, target=given[:, 3:])
    assert (cold(sound, given) - given[:, 3:]).abs().mean() > 2 * error


@torch.no_grad()
def test_the_sound_reaches_the_picture():
    """Other sound gives other pictures from the start, more so than where the picture's features drown it."""
    torch.manual_seed(0)
    given, sound = faces(8), torch.randn(8, 1, 80, 16)

    def share(generator):
        features, other = (generator.decode(mel, given)[:, :-16] for mel in (sound, sound.flip(0)))
        return (features - other).std() / features.std()

    cold = Generator(WIDTH).train()
    assert share(warm_start(Generator(WIDTH), make_expert(WIDTH)).train()) > 1.5 * share(cold)


def test_the_audio_encoder_is_the_experts():
    expert = make_expert(WIDTH)
    generator = warm_start(Generator(WIDTH), expert)
    theirs, ours = expert.audio_encoder.state_dict(), generator.audio_encoder.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items() if int(key.split(".")[0]) <= 10)
    assert torch.equal(ours["12.conv_block.0.weight"], theirs["13.conv_block.0.weight"])


def test_an_expert_of_another_width_is_refused():
    with pytest.raises(ConfigError, match="same width"):
        warm_start(Generator(0.5), make_expert(1.0))
