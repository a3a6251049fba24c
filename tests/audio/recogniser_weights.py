"""Narrow recognisers with drawn weights, so that features can be tested without the published ones."""

import shutil
from pathlib import Path

import torch

from tests.golden.golden import Golden
from tk_tools.weights.table import get_published

GOLDEN = Path(__file__).parents[1] / "golden" / "lawdnet"
GRAPH = GOLDEN / "deepspeech010_graph.pb"


def write_deepspeech(folder: Path) -> Path:
    """The frozen graph of DeepSpeech 0.1.0, 24 wide, under its published name; the path of the file."""
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(GRAPH, folder / get_published("deepspeech010").file))


def write_deepspeech2(folder: Path) -> Path:
    """A checkpoint of DeepSpeech2, 48 wide, under its published name; the path of the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / get_published("deepspeech2").file
    torch.save({"state_dict": Golden(GOLDEN / "deepspeech2_small.json").drawn_state(), "epoch": 3}, path)
    return path


def write_hubert(folder: Path) -> Path:
    """A HuBERT of two layers, 32 wide, as transformers keeps it; the path of the folder."""
    from transformers import HubertConfig, HubertModel, Wav2Vec2FeatureExtractor

    torch.manual_seed(0)
    config = HubertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48, conv_dim=(16,) * 7,
        num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4,
    )  # fmt: skip
    HubertModel(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return folder


def write_whisper(folder: Path) -> Path:
    """A Whisper of two layers, 32 wide, as transformers keeps it; the path of the folder."""
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel

    torch.manual_seed(0)
    config = WhisperConfig(
        d_model=32, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=48, decoder_layers=1,
        decoder_attention_heads=2, decoder_ffn_dim=48, vocab_size=100, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        decoder_start_token_id=1,
    )  # fmt: skip
    WhisperModel(config).save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    return folder
