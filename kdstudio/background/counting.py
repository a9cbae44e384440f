"""Finds out in a child process what the catalogue lacks, for that needs torch: methods and nets of the user's own,
torchvision's nets, and nets on images that no dataset of the catalogue has. The window shows what it has and goes on."""

from __future__ import annotations

import subprocess
import sys

from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from engine import cataloguing, extras, plugins
from kdstudio.store import Store

COMMAND = (sys.executable, "-m", "kdstudio", "catalog", "--user")

OWN = ("--net", "none")
"""The words that look at the plug-ins and at nothing else."""

SETTLED = 600
"""Milliseconds without a change after which the experiment in the form is looked at."""


class Counting(QObject):
    """At most one child at a time. The store gets the new catalogue when it is done; `failed` carries what a child said that
    could not count, once for each thing asked."""

    failed = Signal(str)

    def __init__(self, store: Store, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._asked: set[tuple[str, ...]] = set()
        self._now: tuple[str, ...] = ()
        self._process = QProcess(self)
        self._process.finished.connect(self._take)
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.setInterval(SETTLED)
        self._settled.timeout.connect(self.look)

    def begin(self) -> None:
        """Look now, and after every change of the experiment."""
        self._store.changed.connect(self._settled.start)
        self.look()

    def end(self) -> None:
        """Stop counting; what is lacking is counted next time."""
        self._settled.stop()
        self._process.blockSignals(True)
        if self._process.state() != QProcess.ProcessState.NotRunning:
            self._process.kill()
            self._process.waitForFinished()

    @property
    def busy(self) -> bool:
        """Whether a child is counting."""
        return self._process.state() != QProcess.ProcessState.NotRunning

    def look(self) -> None:
        """Find out what is lacking: plug-ins that changed first, then what the experiment needs, then everything. The last
        takes minutes, and gives way to the first: it goes on from where it was."""
        words = self._wanted()
        if words == OWN and self.busy and self._now == ():
            self._stop()
        if words is not None and not self.busy:
            self._asked.add(self._token(words))
            self._now = words
            self._process.start(COMMAND[0], [*COMMAND[1:], *words])

    def look_at_plugins(self) -> None:
        """Find out about plug-ins now where one of them has changed."""
        if self._wanted() == OWN:
            self.look()

    def _token(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """What was asked, with the plug-ins as they stood."""
        return (*words, plugins.sources())

    def _stop(self) -> None:
        self._process.blockSignals(True)
        self._process.kill()
        self._process.waitForFinished()
        self._process.blockSignals(False)

    def _wanted(self) -> tuple[str, ...] | None:
        """The words of the command that is to be run next, if any."""
        if extras.read().checked != plugins.sources() and self._token(OWN) not in self._asked:
            return OWN
        experiment = self._store.resolved().experiment
        shapes = cataloguing.uncounted(experiment, self._store.catalogue)
        named = sorted({experiment.student.net, experiment.teacher.net} - {"none"})
        here = [word for net in named for word in ("--net", net)]
        words = (*here, *(word for channels, side in shapes for word in ("--shape", f"{channels}x{side}")))
        new = [key for key in named if key not in self._store.catalogue.nets]
        if (shapes or new) and self._token(words) not in self._asked:
            return words
        return () if not extras.read().fresh and self._token(()) not in self._asked else None

    def _take(self, code: int) -> None:
        """Show what was found out, or say why it was not; then go on with what is lacking still."""
        extras.catalogue.cache_clear()
        self._store.set_catalogue(extras.catalogue())
        if code:
            said = bytes(self._process.readAllStandardError().data()).decode(errors="replace").strip()
            self.failed.emit((said.splitlines() or ["counting nets ended without a word"])[-1])
        self.look()


def count_own_nets() -> bool:
    """Count the user's own nets and wait for it, where they changed since they were counted; whether they did."""
    if extras.read().checked == plugins.sources():
        return False
    subprocess.run([*COMMAND, *OWN], capture_output=True, check=False)
    extras.catalogue.cache_clear()
    return True
