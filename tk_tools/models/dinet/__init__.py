"""DINet: a face speaks the given sound, at high resolution.

Zhang et al., "DINet: Deformation Inpainting Network for Realistic Face Visually Dubbing on High Resolution Video",
AAAI 2023 (arXiv 2303.03988).
"""

from tk_tools.dubbing.stages import HEARS, stage_fields
from tk_tools.models import Beside, Model, Stage

MODEL = Model(
    name="dinet",
    summary="dubs a face at high resolution: repaints the mouth from deformed reference frames",
    stages=tuple(Stage(**fields, beside=(Beside(HEARS, made_by="tk-feat"),)) for fields in stage_fields("dinet")),
    inference="tk_tools.models.dinet.inference:infer",
    inference_options="tk_tools.models.dinet.command:INFERENCE",
)
