"""Methods of the user's own, from `methods/*.py` in the plug-in folder: read, checked, and refused by file and line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine import method, method_trial, plugins
from engine.adapter_kinds import ADAPTERS, CLASSIFIERS, PARTS
from engine.cards import Mix, Stage, Term, Watch
from engine.knobs import Condition, Spec, did_you_mean, problem, specs
from engine.method import Method
from engine.plugins import PluginError, blamed, line_of

CLASSIFYING = "ce_weight"
"""A setting that every method has beside its own."""


@dataclass(frozen=True)
class Found:
    """The plug-in methods by key, the file of each, and why other files cannot be used."""

    kinds: Mapping[str, type[Method]]
    paths: Mapping[str, Path]
    problems: tuple[str, ...]


def found(taken: Collection[str]) -> Found:
    """The plug-in methods as the files stand now; `taken` are the keys of other methods."""
    return _found(plugins.folder(), plugins.sources(), frozenset(taken))


@cache
def _found(folder: Path, sources: str, taken: frozenset[str]) -> Found:
    """Kept by the files' hash, so that a changed file is read again."""
    kinds, paths, problems = dict[str, type[Method]](), dict[str, Path](), list[str]()
    for path in plugins.files("methods"):
        try:
            _check_key(path, taken)
            kinds[path.stem], paths[path.stem] = _declared(path), path
        except PluginError as error:
            problems.append(str(error))
    return Found(kinds, paths, tuple(problems))


def _check_key(path: Path, taken: Collection[str]) -> None:
    if path.stem in taken:
        raise PluginError(f"{path}: there is a method {path.stem!r} already, one of kdstudio's own; rename the file")
    if not path.stem.isidentifier():
        raise PluginError(f"{path}: {path.stem!r} cannot be the key of a method; name the file with letters, digits and _")


def _declared(path: Path) -> type[Method]:
    own = method.held(plugins.load(path))
    if len(own) != 1:
        many = "no method" if not own else f"{len(own)} methods ({', '.join(kind.__name__ for kind in own)})"
        raise PluginError(f"{path}: holds {many}; it must hold exactly one subclass of engine.method.Method")
    return own[0]


def check(key: str, kind: type[Method], path: Path) -> None:
    """Look at what a plug-in method declares and try it on a batch. Raises PluginError with file and line."""
    where = f"{path}, line {line_of(path, f'class {kind.__name__}')}"
    try:
        wrong = next(_wrong(kind), "")
    except Exception as error:  # a user's own declarations may be anything
        raise PluginError(blamed(path, error)) from error
    if wrong:
        raise PluginError(f"{where}: {wrong}")
    try:
        wrong = method_trial.wrong(key, kind)
    except Exception as error:  # a user's own code may raise anything
        raise PluginError(f"{blamed(path, error)} (when it was tried on a batch of {method_trial.IMAGES} images)") from error
    if wrong:
        raise PluginError(f"{where}: {wrong}")


def _wrong(kind: type[Method]) -> Iterator[str]:
    """Everything that its declarations contradict."""
    for name, example in (("title", "My method"), ("summary", "What it does, in a sentence.")):
        if not getattr(kind, name, ""):
            yield f'{kind.__name__} has no {name}; add {name} = "{example}"'
    settings = {spec.name: spec for spec in specs(kind.Params)}
    for spec in settings.values():
        yield from _of_setting(spec)
    yield from _unexplained(kind)
    yield from _misnamed(kind, settings)
    yield from _unconditional(kind, settings)
    yield from _unknown_kinds(kind)


def _of_setting(spec: Spec) -> Iterator[str]:
    if not spec.help:
        yield f"the setting {spec.name!r} has no help; the form shows it: knob(default, 'What it does.')"
    sentence = None if spec.default is None else problem(spec, spec.default)
    if sentence:
        yield f"the default of the setting {spec.name!r} cannot be: {sentence}"


def _unexplained(kind: type[Method]) -> Iterator[str]:
    groups: dict[str, tuple[Term | Watch | Stage | Mix, ...]] = {
        "term": kind.terms, "watch": kind.watches, "stage": kind.stages, "mix": kind.mixes,
    }  # fmt: skip
    for word, group in groups.items():
        names = [each.name for each in group]
        twice = next((name for name in names if names.count(name) > 1), "")
        if twice:
            yield f"two of its {word}s are named {twice!r}; every {word} needs a name of its own"
        for each in group:
            if not each.help:
                yield f"the {word} {each.name!r} has no help; say in a sentence what it is"


def _misnamed(kind: type[Method], settings: Mapping[str, Spec]) -> Iterator[str]:
    numbers = [n for n, s in settings.items() if s.kind in ("number", "integer")] + [CLASSIFYING]
    named = [(f"the term {t.name!r}", n) for t in kind.terms for n in (t.weight, t.warmup) if isinstance(n, str)]
    named += [(f"the mix {m.name!r}", n) for m in kind.mixes for n in (m.first, m.second)]
    for who, name in named:
        if name not in numbers:
            yield f"{who} names the setting {name!r}, and there is no number of that name{did_you_mean(name, numbers)}"
    stages = [stage.name for stage in kind.stages]
    for watch in kind.watches:
        if watch.stage and watch.stage not in stages:
            yield f"the watch {watch.name!r} belongs to the stage {watch.stage!r}, which it has not{_listed(stages)}"


def _unconditional(kind: type[Method], settings: Mapping[str, Spec]) -> Iterator[str]:
    conditions: list[tuple[str, Condition]] = [(f"the setting {s.name!r}", s.when) for s in settings.values()]
    groups = (kind.terms, kind.watches, kind.stages)
    conditions += [(repr(each.name), each.when) for group in groups for each in group]  # type: ignore[attr-defined]
    conditions += [("what it offers", kind.offers or {}), *(("what it compares", f.when) for f in kind.features)]
    for who, condition in conditions:
        for name, values in condition.items():
            if name not in settings:
                yield f"{who} depends on the setting {name!r}, which there is not{did_you_mean(name, settings)}"
            elif wrong := next((w for v in values if (w := problem(settings[name], v))), None):
                yield f"{who} depends on a value that the setting {name!r} cannot have: {wrong}"


def _unknown_kinds(kind: type[Method]) -> Iterator[str]:
    classifier = (kind.classifier.kind,) if kind.classifier else ()
    named = (
        ("adapter", [f.adapter for f in kind.features], ADAPTERS),
        ("part", [f.part for f in kind.features if f.part], PARTS),
        ("classifier", classifier, CLASSIFIERS),
    )
    for word, names, known in named:
        for name in names:
            if name not in known:
                words = did_you_mean(name, known) or _listed(known)
                yield f"it declares the {word} {name!r}, of which nothing is known{words}"


def _listed(names: Collection[str]) -> str:
    return f"; there are {', '.join(names)}" if names else ""
