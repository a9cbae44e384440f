"""Nets of the user's own: one file in the plug-in folder, refused by file and line where it cannot work."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from plug_in import Write, line, writer
from typer.testing import CliRunner

from engine import cataloguing, extras, nets, presets, session
from engine.cli import cli
from engine.control import Control
from engine.export.student import load

NET = '''"""A net of one's own."""

from torch import nn

from engine.nets import Design, Net, Place, Tap


class Tiny(Net):
    def __init__(self, frame):
        super().__init__(frame, {"f0": Place("f0", "input"), "pooled": Place("pooled", "input")})
        self.conv = nn.Conv2d(frame.channels, 8, 3, 2, 1)
        self.f0, self.pooled = Tap(), Tap()
        self.fc = nn.Linear(8, frame.classes)

    @property
    def head(self):
        return self.fc

    def logits(self, x):
        x = self.f0(self.conv(x).relu())
        return self.fc(self.pooled(x.mean((2, 3))))


NETS = (Design(key="tiny", title="Tiny", summary="One convolution.", family="mine", smallest=4, make=Tiny),)
'''


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write a plug-in, the net above with one thing replaced, into a folder and a cache of the test's own."""
    yield writer("nets", "mine.py", NET, tmp_path, monkeypatch)
    extras.catalogue.cache_clear()


def test_a_file_in_the_folder_is_a_net_like_any_other(write: Write) -> None:
    write()
    assert nets.own_keys() == ("tiny",) and "tiny" not in tuple(nets.keys())
    net = nets.build("tiny", classes=10, channels=1, size=8, generator=torch.Generator().manual_seed(0))
    again = nets.build(**json.loads(json.dumps(net.identity())))
    again.load_state_dict(net.state_dict())
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(net.eval()(x), again.eval()(x))
    assert nets.card("tiny").taps == {"f0": (8, 16, 16), "pooled": (8,)}


def test_an_experiment_names_it_with_nothing_counted_before_and_its_student_is_read_back(write: Write, tmp_path: Path) -> None:
    write()
    sets = ["student.net=tiny", "training.epochs=1", "dataset.subset=0.1", "run.threads=1", "run.probe_images=16"]
    words = [word for text in sets for word in ("--set", text)]
    done = CliRunner().invoke(cli, ["train", "experiments/digits-labels", *words, "--runs", str(tmp_path / "runs")])
    assert done.exit_code == 0, done.output
    student = next((tmp_path / "runs").glob("*/student.safetensors"))
    assert load(student).frame.key == "tiny"


def test_it_is_listed_and_told_of_by_the_catalogue(write: Write) -> None:
    write()
    assert "tiny" in CliRunner().invoke(cli, ["list", "nets"]).output
    card = extras.catalogue().nets["tiny"]
    assert card.parameters == 8 * 27 + 8 + 9 * 100
    assert card.size_on(1, 8, 10) == (8 * 9 + 8 + 9 * 10, 16 * 8 * 9 + 80)
    assert card.shapes_on(8) == {"f0": (8, 4, 4), "pooled": (8,)}


def test_a_changed_file_is_counted_anew_and_a_removed_one_is_gone(write: Write) -> None:
    path = write()
    cataloguing.complete(())
    assert extras.catalogue().nets["tiny"].title == "Tiny"
    write("mine.py", 'title="Tiny"', 'title="Tinier"')
    assert "tiny" not in extras.catalogue().nets  # until it is looked at again
    cataloguing.complete(())
    assert extras.catalogue().nets["tiny"].title == "Tinier"
    path.unlink()
    extras.catalogue.cache_clear()
    assert "tiny" not in extras.catalogue().nets and nets.own_keys() == ()


@pytest.mark.parametrize(
    ("old", "new", "said", "at"),
    [
        ("def head(self):", "def head(self)", "expected ':'", "def head(self)"),
        ("from torch import nn", "from torch import nn, nonsense", "cannot import name 'nonsense'", "nonsense"),
        ("NETS = (", "NETWORKS = (", "declares no nets; end it with NETS = (Design(...),)", ""),
        ("NETS = (", 'NETS = ("tiny",) or (', "NETS holds a str; every entry must be a Design", "NETS"),
        ('key="tiny"', 'key="resnet20"', "the key 'resnet20' is taken by kdstudio's own nets", 'key="resnet20"'),
        ('key="tiny"', 'key="none"', "'none' cannot be the key of a net", 'key="none"'),
        ("frame.channels, 8", "3, 8", "RuntimeError: ", "self.conv(x)"),
        ("return self.fc(", "return (", "logits() gives a tensor of shape (2, 8) for 2 images and 5 classes", "class Tiny"),
        ("return self.fc(", "return str(", "logits() gives a str for 2 images", "class Tiny"),
        ('"pooled": Place("pooled", "input")', "", "there is no tap 'pooled'", "class Tiny"),
        ('Place("f0", "input")', 'Place("conv2", "input")', "'f0' stands at 'conv2', and the net has no such", "class Tiny"),
        ("self.f0(self.conv(x).relu())", "self.conv(x).relu()", "the tap 'f0' is never reached", "class Tiny"),
        ("return self.fc\n", "return self.conv\n", "head is no nn.Linear", "class Tiny"),
        ("    @property\n    def head(self):\n        return self.fc\n", "", "a net needs the property `head`", ""),
        ("make=Tiny", "make=lambda frame: nn.Identity()", "make gives a Identity; it must give", "NETS"),
        ("super().__init__(frame,", "super().__init__(", "missing 1 required positional argument", "super()"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said_with_its_line(write: Write, old: str, new: str, said: str, at: str) -> None:
    path = write("broken.py", old, new)
    kept = cataloguing.complete(())
    assert len(kept.problems) == 1 and kept.own == {}
    sentence = kept.problems[0]
    assert sentence.startswith(str(path)) and said in sentence
    found = re.search(r"line (\d+)", sentence)
    if at:
        assert found is not None and int(found[1]) == line(path, at)
    assert extras.catalogue().problems == kept.problems


def test_two_files_cannot_share_a_key(write: Write) -> None:
    first, second = write("a.py"), write("b.py")
    assert nets.own_keys() == ("tiny",)
    line_of_key = line(second, 'key="tiny"')
    assert nets.own_problems() == (f"{second}, line {line_of_key}: the key 'tiny' is taken by {first}; choose another",)


def test_one_broken_file_leaves_the_others_and_is_named_where_its_net_is_asked_for(write: Write) -> None:
    write("good.py")
    write("broken.py", "class Tiny(Net):", "class Tiny(Net)")
    cataloguing.complete(())
    assert "tiny" in extras.catalogue().nets
    with pytest.raises(nets.NetError, match=r"there is no net 'other'.*broken\.py, line 8: expected ':'"):
        nets.build("other", classes=5)


def test_a_run_of_a_net_that_cannot_work_is_refused_before_it_starts(write: Write, tmp_path: Path) -> None:
    write()
    cataloguing.complete(())
    resolved = presets.resolve("experiments/digits-labels", ["student.net=tiny"])
    path = write("mine.py", "return self.fc(", "return (")
    with pytest.raises(session.RefusedError, match=rf"student\.net: {re.escape(str(path))}, line \d+: logits\(\) gives"):
        session.run(resolved, lambda event: None, Control(), home=tmp_path / "runs")


def test_files_that_begin_with_an_underscore_are_left_alone(write: Write) -> None:
    write("_draft.py", "class Tiny(Net):", "class Tiny(Net)")
    assert nets.own_keys() == () and nets.own_problems() == ()


def test_nothing_is_executed_by_reading_the_catalogue_or_a_preset(write: Write, tmp_path: Path) -> None:
    write("mine.py", "NETS = (", f"open({str(tmp_path / 'ran')!r}, 'w').close()\nNETS = (")
    assert "tiny" not in extras.catalogue().nets
    with pytest.raises(presets.PresetError, match="there is no net 'tiny'"):
        presets.resolve("experiments/digits-labels", ["student.net=tiny"])
    assert not (tmp_path / "ran").exists()
    cataloguing.complete(())
    assert (tmp_path / "ran").exists()


def test_the_terminal_names_broken_files(write: Write) -> None:
    path = write("broken.py", "class Tiny(Net):", "class Tiny(Net)")
    assert f"{path}, line 8: expected ':'" in CliRunner().invoke(cli, ["list", "nets"]).stderr
    assert f"{path}, line 8" in CliRunner().invoke(cli, ["doctor"]).output
    assert extras.read().problems == (f"{path}, line 8: expected ':'",)
