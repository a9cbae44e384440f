"""Sweeps: a preset and what is tried on top of it, run entry by entry on the same seeds, and laid side by side.

sweep = sweeps.read("sweeps/digits-reffakd-softness")
for entry in sweeps.entries(sweep):
    entry.title, entry.resolved.experiment          # "diagonal boost γ 0 · label temperature 1", an ordinary experiment

Reading, resolving, comparing and reporting load no torch; `engine.sweeps.running` does.
"""

from engine.sweeps.declared import Draw, Range, Start, Sweep, Tried, from_tree, names, read
from engine.sweeps.entries import Entry, entries, refusals
from engine.sweeps.estimate import seconds_left
from engine.sweeps.state import Progress, SweepError
from engine.sweeps.table import Row, Run, baseline_of, rows

__all__ = [
    "Draw", "Entry", "Progress", "Range", "Row", "Run", "Start", "Sweep", "SweepError", "Tried", "baseline_of", "entries",
    "from_tree", "names", "read", "refusals", "rows", "seconds_left",
]  # fmt: skip
