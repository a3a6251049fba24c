"""tk-tools: small Unix command-line tools that make faces talk and voices speak."""

__version__ = "0.1.0"
