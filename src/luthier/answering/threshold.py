"""How much likelier than none an answer must be, chosen on questions that training did not see."""

from __future__ import annotations

import numpy as np

_RESAMPLES = 50


def best_threshold(odds_N: np.ndarray, answered_N: np.ndarray, silent_N: np.ndarray) -> float:
    """The log odds below which to say nothing, for the best mean score on questions like these.

    odds_N: of the best answers. answered_N, silent_N: the score of giving it, and of giving none. All thresholds are
    tried, on bootstrap resamples whose best ones are averaged (bagging, Breiman 1996); a gain over 0 that is smaller
    than its spread over the resamples shrinks the threshold in proportion, as balancing/thresholds.py does.
    """
    order = np.argsort(odds_N, kind="stable")
    odds_N, gain_N = odds_N[order], (silent_N - answered_N)[order]
    size = len(odds_N)
    weights_RN = np.random.default_rng(0).multinomial(size, np.full(size, 1 / size), size=_RESAMPLES)
    silenced_RK = np.cumsum(weights_RN * gain_N, 1)  # what is won by silencing the k + 1 least sure
    gains_RK = np.concatenate([np.zeros((_RESAMPLES, 1)), silenced_RK], 1) / size
    edges_K = np.concatenate([odds_N[:1] - 1, (odds_N[1:] + odds_N[:-1]) / 2, odds_N[-1:] + 1])
    best = float(edges_K[gains_RK.argmax(1)].mean())
    there, nothing = (int(np.searchsorted(odds_N, value)) for value in (best, 0.0))
    gain_R = gains_RK[:, there] - gains_RK[:, nothing]
    return best * float(np.clip(gain_R.mean() / max(float(gain_R.std()), 1e-9), 0, 1))
