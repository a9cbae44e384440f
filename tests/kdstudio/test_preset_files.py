"""The open experiment and files: duplicate, import, export, and files dropped into the window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from engine import presets
from kdstudio.dropping import Dropping
from kdstudio.screens.setup import SetupScreen
from kdstudio.screens.setup.taking import Taking
from kdstudio.store import Store
from kdstudio.widgets.asking import Sheet


@pytest.fixture
def screen(store: Store, qtbot: QtBot) -> SetupScreen:
    made = SetupScreen(store)
    qtbot.addWidget(made)
    made.show()
    return made


def sheets(screen: QWidget) -> list[Sheet]:
    return [sheet for sheet in screen.window().findChildren(Sheet) if sheet.isVisible()]


def test_a_duplicate_is_ones_own_and_keeps_what_was_changed(screen: SetupScreen) -> None:
    screen.store.set_value("training.epochs", 3)
    title = screen.store.resolved().experiment.title
    screen.header.files.duplicate()
    assert screen.store.own() and screen.store.value("training.epochs") == 3
    assert screen.store.resolved().experiment.title == f"{title} copy"
    screen.header.files.duplicate()
    assert screen.store.resolved().experiment.title == f"{title} copy copy"
    assert len(list((presets.user_folder() / "experiments").glob("*.yaml"))) == 2


def test_an_imported_file_lies_among_ones_own_presets(screen: SetupScreen, tmp_path: Path) -> None:
    path = tmp_path / "Their recipe.yaml"
    path.write_text("title: Theirs\nextends: [experiments/digits-kd]\ntraining: {epochs: 4}\n", encoding="utf-8")
    assert screen.header.files.take_in(path)
    assert screen.store.resolved().name == "experiments/theirs"
    assert (screen.store.value("training.epochs"), screen.store.own()) == (4, True)
    assert screen.header.files.take_in(path)
    assert screen.store.resolved().name == "experiments/theirs-2"


def test_a_file_that_cannot_be_imported_says_line_and_reason(screen: SetupScreen, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("training:\n  epoch: 4\n", encoding="utf-8")
    assert not screen.header.files.take_in(path)
    [sheet] = sheets(screen)
    assert "bad.yaml:2:3" in sheet.sentence.text() and "did you mean 'epochs'" in sheet.sentence.text()
    sheet.reject()


def test_the_differences_alone_are_exported_and_open_equal(screen: SetupScreen, tmp_path: Path) -> None:
    screen.store.set_value("training.epochs", 3)
    before, path = screen.store.resolved().experiment, tmp_path / "small.yaml"
    screen.header.files.export_differences(path)
    text = path.read_text(encoding="utf-8")
    assert "epochs: 3" in text and "batch_size" not in text
    screen.header.open_preset(path)
    assert screen.store.resolved().experiment == before


def test_everything_without_a_button_is_in_the_menu(screen: SetupScreen) -> None:
    words = [action.text() for action in screen.header.files.menu().actions() if action.text()]
    assert words == [
        "Open a file…", "Import a file into your presets…", "Duplicate", "Export as one YAML file…",
        "Export only the differences…", "Undo every change",
    ]  # fmt: skip


def drop(widget: QWidget, path: Path) -> bool:
    """Drag a file over a widget and let it go; whether it was taken."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    given = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(QPointF(4, 4).toPoint(), *given)
    enter.ignore()
    QApplication.sendEvent(widget, enter)
    if not enter.isAccepted():
        return False
    QApplication.sendEvent(widget, QDropEvent(QPointF(4, 4), *given))
    return True


