"""Training: one loop on Lightning Fabric, run folders, and a resume that gives the numbers of an unbroken run.

A model brings a `Task` (task.py) and a `Config` (config.py) per stage; everything else is here.
"""
