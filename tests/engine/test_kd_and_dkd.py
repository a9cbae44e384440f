"""KD and DKD as methods: their terms, weights and refusals."""

from __future__ import annotations

import pytest
import torch
from builders import golden, seen_batch

from engine.method import chosen, find

Y = torch.tensor([0, 2, 4, 1])


def test_kd_reports_the_golden_value_under_its_term() -> None:
    method = find("kd")(chosen("kd", {"temperature": 4.0}))
    found = method.losses(seen_batch(golden((4, 5), 0.7, 3), golden((4, 5), 1.3, 5), None))
    assert found["kl"].item() == pytest.approx(6.67068298603, rel=1e-9)


def test_dkds_weights_grow_over_the_warm_up_and_weigh_its_terms_to_the_golden_value() -> None:
    method = find("dkd")(chosen("dkd", {"beta": 8.0, "warmup": 20}))
    found = method.losses(seen_batch(golden((4, 5), 0.7, 3), golden((4, 5), 1.3, 5), Y))
    weighted = {e: sum(method.weight(t, e) * found[t.name].item() for t in method.terms) for e in (1, 10, 20, 200)}
    assert weighted[200] == weighted[20] == pytest.approx(51.4922827089, rel=1e-9)
    assert weighted[10] == pytest.approx(weighted[20] / 2, rel=1e-12)
    assert weighted[1] == pytest.approx(weighted[20] / 20, rel=1e-12)


@pytest.mark.parametrize("key", ["kd", "dkd"])
def test_without_anyone_who_teaches_the_sentence_says_what_to_choose(key: str) -> None:
    with pytest.raises(ValueError, match="choose a teacher net, or a method that teaches"):
        find(key)(chosen(key, {})).losses(seen_batch(golden((4, 5), 0.7), None, Y))


def test_dkd_without_labels_is_refused() -> None:
    z = golden((4, 5), 0.7)
    with pytest.raises(ValueError, match="labels"):
        find("dkd")(chosen("dkd", {})).losses(seen_batch(z, z, None))


def test_the_weight_of_the_labels_is_no_setting_of_the_method() -> None:
    assert chosen("kd", {"ce_weight": 0.3, "temperature": 2.0}) == find("kd").Params(temperature=2.0)
