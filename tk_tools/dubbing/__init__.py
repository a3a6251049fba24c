"""Repainting the mouth in an aligned crop from reference frames: what LawDNet and DINet share beside their networks."""
