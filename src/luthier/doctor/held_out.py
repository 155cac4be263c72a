"""What do models say of rows that they have not seen? Quick linear ones, trained on the other rows, fold by fold."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.text.shingling.pieces import Pieces
from luthier.text.shingling.weights import character_weights, word_weights

_FOLDS = 5
_LEAST_FOLDS = 3
_EPOCHS = 3
_MOST_WORK = 400_000_000
"""Updates (counts x classes x epochs x folds) of the regression that takes the time: about eight seconds. With more
it is left out, and naive Bayes, which takes a hundredth of it, stands alone."""
_MOST_WEIGHTS = 8_000_000
"""Of one model (features x classes): the rarest features are left out beyond."""


@dataclass(frozen=True)
class View:
    """features: [N, F]. fit: from features and classes to a model with predict_proba."""

    features: Any
    fit: Callable[[Any, np.ndarray], Any]


def word_views(pieces: Pieces, classes: int) -> list[View]:
    """Three views that err differently: regression and naive Bayes on words, naive Bayes on parts of words. Fewer where
    no two texts have a word or a part of one in common."""
    words = _commonest(word_weights(pieces), classes)
    views = [View(words, _naive_bayes)]
    if pieces.unspaced.mean() <= 0.5:
        views.append(View(_commonest(character_weights(pieces), classes), _naive_bayes))
    if words.nnz * (classes if classes > 2 else 1) * _EPOCHS * _LEAST_FOLDS <= _MOST_WORK:
        views.append(View(words, _regression))
    return [view for view in views if view.features.shape[1]]


def count_view(counts_NF: Any) -> View:
    """Naive Bayes on counts of words, sparse or not."""
    return View(counts_NF, _naive_bayes)


def vector_view(vectors_ND: np.ndarray) -> View:
    """Regression on a pretrained model's vectors."""
    spread = np.maximum(vectors_ND.std(0), 1e-6)
    return View((vectors_ND - vectors_ND.mean(0)) / spread, _dense_regression)


def folds_of(label: np.ndarray, whole: np.ndarray, classes: int) -> np.ndarray:
    """int64 [N], the fold in which each row is held out: stratified, equal texts in one. whole: equal for those."""
    from sklearn.model_selection import StratifiedKFold

    first, group = np.unique(whole, return_index=True, return_inverse=True)[1:]
    largest = int(np.bincount(label[first]).max())
    count = min(_FOLDS if classes <= 20 else _LEAST_FOLDS, largest)
    if count < 2:  # few different texts, each of a class of its own
        return group % _LEAST_FOLDS
    fold = np.zeros(len(first), np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class with fewer rows than folds is trained on where it is not held out
        parts = StratifiedKFold(count, shuffle=True, random_state=0).split(first, label[first])
        for number, (_, held) in enumerate(parts):
            fold[held] = number
    return fold[group]


def held_out(view: View, label: np.ndarray, fold: np.ndarray, classes: int) -> np.ndarray:
    """float32 [N, C]: of each row how likely each class is, by a model that was fitted without the row's fold."""
    likely_NC = np.zeros((len(label), classes), np.float32)
    for number in np.unique(fold):
        held = fold == number
        if held.all() or len(np.unique(label[~held])) < 2:  # the others are none, or of one class: nothing to learn
            continue
        model = view.fit(view.features[~held], label[~held])
        likely_NC[np.ix_(held, model.classes_)] = model.predict_proba(view.features[held])
    return likely_NC


def together(views_NC: Sequence[np.ndarray]) -> np.ndarray:
    """float32 [N, C]: the views' geometric mean, which falls where any of them doubts."""
    logs_NC = sum(np.log(np.maximum(likely_NC, 1e-9)) for likely_NC in views_NC) / len(views_NC)
    likely_NC = np.exp(logs_NC - np.max(logs_NC, axis=1, keepdims=True))
    return likely_NC / likely_NC.sum(1, keepdims=True)


def _commonest(features: Any, classes: int) -> Any:
    most = _MOST_WEIGHTS // classes
    if features.shape[1] <= most:
        return features
    counts = np.bincount(features.indices, minlength=features.shape[1])
    return features.tocsc()[:, np.sort(np.argsort(-counts, kind="stable")[:most])].tocsr()


def _naive_bayes(features: Any, label: np.ndarray) -> Any:
    from sklearn.naive_bayes import MultinomialNB

    return MultinomialNB(alpha=0.5).fit(features, label)


def _regression(features: Any, label: np.ndarray) -> Any:
    """Averaged stochastic gradient descent: as good here as a solver that converges, in a tenth of the time."""
    from sklearn.linear_model import SGDClassifier

    always: Any = None  # the stubs want a number, the library None, for no early stop
    model = SGDClassifier(loss="log_loss", alpha=2e-5, max_iter=_EPOCHS, tol=always, average=True, random_state=0)
    return model.fit(features, label)


def _dense_regression(features: Any, label: np.ndarray) -> Any:
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged: it is stopped early on purpose
        return LogisticRegression(C=0.01, max_iter=50).fit(features, label)
