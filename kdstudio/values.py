"""Values of settings: where they stand in an experiment, when two are the same, and how `--set` spells them."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import Any

from engine import presets
from engine.cards import Catalogue
from engine.experiment import CE_WEIGHT
from engine.presets import Resolved


def at(resolved: Resolved, path: str, catalogue: Catalogue) -> Any:
    """The value of a dotted path in a resolved experiment; the default of a method that it does not hold."""
    head, _, rest = path.partition(".")
    if head == "methods" and rest:
        method, _, name = rest.partition(".")
        if method not in resolved.experiment.methods:
            return default(method, name, catalogue)
        return presets.method_settings(resolved.experiment, method, catalogue=catalogue)[name]
    return attrgetter(path)(resolved.experiment)


def beneath(resolved: Resolved, path: str, catalogue: Catalogue) -> Any:
    """As `at`, but of a method that the experiment does not hold what its presets have ready for it, else the default."""
    head, _, rest = path.partition(".")
    method, _, name = rest.partition(".")
    if head == "methods" and method not in resolved.experiment.methods:
        ready = (resolved.below.get("defaults_for") or {}).get(method, {})
        return ready.get(name, default(method, name, catalogue))
    return at(resolved, path, catalogue)


def default(method: str, name: str, catalogue: Catalogue) -> Any:
    """The default of a method's setting."""
    return next(s.default for s in (*catalogue.methods[method].settings, CE_WEIGHT) if s.name == name)


def same(one: Any, other: Any) -> bool:
    """Equal, and not only because Python takes True for 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def word(value: Any) -> str:
    """A value as `--set` reads it: texts as they stand, the rest as JSON, which is YAML too."""
    return value if isinstance(value, str) else json.dumps(value)
