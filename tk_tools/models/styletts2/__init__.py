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
            name="aligner",
            summary="learns which steps of a recording each phoneme is said in",
            reads=PHONEMES,
            made_by="tk-phonemize",
            config="tk_tools.models.styletts2.config:AlignerConfig",
            task="tk_tools.models.styletts2.training.aligner:AlignerTask",
        ),
        Stage(
            name="pitch",
            summary="learns to tell the pitch of a recording from its mel",
            reads=PHONEMES,
            made_by="tk-phonemize",
            config="tk_tools.models.styletts2.config:PitchConfig",
            task="tk_tools.models.styletts2.training.pitch:PitchTask",
        ),
        Stage(
            name="first",
            summary="learns to make speech of its own alignment, pitch, energy and style",
            reads=PHONEMES,
            made_by="tk-phonemize",
            config="tk_tools.models.styletts2.config:FirstConfig",
            task="tk_tools.models.styletts2.training.first:FirstTask",
            needs=("aligner", "pitch"),
        ),
        Stage(
            name="second",
            summary="learns styles, durations, pitch and energy from the text, for the first stage's voice",
            reads=PHONEMES,
            made_by="tk-phonemize",
            config="tk_tools.models.styletts2.config:SecondConfig",
            task="tk_tools.models.styletts2.training.second:SecondTask",
            starts_from="first",
        ),
        Stage(
            name="finetune",
            summary="gets a whole checkpoint used to the recordings of a further voice",
            reads=PHONEMES,
            made_by="tk-phonemize",
            config="tk_tools.models.styletts2.config:FinetuneConfig",
            task="tk_tools.models.styletts2.training.finetune:FinetuneTask",
            starts_from="second",
            by_name=True,
        ),
    ),
    inference="tk_tools.models.styletts2.inference:infer",
    inference_options="tk_tools.models.styletts2.command:INFERENCE",
)
