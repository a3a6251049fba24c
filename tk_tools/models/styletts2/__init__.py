"""StyleTTS 2: text to speech in one voice or in that of a reference.

Li et al., "StyleTTS 2: Towards Human-Level Text-to-Speech through Style Diffusion and Adversarial Training with Large
Speech Language Models", NeurIPS 2023 (arXiv 2306.07691).
"""
