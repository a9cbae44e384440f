"""What the keys, the palette and the menus can do on Runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence

from engine.runs import RunRow
from kdstudio import actions
from kdstudio.commands import Command, offer

if TYPE_CHECKING:
    from kdstudio.screens.runs.screen import RunsScreen

KEYS = QKeySequence.StandardKey
Groups = tuple[tuple[Command, ...], ...]


class Keys:
    """The commands of the screen: `of_chosen` for the selected runs, `of_all` for the whole table, in groups as their menus
    show them."""

    def __init__(self, screen: RunsScreen) -> None:
        self._screen = screen
        offer(screen, "Filter the runs…", screen.search.setFocus, keys=KEYS.Find, icon="search")
        offer(screen, "Undo", screen.undo, keys=KEYS.Undo, icon="reset", allowed=screen.can_undo)
        self.of_chosen: Groups = (self._to_go_on(), self._to_mark(), self._to_take_away(), self._to_delete())
        self.of_all = self._whole()

    def _some(self) -> bool:
        return bool(self._screen.chosen_all())

    def _one(self) -> bool:
        return self._screen.chosen() is not None

    def _there(self) -> bool:
        return bool(self._screen.table.rows)

    def _with(self, call: Callable[[list[RunRow]], object]) -> Callable[[], object]:
        return lambda: call(self._screen.chosen_all())

    def _to_go_on(self) -> tuple[Command, ...]:
        s = self._screen
        return (
            offer(s, "Open the run", s.open_chosen, icon="run", allowed=self._some),
            offer(s, "Resume the run", s.resume.click, icon="play", allowed=s.resume.isEnabled),
            offer(s, "Clone the run", s.clone.click, icon="clone", allowed=self._one),
            offer(s, "Branch from the run…", s.branch.click, keys="Ctrl+B", icon="branch", allowed=self._one),
            offer(s, "Compare the selected runs", s.compare.click, keys="Ctrl+Return", icon="compare",
                  allowed=s.compare.isEnabled),
        )  # fmt: skip

    def _to_mark(self) -> tuple[Command, ...]:
        s, deeds = self._screen, self._screen.deeds
        marks = self._with(lambda rows: deeds.ask_marks(rows, s.known_tags()))
        return (
            offer(s, "Rename the run", s.rename_chosen, keys="F2", allowed=self._one),
            offer(s, "Tags and note…", marks, keys="Ctrl+T", icon="tag", allowed=self._some),
            offer(s, "Archive, or take back from the archive", self._with(deeds.archive), keys="Ctrl+Shift+A", icon="archive",
                  allowed=self._some),
        )  # fmt: skip

    def _to_take_away(self) -> tuple[Command, ...]:
        s, deeds = self._screen, self._screen.deeds
        csv, tensorboard = (self._with(lambda rows, to=to: deeds.take_curves(rows, to)) for to in ("csv", "tensorboard"))  # type: ignore[misc]
        return (
            offer(s, "Curves as CSV…", csv, icon="export", allowed=self._some),
            offer(s, "For TensorBoard…", tensorboard, icon="export", allowed=self._some),
            offer(s, "Show the folder", self._with(lambda rows: actions.open_folder(rows[0].path)), icon="folder",
                  allowed=self._one),
        )  # fmt: skip

    def _to_delete(self) -> tuple[Command, ...]:
        delete = self._with(self._screen.deeds.delete)
        return (offer(self._screen, "Delete", delete, keys=KEYS.Delete, icon="bin", allowed=self._some),)

    def _whole(self) -> Groups:
        s, deeds = self._screen, self._screen.deeds
        archived = offer(s, "Show archived runs, or no longer", s.toggle_archived, icon="archive", allowed=self._there)
        return (
            (archived,),
            (
                offer(s, "Save the table as CSV…", s.save_table, icon="export", allowed=self._there),
                offer(s, "Clean up…", lambda: deeds.clean(s.table.rows), icon="bin", allowed=self._there),
                offer(s, "The bin…", deeds.open_bin, icon="bin"),
            ),
        )
