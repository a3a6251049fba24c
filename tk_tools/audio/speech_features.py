"""Models of speech features by name: what tk-feat, training and inference open."""

from __future__ import annotations

import functools
from pathlib import Path

from tk_tools.audio.feature_choices import FEATURE_MODELS, TRANSFORMERS
from tk_tools.audio.feature_model import FeatureModel
from tk_tools.errors import ConfigError, WeightsError
from tk_tools.weights.find import find_weights, named_file


def open_feature_model(name: str, weights: str | Path | None = None, device: str = "cpu") -> FeatureModel:
    """The model `name` of FEATURE_MODELS, ready to listen; opened once in a process. device: as torch names it.

    weights: a file, for hubert, wav2vec2 and whisper a folder or a name on the Hugging Face hub; by default the
    published ones. MissingPackage, and WeightsError when they are not on this machine, say which command gets them.
    ConfigError: no such model.
    """
    return open_files(name, feature_files(name, weights), device)


def feature_files(name: str, weights: str | Path | None = None, weights_dir: Path | None = None) -> tuple[Path, ...]:
    """The files that a model is read from, none for "mel"; arguments and errors as open_feature_model's. weights_dir:
    looked into first."""
    if name not in FEATURE_MODELS:
        raise ConfigError(f"no features named {name!r}; known: {', '.join(FEATURE_MODELS)}")
    published = FEATURE_MODELS[name].weights
    if published is None:
        if weights is not None:
            raise ConfigError(f"the features {name} have no weights")
        return ()
    if name in TRANSFORMERS:
        from tk_tools.audio.encoder_features import model_files

        return model_files(name, str(weights or published))
    if weights is None:
        return (find_weights(published, weights_dir),)
    path = Path(weights)
    found = path if path.exists() else named_file(path, weights_dir)
    if found is None:
        raise WeightsError("no such file of weights; `tk-weights list` shows which are known", path=path)
    return (found,)


@functools.lru_cache(maxsize=2)
def open_files(name: str, files: tuple[Path, ...], device: str) -> FeatureModel:
    """The model of what `feature_files` gave."""
    if name == "deepspeech":
        from tk_tools.audio.deepspeech import load_deepspeech

        return load_deepspeech(*files, device)
    if name == "deepspeech2":
        from tk_tools.audio.deepspeech2 import load_deepspeech2

        return load_deepspeech2(*files, device)
    if name in TRANSFORMERS:
        from tk_tools.audio.encoder_features import load_encoder

        return load_encoder(name, files[0].parent, device)
    from tk_tools.audio.mel_features import MelFeatures

    return MelFeatures()
