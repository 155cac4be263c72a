"""All labels fitted together are what scikit-learn fits one by one."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from luthier.evaluation.one_vs_rest import fit_label_lines


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_each_label_is_a_logistic_regression(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("luthier.evaluation.one_vs_rest._MOST_WEIGHTS", 24)  # two labels at a time
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 12)) * (rng.random((200, 12)) < (0.5 if kind == "sparse" else 1))
    holds = rows @ rng.normal(size=(12, 3)) + rng.normal(size=(200, 3)) > 1
    weights = rng.random(200) + 0.5
    given = sparse.csr_matrix(rows) if kind == "sparse" else rows
    lines = fit_label_lines(given, holds, 0.5, weights_N=weights)
    for c in range(3):
        alone = LogisticRegression(C=0.5, max_iter=1000, tol=1e-8).fit(rows, holds[:, c], sample_weight=weights)
        assert lines.logits(given)[:, c] == pytest.approx(alone.decision_function(rows), abs=0.05)


def test_rows_that_have_a_label_can_weigh_more() -> None:
    rng = np.random.default_rng(1)
    rows, holds = rng.normal(size=(200, 3)), rng.random((200, 2)) < 0.1
    plain, heavy = (fit_label_lines(rows, holds, 1.0, positive_C=w) for w in (None, np.array([9.0, 1.0])))
    assert heavy.bias_C[0] > plain.bias_C[0] + 1.5 and heavy.bias_C[1] == pytest.approx(plain.bias_C[1], abs=0.02)


def test_a_word_of_a_single_row_is_not_learnt_by_heart() -> None:
    rows = sparse.csr_matrix(np.array([[1.0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1]]))
    lines = fit_label_lines(rows, np.array([[True], [True], [False], [False]]), 10.0)
    assert lines.weights_CF[0, 1] == 0.0 and lines.weights_CF[0, 0] > 0 > lines.weights_CF[0, 2]


def test_a_label_of_all_rows_or_none_is_a_constant() -> None:
    rows = np.random.default_rng(2).normal(size=(50, 3))
    lines = fit_label_lines(rows, np.tile([True, False], (50, 1)), 1.0)
    logits = lines.logits(rows)
    assert (logits[:, 0] > 3).all() and (logits[:, 1] < -3).all()
