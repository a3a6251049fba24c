"""Wav2Lip: a face speaks the given sound. Prajwal et al., "A Lip Sync Expert Is All You Need", ACM MM 2020."""
