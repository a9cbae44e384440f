"""The Runs screen: every run in a table, to find, mark, compare, branch from, take away and clean up."""

from kdstudio.screens.runs.screen import RunsScreen

__all__ = ["RunsScreen"]
