"""What to change so that a run fits: one thing at a time, the least harmful first, then one upon the other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from luthier.config.schema import NAME_KEYS, Settings
from luthier.errors import LuthierError
from luthier.language import t
from luthier.models.find import find_tokenizer
from luthier.models.known import smaller_models
from luthier.planning.forecast import Forecast, Limits, confirmed, forecast
from luthier.planning.reckoning.memory import Memory, cut_up
from luthier.preparing.prepare import Prepared
from luthier.progress import Progress
from luthier.runtime import has_bf16

_METHODS = ("lora", "last_layers", "head")
"""By what they keep of full tuning."""
_LENGTH_QUANTILE = 0.95
_LEAST_STEP = 64
"""Tokens to which train.max_tokens is rounded down."""


@dataclass(frozen=True, eq=False)
class Change:
    """values: by dotted key. why: what it does, in words. peak, seconds: as they would be. forecast: None where the
    model is not on this machine and both are scaled by its size. confirmed: by real steps."""

    values: Mapping[str, Any]
    why: str
    peak: float
    seconds: float
    forecast: Forecast | None
    confirmed: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """As they stand on the command line."""
        return tuple(f"{key}={value}" for key, value in self.values.items())

    def fits(self, limits: Limits) -> bool:
        in_memory = limits.memory is None or self.peak <= limits.memory
        return in_memory and (limits.seconds is None or self.seconds <= limits.seconds)

    def as_json(self, limits: Limits) -> dict[str, Any]:
        return {
            "set": dict(self.values), "words": list(self.words), "why": self.why,
            "peak_memory_bytes": round(self.peak), "total_seconds": round(self.seconds, 1),
            "fits": self.fits(limits), "confirmed": self.confirmed, "model_is_here": self.forecast is not None,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Choosing:
    """settings: as the user wrote them. base: their forecast. budget: of each probe; 0 for none. failed: whether that
    of the base ran out of memory."""

    settings: Settings
    prepared: Prepared
    base: Forecast
    limits: Limits
    screen: Progress
    budget: float
    failed: bool = False

    def changes(self) -> tuple[list[Change], Change | None]:
        """All that were thought of, and the first that fits; None where none does."""
        with self.screen.track(t("looking for what fits"), len(_METHODS) + 8) as tracker:
            single: list[Change] = []
            for change in self._single():
                single.append(change)
                tracker.advance(1, " ".join(change.words))
            combined = [] if any(map(self._fits, single)) else list(self._together(single))
            made = [*single, *combined]
        for i, change in enumerate(made):
            if self._fits(change) and change.forecast is not None:
                made[i] = sure = self._confirmed(change)
                if self._fits(sure):
                    return made, sure
        return made, None

    def _fits(self, change: Change) -> bool:
        return change.fits(self.limits)

    def _single(self) -> Iterator[Change]:
        over = self.base.over(self.limits) or ["memory"] * self.failed
        for values, why in (*self._smaller_batches(over), *self._precision(), *self._shorter(), *self._methods()):
            change = self._forecast(values, why)
            if change is not None and self._helps(change, over):
                yield change
        if "time" in over:
            yield from self._fewer_epochs(self.base, {})
        yield from self._smaller(over)

    def _together(self, single: Sequence[Change]) -> Iterator[Change]:
        """One upon the other, until it fits; a further method takes the place of the one before."""
        values: dict[str, Any] = {}
        for change in single:
            if change.forecast is None or set(change.values) & {"model", "train.epochs"}:
                continue
            values |= change.values
            if len(values) > len(change.values):
                both = self._forecast(dict(values), t("all of this together"))
                if both is not None:
                    yield both
                    if self._fits(both):
                        return
                    if both.forecast is not None and both.forecast.over(self.limits) == ["time"]:
                        fewer = list(self._fewer_epochs(both.forecast, values))
                        yield from fewer
                        if fewer and self._fits(fewer[0]):
                            return

    def _forecast(self, values: Mapping[str, Any], why: str) -> Change | None:
        """None where these settings are refused, as a method is that the model has no place for."""
        try:
            told = forecast(changed(self.settings, values), self.prepared, _Quiet(), reading=0.0)
        except LuthierError:
            return None
        told = replace(told, runs=self.base.runs, seconds={**told.seconds, "preparing": self.base.seconds["preparing"]})
        told = calibrated(told, self.base)
        return Change(values, why, told.peak, told.total_seconds, told)

    def _confirmed(self, change: Change) -> Change:
        """With real steps, where they were asked for and the change bears on them."""
        told = change.forecast
        if not self.budget or told is None or set(change.values) == {"train.epochs"}:
            return change
        told, failed = confirmed(told, changed(self.settings, change.values), self.screen, self.budget)
        peak = math.inf if failed else told.peak
        return replace(change, peak=peak, seconds=told.total_seconds, forecast=told, confirmed=not failed)

    def _helps(self, change: Change, over: Sequence[str]) -> bool:
        less = change.peak < 0.98 * self.base.peak
        sooner = change.seconds < 0.98 * self.base.total_seconds
        return (less and "memory" in over) or (sooner and "time" in over)

    # ---- what may be changed

    def _smaller_batches(self, over: Sequence[str]) -> Iterator[tuple[dict[str, Any], str]]:
        found, train = self.base.found, self.base.settings.train
        if found is None or "memory" not in over:
            return
        longest = int((found.course.pairs / found.course.tokens).max())
        fullest = float(found.course.tokens.max())
        room = (self.limits.memory or 0.0) - (self.base.memory.at_once["step"] - self.base.memory.parts["activations"])
        share = 0.5 if self.failed else room / max(1.0, self.base.memory.parts["activations"])
        wanted = int(fullest * min(0.9, max(0.0, share * 0.9)) / _LEAST_STEP) * _LEAST_STEP
        value = max(wanted, longest)
        if value < min(fullest, int(train.max_tokens)):
            yield {"train.max_tokens": value}, t("smaller forward passes, the same steps and the same result")

    def _precision(self) -> Iterator[tuple[dict[str, Any], str]]:
        if self.base.precision == "fp32" and has_bf16(self.base.device):
            yield {"train.precision": "bf16"}, t("multiplies in half precision; weights stay fp32")

    def _shorter(self) -> Iterator[tuple[dict[str, Any], str]]:
        found, now = self.base.found, int(self.base.settings.train.max_length)
        if found is None or self.prepared.task.joins:
            return
        lengths = found.lengths
        value = max(8, math.ceil(float(np.quantile(lengths, _LENGTH_QUANTILE)) / 8) * 8)
        if value < now:
            cut = float((lengths > value).mean())
            yield {"train.max_length": value}, t("of {longest} tokens at most now; {share:.1%} of the rows are longer",
                                                 longest=now, share=cut)  # fmt: skip

    def _methods(self) -> Iterator[tuple[dict[str, Any], str]]:
        now = self.settings.tuning["method"]
        if not self.settings.pretrained:
            return
        for name in _METHODS[_METHODS.index(now) + 1 if now in _METHODS else 0 :]:
            yield {"tuning.method": name}, t("fewer weights learn")

    def _fewer_epochs(self, told: Forecast, values: Mapping[str, Any]) -> Iterator[Change]:
        """As many as the time allows; nothing where that is none."""
        each = (told.seconds["training"] + told.seconds["evaluating"] + told.seconds["saving"]) / max(1, told.epochs)
        fixed = told.total_seconds / told.runs - each * told.epochs
        count = math.floor(((self.limits.seconds or 0.0) / told.runs - fixed) / max(each, 1e-9))
        if 1 <= count < told.epochs:
            less = {name: value * count / told.epochs for name, value in told.seconds.items()
                    if name in ("training", "evaluating", "saving")}  # fmt: skip
            shorter = replace(told, epochs=count, seconds={**told.seconds, **less})
            why = t("instead of {epochs}", epochs=told.epochs)
            yield Change({**values, "train.epochs": count}, why, told.peak, shorter.total_seconds, shorter)

    def _smaller(self, over: Sequence[str]) -> Iterator[Change]:
        millions = self.base.parameters / 1e6
        for known in smaller_models(self.prepared.language, self.prepared.task.auto_class, millions):
            why = t("{size} million parameters instead of {now:.0f}", size=known.parameters, now=millions)
            here = find_tokenizer(known.name)
            change = self._forecast({"model": known.name}, why) if here is not None else None
            change = change or _scaled(self.base, known.name, why, known.parameters / millions)
            if self._helps(change, over):
                yield change


class _Quiet(Progress):
    """What the candidates say is not for people."""


def changed(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """A copy with these set, by dotted key. A section that a name chooses loses the options of the former one."""
    tree = settings.model_dump(mode="json", exclude_none=True)
    for key, value in values.items():
        section, _, inner = key.partition(".")
        if NAME_KEYS.get(section) == inner:
            tree[section] = {inner: value}
        elif inner:
            tree[section] = {**tree[section], inner: value}
        else:
            tree[section] = value
    return Settings.model_validate(tree)


def calibrated(told: Forecast, base: Forecast) -> Forecast:
    """With the errors of the base's estimate that its probe showed: the runtime's part, the shares by which activations
    and each time were off."""
    if not base.probed or base.found is None:
        return told
    reckoned, seen = base.found.memory.parts, base.memory.parts
    off = seen["activations"] / reckoned["activations"] if reckoned["activations"] else 1.0
    own = told.memory.parts
    parts = {**own, "runtime": seen["runtime"], "activations": own["activations"] * off}
    if not told.memory.on_gpu:
        parts["allocator"] = cut_up(own["gradients"], parts["activations"] + own["logits"])
    seconds = {
        name: value * base.seconds[name] / base.found.seconds[name] if base.found.seconds.get(name) else value
        for name, value in told.seconds.items()
    }
    return replace(told, memory=Memory(parts, told.memory.on_gpu), seconds=seconds)


def _scaled(base: Forecast, name: str, why: str, share: float) -> Change:
    """By the number of parameters: the model is not here to be asked."""
    own = 0.0 if base.memory.on_gpu else base.memory.parts["runtime"] + base.memory.parts["data"]
    peak = own + (base.peak - own) * share
    fixed = base.seconds["preparing"] + base.seconds["baselines"]
    return Change({"model": name}, why, peak, (fixed + (base.total_seconds / base.runs - fixed) * share) * base.runs,
                  None)  # fmt: skip
