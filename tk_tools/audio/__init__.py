"""Waveforms -> features."""
