"""Faces: pixels to boxes, landmarks, one track through a clip, and crops that can be pasted back."""
