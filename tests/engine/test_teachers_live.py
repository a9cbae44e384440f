"""Teachers in real, tiny runs: chains of runs, a teacher that is fed or read wrongly, and one that must be fetched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from builders import striped_images
from file_server import Served, serving
from PIL import Image
from safetensors.torch import load_file

from engine import extras, load_student, nets, presets, pretrained, published, session
from engine.control import Control
from engine.downloads import Remote
from engine.events import Evaluated, Event, Finding, Measured, Note, Progressed, RunEnded, StageStarted
from engine.export import header, student

QUICK: dict[str, Any] = {
    "dataset.subset": 0.6,  # enough images to compare normalizations
    "training.epochs": 1,
    "training.batch_size": 32,
    "run.threads": 1,
    "run.precision": "float32",
    "run.probe_images": 32,
    "run.share_every": 0,
}
Said = list[Event]


def ran(preset: str, home: Path, outcome: str = "done", **changes: Any) -> tuple[Path, Said]:
    """A shipped experiment made small and run; keywords use `__` for dots. Gives the folder and what was said."""
    said: Said = []
    form = QUICK | {k.replace("__", "."): v for k, v in changes.items()}
    ended = session.run(presets.resolve(preset, form=form), said.append, Control(), home=home)
    assert ended.outcome == outcome, [e.sentence for e in said if isinstance(e, RunEnded)]
    return ended.folders[-1], said


def taught(said: Said) -> float:
    """The teacher's accuracy on the test images, said before distilling."""
    [found] = [e.top1 for e in said if isinstance(e, Evaluated) and e.who == "teacher" and e.split == "test"]
    began = [e.stage for e in said if isinstance(e, StageStarted)]
    assert "distilling" in began
    order = [type(e) is Evaluated and e.who == "teacher" for e in said]
    assert order.index(True) < next(i for i, e in enumerate(said) if isinstance(e, StageStarted) and e.stage == "distilling")
    return found


def findings(said: Said, check: str) -> list[Finding]:
    return [e for e in said if isinstance(e, Finding) and e.check == check]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ResNet-14 trained on all digits: good enough to be recognized when it is fed wrongly."""
    home = tmp_path_factory.mktemp("runs")
    whole = {"dataset__subset": 1.0, "training__epochs": 4, "student__net": "resnet14"}
    return ran("experiments/digits-labels", home, **whole)[0]


def test_the_student_of_one_run_teaches_the_next_and_that_one_the_one_after(first: Path) -> None:
    home = first.parent
    assistant, said = ran(
        "experiments/digits-kd", home, teacher__net="resnet14", teacher__source="run", teacher__run=first.name
    )
    recorded = header.describe(first / "student.safetensors")["about"]["top1"]
    assert taught(said) == pytest.approx(recorded)
    last, said = ran(
        "experiments/digits-kd", home, teacher__net="resnet8", teacher__source="run", teacher__run=str(assistant),
        student__source="run", student__run=assistant.name, training__epochs=1,
    )  # fmt: skip
    assert taught(said) == pytest.approx(header.describe(assistant / "student.safetensors")["about"]["top1"])
    assert load_student(last / "student.safetensors").frame.key == "resnet8"


def test_a_student_starts_from_the_weights_it_is_given(first: Path) -> None:
    still = {"student__net": "resnet14", "training__learning_rate": 1e-12, "training__epochs": 1}
    folder, _ = ran("experiments/digits-labels", first.parent, student__source="run", student__run=first.name, **still)
    before, after = (load_file(path / "student.safetensors") for path in (first, folder))
    assert torch.allclose(before["conv1.weight"], after["conv1.weight"], atol=1e-6)


# Fed and read


@pytest.fixture
def misfed(first: Path, tmp_path: Path) -> dict[str, Any]:
    """The first run's student as a plain file of pixels as they are, although it was trained on normalized ones."""
    net = load_student(first / "student.safetensors")
    torch.save({k: v for k, v in net.state_dict().items() if k not in ("mean", "std")}, tmp_path / "net.pth")
    return {"teacher__net": "resnet14", "teacher__source": "file", "teacher__file": str(tmp_path / "net.pth"),
            "training__epochs": 1}  # fmt: skip


def test_a_teacher_fed_wrongly_is_found_and_the_fix_mends_it(misfed: dict[str, Any], tmp_path: Path) -> None:
    _, said = ran("experiments/digits-kd", tmp_path, **misfed, teacher__normalization="none")
    [finding] = findings(said, "fed-wrongly")
    assert finding.fix == {"teacher.normalization": "dataset"}
    assert finding.evidence["teacher_fed/dataset"] >= finding.evidence["teacher_fed/own"] + 1.0
    fix = {path.replace(".", "__"): value for path, value in finding.fix.items()}
    _, mended = ran("experiments/digits-kd", tmp_path, **{**misfed, **fix})
    assert findings(mended, "fed-wrongly") == [] and taught(mended) > taught(said) + 1.0


