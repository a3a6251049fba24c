"""DINet: a face speaks the given sound, at high resolution. Zhang et al., AAAI 2023."""
