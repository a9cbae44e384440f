"""Runs laid side by side."""

from kdstudio.screens.compare.screen import CompareScreen

__all__ = ["CompareScreen"]
