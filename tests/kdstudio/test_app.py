"""The entry: which words open the window, which are a command, and what happens without a display."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kdstudio import app, display


def kdstudio(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    command = [sys.executable, "-m", "kdstudio.app", *words]
    return subprocess.run(command, capture_output=True, text=True, env=kept | environment, timeout=120)


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")


@linux
def test_without_a_display_a_sentence_names_the_terminal_command() -> None:
    done = kdstudio()
    assert done.returncode == 2
    assert "no display" in done.stderr
    assert "kdstudio train experiments/digits-reffakd" in done.stderr


def test_without_a_display_start_runs_in_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(display, "find", lambda: display.Found("", "there is no display."))
    monkeypatch.setattr(app, "_terminal", lambda words: ran.append(words) or 0)
    assert app.window("experiments/digits-kd", Path("runs")) == 0
    assert ran == [["train", "experiments/digits-kd", "--runs", "runs"]]
    assert "no display" in capsys.readouterr().err


@linux
def test_the_first_experiment_runs_to_its_end_without_a_display(tmp_path: Path) -> None:
    preset = tmp_path / "short.yaml"
    preset.write_text(
        "kdstudio: 1\nextends: [experiments/digits-reffakd]\ndataset: {subset: 0.1}\ntraining: {epochs: 1}\n"
        "methods: {reffakd: {epochs: 1}}\n"
    )
    places = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "DATA", "CACHE", "STATE")}
    done = kdstudio("--start", str(preset), **places)
    assert done.returncode == 0, done.stderr
    assert "no display" in done.stderr
    assert len(list(tmp_path.glob("data/kdstudio/runs/*/student.safetensors"))) == 1


def test_an_unknown_preset_is_refused_before_the_window_opens() -> None:
    done = kdstudio("--start", "experiments/digits-refakd", QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 2
    assert "did you mean 'experiments/digits-reffakd'" in done.stderr


def test_an_unknown_option_is_refused() -> None:
    done = kdstudio("--strat", "x")
    assert done.returncode == 2
    assert "--start" in done.stderr


def test_commands_need_no_qt() -> None:
    code = (
        "import sys; sys.argv = ['kdstudio', 'list', 'nets']; from kdstudio import app\n"
        "try: app.main()\nexcept SystemExit as end: print(end.code)\n"
        "print([m for m in ('PySide6', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["0", "[]"]
    assert "resnet20" in done.stdout


def test_help_names_the_commands_and_the_window() -> None:
    done = kdstudio("--help")
    assert done.returncode == 0
    assert "train" in done.stdout
    assert "--start" in done.stdout


def test_a_command_that_fails_ends_with_its_own_code() -> None:
    assert kdstudio("show", "experiments/nowhere").returncode == 2


def test_missing_libraries_are_named_by_their_package() -> None:
    def there(missing: set[str]) -> Callable[[str], bool]:
        return lambda library: library not in missing

    x = {"DISPLAY": ":0"}
    assert display.missing_packages(x, "linux", there({"libxcb-cursor.so.0", "libEGL.so.1"})) == ("libegl1", "libxcb-cursor0")
    assert display.missing_packages(x, "linux", there(set())) == ()
    assert display.missing_packages({"QT_QPA_PLATFORM": "offscreen"}, "linux", there({"libxcb-cursor.so.0"})) == ()
    assert display.missing_packages({"WAYLAND_DISPLAY": "w"}, "linux", there({"libxcb-cursor.so.0"})) == ()
    assert display.missing_packages(x, "darwin", there({"libEGL.so.1"})) == ()


def found(environment: dict[str, str], answering: str = "", platform: str = "linux") -> display.Found:
    return display.find(environment, platform, lambda _: "wayland" in answering, lambda _: "x" in answering)


BOTH = {"DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}


@pytest.mark.parametrize(
    ("environment", "answering", "plugin"),
    [({"DISPLAY": ":0"}, "x", "xcb"), ({"WAYLAND_DISPLAY": "w"}, "wayland", "wayland"), (BOTH, "wayland x", "wayland"),
     (BOTH, "x", "xcb"), ({"QT_QPA_PLATFORM": "offscreen"}, "", "offscreen"),
     ({"QT_QPA_PLATFORM": "minimal:x"}, "", "minimal:x"), ({"QT_QPA_PLATFORM": "wayland;xcb"}, "x", "wayland;xcb")],
)  # fmt: skip
def test_the_display_that_answers_is_taken(environment: dict[str, str], answering: str, plugin: str) -> None:
    assert found(environment, answering) == display.Found(plugin)


@pytest.mark.parametrize(
    ("environment", "named"),
    [({}, "neither DISPLAY nor WAYLAND_DISPLAY is set"), (BOTH, "answers at WAYLAND_DISPLAY=w, DISPLAY=:0."),
     ({"QT_QPA_PLATFORM": "wayland-egl"}, "QT_QPA_PLATFORM=wayland-egl")],
)  # fmt: skip
def test_a_display_that_does_not_answer_is_named(environment: dict[str, str], named: str) -> None:
    assert found(environment).plugin == ""
    assert named in found(environment).problem


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_only_linux_can_be_without_a_display(platform: str) -> None:
    assert found({}, platform=platform) == display.Found("")


@linux
@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_a_stale_display_gives_a_sentence_and_no_abort(name: str, tmp_path: Path) -> None:
    done = kdstudio(XDG_RUNTIME_DIR=str(tmp_path), **{name: ":9471" if name == "DISPLAY" else "nope"})
    assert done.returncode == 2
    assert f"{name}=" in done.stderr


@linux
def test_a_compositor_answers_by_name_and_by_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("wayland-7")
        by_name = {"WAYLAND_DISPLAY": "wayland-7", "XDG_RUNTIME_DIR": str(tmp_path)}
        assert not display.wayland_answers(by_name)
        listening.listen()
        assert display.wayland_answers(by_name)
        assert display.wayland_answers({"WAYLAND_DISPLAY": str(tmp_path / "wayland-7")})
    assert not display.wayland_answers({"WAYLAND_DISPLAY": "wayland-7"})


def test_the_sentence_names_packages_and_the_command() -> None:
    said = display.sentence(("libegl1", "libxcb-cursor0"), "experiments/x")
    assert "sudo apt install libegl1 libxcb-cursor0" in said
    assert said.endswith("kdstudio train experiments/x")


def test_a_missing_library_is_noticed() -> None:
    assert not display.loads("libsurely-not-there.so.9")


def test_presets_and_what_draws_a_run_are_read_beside_the_window_before_they_are_wanted(tmp_path: Path) -> None:
    code = (  # in a process of its own, in which nothing has read it yet
        "import sys; from pathlib import Path; from PySide6.QtWidgets import QApplication\n"
        "from engine.presets import places; from kdstudio import app; from kdstudio.background.chores import Chores\n"
        "from kdstudio.entries import run, setup\n"
        "held = QApplication([]); window = app.open_window(app.DEFAULT, Path(sys.argv[1]))\n"
        "assert 'pyqtgraph' not in sys.modules\n"
        "run.load(window); setup.load(window); [chores.wait() for chores in window.findChildren(Chores)]\n"
        "assert 'kdstudio.screens.run' in sys.modules and 'run' not in window.built()\n"
        "assert places._read.cache_info().currsize >= len(places.names())\n"
    )
    places = {f"XDG_{kind}_HOME": str(tmp_path / kind.lower()) for kind in ("CONFIG", "DATA", "CACHE")}
    environment = os.environ | places | {"QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", code, str(tmp_path / "runs")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
