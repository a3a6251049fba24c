"""LawDNet: a face speaks the given sound, at high resolution.

Deng et al., "LawDNet: Enhanced Audio-Driven Lip Synthesis via Local Affine Warping Deformation", 2024
(arXiv 2409.09326).
"""

from tk_tools.dubbing.stages import HEARS, stage_fields
from tk_tools.models import Beside, Model, Stage

MODEL = Model(
    name="lawdnet",
    summary="dubs a face at high resolution: repaints the mouth by bending reference frames",
    stages=tuple(Stage(**fields, beside=(Beside(HEARS, made_by="tk-feat"),)) for fields in stage_fields("lawdnet")),
    inference="tk_tools.models.lawdnet.inference:infer",
    inference_options="tk_tools.models.lawdnet.command:INFERENCE",
)
