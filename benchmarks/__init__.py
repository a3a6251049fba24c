"""What is measured, against what, and how to repeat it: see README.md."""
