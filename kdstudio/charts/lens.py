"""How curves are looked at: over which x axis, how much smoothed, with or without outliers; shared by all plots of a run,
and for each plot changed as it likes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np
from PySide6.QtCore import QObject, Signal

from kdstudio.charts.crossing import Crossing
from kdstudio.history.curve import Numbers, XAxis


class Lens(QObject):
    """Shared by the charts of a screen; `changed` asks all of them to draw anew, `crossing` is the one pointer in them."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.axis: XAxis = "epoch"
        self.smoothing = 0.0
        self.calm = False
        self.crossing = Crossing(self)

    def state(self) -> dict[str, Any]:
        """How it is looked at, as plain data."""
        return {"axis": self.axis, "smoothing": self.smoothing, "calm": self.calm}

    def load(self, state: Mapping[str, Any]) -> None:
        """Look at it as another time; what makes no sense any more is left out."""
        for name, value in _sound(state).items():
            if name in self.state():
                setattr(self, name, value)
        self.changed.emit()

    def set_axis(self, axis: XAxis) -> None:
        """Step, epoch or time."""
        if axis != self.axis:
            self.axis = axis
            self.changed.emit()

    def set_smoothing(self, weight: float) -> None:
        """Share of the past in the moving average; 0 is no smoothing at all."""
        if weight != self.smoothing:
            self.smoothing = weight
            self.changed.emit()

    def set_calm(self, calm: bool) -> None:
        """Whether the y axis is chosen without regard to outliers."""
        if calm != self.calm:
            self.calm = calm
            self.changed.emit()


class OwnLens(QObject):
    """One plot's way of being looked at: as all plots are, but for what was chosen for it alone. `changed` says that something
    was chosen for it; `log` is what its declaration proposes."""

    changed = Signal()

    def __init__(self, shared: Lens, log: bool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shared = shared
        self._log = log
        self._own: dict[str, Any] = {}

    @property
    def axis(self) -> XAxis:
        """Step, epoch or time."""
        return self._own.get("axis", self._shared.axis)  # type: ignore[no-any-return]

    @property
    def smoothing(self) -> float:
        """Share of the past in the moving average; 0 is no smoothing at all."""
        return float(self._own.get("smoothing", self._shared.smoothing))

    @property
    def calm(self) -> bool:
        """Whether the y axis is chosen without regard to outliers."""
        return bool(self._own.get("calm", self._shared.calm))

    @property
    def log(self) -> bool:
        """Whether the y axis is logarithmic."""
        return bool(self._own.get("log", self._log))

    def heights(self, values: Numbers) -> Numbers:
        """Where values stand on the y axis: their decimal logarithms on a logarithmic one, NaN where there is none."""
        if not self.log:
            return values
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(values > 0, np.log10(values), np.nan)

    def height(self, value: float) -> float:
        """Where one value stands."""
        return float(self.heights(np.array([value]))[0])

    def chosen(self, name: str) -> Any:
        """What was chosen for this plot alone under the name of a property; None where it is as all plots are."""
        return self._own.get(name)

    def choose(self, name: str, value: Any) -> None:
        """Look at this plot alone so, under the name of a property."""
        if self._own.get(name) != value:
            self._own[name] = value
            self.changed.emit()

    def follow(self, name: str) -> None:
        """In this, be as all plots are."""
        if name in self._own:
            del self._own[name]
            self.changed.emit()

    def state(self) -> dict[str, Any]:
        """What was chosen, as plain data."""
        return dict(self._own)

    def load(self, state: Mapping[str, Any]) -> None:
        """Take what was chosen another time; what makes no sense any more is left out."""
        own = _sound(state)
        if own != self._own:
            self._own = own
            self.changed.emit()


SOUND: dict[str, Callable[[Any], bool]] = {
    "axis": lambda value: value in get_args(XAxis),
    "smoothing": lambda value: isinstance(value, (int, float)) and 0 <= value < 1,
    "calm": lambda value: isinstance(value, bool),
    "log": lambda value: isinstance(value, bool),
}
"""What each way of looking can be."""


def _sound(state: Mapping[str, Any]) -> dict[str, Any]:
    return {name: state[name] for name, holds in SOUND.items() if name in state and holds(state[name])}
