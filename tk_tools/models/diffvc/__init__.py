"""DiffVC: any voice into any other. Popov et al., "Diffusion-Based Voice Conversion", ICLR 2022 (arXiv 2109.13821)."""

from tk_tools.models import Beside, Model, Stage

MEL = ("mel.h5", "_mel.npy")
AVERAGE_MEL = ("avgmel.h5", "_avgmel.npy")
EMBEDDING = ("embed.h5", "_embed.npy")

MODEL = Model(
    name="diffvc",
    summary="says what one voice said in the voice of another, from one recording of it",
    stages=(
        Stage(
            name="encoder",
            summary="learns to turn any voice into the average voice",
            reads=MEL,
            beside=(Beside(AVERAGE_MEL, made_by="tk-align"),),
            config="tk_tools.models.diffvc.config:EncoderConfig",
            task="tk_tools.models.diffvc.training:EncoderTask",
        ),
        Stage(
            name="decoder",
            summary="learns to turn the average voice into anyone's, by diffusion",
            reads=MEL,
            beside=(Beside(EMBEDDING, made_by="tk-embed"),),
            config="tk_tools.models.diffvc.config:DecoderConfig",
            task="tk_tools.models.diffvc.training:DecoderTask",
            needs=("encoder",),
        ),
    ),
    inference="tk_tools.models.diffvc.inference:infer",
    inference_options="tk_tools.models.diffvc.command:INFERENCE",
)
