"""SimKD: what stays in the student, what is learned, what the Plan counts, and which nets it is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from builders import SmallLab, SmallNet, seen_batch, seen_maps, side_of, striped_images
from torch import Tensor, nn

from engine import extras, load_student, nets, presets, rules, session
from engine.adapter_kinds import CLASSIFIERS, PARTS
from engine.building import build, side
from engine.control import Control
from engine.experiment import Experiment
from engine.method import Method, chosen, find
from engine.methods.simkd import Projector
from engine.nets.counts import multiply_adds, parameters
from engine.pairing import PairError
from engine.taps import Look


def made(teacher: nets.Net | None = None, student: nets.Net | None = None) -> tuple[Method, SmallLab]:
    images, labels = striped_images(side=8, each=8)
    torch.manual_seed(0)
    lab = SmallLab(images, labels, teacher=(teacher or SmallNet(widths=(5, 6, 8, 12))).eval())
    lab.student = side_of(student or SmallNet(), lab.facts.shape)
    method = find("simkd")(chosen("simkd", {}))
    lab.student = build({"simkd": method}, lab.student, lab.teacher, lab.facts, 0, lambda each: each, lab.note)
    return method, lab


def batch(method: Method, lab: SmallLab) -> Any:
    y, x = torch.tensor([0, 1, 2, 3, 3, 2, 1, 0]), lab.images(torch.arange(8))
    return seen_maps(lab, method, x, seen_batch(torch.zeros(8, 4), torch.zeros(8, 4), y))


def test_the_projector_is_three_convolutions_without_bias_each_with_norm_and_relu() -> None:
    layers = list(Projector(6, 12, (4, 4)).layers)
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size[0], c.bias) for c in convolutions] == [
        (6, 6, 1, None), (6, 6, 3, None), (6, 12, 1, None),
    ]  # fmt: skip
    assert [type(layer) for layer in layers] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU] * 3


@pytest.mark.parametrize(("sides", "out"), [((8, 8), 8), ((8, 4), 4), ((4, 8), 4)])
def test_maps_meet_at_the_size_of_the_smaller(sides: tuple[int, int], out: int) -> None:
    own = torch.rand(2, 6, sides[0], sides[0])
    assert Projector(6, 12, (min(sides),) * 2)(own).shape == (2, 12, out, out)


def test_the_student_ends_with_its_teachers_classifier_which_stays_as_it_is() -> None:
    method, lab = made()
    head, other = lab.student.net.head, lab.teacher.net.head
    assert torch.equal(head.weight, other.weight) and torch.equal(head.bias, other.bias) and head is not other
    assert not any(p.requires_grad for p in head.parameters())
    assert [part["name"] for part in lab.student.net.parts] == ["simkd_projector", "simkd_classifier"]
    assert list(method.parameters()) == []
    seen = batch(method, lab)
    view = lab.student.net.eval()
    torch.testing.assert_close(view(seen.x), head(_projected(lab, seen.x).mean((2, 3))))


def _projected(lab: SmallLab, x: Tensor) -> Tensor:
    return Look(lab.student.net, {"map": "simkd_projector.out"})(x).taps["map"]


def test_the_loss_is_the_mean_squared_error_of_the_maps_before_the_average() -> None:
    method, lab = made()
    seen = batch(method, lab)
    own, other = seen.student.taps["map"], seen.teacher.taps["map"]
    pooled = nn.functional.adaptive_avg_pool2d(own, other.shape[2:]) if own.shape[2] > other.shape[2] else own
    expected = (pooled - nn.functional.adaptive_avg_pool2d(other, pooled.shape[2:])).square().mean()
    torch.testing.assert_close(method.losses(seen)["map"], expected)
    alike = replace(seen, student=replace(seen.student, taps={"map": other}))
    assert method.losses(alike)["map"].item() == 0.0


def test_a_student_that_makes_its_teachers_map_answers_as_its_teacher_does() -> None:
    _, lab = made()
    x = lab.images(torch.arange(8))
    with torch.no_grad():
        found = Look(lab.teacher.net, {"map": "f4"})(x)
        torch.testing.assert_close(lab.student.net.head(found.taps["map"].mean((2, 3))), found.logits)


def test_the_labels_have_no_weight_and_its_own_is_one() -> None:
    method = find("simkd")(chosen("simkd", {}))
    assert method.ce_weight == 0.0 and [method.weight(t, 1) for t in method.terms] == [1.0]


@pytest.mark.parametrize(
    ("student", "teacher", "dataset"),
    [("resnet20", "resnet56", "cifar100"), ("resnet8x4", "resnet32x4", "cifar100"), ("resnet8", "resnet32x4", "digits"),
     ("wrn16-1", "vgg8", "cifar10"), ("shufflenetv2", "resnet8x4", "cifar100")],
)  # fmt: skip
def test_the_plan_counts_the_projector_and_the_wider_classifier(student: str, teacher: str, dataset: str) -> None:
    experiment = Experiment.model_validate({
        "dataset": {"name": dataset}, "student": {"net": student}, "teacher": {"net": teacher, "source": "scratch"},
        "methods": {"simkd": {}},
    })  # fmt: skip
    card = extras.catalogue().datasets[dataset]
    side_ = max(card.size, *(extras.catalogue().nets[key].smallest for key in (student, teacher)))
    own, other = (nets.build(key, classes=card.classes, channels=card.channels, size=side_) for key in (student, teacher))
    shape = (card.channels, side_, side_)
    bare = parameters(own), multiply_adds(own, shape)
    lab = SmallLab(torch.rand(2, *shape), None, classes=card.classes)
    method = find("simkd")(chosen("simkd", {}))
    build({"simkd": method}, side(own, shape), side(other.eval(), shape), lab.facts, 0, lambda each: each, lab.note)
    assert rules.staying(experiment)["simkd"] == (parameters(own) - bare[0], multiply_adds(own, shape) - bare[1])


def test_the_plan_counts_the_layer_that_a_swapped_reconstruction_of_aekt_leaves() -> None:
    experiment = presets.resolve("experiments/digits-aekt-swap").experiment
    assert rules.staying(experiment) == {"aekt": (110, 100)}
    assert rules.staying(presets.resolve("experiments/digits-aekt").experiment) == {}
    alone = presets.resolve("experiments/digits-reffakd-aekt", form={"methods.aekt.serialization": "swap"}).experiment
    assert rules.staying(alone) == {"aekt": (110, 100)} and rules.warnings(alone) == ()


def test_every_classifier_that_a_method_brings_is_one_that_the_plan_can_count() -> None:
    brought = [card for card in extras.catalogue().methods.values() if card.classifier is not None]
    assert {card.key for card in brought} >= {"simkd", "aekt"}
    assert {card.classifier.kind for card in brought} == set(CLASSIFIERS)
    assert {f.part for card in brought for f in card.features if f.part} <= set(PARTS)


class Between(SmallNet):
    """A net that changes what it averages before it classifies."""

    def __init__(self) -> None:
        super().__init__()
        self.passed["pooled"].register_forward_pre_hook(lambda module, args: (2 * args[0],))


@pytest.mark.parametrize("who", ["student", "teacher"])
def test_a_net_that_changes_the_average_before_it_classifies_is_refused(who: str) -> None:
    with pytest.raises(PairError, match=f"the {who} does not classify the plain average of its last map"):
        made(**{who: Between()})


def test_looking_at_whether_a_map_is_averaged_leaves_both_nets_as_they_were() -> None:
    student, teacher = SmallNet().train(), SmallNet(widths=(5, 6, 8)).eval()
    before = (
        {n: v.clone() for n, v in teacher.state_dict().items()},
        {n: v.clone() for n, v in student.stages.state_dict().items()},
    )
    made(teacher, student)
    assert student.training and not teacher.training
    assert all(torch.equal(v, before[0][n]) for n, v in teacher.state_dict().items())
    assert all(torch.equal(v, before[1][n]) for n, v in student.stages.state_dict().items())


def test_nets_that_classify_no_average_are_refused_before_anything_is_loaded() -> None:
    experiment = Experiment.model_validate({
        "dataset": {"name": "fashion-mnist"}, "student": {"net": "lenet5"}, "teacher": {"net": "resnet8", "source": "scratch"},
        "methods": {"simkd": {}},
    })  # fmt: skip
    [problem] = rules.problems(experiment)
    assert problem.path == "student.net" and "does not classify the average of a map" in problem.sentence


def test_a_teacher_of_other_classes_without_a_head_for_these_is_refused() -> None:
    experiment = Experiment.model_validate({
        "dataset": {"name": "cifar10"}, "student": {"net": "resnet20"}, "methods": {"simkd": {}},
        "teacher": {"net": "torchvision.resnet18", "source": "pretrained", "head": "none"},
    })  # fmt: skip
    catalogue = extras.catalogue()
    known = replace(catalogue, nets={**catalogue.nets, "torchvision.resnet18": catalogue.nets["resnet56"]})
    found = {p.path: p.sentence for p in rules.problems(experiment, known)}
    assert found["teacher.head"] == (
        "SimKD takes the teacher's classifier, and without a head it has none for these classes; set it to train"
    )


def test_the_student_is_exported_with_projector_and_classifier_and_works_alone(tmp_path: Path) -> None:
    form = {
        "dataset.subset": 0.2, "teacher.source": "scratch", "training.epochs": 1, "training.batch_size": 32, "run.threads": 1,
        "run.precision": "float32", "run.probe_images": 32, "teacher.net": "resnet8x4",
    }  # fmt: skip
    resolved = presets.resolve("experiments/digits-simkd", form=form)
    outcome = session.run(resolved, lambda event: None, Control(), home=tmp_path)
    assert outcome.outcome == "done"
    net = load_student(outcome.folders[0] / "student.safetensors")
    assert net.head.in_features == 256 and net(torch.rand(2, 1, 8, 8)).shape == (2, 10)
    results, more = outcome.results[0], rules.staying(resolved.experiment)["simkd"]
    assert results["parameters"] - results["parameters_bare"] == more[0]
    assert results["multiply_adds"] - results["multiply_adds_bare"] == more[1]