def test_a_record_tells_a_teacher_fed_wrongly_too(first: Path, misfed: dict[str, Any], tmp_path: Path) -> None:
    about = header.describe(first / "student.safetensors")["about"]
    student.write(tmp_path / "student.safetensors", load_student(first / "student.safetensors"), about)
    file = {**misfed, "teacher__file": str(tmp_path / "student.safetensors")}
    _, said = ran("experiments/digits-kd", tmp_path, **file, teacher__normalization="none")
    [finding] = findings(said, "fed-wrongly")
    assert f"Its recorded accuracy is {about['top1']:.2f} %" in finding.sentence
    _, right = ran("experiments/digits-kd", tmp_path, **file)
    assert findings(right, "fed-wrongly") == []


def test_another_order_of_classes_is_found_and_the_fix_mends_it(misfed: dict[str, Any], tmp_path: Path) -> None:
    state = torch.load(misfed["teacher__file"], weights_only=True)
    order = torch.tensor([3, 1, 4, 0, 5, 9, 2, 6, 8, 7])
    torch.save(state | {name: state[name][order] for name in ("fc.weight", "fc.bias")}, tmp_path / "moved.pth")
    moved = {**misfed, "teacher__file": str(tmp_path / "moved.pth")}
    _, said = ran("experiments/digits-kd", tmp_path, **moved)
    [finding] = findings(said, "class-order")
    assert finding.fix == {"teacher.class_order": torch.argsort(order).tolist()}
    assert finding.evidence["teacher_order/permuted"] >= 3 * finding.evidence["teacher_order/plain"]
    assert findings(said, "fed-wrongly") == []
    _, mended = ran("experiments/digits-kd", tmp_path, **moved, teacher__class_order=finding.fix["teacher.class_order"])
    assert findings(mended, "class-order") == [] and taught(mended) > 90


def test_a_teacher_that_is_fed_and_read_rightly_is_not_suspected(misfed: dict[str, Any], tmp_path: Path) -> None:
    _, said = ran("experiments/digits-kd", tmp_path, **misfed)
    assert findings(said, "fed-wrongly") == findings(said, "class-order") == []


# Refused


def test_a_teacher_of_other_classes_ends_the_run_with_both_numbers(tmp_path: Path) -> None:
    torch.save(nets.build("resnet8", classes=12, channels=1, size=8).state_dict(), tmp_path / "net.pth")
    wrong = {"teacher__net": "resnet8", "teacher__source": "file", "teacher__file": str(tmp_path / "net.pth")}
    _, said = ran("experiments/digits-kd", tmp_path, "failed", **wrong)
    [ended] = [e for e in said if isinstance(e, RunEnded)]
    assert "the teacher cannot be net.pth: it tells 12 classes apart, the dataset has 10" in ended.sentence


# Fetched


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """A folder of two classes of coloured images."""
    images, labels = striped_images(classes=2, each=20, side=32, channels=3)
    for number, (image, label) in enumerate(zip(images, labels.tolist())):
        folder = tmp_path / "colours" / ("left", "right")[label]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = (255 * image.permute(1, 2, 0)).to(torch.uint8).numpy()
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "colours"


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server of the test's own that publishes a `resnet8` for these colours."""
    net = nets.build("resnet8", classes=2, generator=torch.Generator().manual_seed(0))
    torch.save(net.state_dict(), tmp_path / "published.pt")
    content = (tmp_path / "published.pt").read_bytes()
    with serving(content=content) as served:
        entry = published.Published(
            "colours-resnet8", "resnet8", "folder", served.url, hashlib.sha256(content).hexdigest(), 50.0,
            mean=(0.5,) * 3, std=(0.25,) * 3, classes=("right", "left"),
        )  # fmt: skip
        monkeypatch.setattr(published, "TEACHERS", {entry.name: entry} | published.TEACHERS)
        monkeypatch.setattr(published, "chosen", lambda name, net, dataset: entry)
        monkeypatch.setattr("engine.sources.origins.downloads", lambda: tmp_path / "downloads")
        yield served


SMALL = {
    "dataset__name": "folder",
    "dataset__subset": 1.0,
    "dataset__crop": 0,
    "training__batch_size": 8,
    "training__epochs": 1,
}


