import numpy as np
import pytest

from luthier.comparing.pairs import Apart, Disagreement, Pair, apart, corrected, disagreement
from luthier.evaluation.elsewhere.contrast import holm
from luthier.evaluation.intervals import Evaluated, bootstrap


def accuracy(right_N: np.ndarray) -> Evaluated:
    return bootstrap(lambda weights_RN: {"accuracy": weights_RN @ right_N / weights_RN.sum(1)}, len(right_N), seed=1)


def test_a_run_that_is_right_where_the_other_is_wrong_is_ahead_for_sure() -> None:
    better, worse = np.ones(100), np.r_[np.zeros(20), np.ones(80)]
    found = apart(accuracy(worse), accuracy(better), "accuracy", higher_is_better=True)
    assert found.difference == pytest.approx(0.2)
    assert 0.1 < found.low < 0.2 < found.high < 0.3
    assert found.p == pytest.approx(2 / 1001)


def test_of_a_score_that_should_be_low_the_lower_one_is_ahead() -> None:
    high, low = np.ones(100), np.r_[np.zeros(20), np.ones(80)]
    assert apart(accuracy(high), accuracy(low), "accuracy", higher_is_better=False).difference == pytest.approx(0.2)


def test_two_runs_that_say_the_same_are_not_apart() -> None:
    same = np.r_[np.zeros(20), np.ones(80)]
    found = apart(accuracy(same), accuracy(same), "accuracy", higher_is_better=True)
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)


@pytest.mark.slow
def test_chance_alone_is_called_sure_in_about_one_case_of_twenty() -> None:
    rng = np.random.default_rng(0)
    sure = [
        apart(accuracy(rng.random(200) < 0.7), accuracy(rng.random(200) < 0.7), "accuracy", higher_is_better=True).p
        < 0.05
        for _ in range(60)
    ]
    assert sum(sure) <= 8


def test_mcnemar_is_the_exact_binomial_test_of_the_rows_on_which_one_alone_is_right() -> None:
    first = [True] * 50 + [True] * 3 + [False] * 12 + [None] * 5
    second = [True] * 50 + [False] * 3 + [True] * 12 + [True] * 5
    found = disagreement(first, second)
    assert found is not None
    assert (found.rows, found.first_only, found.second_only) == (65, 3, 12)
    assert found.p == pytest.approx(0.03515625)  # 2 * sum of C(15, k) for k up to 3, over 2 ** 15


def test_without_rows_that_are_right_or_wrong_there_is_no_mcnemar() -> None:
    assert disagreement([None, None], [None, True]) is None


def test_holm_multiplies_the_smallest_by_all_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]


def test_the_correction_goes_over_the_pairs_and_leaves_those_without_rows_out() -> None:
    pairs = [
        Pair(0, 1, (Apart("f1", 0.1, 0, 0.2, 0.02),), Disagreement(9, 1, 7, 0.03)),
        Pair(0, 2, (Apart("f1", 0.1, 0, 0.2, 0.03),), None),
    ]
    one, two = corrected(pairs)
    assert (one.main.holm, two.main.holm) == (0.04, 0.04)
    assert one.rows is not None and one.rows.holm == 0.03 and two.rows is None
