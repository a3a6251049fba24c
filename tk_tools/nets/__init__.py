"""Network blocks that at least two systems share, and the device that networks run on."""
