"""DINet: a face speaks the given sound, at high resolution.

Zhang et al., "DINet: Deformation Inpainting Network for Realistic Face Visually Dubbing on High Resolution Video",
AAAI 2023 (arXiv 2303.03988).
"""

from tk_tools.models import Beside, Model, Stage

FEATURES = (Beside(("feat.h5",), made_by="tk-feat"),)

MODEL = Model(
    name="dinet",
    summary="dubs a face at high resolution: repaints the mouth from deformed reference frames",
    stages=(
        Stage(
            name="sync",
            summary="learns to tell the sound of a mouth from another's; judges the last stage",
            reads=("face.h5",),
            beside=FEATURES,
            config="tk_tools.models.dinet.config:SyncConfig",
            task="tk_tools.models.dinet.training:SyncTask",
        ),
        Stage(
            name="frame64",
            summary="learns to repaint a mouth of 64 pixels",
            reads=("face.h5",),
            beside=FEATURES,
            config="tk_tools.models.dinet.config:Frame64Config",
            task="tk_tools.models.dinet.training:FrameTask",
        ),
        Stage(
            name="frame128",
            summary="goes on with a mouth of 128 pixels",
            reads=("face.h5",),
            beside=FEATURES,
            config="tk_tools.models.dinet.config:Frame128Config",
            task="tk_tools.models.dinet.training:FrameTask",
            starts_from="frame64",
        ),
        Stage(
            name="frame256",
            summary="goes on with a mouth of 256 pixels",
            reads=("face.h5",),
            beside=FEATURES,
            config="tk_tools.models.dinet.config:Frame256Config",
            task="tk_tools.models.dinet.training:FrameTask",
            starts_from="frame128",
        ),
        Stage(
            name="clip256",
            summary="makes five frames at a time, judged together and by the SyncNet",
            reads=("face.h5",),
            beside=FEATURES,
            config="tk_tools.models.dinet.config:ClipConfig",
            task="tk_tools.models.dinet.training:ClipTask",
            needs=("sync",),
            starts_from="frame256",
        ),
    ),
    inference="tk_tools.models.dinet.inference:infer",
    inference_options="tk_tools.models.dinet.command:INFERENCE",
)
