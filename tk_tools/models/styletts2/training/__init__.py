"""StyleTTS 2's training: lists to batches (data.py), and a module for each stage."""
