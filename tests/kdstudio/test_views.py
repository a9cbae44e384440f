"""The views made for distillation, by what a person does with them: picked, clicked, dropped on."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from recorded import Recipe, record
from shown import Show, replayed

from engine.events import RunStarted, Saved, Watched
from engine.runs import RunFolder
from kdstudio import baselines
from kdstudio.charts.affinity import AffinityCard
from kdstudio.charts.answers import Image
from kdstudio.charts.gains import GainCard
from kdstudio.charts.heat import HeatMap
from kdstudio.charts.levels import LevelsCard
from kdstudio.charts.matrix import CONFUSION, MatrixCard
from kdstudio.charts.samples import SamplesCard
from kdstudio.charts.templates import TemplatesCard
from kdstudio.history import History
from kdstudio.screens.run import RunScreen
from kdstudio.screens.run.panels import _matrices
from kdstudio.screens.run.trying import NOT_YET, TO_DO, TryCard
from kdstudio.screens.run.views import CONFUSIONS

TAUGHT = Recipe(epochs=4, teacher=True, classes=30)
ALONE = Recipe(epochs=4)


@pytest.fixture
def show(show: Show) -> Show:
    """Large enough for a view."""
    return partial(show, width=800, height=340)


def pick(picker: Any, words: str) -> None:
    """Choose the entry of a picker that begins with these words."""
    index = next(i for i in range(picker.count()) if picker.itemText(i).startswith(words))
    picker.setCurrentIndex(index)


def test_samples_tell_label_and_what_both_nets_take_them_for(show: Show, tmp_path: Path) -> None:
    card = show(SamplesCard(replayed(tmp_path, TAUGHT)))
    assert len(card.gallery.tiles) == 16
    assert set(card.gallery.tiles[0].guesses) == {"student", "teacher"}
    assert len(card.gallery.tiles[0].guesses["student"]) == 3
    rows = list(card.table())
    assert len(rows) == 17 and rows[0][:3] == ("sample", "label", "student class 1")
    assert rows[1][2] == card.gallery.tiles[0].guesses["student"][0][0]


@pytest.mark.parametrize(
    ("order", "column", "upwards"),
    [("best", "student label", False), ("worst", "student label", True), ("most disagreed", "difference", False)],
)
def test_samples_come_in_the_order_that_is_picked(show: Show, tmp_path: Path, order: str, column: str, upwards: bool) -> None:
    card = show(SamplesCard(replayed(tmp_path, TAUGHT)))
    pick(card._order, order)
    rows = list(card.table())
    values = [row[rows[0].index(column)] for row in rows[1:]]
    assert values == sorted(values, reverse=not upwards)


def test_samples_of_one_class_are_picked(show: Show, tmp_path: Path) -> None:
    card = show(SamplesCard(replayed(tmp_path, TAUGHT)))
    wanted = card.gallery.tiles[5].label
    pick(card._class, wanted)
    assert card.gallery.tiles and {tile.label for tile in card.gallery.tiles} == {wanted}


def test_nobody_disagrees_without_a_teacher(show: Show, tmp_path: Path) -> None:
    card = show(SamplesCard(replayed(tmp_path, ALONE)))
    assert [card._order.itemText(i) for i in range(card._order.count())] == ["random", "best", "worst"]


def test_samples_of_an_earlier_epoch_have_the_outputs_of_then(show: Show, tmp_path: Path) -> None:
    card = show(SamplesCard(replayed(tmp_path, TAUGHT)))
    newest = list(card.table())
    card.records._slider.setValue(0)
    assert card.records._words.text() == "epoch 1"
    assert list(card.table()) != newest and [row[1] for row in card.table()] == [row[1] for row in newest]


def test_large_samples_name_three_classes_of_each_net(show: Show, tmp_path: Path) -> None:
    card = show(SamplesCard(replayed(tmp_path, TAUGHT)))
    before = card.gallery._lines()
    card.set_grown(True)
    assert (before, card.gallery._lines()) == (3, 7)


def test_confusion_and_agreement_are_one_card_and_rows_are_laid_beside_their_like(show: Show, tmp_path: Path) -> None:
    history = replayed(tmp_path, TAUGHT)
    watches = [w for w in history.plan["watches"] if w["name"] in CONFUSIONS]
    card = show(MatrixCard(CONFUSION, _matrices(watches), history))
    assert [series.name for series in card.bars.series] == ["Confusion · student", "Confusion · teacher"]
    assert card.bars.series[0].index == 0 and card.bars.series[1].index == 1
    pick(card._which, "Agreement")
    assert [series.name for series in card.bars.series] == ["Agreement · student against teacher"]


def test_a_class_without_images_leaves_the_rows_of_the_others(show: Show, tmp_path: Path) -> None:
    folder, history = bare_run(tmp_path)
    values = np.array([[0.9, 0.1], [np.nan, np.nan]])
    keep(folder, history, "confusion", "matrix", values, {"classes": ["a", "b"]})
    card = show(MatrixCard(CONFUSION, _matrices([{"name": "confusion", "kind": "matrix"}]), history))
    assert [series.values[0] for series in card.bars.series] == [pytest.approx(0.9)]


def bare_run(path: Path) -> tuple[RunFolder, History]:
    """The folder of a run that has said nothing yet."""
    (path / "arrays").mkdir()
    (path / "experiment.yaml").touch()
    return RunFolder.open(path), History(path)


def keep(folder: RunFolder, history: History, watch: str, kind: str, values: Any, labels: dict[str, Any]) -> None:
    """Record an array as a run would."""
    file, offset, shape, dtype = folder.record(watch, np.asarray(values))
    history.take(
        Watched(watch=watch, kind=kind, stage="distilling", step=1, epoch=1, file=file, offset=offset, shape=shape, dtype=dtype,
                labels=labels)
    )  # fmt: skip


def test_affinities_stand_beside_their_difference(show: Show, tmp_path: Path) -> None:
    card = show(AffinityCard(replayed(tmp_path, TAUGHT)), width=1000)
    teacher, student, difference = (card.maps[name].values for name in ("teacher", "student", "student − teacher"))
    assert np.allclose(difference, student - teacher) and teacher.shape == (16, 16)
    assert card.maps["teacher"]._ends == card.maps["student"]._ends
    low, high = card.maps["student − teacher"]._ends
    assert low == -high
    assert len(list(card.table())) == 1 + 16 * 16


def test_a_click_in_the_image_chooses_the_row_of_every_map(show: Show, qtbot: QtBot, tmp_path: Path) -> None:
    card = show(AffinityCard(replayed(tmp_path, TAUGHT)), width=1000)
    frame = card.picture.frame()
    at = QPoint(int(frame.x() + frame.width() * 0.9), int(frame.y() + frame.height() * 0.1))
    qtbot.mouseClick(card.picture, Qt.MouseButton.LeftButton, pos=at)
    assert {chart.row for chart in card.maps.values()} == {3}
    qtbot.keyClick(card.picture, Qt.Key.Key_Down)
    qtbot.keyClick(card.picture, Qt.Key.Key_Right)  # there is nothing further right
    assert {chart.row for chart in card.maps.values()} == {7}


def test_another_image_and_another_stage_are_picked(show: Show, tmp_path: Path) -> None:
    card = show(AffinityCard(replayed(tmp_path, TAUGHT)), width=1000)
    first = card.maps["student"].values.copy()
    pick(card._image, "image 2")
    second = card.maps["student"].values.copy()
    pick(card._stage, "f2")
    assert not np.allclose(first, second) and not np.allclose(second, card.maps["student"].values)


def test_the_cell_under_the_cursor_is_told_for_all_three(show: Show, tmp_path: Path) -> None:
    card = show(AffinityCard(replayed(tmp_path, TAUGHT)), width=1000)
    card.maps["student"].hovered.emit(5, 2)
    assert card._value.text().startswith("row 2, column 2 and row 1, column 3:   teacher ")
    assert card.picture._pointed == (5, 2)


def test_classes_gain_over_the_teacher_first(show: Show, tmp_path: Path) -> None:
    history = replayed(tmp_path, TAUGHT)
    card = show(GainCard(history))
    own = history.array(history.watched["class_accuracy"][-1])
    taught = history.array(history.watched["class_accuracy_teacher"][-1])
    assert np.allclose(card.chart.values, own - taught, atol=1e-4) and card.chart.signed
    pick(card._against, "accuracy")
    assert np.allclose(card.chart.values, own) and not card.chart.signed
    assert next(iter(card.table())) == ("class", "top1")


def test_classes_gain_over_another_run_of_the_same_dataset(show: Show, qtbot: QtBot, tmp_path: Path) -> None:
    other, _ = record(tmp_path, Recipe(name="20250304-101113-other-s1", epochs=4, classes=30, seed=1, teacher=True))
    history = replayed(tmp_path, TAUGHT)
    history.started = RunStarted(run="r", title="", folder="", seed=0, group="g", plan=history.plan | {"dataset": "digits"})
    card = show(GainCard(history))
    qtbot.waitUntil(lambda: card._against.count() == 3, timeout=5000)
    pick(card._against, "gain over")
    card._against.setCurrentIndex(2)
    own = history.array(history.watched["class_accuracy"][-1])
    theirs = baselines.class_accuracy(other.path).values
    qtbot.waitUntil(lambda: np.allclose(card.chart.values, own - theirs, atol=1e-4), timeout=5000)
    assert "classes gain" in card._caption.text()


def test_a_run_that_measured_no_classes_is_told_from_one_that_did(tmp_path: Path) -> None:
    folder, _ = record(tmp_path, ALONE)
    assert len(baselines.class_accuracy(folder.path).names) == 10
    (folder.path / "events.jsonl").write_text("")
    with pytest.raises(ValueError, match="did not measure its classes"):
        baselines.class_accuracy(folder.path)


@pytest.fixture
def templates(show: Show, tmp_path: Path) -> TemplatesCard:
    """Two images of 2 x 2 places; the student uses templates 1 and 2, the teacher 1 alone."""
    folder, history = bare_run(tmp_path)
    keep(folder, history, "samples", "images", np.zeros((2, 8, 8, 1), np.uint8), {"classes": ["a"], "label": ["a", "a"]})
    maps = np.array([[[[1, 1], [2, 2]], [[1, 1], [1, 3]]], [[[1, 1], [1, 1]], [[1, 1], [1, 1]]]])
    keep(folder, history, "letkd.penult_map", "templates", maps, {})
    card: TemplatesCard = show(TemplatesCard((("letkd.penult_map", "penult", ""),), history))
    return card


def test_the_most_frequent_templates_have_colours(templates: TemplatesCard) -> None:
    assert templates.grid.frequent()[0] == (1, 13 / 16)
    assert [key.name for key in templates._keys] == ["1 · 81 %", "2 · 12 %", "3 · 6 %"]
    assert templates.grid.describe(0, 1, 0) == (
        "student: template 2, 50 % of the image's places\nteacher: template 1, 100 % of the image's places"
    )


def test_a_click_on_a_place_shows_where_else_its_template_is(templates: TemplatesCard, qtbot: QtBot) -> None:
    box = templates.grid._box(0, 0)
    at = QPoint(box.x() + box.width() // 4, box.y() + 3 * box.height() // 4)
    qtbot.mouseClick(templates.grid, Qt.MouseButton.LeftButton, pos=at)
    assert templates.grid.chosen == 2 and templates.grid.colour(1) is None
    assert templates._caption.text().startswith("Template 2: 25.0 % of the student's places, 0.0 % of the teacher's places")
    qtbot.mouseClick(templates.grid, Qt.MouseButton.LeftButton, pos=at)
    assert templates.grid.chosen == 0
    assert list(templates.table())[:2] == [("image", "row", "column", "student", "teacher"), (1, 1, 1, 1, 1)]


def test_keys_go_through_the_most_frequent_templates(templates: TemplatesCard, qtbot: QtBot) -> None:
    seen = []
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Escape):
        qtbot.keyClick(templates.grid, key)
        seen.append(templates.grid.chosen)
    assert seen == [1, 2, 1, 3, 0]


def test_levels_are_lines_over_the_histogram_of_the_picked_layer(show: Show, tmp_path: Path) -> None:
    folder, history = bare_run(tmp_path)
    values = np.array([[0, 0.25, 0.5, 0.25, 0], [0.2, 0.2, 0.2, 0.2, 0.2]])
    labels = {"rows": ["stem", "head"], "columns": [], "edges": [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5], "levels": [-1, 0, 1]}
    keep(folder, history, "quantization.weights", "matrix", values, labels)
    card = show(LevelsCard(history))
    assert card.histogram.levels == (("−1", -1.0), ("0", 0.0), ("1", 1.0))
    assert card.histogram.edges.tolist() == [-1.5, -0.5, 0.5, 1.5]
    pick(card._layer, "head")
    assert card.histogram.edges[0] == -2.5 and "further out" in card._caption.text()


def test_a_run_without_levels_in_its_records_says_why_there_is_nothing(show: Show, tmp_path: Path) -> None:
    folder, history = bare_run(tmp_path)
    keep(folder, history, "quantization.weights", "matrix", np.eye(2), {"rows": ["a", "b"], "columns": []})
    card = show(LevelsCard(history))
    assert card._stack.currentIndex() == 0 and "before levels were kept" in card._waiting.text()


def test_the_run_screen_lays_the_views_of_a_run_with_a_teacher(qtbot: QtBot, tmp_path: Path) -> None:
    folder, _ = record(tmp_path, TAUGHT)
    screen = RunScreen()
    qtbot.addWidget(screen)
    screen.resize(1192, 800)
    screen.show_run(folder.path)
    titles = [card.title for card in screen.board.cards]
    assert {"Soft labels", "Confusion", "Samples", "Classes", "Affinity of places", "Try it"} <= set(titles)
    assert not {"Pictures", "Accuracy per class"} & set(titles)


class Asked:
    """Stands for the nets in a child: remembers what was asked."""

    def __init__(self, card: TryCard, monkeypatch: pytest.MonkeyPatch) -> None:
        self.words: list[list[str]] = []
        self.child = card.trial._child
        monkeypatch.setattr(self.child, "start", self.words.append)

    def say(self, **said: Any) -> None:
        """What a child would print."""
        self.child.said.emit(said)


@pytest.fixture
def trying(show: Show, tmp_path: Path) -> TryCard:
    """The card of a finished run."""
    card: TryCard = show(TryCard(replayed(tmp_path, TAUGHT)))
    return card


def picture(folder: Path, name: str = "one.png") -> str:
    path = folder / name
    image = QImage(60, 40, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    assert image.save(str(path))
    return str(path)


def test_before_a_run_is_done_nothing_can_be_tried(show: Show, tmp_path: Path) -> None:
    history = replayed(tmp_path, ALONE)
    history.saved = []
    card = show(TryCard(history))
    assert not card.open.isVisible() and not card.acceptDrops() and card._waiting.text() == NOT_YET
    history.saved = [Saved(kind="student", path="student.safetensors", step=1, epoch=1)]
    card.redraw()
    assert card.open.isVisible() and card._waiting.text() == TO_DO.format("")


def test_dropped_images_are_asked_about_and_answered(trying: TryCard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked, file = Asked(trying, monkeypatch), picture(tmp_path)
    words = tmp_path / "words.txt"
    words.write_text("no image")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(file), QUrl.fromLocalFile(str(words))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    entering = QDragEnterEvent(QPoint(50, 50), Qt.DropAction.CopyAction, data, buttons, keys)
    trying.dragEnterEvent(entering)
    assert entering.isAccepted()
    trying.dropEvent(QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, data, buttons, keys))
    assert asked.words[0][-3:] == ["--", str(trying.history.folder), file]
    assert "--teacher" in asked.words[0]
    asked.say(said="net", who="student", name="a run")
    asked.say(said="missing", who="teacher", sentence="its file is gone")
    asked.say(said="prediction", who="student", image=file, guesses=[["apple 1", 0.9], ["bear 1", 0.1]])
    assert trying.answers.images[0].guesses["student"][0] == ("apple 1", 0.9)
    assert "No teacher: its file is gone." in trying._notes.text()
    assert list(trying.table())[1] == (file, "student", 1, "apple 1", 0.9)
    assert trying.answers.sizeHint().height() > 60 and not trying.answers.grab().isNull()


def test_opened_images_are_asked_about_and_again_with_another_run_beside(
    trying: TryCard, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked, file = Asked(trying, monkeypatch), picture(tmp_path)
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *args: ([file], ""))
    qtbot.mouseClick(trying.open, Qt.MouseButton.LeftButton)
    trying._found([baselines.Baseline(tmp_path / "other", "another run")])
    pick(trying.beside, "another run")
    assert len(asked.words) == 2
    assert asked.words[1][asked.words[1].index("--beside") + 1] == str(tmp_path / "other")


def test_an_image_that_cannot_be_read_says_why(trying: TryCard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = Asked(trying, monkeypatch)
    path = tmp_path / "torn.png"
    path.write_bytes(b"torn")
    trying.try_images([str(path)])
    asked.say(said="unreadable", image=str(path), sentence="it is torn")
    asked.child.ended.emit(1, "something went wrong")
    found: Image = trying.answers.images[0]
    assert found.problem == "it is torn" and found.pixmap.isNull()
    assert "something went wrong" in trying._notes.text()


def test_more_images_than_can_be_asked_about_are_left_out_and_said(
    trying: TryCard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked, file = Asked(trying, monkeypatch), picture(tmp_path)
    trying.try_images([file] * 30)
    assert len(asked.words[0]) - asked.words[0].index("--") - 2 == 24
    assert "The first 24 of 30 images" in trying._notes.text()


def test_a_map_of_differences_is_pale_at_zero_in_both_schemes(qtbot: QtBot) -> None:
    heat = HeatMap()
    qtbot.addWidget(heat)
    heat.resize(200, 150)
    heat.set_scale("around zero")
    heat.show_matrix(np.array([[0.0, -1.0], [3.0, np.nan]]), [], [])
    colours = [heat._image.pixelColor(x, y).lightness() for y in (0, 1) for x in (0, 1)]
    assert colours[0] == max(colours) == colours[3] and heat._ends == (-3.0, 3.0)


def test_try_it_leads_from_the_results_to_the_card(qtbot: QtBot, tmp_path: Path) -> None:
    folder, _ = record(tmp_path, ALONE)
    screen = RunScreen()
    qtbot.addWidget(screen)
    screen.resize(1192, 800)
    screen.show()
    screen.show_run(folder.path)
    qtbot.mouseClick(screen.results.try_it, Qt.MouseButton.LeftButton)
    assert screen.panels is not None and screen.board.large is screen.panels.trying
    qtbot.waitUntil(screen.panels.trying.open.isVisible, timeout=4000)
