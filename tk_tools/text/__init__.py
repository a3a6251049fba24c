"""Text to phonemes to ids: what a text-to-speech system reads."""
