"""The picture of an experiment says what flows from where to where, and its boxes lead to their settings."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engine import catalogue_file, presets
from engine.extras import catalogue
from engine.shipped import place
from kdstudio.screens.setup import pipeline
from kdstudio.screens.setup.diagram import Diagram
from kdstudio.screens.setup.pipeline import Pipeline
from kdstudio.screens.setup.pipeline_card import PipelineCard
from kdstudio.store import Store

EXPERIMENTS = [p.name for p in presets.names() if p.kind == "experiments" and p.shipped]


def drawn(name: str, *sets: str) -> Pipeline:
    found = pipeline.of(presets.resolve(f"experiments/{name}", sets).experiment, catalogue())
    assert found is not None
    return found


def flows(found: Pipeline) -> set[tuple[str, str, str]]:
    return {(wire.source, wire.target, wire.kind) for wire in found.wires}


def test_labels_alone_make_the_smallest_picture() -> None:
    found = drawn("digits-labels")
    assert [box.key for box in found.boxes] == ["images", "labels", "student", "ce", "loss"]
    assert flows(found) == {
        ("images", "student", "images"), ("labels", "ce", "labels"), ("student", "ce", "logits"), ("ce", "loss", "loss"),
    }  # fmt: skip


def test_a_method_on_logits_takes_those_of_both_nets() -> None:
    found = drawn("digits-dkd")
    assert {("teacher", "dkd", "logits"), ("student", "dkd", "logits"), ("dkd", "loss", "loss")} <= flows(found)
    box = next(box for box in found.boxes if box.key == "dkd")
    assert box.lines == ("target class × 1", "other classes × 8")


def test_a_method_on_features_takes_the_taps_it_compares() -> None:
    found = drawn("digits-fitnet", "student.net=vgg8")
    [own] = [w for w in found.wires if w.target == "fitnet" and w.source == "student" and w.kind == "maps"]
    [other] = [w for w in found.wires if w.target == "fitnet" and w.source == "teacher"]
    assert (own.port, other.port) == ("f2", "f2")
    student = next(box for box in found.boxes if box.key == "student")
    assert [port.words for port in student.ports] == ["f2  256 × 2 × 2", "logits"]


def test_soft_labels_that_stand_in_for_a_teacher_come_from_the_stages_that_make_them() -> None:
    found = drawn("digits-reffakd-dkd-replace")
    assert ("reffakd:before", "dkd", "logits") in flows(found) and ("images", "reffakd:before", "images") in flows(found)
    assert "teacher" not in {box.key for box in found.boxes}
    before = next(box for box in found.boxes if box.key == "reffakd:before")
    assert before.lines == ("autoencoder → soft labels",)


def test_what_stays_in_the_student_and_its_bits_stand_in_its_box() -> None:
    found = drawn("digits-letkd", "student.quantize.weights=4")
    student = next(box for box in found.boxes if box.key == "student")
    assert any("letKD" in line for line in student.lines) and any("4-bit" in line for line in student.lines)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_nothing_in_a_picture_hangs_loose(name: str) -> None:
    experiment = presets.resolve(name).experiment
    if experiment.student.net not in catalogue().nets:
        pytest.skip(f"{experiment.student.net} is counted on the user's machine")
    found = drawn(name.removeprefix("experiments/"))
    keys = {box.key for box in found.boxes}
    ports = {(box.key, port.name) for box in found.boxes for port in box.ports}
    for wire in found.wires:
        assert {wire.source, wire.target} <= keys
        assert not wire.port or (wire.source, wire.port) in ports
    linked = {key for wire in found.wires for key in (wire.source, wire.target)}
    assert keys == linked
    assert all(box.title in found.in_words() for box in found.boxes)


def test_a_box_leads_to_its_setting_by_click_and_by_key(store: Store, qtbot: QtBot) -> None:
    diagram = Diagram()
    qtbot.addWidget(diagram)
    diagram.resize(800, 300)
    diagram.show_pipeline(drawn("digits-dkd"))
    diagram.show()
    place = diagram.places()["dkd"].center().toPoint()
    with qtbot.waitSignal(diagram.path_requested) as heard:
        qtbot.mouseClick(diagram, Qt.MouseButton.LeftButton, pos=place)
    assert heard.args == ["methods.dkd"]
    diagram.setFocus()
    qtbot.keyClick(diagram, Qt.Key.Key_Right)
    with qtbot.waitSignal(diagram.path_requested) as heard:
        qtbot.keyClick(diagram, Qt.Key.Key_Return)
    assert heard.args == ["dataset.name"]
    assert "Cross-entropy takes" in diagram.accessibleDescription()


def test_boxes_of_a_picture_do_not_overlap_however_narrow(store: Store, qtbot: QtBot) -> None:
    diagram = Diagram()
    qtbot.addWidget(diagram)
    for name in ("digits-letkd-dkd", "digits-reffakd-dkd-add", "cifar100-resnet56-resnet20-faqd"):
        diagram.show_pipeline(drawn(name))
        diagram.resize(diagram.minimumSizeHint())
        places = list(diagram.places().values())
        assert all(not one.intersects(other) for n, one in enumerate(places) for other in places[:n])
        assert all(diagram.rect().contains(place.toAlignedRect()) for place in places)


def test_the_picture_follows_the_form_and_stays_folded_once_folded(store: Store, qtbot: QtBot) -> None:
    card = PipelineCard(store)
    qtbot.addWidget(card)
    card.open(True)
    card.refresh()
    store.add_method("kd")
    card.refresh()
    assert "kd" in {box.key for box in card.diagram.pipeline.boxes}
    card.fold.click()
    again = PipelineCard(store)
    qtbot.addWidget(again)
    assert again.diagram.isHidden()
    again.open(True)


def test_of_nets_that_nobody_counted_yet_no_picture_is_shown(store: Store, qtbot: QtBot) -> None:
    card = PipelineCard(store)
    qtbot.addWidget(card)
    card.refresh()
    assert card.diagram.pipeline.boxes
    store.set_catalogue(catalogue_file.from_json((place("assets") / "catalog.json").read_text(encoding="utf-8")))
    store.set_value("student.net", "torchvision.resnet18")
    card.refresh()
    assert (card.diagram.pipeline.boxes, card.stages.text()) == ((), "drawn once the nets are counted")
