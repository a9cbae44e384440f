"""Runs laid side by side: settings, results, curves, matrices, and a report of all that. No torch here.

found = Comparison.of([home / "a-s0", home / "b-s0"], baseline=home / "a-s0")
found.cell(found.contenders[1], found.metrics[0]).difference      # "+0.12 [−0.30, +0.54]"
"""

from engine.comparison.comparison import Comparison
from engine.comparison.sides import FEWEST, MOST, CompareError, Side

__all__ = ["FEWEST", "MOST", "CompareError", "Comparison", "Side"]
