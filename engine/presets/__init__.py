"""Read, stack, check and write YAML presets; every value knows who decided it.

resolved = presets.resolve("experiments/digits-reffakd", ["training.epochs=3"])
resolved.experiment.training.epochs, resolved.origins["training.epochs"]     # 3, "--set"
"""

from engine.presets.gist import Gist, gists
from engine.presets.layers import layers
from engine.presets.places import SWEEPS, PresetName, names, path_for, user_folder
from engine.presets.problems import PresetError, Problem
from engine.presets.resolving import Resolved, edit_problems, from_tree, layered, method_settings, resolve
from engine.presets.writing import differences, full_tree, save, to_yaml, with_origins

__all__ = [
    "SWEEPS", "Gist", "PresetError", "PresetName", "Problem", "Resolved", "differences", "edit_problems", "from_tree",
    "full_tree", "gists", "layered", "layers", "method_settings", "names", "path_for", "resolve", "save", "to_yaml",
    "user_folder", "with_origins",
]  # fmt: skip
