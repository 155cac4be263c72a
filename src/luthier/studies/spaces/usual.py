"""What is searched where the user names no space: what was left open and matters most, around the house's choices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luthier import catalog
from luthier.config.schema import Settings
from luthier.studies.spaces.space import Dimension, with_values
from luthier.tuning.rates import usual_rate

if TYPE_CHECKING:  # it imports torch
    from luthier.ready import Ready

_METHODS = ("full", "last_layers", "lora")
"""One for each way to hold on to what is pretrained: not at all, below, everywhere."""
_TIMES = 5.0
"""Above and below the house's learning rate: the best ones of published grids (BERT: 2e-5 to 5e-5, LoRA: 1e-4 to 5e-4)
lie within a factor of five."""
_REMEDIES = ("none", "weighted_loss", "oversample")
_UNEVEN = 3
"""Largest to smallest class from which remedies are searched."""
_MOST_LAYERS = 6


@dataclass(frozen=True)
class Open:
    """written: the dotted keys that the user wrote; all others are open."""

    settings: Settings
    written: frozenset[str]

    def __call__(self, key: str) -> bool:
        return key not in self.written


def usual_space(ready: Ready, open_: Open) -> tuple[Dimension, ...]:
    """ready: of the default run, with the remedy that was chosen. What the user wrote is held."""
    train, methods = ready.settings.train, _methods(ready, open_)
    found = [Dimension("tuning.method", methods)] if len(methods) > 1 else []
    remedies = _remedies(ready) if open_("balance.method") else ()
    found += [Dimension("balance.method", remedies)] if remedies else []
    if open_("train.learning_rate"):
        found.append(Dimension("train.learning_rate", (), 1 / _TIMES, _TIMES, log=True, times=True))
    epochs = int(train.epochs)
    if open_("train.epochs"):
        found.append(Dimension("train.epochs", (), max(1, epochs // 2), 2 * epochs, log=True, whole=True))
    batch = int(train.batch_size)
    if open_("train.batch_size"):
        found.append(Dimension("train.batch_size", tuple(sorted({max(1, batch // 2), batch, 2 * batch}))))
    return (*found, *_options(ready, open_, methods))


def _options(ready: Ready, open_: Open, methods: Sequence[str]) -> list[Dimension]:
    """The size of what moves: rank and dropout of low-rank updates, the number of layers."""
    known = {option: value for method in methods for option, (_, value) in catalog.tuning_options(method).items()}
    layers = ready.folder.layers
    ranks = {4, 8, 16, 32, 64, known.get("r")} - {None}
    candidates = {
        "r": Dimension("tuning.r", tuple(sorted(ranks))),
        "dropout": Dimension("tuning.dropout", (0.0, 0.05, 0.1, 0.2)),
        "n": Dimension("tuning.n", (), 1, min(layers, _MOST_LAYERS), whole=True),
    }
    held = {"n"} if layers < 2 else set[str]()
    held |= {"dropout"} if "r" not in known else set()
    return [d for option, d in candidates.items() if option in known and option not in held and open_(d.key)]


def _methods(ready: Ready, open_: Open) -> tuple[str, ...]:
    """Those that this model can take; the one that is set, alone, where it was written."""
    from luthier.errors import LuthierError
    from luthier.ready import check_tuning

    own = ready.settings.tuning["method"]
    if not open_("tuning.method") or own not in _METHODS:
        return (own,)
    able: list[str] = []
    for method in _METHODS:
        try:
            check_tuning(with_values(ready.settings, {"tuning.method": method}), ready.loaded, ready.folder)
            able.append(method)
        except LuthierError:
            continue
    return tuple(able)


def _remedies(ready: Ready) -> tuple[str, ...]:
    """None where the classes are even enough, or where what was chosen moves decisions on the rows that judge."""
    counts = [count for count in ready.counts if count]
    if len(counts) < 2 or max(counts) < _UNEVEN * min(counts) or ready.remedy.moves_decisions:
        return ()
    own = ready.settings.balance["method"]
    return tuple(dict.fromkeys((own, *_REMEDIES)))


def rates_by_method(resolved: Settings) -> dict[str, float]:
    """What the house chooses as learning rate for each tuning method. resolved: for its own method."""
    own, rate = usual_rate(resolved.tuning["method"]), float(resolved.train.learning_rate)
    full = rate / own.factor if own.fixed is None else math.nan
    found = {resolved.tuning["method"]: rate}
    for method in _METHODS:
        usual = usual_rate(method)
        found.setdefault(method, usual.fixed or full * usual.factor)
    return found
