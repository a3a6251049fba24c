"""WavLM's hearing: from a folder as transformers writes it, frozen, and another network is refused."""

import pytest
import torch
from transformers import AlbertConfig, AlbertModel, WavLMConfig, WavLMModel

from tests.models.hifigan.sounds import voice
from tk_tools.errors import WeightsError
from tk_tools.models.styletts2.hearing import hearing_loss, load_hearing


def write_wavlm(folder):
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    positions = {"num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2}
    WavLMModel(WavLMConfig(**sizes, **positions, conv_dim=(8,) * 7)).save_pretrained(folder)


def test_it_hears_each_layer_and_learns_nothing(tmp_path):
    write_wavlm(tmp_path)
    hearing = load_hearing(str(tmp_path)).train()
    assert not any(module.training for module in hearing.modules())
    wave = torch.from_numpy(voice(0.3, 24000))[None]
    made = (wave + 0.01).requires_grad_()
    real = hearing(wave)
    assert [tuple(states.shape) for states in real] == [(1, 14, 16)] * 3  # 50 a second
    assert hearing_loss(real, hearing(wave)) == 0
    loss = hearing_loss(real, hearing(made))
    loss.backward()
    by_hand = sum(float((a - b).abs().mean()) for a, b in zip(real, hearing(made.detach()), strict=True))
    assert float(loss.detach()) == pytest.approx(by_hand, rel=1e-5)
    assert made.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in hearing.parameters())


def test_what_is_no_wavlm_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"is no WavLM that lies here .*; give the folder of WavLM base plus"):
        load_hearing(str(tmp_path / "gone"))
    config = AlbertConfig(hidden_size=8, num_attention_heads=1, intermediate_size=8, embedding_size=8, vocab_size=9)
    AlbertModel(config).save_pretrained(tmp_path / "albert")
    with pytest.raises(WeightsError, match=r"is another network than WavLM|is no WavLM that lies here"):
        load_hearing(str(tmp_path / "albert"))
