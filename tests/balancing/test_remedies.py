"""What each remedy makes of the classes' counts, by the formula that it is named after."""

import inspect
import math

import pytest

from luthier import catalog
from luthier.balancing.remedies import (
    effective_number,
    focal,
    logit_adjustment,
    oversample,
    threshold,
    undersample,
    weighted_loss,
)
from luthier.balancing.remedy import Remedy
from luthier.errors import ConfigError

COUNTS = (90, 9, 1)


def test_oversampling_repeats_rare_rows_up_to_the_ratio() -> None:
    assert oversample(COUNTS, ratio=3.0).rates == pytest.approx((1, 30 / 9, 30))
    assert oversample(COUNTS, ratio=1.0).rates == pytest.approx((1, 10, 90))
    assert oversample(COUNTS, ratio=1000.0).rates == (1, 1, 1)


def test_undersampling_thins_common_classes_down_to_the_ratio() -> None:
    assert undersample(COUNTS, ratio=3.0).rates == pytest.approx((3 / 90, 3 / 9, 1))
    assert undersample(COUNTS, ratio=1000.0).rates == (1, 1, 1)


def test_the_weighted_loss_counts_each_class_alike_and_a_row_1_on_average() -> None:
    weights = weighted_loss(COUNTS).weights
    assert weights == pytest.approx([100 / (3 * n) for n in COUNTS])
    assert sum(w * n for w, n in zip(weights, COUNTS, strict=True)) == pytest.approx(100)


def test_the_effective_number_is_that_of_the_paper() -> None:
    beta = 0.9
    raw = [(1 - beta) / (1 - beta**n) for n in COUNTS]
    scale = 100 / sum(w * n for w, n in zip(raw, COUNTS, strict=True))
    assert effective_number(COUNTS, beta=beta).weights == pytest.approx([w * scale for w in raw])
    assert effective_number(COUNTS, beta=0.0).weights == pytest.approx((1, 1, 1))
    assert effective_number(COUNTS, beta=1 - 1e-9).weights == pytest.approx(weighted_loss(COUNTS).weights, rel=1e-5)


def test_the_logits_are_adjusted_by_the_log_share() -> None:
    assert logit_adjustment(COUNTS, tau=2.0).margins == pytest.approx([2 * math.log(n / 100) for n in COUNTS])


def test_focal_and_threshold_do_not_look_at_the_counts() -> None:
    assert focal(COUNTS, gamma=1.5) == Remedy(focus=1.5)
    assert threshold(COUNTS) == Remedy(moves_decisions=True)


@pytest.mark.parametrize("name", catalog.remedy_names())
def test_every_option_is_read_from_the_signature(name: str) -> None:
    parameters = inspect.signature(catalog.remedy(name)).parameters
    expected = {key: p.default for key, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert {key: default for key, (_, default) in catalog.remedy_options(name).items()} == expected


OUT_OF_RANGE = [
    ("oversample", {"ratio": 0.5}, "balance.ratio: is 0.5"),
    ("undersample", {"ratio": float("nan")}, "balance.ratio: is nan"),
    ("effective_number", {"beta": 1.0}, "balance.beta: is 1.0"),
    ("focal", {"gamma": -1.0}, "balance.gamma: is -1.0"),
    ("logit_adjustment", {"tau": float("inf")}, "balance.tau: is inf"),
]


@pytest.mark.parametrize(("name", "options", "says"), OUT_OF_RANGE)
def test_an_option_out_of_range_is_refused(name: str, options: dict[str, float], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        catalog.remedy(name)(COUNTS, **options)
