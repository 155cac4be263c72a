"""Parts of the rows that are fair to compare: folds that tear nothing apart, and subsets that only ever grow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import numpy as np

from luthier.evaluation.baselines import Examples
from luthier.formats.format import stratum_text


def deal(examples: Examples, stratum: Callable[[Any], Hashable], folds: int, seed: int) -> np.ndarray:
    """Of each row its fold, int [N]: stratified; rows of one group, else with one input, stay in one fold."""
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    names: dict[Hashable, int] = {}
    units = np.array([names.setdefault(e.group or e.input, len(names)) for e in examples])
    classes = np.unique([stratum_text(stratum(e.answer)) for e in examples], return_inverse=True)[1]
    folds = min(folds, len(names))
    if np.bincount(classes).max() >= folds:
        cutter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    else:
        cutter = GroupKFold(folds, shuffle=True, random_state=seed)
    fold_N = np.zeros(len(examples), int)
    for fold, (_, held) in enumerate(cutter.split(np.zeros(len(examples)), classes, units)):
        fold_N[held] = fold
    return fold_N


def in_turn(fold_N: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Of each fold that has rows: its number, the rows outside it, its own. `deal` makes fewer of few groups."""
    for fold in np.unique(fold_N).tolist():
        yield fold, np.flatnonzero(fold_N != fold), np.flatnonzero(fold_N == fold)


def nested_order(strata: Sequence[Hashable], seed: int) -> np.ndarray:
    """An order of the rows in which every beginning has each class in nearly its share, int [N].

    The rows of a class are shuffled and spread evenly over the whole order.
    """
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(strata))
    counts, met = Counter(strata), Counter[Hashable]()
    shift = {name: rng.random() for name in sorted(counts, key=stratum_text)}
    place = np.empty(len(strata))
    for i in shuffled:
        name = strata[i]
        place[i] = (met[name] + shift[name]) / counts[name]
        met[name] += 1
    return np.argsort(place, kind="stable")
