"""One candidate, measured on the data: what its tokenizer makes of them, how fast it is here, what it knows untuned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from luthier.candidates.facts import Facts, facts_of
from luthier.candidates.places import Candidate, open_candidate
from luthier.candidates.speed import check_memory, pace
from luthier.candidates.tokens import TextFit, text_fit
from luthier.candidates.untuned import Known, known
from luthier.config.schema import Settings
from luthier.errors import ModelError
from luthier.evaluation.evaluate import report_of
from luthier.language import t
from luthier.preparing.prepare import Prepared
from luthier.progress import Progress
from luthier.ready import make_ready, warnings
from luthier.runtime import Runtime
from luthier.task import AnyTask
from luthier.types import Score

_MOST_SECONDS = 600
"""For which a model that nobody named is asked about the rows."""


@dataclass(frozen=True)
class Rows:
    """What every candidate is measured on. sample: its training rows are judged. training, validation: how many there
    are in all. epochs: that are usual for so many."""

    sample: Prepared
    training: int
    validation: int
    epochs: int


@dataclass(frozen=True)
class Measured:
    """parameters: of the model as it would be tuned, with a head. pretrained: whether it has weights.
    tokens_per_second: real ones of a forward pass on this machine, as if nothing else ran. seconds_to_tune: of all
    weights, by default. task: as it was settled for this model. notes: what is odd."""

    name: str
    facts: Facts
    parameters: int
    pretrained: bool
    fit: TextFit
    tokens_per_second: float
    seconds_to_tune: float
    known: Known
    task: AnyTask
    notes: tuple[str, ...] = ()

    @property
    def score(self) -> Score | None:
        """The main one, with its interval."""
        found = self.known.score
        return None if found is None else report_of(found, [None] * self.known.rows).main

    def as_json(self) -> dict[str, Any]:
        facts, fit, score = self.facts, self.fit, self.score
        return {
            "name": self.name,
            "licence": facts.licence or None,
            "languages": list(facts.languages),
            "architecture": facts.architecture,
            "context": facts.context,
            "parameters": self.parameters,
            "bytes": facts.bytes,
            "pretrained": self.pretrained,
            "tokens_per_character": fit.per_character,
            "unknown": fit.unknown,
            "cut": fit.cut,
            "tokens_per_second": self.tokens_per_second,
            "seconds_to_tune": self.seconds_to_tune,
            "score": None if score is None else score.as_json(),
            "unscored": self.known.unscored or None,
            "logme": self.known.logme,
            "notes": list(self.notes),
        }


def measure(
    candidate: Candidate, settings: Settings, rows: Rows, runtime: Runtime, screen: Progress
) -> Measured:  # fmt: skip
    """Errors: LuthierError for a candidate that cannot be used."""
    model, pretrained = open_candidate(candidate)
    facts = facts_of(model)
    check_memory(candidate.name, facts.numbers, runtime)
    own = settings.model_copy(update={"model": candidate.name, "tuning": {"method": "full"}})
    ready = make_ready(own, rows.sample, model, (), runtime)
    task, examples = ready.codec.task, rows.sample.split.train
    if pretrained and task.speaks_untuned and ready.loaded.fresh:
        what = t("has no trained output layer, so that it cannot write")
        raise ModelError.at(candidate.name, what, t("name a model that was made for writing"), code="wrong-model")
    going = pace(ready, examples, runtime)
    if going is None:
        what, fix = t("can learn from none of the rows"), t("name another model")
        raise ModelError.at(candidate.name, what, fix, code="no-rows")
    _check_patience(candidate, going.seconds(len(examples)))
    epochs = rows.epochs if settings.train.epochs == "auto" else int(settings.train.epochs)
    return Measured(
        name=candidate.name,
        facts=facts,
        parameters=sum(p.numel() for p in ready.loaded.model.parameters()),
        pretrained=pretrained,
        fit=text_fit(task, ready.tokenizer.backend, examples, model.most_tokens),
        tokens_per_second=going.tokens_per_second,
        seconds_to_tune=going.tuning(rows.training, rows.validation, epochs),
        known=known(ready, rows.sample, runtime, settings.train.seed, screen),
        task=task,
        notes=tuple(warnings(ready)) if pretrained else (t("no weights: it is at random"),),
    )


def _check_patience(candidate: Candidate, seconds: float) -> None:
    """Errors: ModelError for a model that nobody named and that would take long."""
    if not candidate.named and seconds > _MOST_SECONDS:
        what = t("would take about {minutes:.0f} minutes to look at the rows", minutes=seconds / 60)
        fix = t("--candidates {name}, or fewer --rows", name=candidate.name)
        raise ModelError.at(candidate.name, what, fix, code="too-slow")
