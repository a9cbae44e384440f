"""The palette: everything that can be done or gone to, found by a few letters."""

from kdstudio.help.palette.sheet import Palette

__all__ = ["Palette"]
