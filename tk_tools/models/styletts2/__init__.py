"""StyleTTS 2: text to speech in one voice or in that of a reference.

Li et al., "StyleTTS 2: Towards Human-Level Text-to-Speech through Style Diffusion and Adversarial Training with Large
Speech Language Models", NeurIPS 2023 (arXiv 2306.07691).
"""

from tk_tools.models import Model, Stage

PHONEMES = ("phonemes.txt", "_list.txt")
"""What the stages read: what tk-phonemize writes, and lists named as the published ones."""

MODEL = Model(
    name="styletts2",
    summary="says any text, in one voice or in that of a reference",
    stages=(
        Stage(
            name="first",
            summary="learns to make speech of its own alignment, pitch, energy and style",
            reads=PHONEMES,
            config="tk_tools.models.styletts2.config:FirstConfig",
            task="tk_tools.models.styletts2.training.first:FirstTask",
            needs=("aligner", "pitch"),
        ),
    ),
    inference="tk_tools.models.styletts2.inference:infer",
    inference_options="tk_tools.models.styletts2.command:INFERENCE",
)
