"""The entry: the window, or a subcommand of the terminal. Neither Qt nor torch is imported before it is needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kdstudio.window import Window

DEFAULT = "experiments/digits-reffakd"
"""What the window opens on."""

REFUSED = 2
"""Exit code where the window cannot be shown, as of every refusal."""


def main() -> None:
    """Run `kdstudio` with the words it was called with."""
    words = sys.argv[1:]
    if (words and not words[0].startswith("--")) or words[:1] == ["--help"]:
        from engine.cli import cli

        _with_window_options(cli)
        cli()
    else:
        typer.run(window)


def window(
    start: Annotated[str, typer.Option("--start", metavar="PRESET", help="Open this experiment and start it.")] = "",
    runs: Annotated[Path | None, typer.Option("--runs", help="Folder of the runs (default: the user's data folder).")] = None,
) -> None:
    """Open the window."""
    from kdstudio import display

    packages, shown = display.missing_packages(), not display.missing_display()
    if shown and not packages:
        raise typer.Exit(show(start, runs))
    typer.echo(display.sentence(packages, start or DEFAULT, shown), err=True)
    if not start:
        raise typer.Exit(REFUSED)
    typer.echo("Running it here.", err=True)
    raise typer.Exit(_in_terminal(start, runs))


def show(start: str, runs: Path | None) -> int:
    """Show the window until it is closed; the exit code."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from engine.presets import PresetError
    from engine.runs import home

    app = QApplication(sys.argv[:1])
    try:
        opened = open_window(start or DEFAULT, runs or home())
    except PresetError as error:
        typer.echo("\n".join(str(problem) for problem in error.problems), err=True)
        return REFUSED
    opened.restore()
    opened.show()
    if start:
        QTimer.singleShot(0, opened, opened.setup.start)
    return app.exec()


def open_window(preset: str, home: Path) -> Window:
    """A dressed window on a preset, not yet shown; needs a QApplication. Raises PresetError."""
    import locale

    from PySide6.QtCore import QCoreApplication, QSettings
    from PySide6.QtWidgets import QApplication

    from engine.cards import catalogue
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
    theme.start(app)
    store = Store(catalogue())
    store.open_preset(preset)
    return Window(store, home)


def _in_terminal(preset: str, runs: Path | None) -> int:
    from engine.cli import cli

    words = ["train", preset] + (["--runs", str(runs)] if runs else [])
    code = cli(words, standalone_mode=False)
    return code if isinstance(code, int) else 0


def _with_window_options(cli: typer.Typer) -> None:
    """Say in the terminal's help how the window is opened."""
    cli.info.epilog = "The window: kdstudio [--start PRESET] [--runs DIR]"


if __name__ == "__main__":
    main()
