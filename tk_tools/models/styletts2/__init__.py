"""StyleTTS 2: text to speech in one voice or in that of a reference.

Li et al., "StyleTTS 2: Towards Human-Level Text-to-Speech through Style Diffusion and Adversarial Training with Large
Speech Language Models", NeurIPS 2023 (arXiv 2306.07691).
"""

from typing import Any

from tk_tools.models import Model, Stage

PHONEMES = ("phonemes.txt", "_list.txt")
"""What the stages read: what tk-phonemize writes, and lists named as the published ones."""


def _stage(name: str, summary: str, **more: Any) -> Stage:
    """The stage of that name, with its config and task, which are called after it."""
    called = name.title()
    return Stage(
        name=name,
        summary=summary,
        reads=PHONEMES,
        made_by="tk-phonemize",
        config=f"tk_tools.models.styletts2.config:{called}Config",
        task=f"tk_tools.models.styletts2.training.{name}:{called}Task",
        **more,
    )


MODEL = Model(
    name="styletts2",
    summary="says any text, in one voice or in that of a reference",
    stages=(
        _stage("aligner", "learns which steps of a recording each phoneme is said in"),
        _stage("pitch", "learns to tell the pitch of a recording from its mel"),
        _stage(
            "first",
            "learns to make speech of its own alignment, pitch, energy and style",
            needs=("aligner", "pitch"),
        ),
        _stage(
            "second",
            "learns styles, durations, pitch and energy from the text, for the first stage's voice",
            starts_from="first",
        ),
        _stage(
            "finetune",
            "gets a whole checkpoint used to the recordings of a further voice",
            starts_from="second",
            by_name=True,
        ),
    ),
    inference="tk_tools.models.styletts2.inference:infer",
    inference_options="tk_tools.models.styletts2.command:INFERENCE",
)
