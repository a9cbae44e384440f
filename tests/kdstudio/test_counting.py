"""What the catalogue lacks is counted by a real child process while the window goes on, and then shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from engine import extras
from engine.extras import Extras
from kdstudio.background.counting import Counting, count_own_nets
from kdstudio.screens.setup.cards import StudentCard
from kdstudio.store import Store

NET = "torchvision.shufflenet_v2_x0_5"
LONG = 120_000
"""Milliseconds in which a child may load torch on a busy machine."""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cache of the test's own, in which all of torchvision's nets count as counted, and a plug-in folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KDSTUDIO_PLUGINS", str(tmp_path / "plugins"))
    extras.write(Extras(whole=True))
    yield
    extras.catalogue.cache_clear()


@pytest.fixture
def counting(store: Store, qtbot: QtBot) -> Iterator[Counting]:
    store.set_catalogue(extras.catalogue())
    made = Counting(store)
    yield made
    made.end()


def test_a_net_of_torchvision_is_counted_while_one_goes_on_and_then_offered(
    store: Store, counting: Counting, qtbot: QtBot
) -> None:
    card = StudentCard(store)
    qtbot.addWidget(card)
    store.set_value("student.net", NET)
    card.refresh()
    assert "not in the catalogue yet" in store.problem("student.net") and card.editor.findData(NET) >= 0
    counting.begin()
    assert counting.busy
    store.set_value("training.epochs", 3)  # the form stays free
    qtbot.waitUntil(lambda: NET in store.catalogue.nets, timeout=LONG)
    assert store.problem("student.net") == ""
    card.refresh()
    assert card.editor.currentText() == "torchvision shufflenet_v2_x0_5"
    assert "parameters" in card.facts()[0]


def test_images_that_no_dataset_has_are_counted_when_they_are_asked_for(store: Store, counting: Counting, qtbot: QtBot) -> None:
    counting.begin()
    assert not counting.busy
    store.set_value("dataset.size", 50)
    student = store.value("student.net")
    assert store.catalogue.nets[student].size_on(1, 50, 10) is None
    qtbot.waitUntil(lambda: store.catalogue.nets[student].size_on(1, 50, 10) is not None, timeout=LONG)
    teacher = store.value("teacher.net")
    assert store.catalogue.nets[teacher].shapes_on(50) is not None
    assert not counting.busy


def test_what_cannot_be_counted_is_said_once(store: Store, counting: Counting, qtbot: QtBot) -> None:
    store.set_value("student.net", "torchvision.resnt18")
    with qtbot.waitSignal(counting.failed, timeout=LONG) as failed:
        counting.begin()
    assert failed.args[0].startswith("torchvision has no classifier 'resnt18'; did you mean 'resnet18'?")
    assert not counting.busy


def test_closing_ends_the_child(store: Store, counting: Counting, qtbot: QtBot) -> None:
    store.set_value("student.net", NET)
    counting.begin()
    assert counting.busy
    counting.end()
    assert not counting.busy and NET not in store.catalogue.nets


def test_own_nets_are_counted_before_a_window_opens_on_them(tmp_path: Path) -> None:
    assert not count_own_nets()
    path = tmp_path / "plugins" / "nets" / "mine.py"
    path.parent.mkdir(parents=True)
    path.write_text("NETS = (\n")
    extras.catalogue.cache_clear()
    assert count_own_nets()
    assert extras.catalogue().problems == (f"{path}, line 1: '(' was never closed",)
    assert not count_own_nets()


def test_a_file_of_ones_own_that_cannot_be_used_is_a_warning_beside_the_student(store: Store, counting: Counting) -> None:
    extras.write(Extras(whole=True, problems=("mine.py, line 3: invalid syntax",)))
    store.set_catalogue(extras.catalogue())
    assert [(w.path, w.sentence) for w in store.warnings][-1] == ("student.net", "mine.py, line 3: invalid syntax")
    assert store.problems == ()
