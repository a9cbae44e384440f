"""Methods of the user's own: one file in the plug-in folder, refused by file and line where it cannot work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from plug_in import Write, line, writer
from typer.testing import CliRunner

from engine import cataloguing, events, extras, method, presets, session
from engine.cli import cli
from engine.control import Control
from engine.plugins import PluginError

METHOD = '''"""A method of one's own."""

from torch import nn

from engine.knobs import knob
from engine.method import Features, Knobs, Method, Needs, Term, Watch


class Cosine(Method):
    title = "Cosine"
    summary = "The student's logits point where the teacher's do."
    formula = "L = CE + w (1 − cos(z^S, z^T))"
    needs = Needs(teacher="logits")
    terms = (Term("cosine", "One minus the cosine of both nets' logits.", weight="weight"),)
    watches = (Watch("angle", "curve", "Mean angle between both nets' logits.", unit="degrees"),)

    class Params(Knobs):
        """Settings."""

        weight: float = knob(1.0, "Weight of the cosine.", low=0.0, high=100.0)
        kind: str = knob("all", "What counts.", kind="choice", choices=("all", "some"))

    def losses(self, seen):
        return {"cosine": 1 - self.cosine(seen).mean()}

    def watch(self, seen):
        return {"angle": self.cosine(seen).clamp(-1, 1).arccos().rad2deg().mean()}

    def cosine(self, seen):
        return nn.functional.cosine_similarity(seen.student.logits, seen.teacher.logits)
