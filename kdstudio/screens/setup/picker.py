"""The list of experiments to open, searched by name, dataset, nets, method and paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRect, Signal
from PySide6.QtWidgets import QWidget

from engine.cards import Catalogue
from engine.presets import Gist, PresetName
from kdstudio.widgets.finder import NAME, Entry, Finder
from kdstudio.widgets.icons import TextButton

__all__ = ["NAME", "PresetPicker", "entry"]


class PresetPicker(Finder):
    """`picked` carries a preset's name, `file_requested` asks for a dialogue."""

    file_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__("Search by name, dataset, net, method or paper", parent)
        file = TextButton("Open a file…", "quiet", "folder")
        file.clicked.connect(self._ask_for_file)
        self.foot.addWidget(file)
        self.foot.addStretch(1)

    def show_presets(
        self, found: Sequence[PresetName], gists: Mapping[str, Gist], catalogue: Catalogue, current: str, at: QRect
    ) -> None:
        """Open with these presets, the current one chosen; one's own stand first."""
        groups = []
        for words, shipped in (("Your own", False), ("Came with kdstudio", True)):
            groups.append((words, [entry(p, gists.get(p.name), catalogue) for p in found if p.shipped == shipped]))
        self.show_entries(groups, current, at)

    def _ask_for_file(self) -> None:
        self.hide()
        self.file_requested.emit()


def entry(preset: PresetName, gist: Gist | None, catalogue: Catalogue) -> Entry:
    """A preset in the list: its title, what it is made of, and by what else it is found."""
    if gist is None:
        return Entry(preset.name, preset.title, preset.name, broken=preset.problem)
    dataset = catalogue.datasets.get(gist.dataset)
    known, nets = catalogue.nets, [key for key in (gist.teacher, gist.student) if key != "none"]
    nets = [known[key].title if key in known else key for key in nets]
    methods = [catalogue.methods[key] for key in gist.methods if key in catalogue.methods]
    under = " · ".join([" → ".join(nets), *([" + ".join(card.title for card in methods)] if methods else [])])
    papers = " ".join(f"{card.paper} {card.summary}" for card in methods)
    searched = " ".join((gist.dataset, gist.teacher, gist.student, *gist.methods, papers, gist.notes, gist.source))
    return Entry(preset.name, preset.title, under, dataset.title if dataset else gist.dataset, preset.problem, searched)
