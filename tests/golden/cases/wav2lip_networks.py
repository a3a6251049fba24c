"""Wav2Lip's generator, expert and quality discriminator."""

import torch

from tk_tools.models.wav2lip.networks import Generator, QualityDiscriminator, make_expert


@torch.no_grad()
def wav2lip(golden):
    net = golden.fill(Generator(**golden.meta["kwargs"]))
    mel, face, mel5, face5 = golden.tensors()
    scales = net.encode_faces(face)
    return {
        "out": net(mel, face),
        "out5_s4": net(mel5, face5)[..., ::4, ::4],
        "audio_embedding": net.audio_encoder(mel).flatten(start_dim=1),
        "face_embedding": scales[-1].flatten(start_dim=1),
        "skip_mean": torch.stack([scale.mean(dim=(1, 2, 3)) for scale in scales], dim=1),
    }


@torch.no_grad()
def wav2lip_disc_qual(golden):
    net = golden.fill(QualityDiscriminator(**golden.meta["kwargs"]))
    (faces,) = golden.tensors()
    features = net.features(faces)
    logit = net(faces)
    net.binary_pred[0].weight.mul_(0.02)
    soft = net(faces)
    return {
        "logit": logit,
        "prob": torch.sigmoid(logit),
        "features": features.flatten(start_dim=1),
        "prob_soft": torch.sigmoid(soft),
        "perceptual_loss_soft": torch.nn.functional.binary_cross_entropy_with_logits(soft, torch.ones_like(soft)),
    }


@torch.no_grad()
def syncnet_color(golden):
    net = golden.fill(make_expert(**golden.meta["kwargs"]))
    mel, face = golden.tensors()
    audio, video = net(mel, face)
    return {
        "audio": audio,
        "face": video,
        "audio_raw": net.audio_encoder(mel).flatten(start_dim=1),
        "face_raw": net.face_encoder(face).flatten(start_dim=1),
        "cosine": torch.nn.functional.cosine_similarity(audio, video),
    }


CASES = {"wav2lip": wav2lip, "wav2lip_disc_qual": wav2lip_disc_qual, "syncnet_color": syncnet_color}
