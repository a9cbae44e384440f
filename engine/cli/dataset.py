"""`kdstudio dataset`: what a dataset holds."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from engine.data.holding import Holding

Name = Annotated[str, typer.Argument(help="A dataset: digits, cifar100, folder … (kdstudio list datasets).")]


def dataset(
    name: Name,
    root: Annotated[str, typer.Option(help="Folder of the data.")] = "",
    colour: Annotated[str, typer.Option(help="For a folder of mixed images: grey or rgb.")] = "auto",
    download: Annotated[bool, typer.Option("--download", help="Fetch it where it is not on this machine.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Progress and answer as lines of JSON, images included.")] = False,
) -> None:
    """Classes, images of each, mean and deviation of a dataset. Nothing is downloaded unless --download says so."""
    from pydantic import ValidationError

    from engine.data import DataError
    from engine.data.courier import Courier
    from engine.data.holding import AwayError, Stay, look
    from engine.experiment import DatasetSettings

    def tell(what: str, done: int, total: int, unit: str) -> None:
        if as_json:
            print_line({"said": "progress", "what": what, "done": done, "total": total, "unit": unit})

    try:
        settings = DatasetSettings(name=name, root=root, colour=colour)  # type: ignore[arg-type]
        found = look(settings, (Courier if download else Stay)(tell))
    except AwayError as error:
        _away(str(error), as_json)
    except (DataError, ValidationError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    else:
        if as_json:
            print_line(_data(found))
        else:
            _table(found)


def _away(sentence: str, as_json: bool) -> None:
    if as_json:
        print_line({"said": "away", "sentence": sentence})
        return
    typer.echo(f"{sentence}. Fetch it now: --download", err=True)
    raise typer.Exit(2)


def print_line(data: dict[str, Any]) -> None:
    """One line of JSON, at once."""
    typer.echo(json.dumps(data, ensure_ascii=False))


def _data(found: Holding) -> dict[str, Any]:
    samples = [
        {"label": s.label, "shape": list(s.pixels.shape), "pixels": base64.b64encode(s.pixels.numpy().tobytes()).decode()}
        for s in found.samples
    ]
    return {
        "said": "dataset", "classes": found.classes, "counts": found.counts, "shape": found.shape, "mean": found.mean,
        "std": found.std, "measured": found.measured, "notes": found.notes, "samples": samples,
    }  # fmt: skip


def _table(found: Holding) -> None:
    channels, height, width = found.shape
    typer.echo(f"images {channels} x {height} x {width}")
    for part, counts in found.counts.items():
        typer.echo(f"{part} {sum(counts):,}")
    typer.echo(f"mean {' '.join(f'{v:.4f}' for v in found.mean)}\nstd  {' '.join(f'{v:.4f}' for v in found.std)}")
    typer.echo(f"measured on {found.measured:,} training images")
    for number, name in enumerate(found.classes):
        each = (f"{part} {c[number]:,}" for part, c in found.counts.items() if len(c) == len(found.classes))
        typer.echo(f"{number:>4}  {name}  {'  '.join(each)}")
    for note in found.notes:
        typer.echo(note, err=True)
