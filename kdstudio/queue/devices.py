"""Further devices for the queue: GPUs beside the one the window trains on, each with a child process of its own."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSettings, Signal

from engine.accelerators import Accelerator, accelerators
from engine.queue import QueueError
from kdstudio.background.chores import Chores
from kdstudio.queue.child_run import ChildTrainer
from kdstudio.queue.queueing import Queue

REMEMBERED = "queue/devices"


class Devices(QObject):
    """Which further devices there are and which are used, which is remembered. `changed` says that there are others now."""

    changed = Signal()

    def __init__(self, queue: Queue) -> None:
        super().__init__(queue)
        self.known: tuple[Accelerator, ...] = ()
        self._queue = queue
        self._children: dict[str, ChildTrainer] = {}
        self._chores = Chores(self)
        self._chores.do(accelerators, self.take)  # the driver may take its time

    def take(self, found: tuple[Accelerator, ...]) -> None:
        """Know these GPUs; the first is the window's own. Those that were used last time are used again."""
        self.known = found[1:]
        chosen = str(QSettings().value(REMEMBERED, "")).split()
        for device in self.known:
            if device.key in chosen:
                self.use(device.key, True)
        self.changed.emit()

    def used(self, device: str) -> bool:
        """Whether entries run on a device."""
        return device in self._queue.desks

    def use(self, device: str, wanted: bool) -> str:
        """Run entries on a device, or no longer; why not, empty where it could be done."""
        if wanted and not self.used(device):
            child = self._children.setdefault(device, ChildTrainer(self))
            self._queue.employ(device, child)
        elif not wanted and self.used(device):
            try:
                self._queue.dismiss(device)
            except QueueError as error:
                return str(error)
        QSettings().setValue(REMEMBERED, " ".join(key for key in self._queue.desks if key))
        self.changed.emit()
        return ""

    def wait(self) -> None:
        """Until the driver has answered: for the end of the program."""
        self._chores.wait()
