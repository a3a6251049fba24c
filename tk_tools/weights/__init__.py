"""Published checkpoints: the table of them, where they lie, fetching, and loading them safely and strictly."""