'''

QUICK = ["training.epochs=1", "dataset.subset=0.1", "run.threads=1", "run.probe_images=16", "teacher.epochs=1"]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a plug-in, the method above with one thing replaced, into a folder and a cache of the test's own."""
    yield writer("methods", "cosine.py", METHOD, tmp_path, monkeypatch)
    extras.catalogue.cache_clear()


def test_a_file_in_the_folder_is_a_method_like_any_other(write: Write) -> None:
    write()
    assert method.own_keys() == ("cosine",) and "cosine" not in tuple(method.keys())
    each = method.find("cosine")(method.chosen("cosine", {"weight": 3.0}))
    assert each.weight(each.terms[0], 1) == 3.0
    cataloguing.complete(())
    known = extras.catalogue()
    assert known.methods["cosine"] == method.card("cosine") and known.own == {"cosine"}
    assert [spec.name for spec in known.methods["cosine"].settings] == ["weight", "kind"]
    assert "dkd" in known.methods


def test_an_experiment_stacks_it_with_nothing_looked_at_before_and_its_term_and_watch_are_told(
    write: Write, tmp_path: Path
) -> None:
    write()
    words = [word for text in QUICK for word in ("--set", text)]
    stacked = ["--set", "methods.cosine={weight: 2}"]
    done = CliRunner().invoke(cli, ["train", "experiments/digits-kd", *words, *stacked, "--runs", str(tmp_path / "runs")])
    assert done.exit_code == 0, done.output
    folder = next((tmp_path / "runs").glob("*/events.jsonl"))
    told = [events.from_line(line) for line in folder.read_text(encoding="utf-8").splitlines()]
    plan = next(event.plan for event in told if isinstance(event, events.RunStarted))
    assert "cosine.cosine" in [term["name"] for term in plan["terms"]]
    assert "cosine.angle" in [watch["name"] for watch in plan["watches"]]
    measured = [
        event.values["cosine.angle"] for event in told if isinstance(event, events.Measured) and "cosine.angle" in event.values
    ]
    assert measured and 0 < measured[-1] < 180


def test_it_is_listed_and_a_broken_one_is_named(write: Write) -> None:
    write()
    path = write("broken.py", "class Cosine(Method):", "class Cosine(Method)")
    done = CliRunner().invoke(cli, ["list", "methods"])
    assert "cosine" in done.stdout and f"{path}, line 9: expected ':'" in done.stderr
    assert f"{path}, line 9" in CliRunner().invoke(cli, ["doctor"]).output
    assert extras.read().method_problems == (f"{path}, line 9: expected ':'",)


def test_a_changed_file_is_read_anew_and_a_removed_one_is_gone(write: Write) -> None:
    path = write()
    cataloguing.complete(())
    write("cosine.py", '"Cosine"', '"Angle"')
    assert "cosine" not in extras.catalogue().methods  # until it is looked at again
    cataloguing.complete(())
    assert extras.catalogue().methods["cosine"].title == "Angle"
    path.unlink()
    extras.catalogue.cache_clear()
    assert "cosine" not in extras.catalogue().methods and method.own_keys() == ()
    with pytest.raises(PluginError, match="there is no method 'cosine'"):
        method.find("cosine")


CLASS = "class Cosine"
TWO = "class Other(Method):\n    pass\n\n\nclass Cosine(Method):"
STRANGE = '    features = (Features(adapter="1x2"),)\n    terms = ('


@pytest.mark.parametrize(
    ("old", "new", "said", "at"),
    [
        ("from torch import nn", "from torch import nn, nonsense", "cannot import name 'nonsense'", "nonsense"),
        ("class Cosine(Method):", "class Cosine:", "holds no method; it must hold exactly one subclass", ""),
        ("class Cosine(Method):", TWO, "holds 2 methods (Other, Cosine)", ""),
        ("class Cosine(Method):", "raise SystemExit\n\n\nclass Cosine(Method):", "SystemExit", "raise SystemExit"),
        ('    title = "Cosine"\n', "", 'Cosine has no title; add title = "My method"', CLASS),
        ('"Weight of the cosine."', '""', "the setting 'weight' has no help", CLASS),
        ("knob(1.0,", "knob(-1.0,", "the default of the setting 'weight' cannot be: -1.0 is outside", CLASS),
        ('weight="weight"', 'weight="wieght"', "names the setting 'wieght', and there is no number of that name; did", CLASS),
        ('unit="degrees"', 'when={"knd": (1,)}', "'angle' depends on the setting 'knd', which there is not; did you", CLASS),
        ('unit="degrees"', 'when={"kind": ("none",)}', "depends on a value that the setting 'kind' cannot have", CLASS),
        ('unit="degrees"', 'stage="later"', "belongs to the stage 'later', which it has not", CLASS),
        ("    terms = (", STRANGE, "declares the adapter '1x2', of which nothing is known; did you mean '1x1'?", CLASS),
        ('{"cosine": 1', '{"cos": 1', "losses() gives 'cos', and the terms that it declares are 'cosine'", CLASS),
        (
            ".mean()}\n\n    def watch",
            "}\n\n    def watch",
            "losses() gives a tensor of shape (8,) for 'cosine'; a term",
            CLASS,
        ),
        ("seen.student.logits,", "seen.student.logits.detach(),", "the term 'cosine' has no gradient", CLASS),
        ('return {"angle"', 'return {"angel"', "watch() gives 'angel', and the watches that it declares are 'angle'", CLASS),
        ("seen.student.logits,", "seen.student.logit,", "'View' object has no attribute 'logit'", "seen.student.logit,"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(write: Write, old: str, new: str, said: str, at: str) -> None:
    path = write("broken.py", old, new)
    kept = cataloguing.complete(())
    assert len(kept.method_problems) == 1 and kept.methods == {}
    sentence = kept.method_problems[0]
    assert sentence.startswith(str(path)) and said in sentence
    found = re.search(r"line (\d+)", sentence)
    if at:
        assert found is not None and int(found[1]) == line(path, at)
    assert extras.catalogue().method_problems == kept.method_problems


def test_a_name_of_kdstudios_own_and_a_name_that_is_none_are_refused(write: Write) -> None:
    taken, odd = write("kd.py"), write("my-own.py")
    assert method.own_problems() == (
        f"{taken}: there is a method 'kd' already, one of kdstudio's own; rename the file",
        f"{odd}: 'my-own' cannot be the key of a method; name the file with letters, digits and _",
    )


def test_files_that_begin_with_an_underscore_are_left_alone(write: Write) -> None:
    write("_draft.py", "class Cosine(Method):", "class Cosine(Method)")
    assert method.own_keys() == () and method.own_problems() == ()


def test_a_method_that_was_broken_after_it_was_read_is_refused_before_a_run(write: Write, tmp_path: Path) -> None:
    write()
    cataloguing.complete(())
    resolved = presets.resolve("experiments/digits-kd", [*QUICK, "methods.cosine={}"])
    path = write("cosine.py", "class Cosine(Method):", "class Cosine(Method)")
    with pytest.raises(session.RefusedError, match=rf"methods\.cosine: .*{re.escape(str(path))}, line 9: expected ':'"):
        session.run(resolved, lambda event: None, Control(), home=tmp_path / "runs")


def test_what_a_method_raises_in_a_run_ends_it_with_file_and_line(write: Write, tmp_path: Path) -> None:
    path = write("cosine.py", '        return {"cosine"', '        1 / (8 - len(seen.y))\n        return {"cosine"')
    cataloguing.complete(())
    assert extras.catalogue().methods.keys() >= {"kd"} and "cosine" not in extras.catalogue().methods  # tried with 8 images
    path = write("cosine.py", '        return {"cosine"', '        1 / (64 - len(seen.y))\n        return {"cosine"')
    cataloguing.complete(())
    resolved = presets.resolve("experiments/digits-kd", [*QUICK, "methods.cosine={}"])
    told: list[events.Event] = []
    outcome = session.run(resolved, told.append, Control(), home=tmp_path / "runs")
    ended = next(event for event in told if isinstance(event, events.RunEnded))
    assert outcome.outcome == "failed"
    assert ended.sentence == f"{path}, line {line(path, '1 / (64')}: ZeroDivisionError: division by zero"


def test_a_method_that_wants_other_nets_is_not_blamed_for_those_it_is_tried_with(write: Write) -> None:
    narrow = 'features = (Features(stages="all", equal_channels=True, equal_counts=True),)'
    write("cosine.py", 'needs = Needs(teacher="logits")', f'needs = Needs(teacher="net", logits=True)\n    {narrow}')
    assert cataloguing.complete(()).method_problems == ()


def test_nothing_is_executed_by_reading_the_catalogue_or_a_preset(write: Write, tmp_path: Path) -> None:
    write("cosine.py", "class Cosine", f"open({str(tmp_path / 'ran')!r}, 'w').close()\n\n\nclass Cosine")
    assert "cosine" not in extras.catalogue().methods
    with pytest.raises(presets.PresetError, match="there is no method 'cosine'"):
        presets.resolve("experiments/digits-kd", ["methods.cosine={}"])
    assert not (tmp_path / "ran").exists()
    cataloguing.complete(())
    assert (tmp_path / "ran").exists()


def test_trying_a_method_leaves_the_dice_alone(write: Write) -> None:
    write()
    torch.manual_seed(3)
    wanted = torch.rand(3)
    torch.manual_seed(3)
    method.card("cosine")
    assert torch.equal(torch.rand(3), wanted)
