"""Wav2Lip's mel and SyncNet's MFCC."""

import numpy as np

from tk_tools.audio.mel import filter_bank, mel
from tk_tools.audio.mel_presets import WAV2LIP
from tk_tools.audio.mfcc import mfcc


def audio_frontend(golden):
    pcm = golden.pcm()
    basis = filter_bank(WAV2LIP)
    return {
        "pcm": pcm,
        "mel": mel(pcm / np.float32(32768), WAV2LIP).T,
        "mel_of_first_4001": mel(pcm[:4001], WAV2LIP).T,
        "mel_basis_rowsum": basis.sum(axis=1),
        "mel_basis_peak_bin": basis.argmax(axis=1),
        "mfcc": mfcc(pcm),
    }


CASES = {"audio_frontend": audio_frontend}
