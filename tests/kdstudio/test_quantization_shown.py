"""Quantization in the window: a form of its own, the true size in the Plan, and a card of levels in a run."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from engine.events import RunStarted
from engine.extras import catalogue
from kdstudio.charts.board import Board
from kdstudio.charts.lens import Lens
from kdstudio.charts.matrix import QUANTIZATION, MatrixCard
from kdstudio.charts.redraw import Redraw
from kdstudio.history import History
from kdstudio.screens.run.panels import Panels
from kdstudio.screens.setup import SetupScreen, outline
from kdstudio.store import Store


def test_bits_are_chosen_in_a_section_of_their_own(store: Store, qtbot: QtBot) -> None:
    screen = SetupScreen(store)
    qtbot.addWidget(screen)
    screen.show()
    section = screen.fixed["student.quantize"]
    cell = section.reveal("student.quantize.weights")
    assert cell is not None and section.title == "Quantization"
    offered = [cell.editor.itemText(i) for i in range(cell.editor.count())]
    assert offered == ["1", "2", "4", "8", "32"]
    cell.editor.setCurrentIndex(2)
    cell.editor.activated.emit(2)
    assert store.resolved().experiment.student.quantize.weights == 4
    assert store.words_for("student.quantize.weights") == "Quantization: bits of weights"
    assert "--set student.quantize.weights=4" in store.command()
    assert section.reveal("student.quantize.first_layer") is not None
    assert "step_start" not in section.form.cells or section.form.cells["step_start"].isHidden()


def test_the_plan_states_the_bytes_of_the_quantized_student(store: Store) -> None:
    assert outline.of(store.resolved().experiment, catalogue()).quantized == ""
    store.set_values({"student.quantize.weights": 4, "student.quantize.activations": 4})
    said = outline.of(store.resolved().experiment, catalogue()).quantized
    assert said == "4-bit weights, 4-bit activations: 55.3\u202fk bytes instead of 314\u202fk, 5.7 × smaller"


def test_levels_have_a_card_beside_that_of_soft_labels(qtbot: QtBot) -> None:
    names = ("soft_labels_student", "quantization.weights", "quantization.levels")
    watches = [{"name": name, "kind": "matrix"} for name in names]
    history, board = History(), Board()
    qtbot.addWidget(board)
    history.started = RunStarted(run="r", title="", folder="", seed=0, group="g", plan={"watches": watches})
    Panels(board, Redraw(board), history, Lens(), lambda card: None)
    cards = [card for card in board.cards if isinstance(card, MatrixCard)]
    assert [card.subject.title for card in cards] == ["Soft labels", "Quantization"]
    assert [m.watch for m in cards[1].matrices] == ["quantization.weights", "quantization.levels"]
    assert cards[1].heat.scale == QUANTIZATION.scales[0]
