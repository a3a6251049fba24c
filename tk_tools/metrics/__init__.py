"""What the field reports: lip sync, picture, speech."""