def test_a_published_teacher_is_fetched_in_a_stage_of_its_own(colours: Path, publisher: Served, tmp_path: Path) -> None:
    settings = {**SMALL, "dataset__root": str(colours), "teacher__net": "resnet8", "teacher__source": "download"}
    folder, said = ran("experiments/digits-kd", tmp_path, **settings)
    assert [e.stage for e in said if isinstance(e, StageStarted)][:2] == ["data", "download"]
    fetched = [e for e in said if isinstance(e, Progressed) and e.stage == "download"]
    assert (fetched[-1].done, fetched[-1].unit) == (len(publisher.content), "bytes")
    assert any("50.00 % on folder, as published" in e.text for e in said if isinstance(e, Note))
    assert (tmp_path / "downloads" / "weights.pt").is_file() and taught(said) >= 0
    assert header.describe(folder / "student.safetensors")["about"]["classes"] == ["left", "right"]


def test_a_download_that_breaks_off_ends_the_run_with_a_sentence(colours: Path, publisher: Served, tmp_path: Path) -> None:
    publisher.cut_after = 50_000
    settings = {**SMALL, "dataset__root": str(colours), "teacher__net": "resnet8", "teacher__source": "download"}
    folder, said = ran("experiments/digits-kd", tmp_path, "failed", **settings)
    [ended] = [e for e in said if isinstance(e, RunEnded)]
    assert "broke off after 0.1 of" in ended.sentence and "the next try goes on from it" in ended.sentence
    publisher.cut_after = 0
    again: Said = []
    assert session.run(session.resumable(folder), again.append, Control(), resume=folder).outcome == "done"
    assert publisher.ranges[-1] == "bytes=50000-"


@pytest.fixture
def imagenet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """torchvision's smallest classifier with a linear head, untrained, as if published; gives its key."""
    key = "torchvision.mobilenet_v3_small"
    torch.save(nets.build(key, classes=6, generator=torch.Generator().manual_seed(0)).state_dict(), tmp_path / "tv.pth")
    content = (tmp_path / "tv.pth").read_bytes()
    with serving(content=content) as served:
        remote = Remote(served.url, sha256=hashlib.sha256(content).hexdigest()[:8])
        weights = pretrained.Weights("Made.UP", remote, "tv.pth", tuple("abcdef"), ((0.5,) * 3, (0.25,) * 3))
        monkeypatch.setattr(pretrained, "weights", lambda key: weights)
        monkeypatch.setattr("engine.sources.origins.downloads", lambda: tmp_path / "downloads")
        extras.write(extras.Extras(torchvision={key: nets.card(key)}))
        yield key
    extras.path().unlink()
    extras.catalogue.cache_clear()


def test_a_pretrained_teacher_of_other_classes_gets_a_trained_head_that_is_kept(
    colours: Path, imagenet: str, tmp_path: Path
) -> None:
    """Two runs of a real torchvision net: some seconds."""
    settings = {**SMALL, "dataset__root": str(colours), "teacher__net": imagenet, "teacher__source": "pretrained",
                "teacher__epochs": 2}  # fmt: skip
    _, said = ran("experiments/digits-kd", tmp_path / "runs", **settings)
    assert [e.stage for e in said if isinstance(e, StageStarted)][:3] == ["data", "download", "teacher"]
    [kept] = (tmp_path / "runs" / "teachers").glob("*.safetensors")
    trained, given = load_student(kept), torch.load(tmp_path / "tv.pth", weights_only=True)
    assert trained.frame.classes == 2
    body = {
        name: tensor for name, tensor in trained.state_dict().items() if name in given and tensor.shape == given[name].shape
    }
    assert len(body) > 100 and all(
        torch.equal(tensor, given[name]) for name, tensor in body.items() if name not in ("mean", "std")
    )
    _, again = ran("experiments/digits-kd", tmp_path / "runs", **settings)
    assert "teacher" not in [e.stage for e in again if isinstance(e, StageStarted)]
    assert taught(again) == taught(said)


def test_a_teacher_without_a_head_for_these_classes_shows_its_features_alone(
    colours: Path, imagenet: str, tmp_path: Path
) -> None:
    settings = {**SMALL, "dataset__root": str(colours), "teacher__net": imagenet, "teacher__source": "pretrained",
                "teacher__head": "none"}  # fmt: skip
    said: Said = []
    form = QUICK | {k.replace("__", "."): v for k, v in settings.items()}
    refused = presets.resolve("experiments/digits-kd", form=form)
    with pytest.raises(session.RefusedError, match=r"teacher\.head: KD learns from logits, and without a head"):
        session.run(refused, said.append, Control(), home=tmp_path / "runs")
    said.clear()
    allowed = presets.resolve("experiments/digits-kd", form=form | {"methods": {"rkd": {}}})
    assert session.run(allowed, said.append, Control(), home=tmp_path / "runs").outcome == "done"
    assert any("only its features teach" in e.text for e in said if isinstance(e, Note))
    measured = {name for e in said if isinstance(e, Measured) for name in e.values}
    assert "agreement" not in measured and not any(isinstance(e, Evaluated) and e.who == "teacher" for e in said)
