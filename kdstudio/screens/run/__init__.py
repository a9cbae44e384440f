"""The Run screen: one run, live or replayed from its folder."""

from kdstudio.screens.run.screen import RunScreen

__all__ = ["RunScreen"]
