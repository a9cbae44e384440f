"""A number for the colour of every run, the same in every picture, on every day: kept beside the runs, so that nothing changes
when others are added to a comparison or taken out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from zlib import crc32

from engine.comparison.saved import FOLDER
from engine.comparison.sides import CompareError
from engine.whole import write_whole

HUES, STYLES = 8, 3
"""So many colours that any eye tells apart, each drawn solid, dashed and dotted."""
COUNT = HUES * STYLES
FILE = "colours.json"


def number_of(home: Path, names: Sequence[str]) -> dict[str, int]:
    """The number (below `COUNT`) of each run of a folder that is compared, no two alike; remembered there where it may be
    written to. Raises CompareError for a damaged file."""
    path = home / FOLDER / FILE
    known = _read(path)
    found = assigned(known, names)
    if found.items() - known.items():
        try:
            write_whole(path, json.dumps({**found, **known}, indent=1, sort_keys=True).encode("utf-8"))
        except OSError:
            return found  # a folder that may only be read: the same names get the same numbers anyway
    return found


def assigned(known: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    """What is known stays, unless two of these runs have it: then the later takes a free one. What is new takes its own place,
    reckoned from its name, or the next free one, solid colours first."""
    found: dict[str, int] = {}
    for name in (*(n for n in names if n in known), *(n for n in names if n not in known)):
        taken = set(found.values())
        wish = known.get(name, crc32(name.encode()) % HUES)
        places = ((wish + k) % HUES + HUES * ((wish // HUES + k // HUES) % STYLES) for k in range(COUNT))
        found[name] = next(n for n in places if n not in taken)
    return {name: found[name] for name in names}


def _read(path: Path) -> dict[str, int]:
    if not path.is_file():
        return {}
    try:
        return {str(name): int(number) % COUNT for name, number in json.loads(path.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise CompareError(f"{path} is damaged ({error}); delete it, and runs get new colours") from error
