"""Repainting the mouth in an aligned crop from reference frames: what the systems that do so share beside networks."""
