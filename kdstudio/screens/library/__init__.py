"""Library: everything there is to choose from, and what is known of it."""

from kdstudio.screens.library.screen import LibraryScreen

__all__ = ["LibraryScreen"]
