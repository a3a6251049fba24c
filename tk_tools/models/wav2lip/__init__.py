"""Wav2Lip: a face speaks the given sound. Prajwal et al., "A Lip Sync Expert Is All You Need", ACM MM 2020."""

from tk_tools.models import Model, Stage

MODEL = Model(
    name="wav2lip",
    summary="lip-syncs a face to any speech, by a generator trained against a sync expert",
    stages=(
        Stage(
            name="expert",
            summary="learns to tell synced from shifted mouths; judges the generator",
            reads=("face.h5",),
            config="tk_tools.models.wav2lip.config:ExpertConfig",
            task="tk_tools.models.wav2lip.training:ExpertTask",
        ),
        Stage(
            name="generator",
            summary="learns to draw the mouth, by picture and by the expert's judgement",
            reads=("face.h5",),
            config="tk_tools.models.wav2lip.config:GeneratorConfig",
            task="tk_tools.models.wav2lip.training:GeneratorTask",
            needs=("expert",),
        ),
        Stage(
            name="gan",
            summary="sharpens the generator against a visual quality discriminator",
            reads=("face.h5",),
            config="tk_tools.models.wav2lip.config:GanConfig",
            task="tk_tools.models.wav2lip.training:GanTask",
            needs=("expert",),
            starts_from="generator",
        ),
    ),
    inference="tk_tools.models.wav2lip.inference:infer",
    inference_options="tk_tools.models.wav2lip.command:INFERENCE",
)
