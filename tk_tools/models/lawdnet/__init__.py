"""LawDNet: a face speaks the given sound, at high resolution.

Deng et al., "LawDNet: Enhanced Audio-Driven Lip Synthesis via Local Affine Warping Deformation", 2024
(arXiv 2409.09326).
"""

from tk_tools.models import Beside, Model, Stage

FEATURES = (Beside(("feat.h5",), made_by="tk-feat"),)

MODEL = Model(
    name="lawdnet",
    summary="dubs a face at high resolution: repaints the mouth by bending reference frames",
    stages=(
        Stage(
            name="sync",
            summary="learns to tell the sound of a mouth from another's; judges the last stage",
            reads=("face.h5",),
            beside=FEATURES,
            config="tk_tools.models.lawdnet.config:SyncConfig",
            task="tk_tools.models.lawdnet.training:SyncTask",
        ),
        Stage(
            name="frame64",
            summary="learns to repaint a mouth of 64 pixels",
            reads=("face.h5",),
            beside=FEATURES,
            config="tk_tools.models.lawdnet.config:Frame64Config",
            task="tk_tools.models.lawdnet.training:FrameTask",
        ),
        Stage(
            name="frame128",
            summary="goes on with a mouth of 128 pixels",
            reads=("face.h5",),
            beside=FEATURES,
            config="tk_tools.models.lawdnet.config:Frame128Config",
            task="tk_tools.models.lawdnet.training:FrameTask",
            starts_from="frame64",
        ),
        Stage(
            name="frame256",
            summary="goes on with a mouth of 256 pixels",
            reads=("face.h5",),
            beside=FEATURES,
            config="tk_tools.models.lawdnet.config:Frame256Config",
            task="tk_tools.models.lawdnet.training:FrameTask",
            starts_from="frame128",
        ),
        Stage(
            name="clip256",
            summary="makes five frames at a time, judged together and by the SyncNet",
            reads=("face.h5",),
            beside=FEATURES,
            config="tk_tools.models.lawdnet.config:ClipConfig",
            task="tk_tools.models.lawdnet.training:ClipTask",
            needs=("sync",),
            starts_from="frame256",
        ),
    ),
    inference="tk_tools.models.lawdnet.inference:infer",
    inference_options="tk_tools.models.lawdnet.command:INFERENCE",
)
