"""HiFi-GAN: mel to sound. Kong et al., "HiFi-GAN: Generative Adversarial Networks for Efficient and High Fidelity
Speech Synthesis", NeurIPS 2020 (arXiv 2010.05646). The generator, which others speak with, is nets/hifigan.py."""

from tk_tools.files.find import AUDIO_SUFFIXES
from tk_tools.models import Beside, Model, Stage

MEL = ("mel.h5", "_mel.npy")

MODEL = Model(
    name="hifigan",
    summary="turns the mels of tk-mel --preset diffvc into sound; trained from recordings",
    stages=(
        Stage(
            name="vocoder",
            summary="learns to make sound of its mel, from recordings alone",
            reads=AUDIO_SUFFIXES,
            config="tk_tools.models.hifigan.config:VocoderConfig",
            task="tk_tools.models.hifigan.training:VocoderTask",
        ),
        Stage(
            name="finetune",
            summary="gets used to the mels that a converter or synthesiser makes of such recordings",
            reads=MEL,
            beside=(Beside(AUDIO_SUFFIXES, made_by="tk-extract-audio"),),
            config="tk_tools.models.hifigan.config:FinetuneConfig",
            task="tk_tools.models.hifigan.training:FinetuneTask",
            by_name=True,
        ),
    ),
    inference="tk_tools.models.hifigan.inference:infer",
    inference_options="tk_tools.models.hifigan.command:INFERENCE",
)