def test_a_preset_dropped_into_the_window_is_opened(screen: SetupScreen, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("title: Mine\nextends: [experiments/digits-labels]\n", encoding="utf-8")
    Dropping(screen, screen.taking.take)
    assert drop(screen, path)
    assert screen.store.resolved().experiment.title == "Mine"


def test_a_config_of_mdistiller_dropped_into_the_window_becomes_a_preset_of_ones_own(
    screen: SetupScreen, tmp_path: Path
) -> None:
    path = tmp_path / "kd.yaml"
    path.write_text(
        'DISTILLER: {TYPE: "KD", TEACHER: "resnet56", STUDENT: "resnet20"}\nSOLVER: {EPOCHS: 240}\n', encoding="utf-8"
    )
    screen.taking.take(path)
    assert screen.store.own() and screen.store.stack() == ("kd",)
    assert (screen.store.value("teacher.net"), screen.store.value("training.epochs")) == ("resnet56", 240)
    for sheet in sheets(screen):
        sheet.reject()


def test_files_of_other_kinds_are_left_to_others(screen: SetupScreen, tmp_path: Path) -> None:
    heard: list[Path] = []
    Dropping(screen, heard.append)
    assert not drop(screen, tmp_path / "cat.png")
    assert heard == []


@pytest.mark.parametrize(
    ("names", "dataset"),
    [
        (("cat/1.png", "dog/2.PNG"), "folder"),
        (("train/cat/1.png", "test/cat/2.png"), "folder"),
        (("1.jpg", "2.jpg"), "unlabelled"),
        (("train-images-idx3-ubyte.gz",), "fashion-mnist"),
        (("cifar-100-python/train",), "cifar100"),
    ],
)
def test_a_folder_of_images_dropped_into_the_window_becomes_the_dataset(
    screen: SetupScreen, tmp_path: Path, names: tuple[str, ...], dataset: str
) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    Dropping(screen, screen.taking.take)
    assert drop(screen, tmp_path)
    value = screen.store.value
    assert (value("dataset.name"), value("dataset.root")) == (dataset, str(tmp_path))
    assert value("dataset.labels") is (dataset != "unlabelled")
    screen.store.undo()
    assert value("dataset.name") == "digits"


def test_files_that_several_datasets_have_are_of_the_one_in_the_form(screen: SetupScreen, tmp_path: Path) -> None:
    (tmp_path / "t10k-images-idx3-ubyte").touch()
    screen.store.set_value("dataset.name", "mnist")
    screen.taking.take(tmp_path)
    assert screen.store.value("dataset.name") == "mnist"


def test_a_folder_without_images_is_told_so(screen: SetupScreen, tmp_path: Path) -> None:
    screen.taking.take(tmp_path)
    (sheet,) = sheets(screen)
    assert "holds no images" in sheet.sentence.text()
    assert screen.store.value("dataset.root") == ""
    sheet.reject()


class Told(Taking):
    """A checkpoint that is looked into at once."""

    told: Any = None

    def _look_into(self, path: Path) -> None:
        self._path, self._told = path, self.told
        self._offer()


TOLD = {"nets": ["resnet20"], "channels": 1, "classes": 10, "names": [], "top1": None, "published": ""}


def offered(screen: SetupScreen, **told: Any) -> Sheet:
    taking = Told(screen.store, screen.header.files, screen)
    taking.told = TOLD | told
    taking.take(Path("/somewhere/net.pth"))
    [sheet] = sheets(screen)
    return sheet


def test_a_checkpoint_becomes_the_teacher_by_choice(screen: SetupScreen) -> None:
    sheet = offered(screen)
    assert "ResNet-20" in sheet.sentence.text() and "10 classes" in sheet.sentence.text()
    sheet.buttons["Teacher"].click()
    values = screen.store.values("teacher")
    assert (values["net"], values["source"], values["file"]) == ("resnet20", "file", "/somewhere/net.pth")
    screen.store.undo()
    assert not screen.store.edited()


def test_a_checkpoint_becomes_what_the_student_starts_from_by_choice(screen: SetupScreen) -> None:
    offered(screen).buttons["Student's start"].click()
    assert screen.store.values("student")["source"] == "file"


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"classes": 100}, "Handwritten digits has 10: open an experiment on a dataset of its classes first."),
        ({"classes": 3, "names": ["a", "b", "c"]}, "has 10: open"),
        ({"channels": 3}, "It takes colour images, those of Handwritten digits are grey"),
    ],
)
def test_a_checkpoint_that_fits_nothing_here_is_refused_with_the_reason(
    screen: SetupScreen, told: dict[str, Any], sentence: str
) -> None:
    title = screen.store.catalogue.datasets["digits"].title
    sheet = offered(screen, **told)
    assert sentence.replace("Handwritten digits", title) in sheet.sentence.text()
    assert list(sheet.buttons) == ["Close"]
    sheet.reject()
