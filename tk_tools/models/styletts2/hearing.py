"""What WavLM hears in a waveform, by which made speech is held against recordings.

The network is that of the package transformers, an optional extra, and stays as it is. The waveform is not normalised,
as in the published training. Source: Chen et al., "WavLM", 2022; Li et al., NeurIPS 2023, section 3; yl4579/StyleTTS2,
losses.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor, nn

from tk_tools.errors import MissingPackage, WeightsError
from tk_tools.models.styletts2.to_16k import To16k

if TYPE_CHECKING:
    from transformers import WavLMModel


class Hearing(nn.Module):
    """Waveforms (B, samples) at 24 kHz -> the hidden states of WavLM's layers, (B, steps, features) each, 50 steps a
    second. It is in eval mode and learns nothing."""

    def __init__(self, wavlm: WavLMModel):
        super().__init__()
        self.to_16k = To16k()
        self.wavlm = wavlm
        self.eval().requires_grad_(False)

    @property
    def features(self) -> int:
        """Of a step, in the hidden states of all layers together."""
        config = self.wavlm.config
        return (config.num_hidden_layers + 1) * config.hidden_size

    def train(self, mode: bool = True) -> Hearing:
        return super().train(False)

    def forward(self, wave: Tensor) -> tuple[Tensor, ...]:
        return self.wavlm(self.to_16k(wave), output_hidden_states=True).hidden_states


def load_hearing(name: str) -> Hearing:
    """WavLM in a folder as transformers writes it, or of a name that lies in its cache.

    MissingPackage: transformers. WeightsError: it is not there, or is another network.
    """
    try:
        import transformers
        from transformers import WavLMModel
    except ImportError:
        raise MissingPackage("WavLM needs the package transformers; get it with: pip install '.[styletts2]'") from None
    transformers.logging.disable_progress_bar()
    try:
        wavlm, told = WavLMModel.from_pretrained(name, local_files_only=True, output_loading_info=True)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        cause = str(error).splitlines()[0]
        raise WeightsError(
            f"is no WavLM that lies here ({cause}); give the folder of WavLM base plus", path=Path(name)
        ) from error
    if told["missing_keys"]:
        missing = f"{len(told['missing_keys'])} of its tensors are missing, such as {min(told['missing_keys'])}"
        raise WeightsError(f"is another network than WavLM: {missing}", path=Path(name))
    return Hearing(wavlm)


def hearing_loss(real: Sequence[Tensor], made: Sequence[Tensor]) -> Tensor:
    """Mean absolute difference of each layer's hidden states, a scalar, summed."""
    return sum((theirs - own).abs().mean() for theirs, own in zip(real, made, strict=True))
