"""LawDNet: a face speaks the given sound, at high resolution. Deng et al., 2024."""
