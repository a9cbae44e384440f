"""`kdstudio predict`: what a student says of images, with its teacher and other students beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from engine import runs
from engine.cli.words import refusal


def predict(
    file: Annotated[str, typer.Argument(help="student.safetensors, or a finished run: its name or folder.")],
    images: Annotated[list[str], typer.Argument(help="Image files; their middle squares are looked at.")],
    teacher: Annotated[bool, typer.Option("--teacher", help="Ask the run's teacher, too, where its file is at hand.")] = False,
    beside: Annotated[
        list[str] | None, typer.Option("--beside", help="Another student or finished run to ask as well. Repeatable.")
    ] = None,
    named: Annotated[int, typer.Option("--named", help="Classes named for each image.", min=1)] = 3,
    runs_folder: Annotated[Path | None, typer.Option("--runs", help="Folder of the runs.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Every answer as a line of JSON.")] = False,
) -> None:
    """Classify image files with a finished student, and with others beside it."""
    from engine import predicting

    home = runs_folder or runs.home()
    try:
        own, folder = predicting.student_at(file, home)
    except predicting.FORESEEN as error:
        raise refusal(str(error)) from error
    nets, missing = [own], list[dict[str, Any]]()
    for who, given in (*([("teacher", "")] if teacher else []), *(("baseline", name) for name in beside or ())):
        try:
            asked = predicting.student_at(given, home, who)[0] if given else predicting.teacher_beside(own, folder)
            nets.append(asked)
        except predicting.FORESEEN as error:
            missing.append({"said": "missing", "who": who, "sentence": str(error)})
    for said in (*(net.about() for net in nets), *missing, *predicting.predictions(nets, images, named)):
        typer.echo(json.dumps(said, ensure_ascii=False) if as_json else _words(said), err=not as_json and "sentence" in said)


def _words(said: dict[str, Any]) -> str:
    """One line for a person."""
    match said["said"]:
        case "net":
            return f"{said['who']}: {said['name']} ({said['net']}, {said['side']} pixels)"
        case "missing":
            return f"no {said['who']}: {said['sentence']}"
        case "unreadable":
            return str(said["sentence"])
    guesses = ", ".join(f"{name} {100 * share:.1f} %" for name, share in said["guesses"])
    return f"{said['image']}  {said['who']}: {guesses}"
