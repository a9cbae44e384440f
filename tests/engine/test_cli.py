"""The terminal as a person meets it: what each command prints, and what it says when it refuses."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine import extras, shipped
from engine.cli import cli
from engine.events import from_line

SETS = [
    "--set=dataset.subset=0.1", "--set=training.epochs=1", "--set=methods.reffakd.epochs=1", "--set=run.threads=1",
    "--set=run.probe_images=16",
]  # fmt: skip
DEFAULT = "experiments/digits-reffakd"


def call(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs with one finished quick run of the default experiment."""
    home = tmp_path_factory.mktemp("runs")
    done = call("train", DEFAULT, *SETS, "--runs", str(home), "--json")
    assert done.exit_code == 0, done.output
    return home


def run_of(home: Path) -> Path:
    return next(p for p in home.iterdir() if (p / "experiment.yaml").is_file())


def test_train_ends_with_a_table(tmp_path: Path) -> None:
    done = call("train", DEFAULT, *SETS, "--runs", str(tmp_path))
    assert done.exit_code == 0
    assert "top-1, exported student" in done.output and "Done:" in done.output


def test_with_json_every_line_is_an_event(tmp_path: Path) -> None:
    done = call("train", "experiments/digits-labels", *SETS[:2], *SETS[3:], "--runs", str(tmp_path), "--json")
    kinds = [type(from_line(line)).__name__ for line in done.stdout.splitlines()]
    assert kinds[0] == "RunStarted" and kinds[-1] == "RunEnded"


def test_a_misspelt_setting_is_refused_with_the_nearest_name() -> None:
    done = call("train", DEFAULT, "--set", "methods.reffakd.gama=1")
    assert done.exit_code == 2 and "did you mean 'gamma'" in done.output


def test_a_broken_rule_is_refused_by_the_name_of_its_setting(tmp_path: Path) -> None:
    done = call("train", "experiments/digits-kd", "--set", "teacher.net=none", "--runs", str(tmp_path))
    assert done.exit_code == 2 and "teacher.net" in done.output


def test_train_wants_a_preset_or_a_run_to_resume() -> None:
    assert call("train").exit_code == 2
    assert call("train", DEFAULT, "--resume", "x").exit_code == 2


def test_a_resumed_run_keeps_its_settings(home: Path) -> None:
    done = call("train", "--resume", str(run_of(home)), "--set", "training.epochs=3")
    assert done.exit_code == 2 and "keeps its settings" in done.output


def test_resuming_a_finished_run_says_so(home: Path) -> None:
    done = call("train", "--resume", str(run_of(home)))
    assert done.exit_code == 2 and "is finished" in done.output


def test_a_fix_is_printed_so_that_it_can_be_pasted(home: Path) -> None:
    done = call("train", DEFAULT, *SETS, "--runs", str(home / "again"))
    assert "--set 'methods.reffakd.control=label smoothing'" in done.output


def test_resuming_what_is_not_there_says_so(tmp_path: Path) -> None:
    done = call("train", "--resume", "nothing", "--runs", str(tmp_path))
    assert done.exit_code == 2 and "there is no run 'nothing'" in done.output


def test_evaluate_prints_top1_first(home: Path) -> None:
    run = run_of(home)
    done = call("evaluate", str(run / "student.safetensors"), "--dataset", "digits")
    reported = json.loads((run / "events.jsonl").read_text().splitlines()[-1])["results"]["top1"]
    assert done.output.splitlines()[0] == f"top1 {reported:.2f}"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["missing.pth", "--dataset", "digits"], "is not a file"),
        (["{student}", "--dataset", "digts"], "did you mean 'digits'"),
        (["{student}", "--dataset", "digits", "--split", "dev"], "choose test or train"),
        (["{weights}", "--dataset", "digits"], "is not a student of kdstudio"),
        (["{student}", "--dataset", "digits", "--normalization", "mean"], "there is no normalization 'mean'; choose auto, "),
        (["{student}", "--dataset", "digits", "--normalization", "imagenet"], "constants are of 3 channels, .* have 1"),
        (["{student}", "--dataset", "digits", "--net", "resnet56"], "holds a .*, not a resnet56"),
    ],
)
def test_evaluate_refuses_with_a_sentence(words: list[str], sentence: str, home: Path) -> None:
    run = run_of(home)
    named = {"student": run / "student.safetensors", "weights": run / "checkpoints" / "best.safetensors"}
    done = call("evaluate", *(w.format(**named) for w in words))
    assert done.exit_code == 2 and re.search(sentence, done.output)


def test_evaluate_feeds_a_net_as_it_is_told(home: Path) -> None:
    student = str(run_of(home) / "student.safetensors")
    own, other = (call("evaluate", student, "--dataset", "digits", "--normalization", n) for n in ("auto", "none"))
    assert own.stderr == "" and "pixels as they are, as was asked" in other.stderr
    assert own.stdout != other.stdout


