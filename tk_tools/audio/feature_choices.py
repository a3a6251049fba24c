"""The models whose features tk-feat makes; light, so that commands can list them."""

from __future__ import annotations

from typing import NamedTuple


class FeatureChoice(NamedTuple):
    """summary: for the help; weights: the name in the table of published weights, or on the Hugging Face hub; None
    where there are none."""

    summary: str
    weights: str | None


FEATURE_MODELS = {
    "deepspeech": FeatureChoice("29 letters by DeepSpeech 0.1.0: DINet, LawDNet and many others", "deepspeech010"),
    "deepspeech2": FeatureChoice("29 letters by DeepSpeech2 (deepspeech.pytorch): LawDNet", "deepspeech2"),
    "hubert": FeatureChoice("states of HuBERT; for Chinese give a Chinese one", "facebook/hubert-large-ls960-ft"),
    "wav2vec2": FeatureChoice("states of wav2vec 2.0", "facebook/wav2vec2-base-960h"),
    "whisper": FeatureChoice("states of Whisper's encoder; many languages", "openai/whisper-tiny"),
    "mel": FeatureChoice("log mel, 80 numbers: no weights; for trying things out, it knows the voice too", None),
}
TRANSFORMERS = ("hubert", "wav2vec2", "whisper")  # read by the package of that name
