"""Set up: an experiment picked, changed, checked and started."""

from kdstudio.screens.setup.screen import SetupScreen

__all__ = ["SetupScreen"]
