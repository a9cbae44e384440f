"""The shelf of nets: how large each is, and a drawing of its stages on images of any size that was counted."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from engine import pairing, plugins
from engine.cards import NetCard
from kdstudio.charts.picker import Picker
from kdstudio.quantities import grouped, short
from kdstudio.screens.library import paper
from kdstudio.screens.library.drawing import NetDrawing, in_words, order
from kdstudio.screens.library.paper import Page
from kdstudio.screens.library.shelf import Item, Shelf
from kdstudio.widgets import boxes
from kdstudio.widgets.texts import label

TORCHVISION = "torchvision."
OWN, HERE, ELSEWHERE, BROKEN = "Your own", "For small images", "torchvision's", "Your own, to be mended"
WORDS = {pairing.PENULTIMATE: "vector that the classifier reads", pairing.LAST: "map that is averaged"}


class NetShelf(Shelf):
    """Every net of the catalogue."""

    title, icon = "Nets", "student"

    def items(self) -> list[Item]:
        """The user's own, kdstudio's by family, torchvision's."""
        known = self.store.catalogue
        broken = [Item(f"problem {n}", "A file of yours", said, BROKEN, "to mend", "problem")
                  for n, said in enumerate(known.problems)]  # fmt: skip
        groups = {key: _group(key, key in known.own) for key in known.nets}
        cards = [known.nets[key] for group in (OWN, HERE, ELSEWHERE) for key in known.nets if groups[key] == group]
        return [*broken, *(_item(card, groups[card.key]) for card in cards)]

    def tools(self) -> list[QWidget]:
        """The way to the plug-in folder."""
        return [paper.reveal(plugins.folder() / "nets", "Your own")]

    def page(self, key: str) -> QWidget:
        """A net."""
        if key.startswith("problem "):
            return _broken(self.store.catalogue.problems[int(key.partition(" ")[2])])
        card = self.store.catalogue.nets[key]
        page = Page(card.title, key, [("your own", "good")] if key in self.store.catalogue.own else [])
        page.say(card.summary, "plain")
        student = paper.button("Use as student", lambda: self.chosen.emit({"student.net": key}, "student.net"), "primary")
        teacher = paper.button("Use as teacher", lambda: self.chosen.emit({"teacher.net": key}, "teacher.net"))
        page.buttons(student, teacher)
        page.add(_picture(card), _facts(card), _taps(card))
        return page.end()


def _group(key: str, own: bool) -> str:
    return OWN if own else ELSEWHERE if key.startswith(TORCHVISION) else HERE


def _item(card: NetCard, group: str) -> Item:
    size = f"{short(card.parameters)} parameters · {short(card.multiply_adds)} multiply-adds"
    return Item(card.key, card.title, size, group, "own" if group == OWN else "", "good", f"{card.key} {card.family}")


def _broken(sentence: str) -> Page:
    page = Page("A net of your own", "", [("to mend", "problem")])
    page.say("This file in your plug-in folder cannot be used:")
    page.say(sentence, "problem")
    page.buttons(paper.reveal(plugins.folder() / "nets"))
    return page.end()


def _picture(card: NetCard) -> QWidget:
    """The drawing, with a list of the images for which the shapes are known."""
    drawing, sizes = NetDrawing(card.title), Picker("Images on which the net is drawn")
    known = {name: shapes for name, shapes in card.shapes.items() if order(shapes)}
    compared = _words(next(iter(card.counts), ""))
    sizes.offer([(_words(name), name) for name in sorted(known, key=_side)])

    def draw() -> None:
        name = sizes.currentData()
        if name:
            drawing.show_net(known[name], tuple(int(n) for n in name.partition(" ")[0].split("x")), _classes(name))

    sizes.currentIndexChanged.connect(lambda _: draw())
    found = sizes.findText(compared)
    sizes.setCurrentIndex(max(0, found))
    draw()
    head = QWidget()
    row = boxes.row(0, head)
    row.addWidget(label("Images", "muted"))
    row.addWidget(sizes)
    row.addStretch(1)
    return paper.section("Drawn from its taps", head, drawing)


def _side(name: str) -> tuple[int, int]:
    channels, side = name.partition(" ")[0].split("x")[:2]
    return int(side), int(channels)


def _words(name: str) -> str:
    """`3 × 32 × 32, 100 classes` for `3x32x32 100`."""
    shape, _, classes = name.partition(" ")
    return f"{shape.replace('x', ' × ')}, {classes} classes"


def _classes(name: str) -> int:
    return int(name.partition(" ")[2])


def _facts(card: NetCard) -> QWidget:
    sides = f"{card.exact} × {card.exact} exactly" if card.exact else f"from {card.smallest} × {card.smallest}"
    rows = [
        ("Family", card.family), ("Images", sides), ("Source", card.source),
        ("Parameters", f"{grouped(card.parameters)} on {_words(next(iter(card.counts), ''))}" if card.counts else ""),
        ("Multiply-adds", grouped(card.multiply_adds)),
    ]  # fmt: skip
    counted = [
        (_words(name), grouped(card.counts[name][0]), grouped(card.counts[name][1]))
        for name in sorted(card.counts, key=_side)
    ]  # fmt: skip
    return paper.section(
        "Size", paper.facts(rows), paper.table(("images", "parameters", "multiply-adds"), counted, 2)
    )  # fmt: skip


def _taps(card: NetCard) -> QWidget:
    stages = pairing.stages(card.taps)
    rows = [(label(name, "mono"), in_words(shape), _meaning(name, stages)) for name, shape in card.taps.items()]
    return paper.section("Taps: where methods look", paper.table(("tap", "shape", "what it is"), rows, 2))


def _meaning(name: str, stages: tuple[str, ...]) -> str:
    if name in WORDS:
        return WORDS[name]
    if name.endswith("_pre"):
        return f"{name.removesuffix('_pre')} before its activation"
    if name.endswith("_first"):
        return f"after the first block of stage {name[1:].partition('_')[0]}"
    return f"after stage {stages.index(name) + 1}" if name in stages else "after the stem"
