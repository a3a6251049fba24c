"""How many channels a published network has in a narrow copy, such as that of a preset `tiny`."""


def scaled(channels: int, width: float) -> int:
    """A published number of channels at another width: a multiple of 8, at least 16: fewer are no faster."""
    return max(16, 8 * round(channels * width / 8))
