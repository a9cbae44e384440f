"""The entry: the window, or a subcommand of the terminal. Neither Qt nor torch is imported before it is needed."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.presets import Resolved
    from kdstudio.window import Window

DEFAULT = "experiments/digits-reffakd"
"""What the window opens on."""

REFUSED = 2
"""Exit code where the window cannot be shown, as of every refusal."""


def main() -> None:
    """Run `kdstudio` with the words it was called with: options alone open the window, anything else is a command."""
    words = sys.argv[1:]
    if words and (not words[0].startswith("-") or words[0] in ("-h", "--help")):
        sys.exit(_terminal(["--help"] if words[0] == "-h" else words))
    options = _options().parse_args(words)
    sys.exit(window(options.start, options.runs))


def window(start: str, runs: Path | None) -> int:
    """Open the window, and start an experiment where one is named; without a display, say so and go on in the terminal.
    The exit code."""
    from kdstudio import display

    found = display.find()
    if found.plugin:
        os.environ["QT_QPA_PLATFORM"] = found.plugin  # Qt must not try a display that does not answer first
    packages = display.missing_packages()
    if not found.problem and not packages:
        return show(start, runs)
    _say(display.sentence(packages, start or DEFAULT, found.problem))
    if not start:
        return REFUSED
    _say("Running it here.")
    return _terminal(["train", start, *(["--runs", str(runs)] if runs else [])])


def show(start: str, runs: Path | None) -> int:
    """Show the window until it is closed; the exit code."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from engine.presets import PresetError
    from kdstudio.entries import run as run_entry
    from kdstudio.entries import runs as entry
    from kdstudio.entries import setup as setup_entry

    app = QApplication.instance() or QApplication(sys.argv[:1])
    try:
        opened = _opened(start or DEFAULT, runs)
    except PresetError as error:
        _say("\n".join(str(problem) for problem in error.problems))
        return REFUSED
    opened.restore()
    opened.show()
    QTimer.singleShot(0, opened, opened.counting.begin)
    if start:
        QTimer.singleShot(0, opened, opened.setup.start)
    else:
        opened.guide.welcome()
        QTimer.singleShot(entry.LATER, opened, lambda: run_entry.load(opened))
        QTimer.singleShot(entry.LATER, opened, lambda: setup_entry.load(opened))
    opened.lineup.peek()
    QTimer.singleShot(entry.LATER, opened, lambda: entry.look(opened))
    return app.exec()


def _opened(preset: str, home: Path | None) -> Window:
    """The window on a preset, which may name a net of the user's own that was not counted yet. Raises PresetError."""
    from engine.presets import PresetError
    from kdstudio.background.counting import count_own_nets

    try:
        return open_window(preset, home)
    except PresetError:
        if not count_own_nets():
            raise
        return open_window(preset, home)


def open_window(preset: str, home: Path | None) -> Window:
    """A dressed window on a preset, not yet shown; needs a QApplication. Raises PresetError."""
    import locale

    from PySide6.QtCore import QCoreApplication, QSettings
    from PySide6.QtWidgets import QApplication

    from engine.extras import catalogue
    from kdstudio import theme
    from kdstudio.store import Store
    from kdstudio.window import Window

    locale.setlocale(locale.LC_NUMERIC, "C")
    QCoreApplication.setOrganizationName("kdstudio")
    QCoreApplication.setApplicationName("kdstudio")
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    app.setDesktopFileName("kdstudio")
    theme.prepare(app)
    store = Store(catalogue(), home)
    store.open_preset(preset)
    opened = Window(store, home)
    theme.finish()
    return opened


def _options() -> argparse.ArgumentParser:
    """The window's own options. Not typer's: importing that takes a tenth of the time in which the window is shown."""
    parser = argparse.ArgumentParser("kdstudio", description="Open the window.", epilog="Commands: kdstudio --help")
    parser.add_argument("--start", metavar="PRESET", default="", help="open this experiment and start it")
    parser.add_argument("--runs", metavar="DIR", type=Path, default=None, help="folder of the runs")
    return parser


def _terminal(words: list[str]) -> int:
    """Run a command of the terminal; its exit code."""
    from engine.cli import BROUGHT, cli

    BROUGHT["window"] = _bench_window
    cli.info.epilog = "The window: kdstudio [--start PRESET] [--runs DIR]"
    try:
        cli(words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def _bench_window(resolved: Resolved) -> int:
    from kdstudio import bench

    return bench.main(resolved)


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")


if __name__ == "__main__":
    main()
