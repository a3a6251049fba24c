"""Network blocks that at least two systems share."""