@pytest.mark.parametrize("net", ["resnet20", "resnet32", "resnet44", "resnet56"])
def test_published_checkpoints_load_into_their_nets(net: str, real_data: Path, tmp_path: Path) -> None:
    """A folder of plain images with a hundred classes shows that the weights fit; accuracies take the whole test set."""
    from PIL import Image

    for name in range(100):
        for split in ("train", "test"):
            folder = tmp_path / split / f"{name:02d}"
            folder.mkdir(parents=True)
            Image.new("RGB", (32, 32), (name, 2 * name, 50)).save(folder / "a.png")
    file = real_data / "cifar100-weights" / f"cifar100_{net}.pth"
    done = call("evaluate", str(file), "--net", net, "--dataset", "folder", "--root", str(tmp_path))
    assert done.exit_code == 0 and done.stdout.startswith("top1 ")
    assert f"is cifar100-{net} of chenyaofo/pytorch-cifar-models: its normalization and classes apply" in done.stderr


IMAGES = "KDSTUDIO_CIFAR100"


@pytest.mark.parametrize(("net", "top1"), [("resnet20", "68.83")])
def test_a_published_checkpoint_scores_what_its_publisher_says(net: str, top1: str, real_data: Path) -> None:
    """The whole test set on a real net: half a minute, and only where somebody names the images."""
    if IMAGES not in os.environ:
        pytest.skip(f"set {IMAGES} to a folder with CIFAR-100's train/ and test/ to run it")
    file = real_data / "cifar100-weights" / f"cifar100_{net}.pth"
    done = call("evaluate", str(file), "--net", net, "--dataset", "folder", "--root", os.environ[IMAGES])
    assert done.stdout.splitlines()[0] == f"top1 {top1}"


@pytest.mark.parametrize("what", ["presets", "methods", "nets", "datasets"])
def test_list_names_everything_there_is(what: str) -> None:
    known = extras.catalogue()
    names = {"methods": known.methods, "nets": known.nets, "datasets": known.datasets, "presets": [DEFAULT]}[what]
    output = call("list", what).output
    assert all(name in output for name in names)


def test_list_names_the_runs_of_a_folder(home: Path) -> None:
    assert run_of(home).name in call("list", "runs", "--runs", str(home)).output


def test_list_refuses_what_it_does_not_know() -> None:
    assert call("list", "teachers").exit_code == 2


def test_show_prints_the_whole_experiment() -> None:
    output = call("show", DEFAULT, "--set", "training.epochs=7").output
    assert "epochs: 7" in output and "reffakd:" in output


def test_show_says_who_decided_each_value() -> None:
    output = call("show", DEFAULT, "--set", "training.epochs=7", "--origins").output
    line = next(row for row in output.splitlines() if row.startswith("training.epochs"))
    assert "--set" in line


def test_export_writes_the_student_and_its_preset(home: Path, tmp_path: Path) -> None:
    done = call("export", run_of(home).name, str(tmp_path / "out"), "--runs", str(home))
    assert done.exit_code == 0
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"student.safetensors", "preset.yaml"}
    assert call("show", str(tmp_path / "out" / "preset.yaml")).exit_code == 0


def test_export_writes_the_student_alone_as_the_ending_says(home: Path, tmp_path: Path) -> None:
    for name in ("student.safetensors", "student.pt2"):
        done = call("export", run_of(home).name, str(tmp_path / "alone" / name), "--runs", str(home))
        assert done.exit_code == 0, done.output
    assert {p.name for p in (tmp_path / "alone").iterdir()} == {"student.safetensors", "student.pt2"}
    done = call("export", run_of(home).name, str(tmp_path / "student.tflite"), "--runs", str(home))
    assert done.exit_code == 2 and ".onnx" in done.output


def test_export_refuses_a_run_without_a_student(home: Path, tmp_path: Path) -> None:
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "experiment.yaml").write_text((run_of(home) / "experiment.yaml").read_text())
    done = call("export", str(unfinished), str(tmp_path / "out"))
    assert done.exit_code == 2 and "resume it first" in done.output


def test_doctor_names_device_precision_libraries_and_folders(tmp_path: Path) -> None:
    done = call("doctor", "--runs", str(tmp_path / "runs"))
    assert all(name in done.output for name in ("device", "precision", "torch", "runs", "presets", "memory"))


def test_doctor_says_how_to_mend_a_folder_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = call("doctor", "--runs", str(tmp_path / "file" / "runs"))
    assert done.exit_code == 1 and "choose another folder with --runs" in done.output


def test_catalog_prints_what_is_shipped() -> None:
    written = (shipped.place("assets") / "catalog.json").read_text(encoding="utf-8")
    assert call("catalog", "--print").stdout == written


def test_bench_refuses_what_it_cannot_measure() -> None:
    done = call("bench", "luck")
    assert done.exit_code == 2 and "step" in done.output
