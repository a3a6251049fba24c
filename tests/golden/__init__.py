"""Reference numbers that the published originals gave, and the runner that puts them through our code."""
