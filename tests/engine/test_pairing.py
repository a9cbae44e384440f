"""Which stages belong together, for every pair of nets, and what the adapters between them come to."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from engine import nets
from engine.adapter_kinds import ADAPTERS, bridge
from engine.adapters import adapter, matched
from engine.cards import Features
from engine.comparing import matches
from engine.pairing import Match, PairError, by, pair, stages

RESNET = {"f0": (16, 32, 32), "f1": (16, 32, 32), "f2": (32, 16, 16), "f3": (64, 8, 8), "pooled": (64,), "f1_pre": (16, 32, 32)}
VGG = {"f0": (64, 32, 32), "f1": (128, 16, 16), "f2": (256, 8, 8), "f3": (512, 4, 4), "f4": (512, 4, 4), "pooled": (512,)}
MOBILE = {"f0": (16, 16, 16), "f1": (12, 16, 16), "f2": (16, 8, 8), "f3": (48, 4, 4), "f4": (160, 2, 2), "last": (1280, 2, 2),
          "pooled": (1280,)}  # fmt: skip
LENET = {"conv1": (6, 14, 14), "conv2": (16, 5, 5), "pooled": (84,)}
FLAT = {"pooled": (64,)}

SHIPPED = {key: dict(nets.card(key).taps) for key in tuple(nets.keys()) if not key.startswith("torchvision.")}
every_pair = pytest.mark.parametrize(("student", "teacher"), list(product(SHIPPED, SHIPPED)))


def taps(found: tuple[Match, ...]) -> list[tuple[str, str]]:
    return [(m.student, m.teacher) for m in found]


def test_stages_are_the_maps_between_stem_and_average_without_parts_and_activations_inputs() -> None:
    assert stages(RESNET | {"letkd.out": (16, 32, 32)}) == ("f1", "f2", "f3")
    assert stages(MOBILE) == ("f1", "f2", "f3", "f4")
    assert stages(LENET) == ("conv1", "conv2")
    assert stages(FLAT) == ()


@every_pair
def test_every_pair_of_nets_has_matches_in_order_that_end_at_the_deepest(student: str, teacher: str) -> None:
    own, other = SHIPPED[student], SHIPPED[teacher]
    found = pair(own, other)
    assert len(found) == min(len(stages(own)), len(stages(other))) > 0
    assert taps(found)[-1] == (stages(own)[-1], stages(other)[-1])
    for who, names in (("student", stages(own)), ("teacher", stages(other))):
        places = [names.index(getattr(m, who)) for m in found]
        assert places == sorted(set(places))
    assert all((m.student_shape, m.teacher_shape) == (own[m.student], other[m.teacher]) for m in found)


@every_pair
def test_what_belongs_together_does_not_depend_on_who_teaches(student: str, teacher: str) -> None:
    there, back = (pair(SHIPPED[a], SHIPPED[b]) for a, b in ((student, teacher), (teacher, student)))
    assert taps(there) == [(m.teacher, m.student) for m in back]


def test_nets_with_equally_many_stages_are_matched_one_by_one() -> None:
    assert taps(pair(MOBILE, VGG)) == [("f1", "f1"), ("f2", "f2"), ("f3", "f3"), ("f4", "f4")]


def test_of_four_stages_and_three_the_one_is_left_out_whose_absence_fits_the_resolutions_best() -> None:
    assert taps(pair(VGG, RESNET)) == [("f1", "f1"), ("f2", "f2"), ("f4", "f3")]
    four = {"f1": (64, 32, 32), "f2": (128, 16, 16), "f3": (256, 8, 8), "f4": (512, 4, 4)}
    assert taps(pair(RESNET, four)) == [("f1", "f1"), ("f2", "f2"), ("f3", "f4")]
    assert taps(pair(LENET, RESNET)) == [("conv1", "f2"), ("conv2", "f3")]


def test_where_resolutions_say_nothing_relative_depth_decides() -> None:
    flat = {f"f{i}": (8, 1, 1) for i in range(1, 5)}
    assert taps(pair({"f1": (8, 1, 1), "f2": (8, 1, 1)}, flat)) == [("f1", "f2"), ("f2", "f4")]


def test_a_net_without_stages_has_no_matches_and_a_method_on_stages_says_what_it_shows() -> None:
    assert pair(FLAT, RESNET) == ()
    with pytest.raises(PairError, match=r"the student has no stages .* it shows pooled 64"):
        matches((Features(),), {}, FLAT, RESNET)


def test_the_larger_map_is_pooled_by_height_then_width() -> None:
    def spatial(a: tuple[int, int], b: tuple[int, int]) -> str:
        return Match("f1", "f1", (3, *a), (3, *b)).spatial

    assert spatial((8, 8), (8, 8)) == "same"
    assert spatial((8, 4), (4, 8)) == "pool-student"
    assert spatial((8, 4), (8, 6)) == "pool-teacher"


def test_what_is_compared_is_declared_or_chosen_by_a_setting() -> None:
    def chosen(stages: str, given: object = None) -> list[tuple[str, str]]:
        settings = {} if given is None else {"stage": given}
        return taps(matches((Features(stages=stages),), settings, VGG, RESNET))

    assert chosen("all") == [("f1", "f1"), ("f2", "f2"), ("f4", "f3")]
    assert chosen("last") == [("f4", "f3")]
    assert chosen("pooled") == [("pooled", "pooled")]
    assert chosen("stage", "auto") == [("f2", "f2")]
    assert chosen("stage", 4) == [("f4", "f3")]
    assert chosen("stage", [1, 4]) == [("f1", "f1"), ("f4", "f3")]
    assert chosen("map") == [("f4", "f3")]
    assert taps(matches((Features(stages="map"),), {}, MOBILE, VGG)) == [("last", "f4")]


def test_a_condition_that_does_not_hold_compares_nothing() -> None:
    features = (Features(when={"mode": ("maps",)}), Features(stages="pooled", when={"mode": ("vectors",)}))
    assert taps(matches(features, {"mode": "vectors"}, VGG, RESNET)) == [("pooled", "pooled")]


@pytest.mark.parametrize(
    ("features", "settings", "sentence"),
    [
        (Features(equal_channels=True), {}, "equally many channels: student f1 128 × 16 × 16, teacher f1 16 × 32 × 32"),
        (Features(stages="last", equal_sizes=True), {}, "maps of one size: student f4 512 × 4 × 4, teacher f3 64 × 8 × 8"),
        (Features(equal_counts=True), {}, r"the student has 4 stages \(f1 128 × 16 × 16, .*the teacher has 3 stages"),
        (
            Features(activation="before"),
            {},
            r"the student does not show .* no tap f1_pre \(student f1 128 × 16 × 16, teacher f1",
        ),
        (Features(stages="stage"), {"stage": 3}, r"stage 3 of the student has no counterpart .* 4 \(student f4 512 × 4 × 4, t"),
        (Features(stages="stage"), {"stage": 9}, "stage 9 of the student has no counterpart"),
    ],
)
def test_what_cannot_be_compared_is_said_with_both_shapes(features: Features, settings: dict, sentence: str) -> None:
    with pytest.raises(PairError, match=sentence):
        matches((features,), settings, VGG, RESNET)


def test_a_classifier_that_reads_no_average_is_refused_where_one_is_needed() -> None:
    with pytest.raises(PairError, match="its deepest is conv2 16 × 5 × 5, and its classifier reads 84"):
        matches((Features(stages="map", averaged=True),), {}, LENET, RESNET)


@pytest.mark.parametrize("key", SHIPPED)
def test_the_map_that_is_averaged_is_what_the_classifier_reads_the_average_of(key: str) -> None:
    if key == "lenet5":
        pytest.skip("LeNet-5 has linear layers in between")
    [found] = matches((Features(stages="map", averaged=True),), {}, SHIPPED[key], SHIPPED[key])
    from engine.taps import Look

    net = nets.build(key, classes=5, size=32, generator=torch.Generator().manual_seed(0)).eval()
    with torch.no_grad():
        seen = Look(net, {"map": found.student, "vector": "pooled"})(torch.rand(2, 3, 32, 32)).taps
    torch.testing.assert_close(seen["map"].mean((2, 3)), seen["vector"])


SHAPES = [
    ((5, 8, 8), (7, 8, 8)),
    ((5, 8, 8), (7, 4, 4)),
    ((5, 4, 4), (7, 8, 8)),
    ((5, 9, 9), (7, 5, 5)),
    ((5, 2, 2), (7, 8, 8)),
]
WAYS = ["crop", "halve", "double", "crop", "pool"]


@pytest.mark.parametrize(("shapes", "way"), list(zip(SHAPES, WAYS)))
def test_the_regressor_goes_to_the_teachers_size_as_the_public_code_does(shapes: tuple, way: str) -> None:
    match = Match("f1", "f1", *shapes, adapter="regressor")
    assert bridge(match)[0] == way
    predicted = adapter(match)(torch.rand(2, *match.student_shape))
    own, other = matched(predicted, torch.rand(2, *match.teacher_shape))
    assert own.shape == other.shape == (2, 7, *(match.teacher_shape[1:] if way != "pool" else match.student_shape[1:]))
    assert predicted.min() == 0


@pytest.mark.parametrize("kind", ["none", "1x1", "1x1 norm", "regressor", "linear"])
@pytest.mark.parametrize("shapes", SHAPES, ids=[f"{by(a)} to {by(b)}" for a, b in SHAPES])
def test_parameters_in_the_plan_are_those_of_the_module(kind: str, shapes: tuple) -> None:
    match = Match("f1", "f1", *shapes, adapter=kind)
    made = sum(p.numel() for p in adapter(match).parameters())
    assert ADAPTERS[kind].count(match, {}) == made


def test_an_adapter_of_a_methods_own_is_not_made_here() -> None:
    with pytest.raises(ValueError, match="is made by its method"):
        adapter(Match("f1", "f1", (1, 1, 1), (1, 1, 1), adapter="something"))


@pytest.mark.parametrize("seeds", [(0, 0), (0, 1)])
def test_adapters_draw_from_the_global_generator(seeds: tuple[int, int]) -> None:
    weights = []
    for seed in seeds:
        torch.manual_seed(seed)
        weights.append(next(adapter(Match("f1", "f1", *SHAPES[0], adapter="1x1")).parameters()))
    assert torch.equal(*weights) == (seeds[0] == seeds[1])


def test_maps_meet_at_the_size_of_the_smaller_one_and_vectors_pass() -> None:
    big, small = torch.rand(2, 3, 8, 8), torch.rand(2, 5, 4, 4)
    own, other = matched(big, small)
    assert own.shape == (2, 3, 4, 4) and other is small
    torch.testing.assert_close(own, big.unflatten(2, (4, 2)).unflatten(4, (4, 2)).mean((3, 5)))
    assert [tuple(f.shape) for f in matched(small, big)] == [(2, 5, 4, 4), (2, 3, 4, 4)]
    vectors = torch.rand(2, 7), torch.rand(2, 9)
    assert matched(*vectors) == vectors
