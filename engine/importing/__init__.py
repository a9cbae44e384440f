"""Experiments written for other programs, or brought from elsewhere, as presets. Loads no torch.

found = importing.read(Path("configs/cifar100/dkd/res56_res20.yaml"))
found.tree, found.left                        # the preset, and what of the file is not in it
path = importing.keep(found)                  # among the user's own presets
"""

from engine.importing.bringing import keep, read
from engine.importing.found import Imported, Left

__all__ = ["Imported", "Left", "keep", "read"]
