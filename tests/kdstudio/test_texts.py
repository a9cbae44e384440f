"""Numbers in short, and words that give way."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from kdstudio.quantities import grouped, short, times
from kdstudio.widgets.texts import Elided


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0"), (842, "842"), (999.7, "1.00 k"), (61750, "61.8 k"), (78042, "78.0 k"), (278324, "278 k"), (999_600, "1.00 M"),
     (40_818_944, "40.8 M"), (4_110_000_000, "4.11 G")],
)  # fmt: skip
def test_counts_are_told_in_three_digits(count: float, words: str) -> None:
    assert short(count).replace("\u202f", " ") == words


@pytest.mark.parametrize(("ratio", "words"), [(1.04, "1.0"), (7.23, "7.2"), (99.4, "99.4"), (503.2, "503")])
def test_ratios_lose_the_digits_that_mean_nothing(ratio: float, words: str) -> None:
    assert times(ratio) == words


def test_thousands_stand_apart() -> None:
    assert grouped(60000) == "60\u202f000"


def drawn(words: Elided, width: int) -> QImage:
    words.resize(width, 20)
    return words.grab().toImage()


def test_words_that_do_not_fit_give_way_to_shorter_ones(qtbot: QtBot) -> None:
    words, shorter, plain = Elided("", "faint"), Elided("digits", "faint"), Elided("set by digits", "faint")
    for made in (words, shorter, plain):
        qtbot.addWidget(made)
    words.set_texts("set by digits", "digits")
    assert drawn(words, 300) == drawn(plain, 300)
    assert drawn(words, 48) == drawn(shorter, 48)
    assert drawn(words, 48) != drawn(plain, 48)
