"""A temperature is found by what rows say that training did not see."""

import numpy as np
import pytest

from luthier.calibrating.temperature import fit_temperature, sigmoid_nats, softened, softmax_nats


def softmax(logits_NC: np.ndarray) -> np.ndarray:
    raised = np.exp(logits_NC - logits_NC.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)


def drawn(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and classes drawn from their very softmax."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(rows, 4)) * 2
    drawn = rng.random((rows, 1)) > softmax(logits).cumsum(1)
    classes = np.minimum(drawn.sum(1), 3)
    return logits, classes


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_logits_that_are_too_large_or_too_small_are_found_out(factor: float) -> None:
    logits, classes = drawn(3000)
    said = softmax(factor * logits).astype(np.float32)
    fitted = fit_temperature(softmax_nats(said, classes), len(said), seed=0)
    assert fitted.temperature == pytest.approx(factor, rel=0.1) and fitted.helps
    np.testing.assert_allclose(softened(said, factor), softmax(logits), atol=1e-5)


def test_each_label_by_itself_is_found_out_too() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2000, 3)) * 2
    holds = rng.random(logits.shape) < 1 / (1 + np.exp(-logits))
    fitted = fit_temperature(sigmoid_nats(3 * logits, holds), len(holds), seed=0)
    assert fitted.temperature == pytest.approx(3, rel=0.1)


def test_what_is_calibrated_is_left_alone() -> None:
    logits, classes = drawn(3000)
    fitted = fit_temperature(softmax_nats(softmax(logits), classes), len(classes), seed=0)
    assert fitted.temperature == pytest.approx(1, rel=0.05)


def test_rows_that_are_all_right_do_not_make_a_model_that_never_doubts() -> None:
    said = softmax(np.tile([2.0, 0, 0], (60, 1)))
    fitted = fit_temperature(softmax_nats(said, np.zeros(60, int)), 60, seed=0)
    assert softened(said, fitted.temperature)[0, 0] == pytest.approx(1 - 1 / 62, abs=1e-3)
