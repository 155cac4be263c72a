"""What is searched: keys of the configuration, each with the values that it may take."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier import catalog
from luthier.config.schema import NAME_KEYS, Settings
from luthier.config.settings import flat

OPTIONS_OF = {
    "tuning": catalog.tuning_options,
    "balance": catalog.remedy_options,
    "augment": catalog.augmentation_options,
}
"""Sections that name a method, and the options of one: each option belongs to some methods only."""


@dataclass(frozen=True)
class Dimension:
    """choices: the values, one by one; where all are numbers, in their order. low, high: else the ends, both included.
    log: by ratios. whole: numbers without a fraction. times: the value is a multiple of what the house chooses for the
    trial's tuning method."""

    key: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    times: bool = False

    @property
    def ordered(self) -> bool:
        return all(isinstance(choice, (int, float)) and not isinstance(choice, bool) for choice in self.choices)

    def suggest(self, trial: Any) -> Any:
        """trial: of Optuna."""
        if self.choices and self.ordered:
            return self.choices[trial.suggest_int(self.key, 0, len(self.choices) - 1)]
        if self.choices:
            return json.loads(trial.suggest_categorical(self.key, [json.dumps(choice) for choice in self.choices]))
        if self.whole:
            return trial.suggest_int(self.key, int(self.low), int(self.high), log=self.log)
        return rounded(trial.suggest_float(self.key, self.low, self.high, log=self.log))

    def has(self, value: Any) -> bool:
        if self.choices:
            return value in self.choices
        return isinstance(value, (int, float)) and self.low <= value <= self.high

    def stored(self, value: Any) -> Any:
        """As Optuna keeps a value that `has` it."""
        if not self.choices:
            return int(value) if self.whole else float(value)
        return self.choices.index(value) if self.ordered else json.dumps(value)

    def as_json(self) -> dict[str, Any]:
        if self.choices:
            return {"choices": list(self.choices)}
        return {"low": self.low, "high": self.high, "log": self.log, **({"times": True} if self.times else {})}

    def __str__(self) -> str:
        if self.choices:
            return ", ".join(map(_text, self.choices))
        ends = f"{_text(self.low)} … {_text(self.high)}"
        return f"× {ends}" if self.times else ends


@dataclass(frozen=True)
class Space:
    """dimensions: those that name methods come first. start: the value of each where nothing is searched, of all
    methods that it may meet."""

    dimensions: tuple[Dimension, ...]
    start: Mapping[str, Any]

    def suggest(self, trial: Any, settings: Settings) -> dict[str, Any]:
        """A value for each dimension that has a meaning in this trial. settings: without them."""
        values: dict[str, Any] = {}
        for dimension in self.dimensions:
            if applies(dimension.key, values, settings):
                values[dimension.key] = dimension.suggest(trial)
        return values

    def default(self, settings: Settings) -> dict[str, Any] | None:
        """The default as a point of the space; None where it lies outside."""
        values: dict[str, Any] = {}
        for dimension in self.dimensions:
            if applies(dimension.key, values, settings):
                value = self.start.get(dimension.key)
                if not dimension.has(value):
                    return None
                values[dimension.key] = value
        return values

    def stored(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {d.key: d.stored(values[d.key]) for d in self.dimensions if d.key in values}

    def settings(self, values: Mapping[str, Any], settings: Settings, rates: Mapping[str, float]) -> Settings:
        """Those of a trial. rates: what the house chooses as learning rate for each tuning method."""
        written = dict(values)
        method = str(written.get("tuning.method", settings.tuning["method"]))
        for dimension in self.dimensions:
            if dimension.times and dimension.key in written:
                written[dimension.key] = rounded(rates[method] * written[dimension.key])
        return with_values(settings, written)


def applies(key: str, values: Mapping[str, Any], settings: Settings) -> bool:
    """Whether an option belongs to the method that its section names in this trial."""
    section, _, option = key.partition(".")
    if section not in OPTIONS_OF or option == NAME_KEYS[section]:
        return True
    method = values.get(f"{section}.{NAME_KEYS[section]}", getattr(settings, section)[NAME_KEYS[section]])
    return option in OPTIONS_OF[section](str(method))


def with_values(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """The settings with values by dotted key. A section whose method they change begins anew: what was an option of the
    one is none of the other, or means something else there."""
    tree = settings.model_dump()
    for section in OPTIONS_OF:
        name = NAME_KEYS[section]
        chosen = values.get(f"{section}.{name}", tree[section][name])
        if chosen != tree[section][name]:
            tree[section] = {name: chosen}
    for key, value in values.items():
        *above, last = key.split(".")
        section = tree
        for name in above:
            section = section[name]
        section[last] = value
    return type(settings).model_validate(tree).model_copy(update={"search": settings.search})


def start_of(dimensions: Sequence[Dimension], resolved: Settings) -> dict[str, Any]:
    """Of each dimension the value that it has unsearched. resolved: with nothing left to choose."""
    found = flat(resolved.model_dump())
    start: dict[str, Any] = {}
    for dimension in dimensions:
        section, _, option = dimension.key.partition(".")
        value = found.get(dimension.key)
        if value is None and section in OPTIONS_OF:
            value = OPTIONS_OF[section](resolved.model_dump()[section][NAME_KEYS[section]]).get(option, (None, None))[1]
        start[dimension.key] = 1.0 if dimension.times else value
    return start


def rounded(value: float) -> float:
    """Three digits: 9.71e-05."""
    return float(f"{value:.2e}") if math.isfinite(value) else value


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)
