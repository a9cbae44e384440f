"""letKD against slow plain references: the layer, both supervisions, what is found before distilling, and what stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from builders import SmallLab, SmallNet, seen_batch, seen_maps, side_of, striped_images
from torch import Tensor

from engine import comparing, kmeans, nets
from engine.bare import cost_of_parts
from engine.data import DataError
from engine.method import Part, chosen, find
from engine.nets.counts import multiply_adds, parameters
from engine.nets.parts import insert
from engine.pairing import Match, PairError
from engine.taps import Look, shapes
from engine.templates import own_sub_class, template_loss
from engine.templates.layer import silenced
from engine.templates.vectors import gather, places, spread

LetKD = find("letkd")


def laboratory(**given: Any) -> tuple[Any, SmallLab]:
    """A small student with the layers of these settings, and its teacher; images of 8 x 8 whose last maps are 2 x 2."""
    images, labels = striped_images(side=8, each=8)
    torch.manual_seed(0)
    lab = SmallLab(images, labels, teacher=SmallNet(widths=(5, 6), side=8))
    lab.student = side_of(SmallNet(widths=(4, 8), side=8), lab.facts.shape)
    method = LetKD(chosen("letkd", {"templates": 12, "subclasses": 2} | given))
    for part in method.parts(lab.student, lab.teacher, lab.facts):
        insert(lab.student.net, part, torch.Generator().manual_seed(0))
        lab.student = side_of(lab.student.net, lab.facts.shape)
    torch.manual_seed(0)
    method.build(lab.student, lab.teacher, lab.facts)
    return method, lab


def looked(method: Any, lab: SmallLab, x: Tensor, y: Tensor) -> Any:
    zeros = torch.zeros(len(x), 4)
    return seen_maps(lab, method, x, seen_batch(zeros, zeros, y))


def test_every_vector_of_the_teacher_is_gathered_with_its_images_class() -> None:
    method, lab = laboratory()
    pair = method.pairs["penult"]
    size = pair.student_shape[1:]
    found = gather(lab, pair.teacher, size, "all", 10**9, torch.Generator().manual_seed(0))
    net = lab.teacher.net.eval()
    expected = places(Look(net, {"z": pair.teacher})(lab.images(torch.arange(32))).taps["z"]).detach()
    torch.testing.assert_close(found.points, expected)
    assert torch.equal(found.labels, lab.facts.labels.repeat_interleave(4))
    few = gather(lab, pair.teacher, size, 40, 10**9, torch.Generator().manual_seed(0))
    drawn = spread(128, 40, torch.Generator().manual_seed(0))
    torch.testing.assert_close(few.points, expected[drawn])
    assert torch.equal(few.labels, lab.facts.labels[drawn // 4])
    assert few.in_words() == "40 vectors of 6 numbers in float32, drawn evenly from 128"


def test_without_alpha_the_logits_are_those_of_the_bare_student_to_the_bit() -> None:
    images, _ = striped_images(side=8, each=8)
    torch.manual_seed(0)
    bare = SmallNet(widths=(4, 8)).eval()
    expected = bare(images)
    layers = [
        insert(
            bare, Part(name, tap, "letkd.layer", {"width": 8, "templates": 6, "alpha": 1.0}), torch.Generator().manual_seed(1)
        )
        for name, tap in (("inner", "f2_first"), ("last", "f2"))
    ]
    assert not torch.equal(bare(images), expected)
    with silenced(layers):  # type: ignore[arg-type]
        assert torch.equal(bare(images), expected)
    assert [each.alpha for each in layers] == [1.0, 1.0]


@pytest.mark.parametrize(
    "student", ["resnet8", "resnet8x4", "wrn16-2", "shufflenetv1", "shufflenetv2", "mobilenetv2-half", "resnet18"]
)
def test_a_student_has_exactly_the_layers_that_the_plan_counts_and_needs_no_teacher_for_them(student: str) -> None:
    net = nets.build(student, classes=10, generator=torch.Generator().manual_seed(0))
    bare, shape = (parameters(net), multiply_adds(net, (3, 32, 32))), (3, 32, 32)
    settings = dict(chosen("letkd", {"layers": "both", "templates": 24, "subclasses": 3}))
    own = {tap: tuple(s) for tap, s in shapes(net, shape).items()}
    counted = comparing.staying(LetKD.features, settings, own, own, 10)
    for f, count in zip(LetKD.features, (30, 24)):
        (pair,) = comparing.matches((f,), settings, own, own)
        name = f.part.replace(".", "_")
        arguments = {"width": pair.student_shape[0], "templates": count, "alpha": 1.0}
        insert(net, Part(name, pair.student, "letkd.layer", arguments), torch.Generator().manual_seed(0))
    assert (parameters(net) - bare[0], multiply_adds(net, shape) - bare[1]) == counted
    again = nets.build(**json.loads(json.dumps(net.identity())))
    again.load_state_dict(net.state_dict())
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(again.eval()(x), net.eval()(x))


def test_the_published_student_is_larger_than_its_teacher() -> None:
    settings = dict(chosen("letkd", {"layers": "both"}))
    cards = {key: nets.card(key) for key in ("resnet20", "resnet56")}
    more = comparing.staying(LetKD.features, settings, cards["resnet20"].taps, cards["resnet56"].taps, 100)
    assert more[0] == 532_482 + 104_002
    assert cards["resnet20"].parameters + more[0] == 914_808 > cards["resnet56"].parameters == 861_620
    assert round((cards["resnet20"].multiply_adds + more[1]) / 1e6, 1) == 80.9


@pytest.mark.parametrize(
    ("net", "first", "last"),
    [
        ("resnet20", ("f3_first", (64, 8, 8)), ("f3", (64, 8, 8))),
        ("resnet8x4", ("f3_first", (256, 8, 8)), ("f3", (256, 8, 8))),
        ("wrn40-1", ("f3_first", (64, 8, 8)), ("last", (64, 8, 8))),
        ("wrn16-2", ("f3_first", (128, 8, 8)), ("last", (128, 8, 8))),
        ("shufflenetv1", ("f3_first", (960, 4, 4)), ("last", (960, 4, 4))),  # its f3
        ("shufflenetv2", ("f3_first", (464, 4, 4)), ("last", (1024, 4, 4))),
        ("mobilenetv2-half", ("f4_first", (80, 2, 2)), ("last", (1280, 2, 2))),
        ("resnet50", ("f4_first", (2048, 4, 4)), ("f4", (2048, 4, 4))),
    ],
)
def test_layers_stand_where_the_paper_has_them(net: str, first: Any, last: Any) -> None:
    taps = nets.card(net).taps
    settings = dict(chosen("letkd", {"layers": "both"}))
    inner, outer = comparing.matches(LetKD.features, settings, taps, taps)
    assert ((inner.student, inner.student_shape), (outer.student, outer.student_shape)) == (first, last)


def test_the_first_map_is_what_the_rest_of_the_stage_goes_on_with() -> None:
    net = nets.build("resnet20", classes=10, channels=1, size=8, generator=torch.Generator().manual_seed(0)).eval()
    x = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    view = Look(net, {"in": "f2", "first": "f3_first", "out": "f3"})(x)
    torch.testing.assert_close(net.layer3[0](view.taps["in"]), view.taps["first"])
    torch.testing.assert_close(net.layer3[1:](view.taps["first"]), view.taps["out"])


def test_a_net_without_a_first_map_is_refused_for_the_inner_layer_alone() -> None:
    taps, lenet = nets.card("resnet20").taps, nets.card("lenet5").taps
    with pytest.raises(PairError, match=r"the student does not show the map after the first block of its last stage; it shows"):
        comparing.matches(LetKD.features, dict(chosen("letkd", {"layers": "both"})), lenet, taps)
    assert comparing.matches(LetKD.features, dict(chosen("letkd", {})), lenet, taps)
    with pytest.raises(PairError, match="it works on maps, and one of the two shows none"):
        comparing.matches(LetKD.features, dict(chosen("letkd", {})), {"pooled": (64,)}, taps)


def test_the_student_is_never_resized_in_the_words_of_the_plan() -> None:
    def how(student: tuple[int, ...], teacher: tuple[int, ...]) -> str:
        return comparing.adapted("templates", Match("f3", "f3", student, teacher), {}).how()

    assert how((64, 4, 4), (64, 8, 8)) == "a layer of templates that stays; the teacher's map averaged to 4 × 4"
    assert how((64, 8, 8), (64, 4, 4)) == "a layer of templates that stays"


def test_a_prepared_method_sees_what_the_formulas_say() -> None:
    method, lab = laboratory(layers="both")
    method.prepare(lab)
    x, y = lab.images(torch.arange(8)), lab.facts.labels[:8]
    batch = looked(method, lab, x, y)
    losses = method.losses(batch)
    z = places(batch.teacher.taps["penult"])
    a = places(batch.student.taps["penult"])
    rho = method.found["penult"].centroids
    torch.testing.assert_close(losses["penult"], template_loss(a, torch.softmax(-torch.cdist(z, rho).square(), 1)))
    inner = method.found["inter"]
    u = (places(batch.teacher.taps["inter"]) - inner.mean) @ inner.scalings
    own = own_sub_class(u, y.repeat_interleave(4), inner.centroids)
    torch.testing.assert_close(losses["inter"], template_loss(places(batch.student.taps["inter"]), inner.matrix[own]))
    assert torch.equal(own // 2, y.repeat_interleave(4))
    torch.testing.assert_close(inner.matrix.sum(1), torch.ones(8))


def test_the_templates_are_those_of_k_means_over_the_teachers_vectors() -> None:
    method, lab = laboratory()
    method.prepare(lab)
    pair = method.pairs["penult"]
    points = gather(lab, pair.teacher, pair.student_shape[1:], "all", 10**9, torch.Generator()).points
    generator = torch.Generator().manual_seed(
        torch.randint(2**62, (2,), generator=torch.Generator().manual_seed(0)).tolist()[1]
    )
    spread(128, 128, generator)
    lloyd = kmeans.Lloyd(kmeans.start(points, 12, generator))
    lloyd.run(points, 20)
    torch.testing.assert_close(method.found["penult"].centroids, lloyd.centroids)
    assert method.found["penult"].usage.sum().item() == pytest.approx(1.0)
    assert next(what for what, *_ in lab.told) == "teacher's maps" and "k-means" in {what for what, *_ in lab.told}


class Enough(Exception):  # noqa: N818
    """Somebody asked for a stop."""


class Halting(SmallLab):
    """A laboratory that stops at the so-manieth word of progress, and keeps what the stage under way says of itself."""

    limit = 10**9
    left: Any = None
    ended: dict[str, Any]

    def progress(self, what: str, done: int, total: int, unit: str) -> None:
        super().progress(what, done, total, unit)
        if len(self.told) == self.limit:
            raise Enough

    @contextmanager
    def stage(self, name: str, state: Callable[[], Any] | None = None) -> Iterator[Any]:
        self.stages.append(name)
        resumed, self.left = (self.left[1] if self.left and self.left[0] == name else None), None
        assert state is not None
        try:
            yield resumed
        except Enough:
            self.left = (name, _copied(state()))
            raise
        self.ended[name] = _copied(state())

    def finished(self, name: str) -> Any:
        return self.ended.get(name)


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _copied(v) for k, v in value.items()}
    return value.clone() if isinstance(value, Tensor) else value


@pytest.mark.parametrize("inter", ["decisions", "k-means"])
def test_preparing_that_is_stopped_anywhere_goes_on_to_the_same_templates(inter: str) -> None:
    settings = {"layers": "both", "inter": inter, "iterations": 4}
    whole, lab = laboratory(**settings)
    whole.prepare(lab)
    words = len(lab.told)
    for limit in range(1, words, 3):
        first, lab = laboratory(**settings)
        halting = Halting(lab._images, lab._labels, teacher=lab.teacher.net)
        halting.student, halting.limit, halting.ended = lab.student, limit, {}
        with pytest.raises(Enough):
            first.prepare(halting)
        second, _ = laboratory(**settings)
        halting.limit, halting.told, halting.generator = 10**9, [], torch.Generator().manual_seed(0)
        second.prepare(halting)
        assert all(torch.equal(v, second.state_dict()[k]) for k, v in whole.state_dict().items())
        assert len(halting.told) < words or limit < 4


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"templates": 500}, "500 templates cannot be found among 128 feature vectors; take fewer templates"),
        ({"layers": "intermediate", "subclasses": 40}, "class 'class 0' has 32 feature vectors for 40 sub-classes"),
    ],
)
def test_too_many_templates_are_refused_in_a_sentence(settings: dict[str, Any], sentence: str) -> None:
    method, lab = laboratory(**settings)
    with pytest.raises(DataError, match=sentence):
        method.prepare(lab)


def test_decisions_cannot_be_made_without_labels() -> None:
    method, lab = laboratory(layers="intermediate")
    bare = SmallLab(lab._images, None, teacher=lab.teacher.net)
    bare.student = lab.student
    with pytest.raises(DataError, match=r"turn dataset.labels on, or supervise by k-means"):
        method.prepare(bare)


def test_watches_count_templates_and_silence_the_layers() -> None:
    method, lab = laboratory(layers="both")
    method.prepare(lab)
    x, y = lab.images(torch.arange(32)), lab.facts.labels
    lab.student.net.eval()
    batch = looked(method, lab, x, y)
    method.train()
    losses = method.losses(batch)
    assert method.trained.tolist() == pytest.approx([losses["penult"].item(), 1.0])
    method.eval()
    shown = method.watch(batch)
    best, other = places(batch.student.taps["penult"]).argmax(1), method._assigned("penult", batch)[1].argmax(1)
    assert shown["penult_agreement"].item() == pytest.approx(100 * (best == other).float().mean().item())
    assert shown["penult_perplexity"].item() == pytest.approx(kmeans.perplexity(torch.bincount(best).float()).item(), rel=1e-5)
    assert shown["penult_gap"].item() == pytest.approx(1.0, rel=1e-5)
    assert method.trained.tolist() == [0.0, 0.0]
    bare = SmallNet(widths=(4, 8)).eval()
    bare.load_state_dict({k: v for k, v in lab.student.net.state_dict().items() if "letkd" not in k})
    assert shown["without_layers"].item() == pytest.approx(100 * (bare(x).argmax(1) == y).float().mean().item())
    right = (lab.student.net(x).argmax(1) == y).float().mean().item()
    assert shown["with_layers"].item() == pytest.approx(100 * right)
    assert len(method.names("penult_usage")) == len(shown["penult_usage"]) == 12


def test_the_cost_of_the_layers_stands_beside_the_bare_student() -> None:
    net = nets.build("resnet8", classes=10, channels=1, size=8, generator=torch.Generator().manual_seed(0))
    assert cost_of_parts(net, (1, 8, 8)) == {}
    bare = parameters(net)
    insert(net, Part("letkd_penult", "f3", "letkd.layer", {"width": 64, "templates": 4096, "alpha": 1.0}), torch.Generator())
    found = cost_of_parts(net, (1, 8, 8))
    assert (found["parameters_bare"], parameters(net) - bare) == (bare, 532_482)
    assert found["multiply_adds_bare"] + 2 * 64 * 4096 * 4 == multiply_adds(net, (1, 8, 8))
    assert found["milliseconds"] > found["milliseconds_bare"] > 0
