"""What this machine finds out for itself: counted on demand, kept in the cache, dropped when it no longer holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine import cataloguing, extras, method, nets, presets, session
from engine.cli import cli
from engine.control import Control
from engine.extras import Extras

NET = "torchvision.shufflenet_v2_x0_5"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of the test's own, empty at first."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    extras.catalogue.cache_clear()
    yield tmp_path / "cache" / "kdstudio" / "catalog.json"
    extras.catalogue.cache_clear()


def test_a_net_that_is_named_is_counted_once_and_kept(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert NET not in extras.catalogue().nets
    cataloguing.complete([NET, "resnet8", "none"])
    assert extras.catalogue().nets[NET].parameters == nets.measured(NET, 3, 100, [32])[0].parameters
    assert set(extras.read().torchvision) == {NET}
    monkeypatch.setattr(nets, "measured", lambda *_: pytest.fail("counted again"))
    extras.catalogue.cache_clear()
    cataloguing.complete([NET])
    assert extras.catalogue().nets[NET].title == "torchvision shufflenet_v2_x0_5"


def test_a_net_is_counted_on_images_that_no_dataset_has(own_cache: Path) -> None:
    assert extras.catalogue().nets["resnet8"].size_on(3, 50, 7) is None
    cataloguing.complete(["resnet8"], [(3, 50)])
    card, found = extras.catalogue().nets["resnet8"], nets.measured("resnet8", 3, 7, [50])[0]
    assert card.size_on(3, 50, 7) == found[:2]
    assert card.shapes_on(50) == found.taps
    assert extras.catalogue().nets["resnet14"].shapes_on(50) is None


def test_an_experiment_tells_the_images_for_which_its_nets_are_not_counted() -> None:
    made = presets.resolve("experiments/digits-kd", ["student.net=resnet8", "teacher.net=wrn16-1"]).experiment
    assert cataloguing.uncounted(made, extras.catalogue()) == ()
    made.dataset.size = 50
    assert cataloguing.uncounted(made, extras.catalogue()) == ((1, 50),)
    cataloguing.complete(["resnet8", "wrn16-1"], [(1, 50)])
    assert cataloguing.uncounted(made, extras.catalogue()) == ()
    made.dataset.name = "folder"
    made.dataset.size = "auto"
    assert cataloguing.uncounted(made, extras.catalogue()) == ()  # only the folder tells
    made.student.net = "torchvision.nothing"
    assert cataloguing.uncounted(made, extras.catalogue()) == ()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"made_with": "something else", "torchvision": 3}', b"\xff\xfe"])
def test_what_no_longer_holds_counts_as_nothing_and_is_found_out_again(own_cache: Path, damage: bytes) -> None:
    cataloguing.complete([NET])
    own_cache.write_bytes(damage)
    extras.catalogue.cache_clear()
    assert extras.read() == Extras() and NET not in extras.catalogue().nets
    cataloguing.complete([NET])
    assert NET in extras.catalogue().nets


def test_all_of_torchvisions_nets_are_counted_and_told_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    few = ("torchvision.alexnet", NET)
    monkeypatch.setattr(nets, "torchvision_keys", lambda: few)
    cataloguing.complete([NET])
    told: list[str] = []
    assert cataloguing.refresh(told.append).fresh
    assert told == ["torchvision.alexnet"]
    assert [key for key in extras.catalogue().nets if key.startswith("torchvision.")] == list(few)


def test_the_catalogue_keeps_its_own_nets_first_and_torchvisions_last() -> None:
    card = extras.catalogue().nets["resnet8"]
    kept = Extras(torchvision={"torchvision.b": card, "torchvision.a": card}, own={"mine": card})
    names = list(kept.added_to(extras.catalogue()).nets)
    assert names[:-3] == list(extras.catalogue().nets) and names[-3:] == ["mine", "torchvision.a", "torchvision.b"]


def test_what_is_kept_is_read_back_as_it_was() -> None:
    card = replace(nets.card("vgg8"), key="mine")
    sizes = {"vgg8": {"counts": {"3x9x9 10": [1, 2]}, "shapes": {}}}
    made = Extras({}, True, {"mine": card}, ("a problem",), sizes, "", {"mine": method.card("faqd")}, ("another",))
    extras.write(made)
    assert extras.read() == made
    assert extras.catalogue().nets["vgg8"].size_on(3, 9, 10) == (1, 2)


def test_a_preset_may_name_a_net_of_torchvision_that_is_not_counted_yet(tmp_path: Path) -> None:
    sets = [f"student.net={NET}", "training.epochs=1", "dataset.subset=0.1", "run.threads=1", "run.probe_images=16"]
    resolved = presets.resolve("experiments/digits-labels", sets)
    assert session.run(resolved, lambda event: None, Control(), home=tmp_path / "runs").outcome == "done"
    assert NET in extras.catalogue().nets


def test_a_net_that_torchvision_does_not_have_is_refused_before_a_run(tmp_path: Path) -> None:
    resolved = presets.resolve("experiments/digits-labels", ["student.net=torchvision.resnt18"])
    with pytest.raises(session.RefusedError, match=r"student\.net: torchvision has no classifier 'resnt18'; did you"):
        session.run(resolved, lambda event: None, Control(), home=tmp_path / "runs")


def test_the_terminal_counts_what_it_is_told_to(own_cache: Path) -> None:
    done = CliRunner().invoke(cli, ["catalog", "--user", "--net", NET, "--net", "vgg8", "--shape", "3x40"])
    assert done.exit_code == 0 and done.stdout.strip() == str(own_cache)
    assert extras.catalogue().nets["vgg8"].size_on(3, 40, 10) == nets.measured("vgg8", 3, 10, [40])[0][:2]
    assert json.loads(own_cache.read_text())["whole"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--net", "resnt20"], "there is no net 'resnt20'; did you mean 'resnet20'?"),
        (["--net", "torchvision.resnt18"], "torchvision has no classifier 'resnt18'"),
        (["--net", "resnet20", "--shape", "40"], "'40' is no shape of images; write channels and side, such as 3x48"),
    ],
)
def test_the_terminal_refuses_what_is_nowhere(words: list[str], said: str) -> None:
    done = CliRunner().invoke(cli, ["catalog", "--user", *words])
    assert done.exit_code == 2 and said in done.stderr


def test_the_list_of_nets_says_how_torchvisions_come_into_it() -> None:
    said = CliRunner().invoke(cli, ["list", "nets"])
    assert said.stderr.startswith("torchvision's nets are listed once counted") and "catalog --user" in said.stderr
    extras.write(Extras({NET: nets.card(NET)}, whole=True))
    said = CliRunner().invoke(cli, ["list", "nets"])
    assert NET in said.stdout and said.stderr == ""


def test_a_cache_that_cannot_be_written_is_said_before_a_run(own_cache: Path, tmp_path: Path) -> None:
    own_cache.parent.parent.mkdir()
    own_cache.parent.write_text("a file where the folder should be")
    resolved = presets.resolve("experiments/digits-labels", [f"student.net={NET}"])
    with pytest.raises(session.RefusedError, match=r"student\.net: .*catalog\.json cannot be written \("):
        session.run(resolved, lambda event: None, Control(), home=tmp_path / "runs")
