"""Every setting there is, of every section and every method, as something to look for and to jump to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.experiment import CE_WEIGHT, SECTIONS, TITLES, section_specs
from engine.knobs import Spec, holds
from kdstudio.help.topics import condition
from kdstudio.number_fields import in_words
from kdstudio.store import Store
from kdstudio.widgets.finder import Entry
from kdstudio.widgets.texts import sentence_case

TEACHER = "teacher.net"
NO_TEACHER = "none"


@dataclass(frozen=True)
class Setting:
    """One setting: its path, what it is called and where, its specification, and whether its method is in the stack."""

    path: str
    title: str
    section: str
    spec: Spec
    stacked: bool = True

    @property
    def prefix(self) -> str:
        """The section or the method it belongs to."""
        return self.path.rpartition(".")[0]


def settings(store: Store) -> tuple[Setting, ...]:
    """All of them: methods of the stack first, then the sections, then the methods that are not in it."""
    stack, methods = store.stack(), store.catalogue.methods
    found = [_of(f"methods.{key}", methods[key].title, (*methods[key].settings, CE_WEIGHT)) for key in stack if key in methods]
    found += [_of(prefix, sentence_case(TITLES.get(prefix, prefix)), section_specs(prefix)) for prefix in SECTIONS]
    found += [_of(f"methods.{key}", card.title, card.settings, False) for key, card in methods.items() if key not in stack]
    return tuple(setting for part in found for setting in part)


def _of(prefix: str, section: str, specs: Sequence[Spec], stacked: bool = True) -> Iterator[Setting]:
    return (Setting(f"{prefix}.{spec.name}", sentence_case(spec.label()), section, spec, stacked) for spec in specs)


def entries(store: Store) -> tuple[tuple[str, list[Entry]], ...]:
    """Them in groups for a list: what applies now, what waits for another setting, and what belongs to other methods."""
    now, waiting, others = list[Entry](), list[Entry](), list[Entry]()
    for setting in settings(store):
        if not setting.stacked:
            others.append(_entry(setting, "not in the stack; choosing this adds it"))
        elif decider := deciding(setting.path, setting.spec, store):
            said = condition(setting.spec.when) if decider != TEACHER else "there is a teacher net"
            waiting.append(_entry(setting, f"when {said}"))
        else:
            now.append(_entry(setting, in_words(store.value(setting.path))))
    return ("Settings", now), ("Waiting for another setting", waiting), ("Of methods that are not in the stack", others)


def _entry(setting: Setting, aside: str) -> Entry:
    searched = " ".join((setting.path, setting.spec.source, *(str(choice) for choice in setting.spec.choices)))
    return Entry(setting.path, f"{setting.section}: {setting.title}", setting.spec.help, aside, words=searched)


def deciding(path: str, spec: Spec, store: Store) -> str:
    """The path of the setting because of which this one does not apply now; empty where it applies."""
    prefix = path.rpartition(".")[0]
    if prefix == "teacher" and path != TEACHER and store.value(TEACHER) == NO_TEACHER:
        return TEACHER
    values = store.values(prefix)
    wanting = [name for name, allowed in spec.when.items() if not holds({name: allowed}, values)]
    return f"{prefix}.{wanting[0]}" if wanting else ""
