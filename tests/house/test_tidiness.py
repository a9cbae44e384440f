"""Facts about the whole tree: formatted, typed, documented, and every number and colour in its room."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from engine import catalogue_file, cataloguing, shipped

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(p for package in ("engine", "kdstudio") for p in (ROOT / package).rglob("*.py"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def run(*command: str) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).parent / command[0]
    return subprocess.run([tool, *command[1:]], capture_output=True, text=True, cwd=ROOT)


def test_ruff_finds_nothing_to_mend() -> None:
    done = run("ruff", "check", "--no-cache", ".")
    assert done.returncode == 0, done.stdout


def test_the_code_is_formatted() -> None:
    done = run("ruff", "format", "--no-cache", "--check", ".")
    assert done.returncode == 0, done.stdout


def test_the_types_hold() -> None:
    done = run("mypy", "--no-incremental")
    assert done.returncode == 0, done.stdout


def test_a_stale_catalogue_names_the_command_to_run() -> None:
    written = shipped.place("assets") / "catalog.json"
    assert written.read_text(encoding="utf-8") == catalogue_file.to_json(cataloguing.build()), "run: kdstudio catalog"


def test_colours_stand_in_the_theme_alone() -> None:
    coloured = [
        path.relative_to(ROOT).as_posix() for path in SOURCES
        if path.name != "theme.py" and re.search(r"[\"']#[0-9a-fA-F]{3,8}[\"']", path.read_text(encoding="utf-8"))
    ]  # fmt: skip
    assert coloured == []


def test_every_module_is_on_the_map_of_the_readme() -> None:
    missing = [
        p.relative_to(ROOT).as_posix() for p in SOURCES
        if p.name != "__init__.py" and p.relative_to(ROOT).as_posix() not in README
    ]  # fmt: skip
    assert missing == []


def test_the_map_of_the_readme_names_no_file_that_is_gone() -> None:
    named = re.findall(r"^\| `([\w/]+\.py)` \|", README, re.MULTILINE)
    assert len(named) > 100
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_every_picture_of_the_readme_is_there() -> None:
    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README)
    assert shown != []
    assert [name for name in shown if not (ROOT / name).is_file()] == []


def test_the_readme_says_how_to_run_in_one_line() -> None:
    install = 'python3 -m venv .venv && .venv/bin/pip install -e ".[test]"'
    assert f"{install} && .venv/bin/kdstudio --start experiments/digits-reffakd" in README.splitlines()


def test_ci_runs_the_very_test_command_of_the_readme() -> None:
    command = re.search(r"python3 -m venv .*pytest", README)
    assert command is not None
    assert command.group(0) in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_no_room_is_named_after_nothing() -> None:
    vague = {"utils", "helpers", "common", "base", "manager"}
    assert [p for p in SOURCES if p.stem in vague or p.parent.name in vague] == []
