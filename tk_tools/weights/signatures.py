"""Tell which published network a state dict belongs to, by a few keys that only this network has together.

A wrong file is a frequent mistake: its message then names what the file does hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Signature(NamedTuple):
    """name: `network` in the table of checkpoints; title: for messages; keys: all of them are in its state dict."""

    name: str
    title: str
    keys: tuple[str, ...]


SIGNATURES = (
    Signature(
        "wav2lip",
        "a Wav2Lip generator",
        ("face_encoder_blocks.0.0.conv_block.0.weight", "audio_encoder.0.conv_block.0.weight", "output_block.1.weight"),
    ),
    Signature(
        "wav2lip_expert",
        "a Wav2Lip sync expert",
        ("face_encoder.0.conv_block.0.weight", "audio_encoder.0.conv_block.0.weight"),
    ),
    Signature(
        "wav2lip_disc",
        "a Wav2Lip quality discriminator",
        ("face_encoder_blocks.0.0.conv_block.0.weight", "binary_pred.0.weight"),
    ),
    Signature(
        "s3fd_face_alignment",
        "an S3FD face detector (face-alignment's build)",
        ("conv1_1.weight", "conv3_3_norm_mbox_conf.weight", "conv7_2_mbox_loc.weight"),
    ),
    Signature(
        "s3fd_syncnet",
        "an S3FD face detector (syncnet_python's build)",
        ("vgg.0.weight", "conf.5.weight", "loc.5.weight"),
    ),
    Signature("syncnet_v2", "SyncNet v2, the network of LSE", ("netcnnaud.0.weight", "netcnnlip.0.weight")),
    Signature(
        "fid_inception", "the Inception v3 of FID", ("Conv2d_1a_3x3.conv.weight", "Mixed_7c.branch1x1.conv.weight")
    ),
    Signature(
        "fan", "FAN, the landmarks of face-alignment", ("conv2.conv1.weight", "m0.b1_4.conv1.weight", "l3.weight")
    ),
    Signature("blazeface", "BlazeFace, front camera", ("backbone1.0.weight", "classifier_8.weight")),
    Signature(
        "blazeface_back", "BlazeFace, back camera", ("backbone.0.weight", "final.convs.0.weight", "classifier_8.weight")
    ),
    Signature("vgg19", "VGG19", ("features.0.weight", "features.16.weight", "features.25.weight")),
    Signature("vgg16", "VGG16", ("features.0.weight", "features.17.weight", "features.26.weight")),
    Signature("alexnet", "AlexNet", ("features.0.weight", "features.3.weight", "features.6.weight")),
    Signature("lpips", "LPIPS's heads", ("lin0.model.1.weight", "lin4.model.1.weight")),
    Signature("i3d", "the I3D of FVD", ("Conv3d_1a_7x7.conv3d.weight", "logits.conv3d.weight")),
    Signature("arcface", "ArcFace's IResNet", ("layer1.0.prelu.weight", "layer4.2.prelu.weight", "features.weight")),
    Signature("ge2e", "the GE2E speaker encoder", ("lstm.weight_ih_l0", "linear.weight", "similarity_weight")),
    Signature(
        "diffvc",
        "DiffVC, encoder and decoder",
        ("encoder.encoder.init_proj.weight", "decoder.estimator.final_conv.weight"),
    ),
    Signature("diffvc_encoder", "DiffVC's mel encoder", ("encoder.init_proj.weight", "postnet.final_conv.weight")),
    Signature("hifigan", "a HiFi-GAN vocoder", ("conv_pre.weight_v", "ups.0.weight_v", "conv_post.weight_v")),
    Signature(
        "hifigan_disc",
        "the discriminators of HiFi-GAN",
        ("mpd.discriminators.0.convs.0.weight_v", "msd.discriminators.0.convs.0.weight_orig"),
    ),
    Signature(
        "lawdnet",
        "a LawDNet generator",
        ("source_in_conv.0.conv.weight", "lawLayer_list.1.commn_linear.0.weight"),
    ),
    Signature("dinet", "a DINet generator", ("source_in_conv.0.conv.weight", "adaAT.translation.0.weight")),
    Signature(
        "syncnet_256mouth",
        "the SyncNet of DINet and LawDNet",
        ("face_encoder.face_conv.0.conv.weight", "merge_encoder.2.weight"),
    ),
    Signature(
        "deepspeech010", "DeepSpeech 0.1.0", ("h1", "b3", "h5", "h6", "bidirectional_rnn/fw/basic_lstm_cell/kernel")
    ),
    Signature(
        "dinet_disc",
        "a discriminator of DINet and LawDNet",
        ("down_blocks.0.conv.weight", "down_blocks.3.conv.weight", "conv.weight"),
    ),
    Signature("deepspeech2", "DeepSpeech2", ("conv.seq_module.0.weight", "fc.0.module.1.weight")),
    Signature(
        "styletts2",
        "StyleTTS 2, all modules",
        ("bert_encoder.weight", "text_encoder.embedding.weight", "predictor.duration_proj.linear_layer.weight"),
    ),
    Signature("styletts2_aligner", "StyleTTS 2's text aligner", ("to_mfcc.dct_mat", "init_cnn.conv.weight")),
    Signature(
        "styletts2_pitch", "StyleTTS 2's pitch extractor", ("conv_block.0.weight", "bilstm_classifier.weight_ih_l0")
    ),
    Signature("plbert", "PL-BERT", ("encoder.embeddings.word_embeddings.weight", "encoder.pooler.weight")),
    Signature(
        "makeittalk_autovc",
        "MakeItTalk's AutoVC",
        ("encoder.convolutions.0.0.conv.weight", "encoder.lstm.weight_ih_l0", "decoder.lstm.weight_ih_l2"),
    ),
    Signature("makeittalk_content", "MakeItTalk's content branch", ("fc_prior.0.weight", "bilstm.weight_ih_l0")),
    Signature(
        "makeittalk_speaker",
        "MakeItTalk's speaker-aware branch",
        ("audio_content_encoder.weight_ih_l0", "out.4.weight"),
    ),
    Signature(
        "makeittalk_image", "MakeItTalk's image translation", ("model.model.0.weight", "model.model.2.block.0.weight")
    ),
    Signature("pc_avs_generator", "PC-AVS's generator", ("style.1.weight", "noises.noise_10")),
    Signature(
        "pirenderer",
        "PIRenderer's generator",
        ("mapping_net.first.0.weight", "editing_net.decoder.final.model.0.weight"),
    ),
    Signature(
        "sadtalker", "SadTalker, all networks", ("audio2exp.mapping1.weight", "face_3drecon.final_layers.6.weight")
    ),
    Signature(
        "sadtalker_mapping",
        "SadTalker's mapping",
        ("first.0.weight", "encoder0.1.weight", "fc_yaw.weight", "fc_exp.weight"),
    ),
    Signature("deep3d", "Deep3D face reconstruction", ("backbone.conv1.weight", "final_layers.6.weight")),
)


def recognise(keys: Iterable[str]) -> Signature | None:
    """The network whose state dict has these keys; of several behind prefixes the first in SIGNATURES, where generators
    stand before what they were trained with. None: none of the known."""
    keys = set(keys)
    found = _match(keys)
    if found:
        return found
    parts: dict[str, set[str]] = {}
    for key in keys:
        part, _, rest = key.partition(".")
        parts.setdefault(part, set()).add(rest)
    matches = [match for inside in parts.values() if (match := _match(inside))]
    return min(matches, key=SIGNATURES.index, default=None)


def _match(keys: set[str]) -> Signature | None:
    return next((signature for signature in SIGNATURES if keys.issuperset(signature.keys)), None)
