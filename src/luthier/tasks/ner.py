"""Entities: pieces of a text with their types, each token being given a tag."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypedDict
from weakref import WeakKeyDictionary

import numpy as np

from luthier.claims import Claim
from luthier.errors import ConfigError, DataError, Place, shown
from luthier.formats.entities import Entities, EntityRows, Passage
from luthier.formats.marked.spans import Entity
from luthier.formats.marked.words import join_words
from luthier.graphed import Graphed, log_softmax
from luthier.language import t
from luthier.metrics.entities import entity_counts, entity_scores, per_type, ratio
from luthier.saved import learned
from luthier.seen import Frozen, Seen
from luthier.tagging.cheap import cheap_scores, fit_cheap
from luthier.tagging.probe import Probe, fit_probe
from luthier.tagging.reading import Reading, read_tags
from luthier.tagging.scheme import Scheme
from luthier.tagging.told import entity_claims
from luthier.tagging.words import first_tokens, merged, plain_words, whole_words, within_word, word_spans
from luthier.task import Task
from luthier.text.tokenizer import TextRule
from luthier.types import IGNORE, Example, LabelledBatch, LabelledWindow, Mistake, Row, Window

if TYPE_CHECKING:
    from torch import Tensor

TAGGINGS = {"bio": False, "bioes": True}
"""Whether a scheme marks where entities end."""
_OVERLAP = 4
"""One part in so many of a window is shared with the next."""


class EntityScore(TypedDict):
    entity_group: str
    score: float
    word: str
    start: int
    end: int


_PROBES: WeakKeyDictionary[Frozen[Any, Any], dict[Any, Probe | None]] = WeakKeyDictionary()
"""What was fitted to features that somebody still holds."""


@dataclass(frozen=True)
class Ner(Graphed, Task[Passage, Entities, Reading]):
    """tagging: bio, or bioes, in which the last word of an entity has a tag of its own."""

    auto_class: ClassVar[str] = "AutoModelForTokenClassification"
    format: ClassVar[EntityRows] = EntityRows()
    most_seen: ClassVar[int] = 8000
    plainly: ClassVar[str] = (
        "gives a tag to each token, a word's at its first;\n"
        "Luthier decodes by the rules of the tags, and reads texts of more than {max_length} tokens in windows"
    )

    tagging: str = "bio"
    labels: tuple[str, ...] = learned()
    torn_words: bool = learned(False)

    def __post_init__(self) -> None:
        if self.tagging not in TAGGINGS:
            what = t("is {value}", value=shown(self.tagging))
            raise ConfigError.at("task.tagging", what, t("use bio or bioes"), code="out-of-range")

    # ---- from the user's rows

    def as_input(self, value: Any) -> Passage:
        if isinstance(value, Passage):
            return value
        if isinstance(value, str):
            return Passage(value)
        if isinstance(value, Mapping):
            return self.format.parse_input(Row(value, Place("input")))
        if isinstance(value, (list, tuple)) and value and all(isinstance(word, str) and word for word in value):
            return Passage(*join_words(value))
        what = t("{value} is no text", value=shown(value))
        raise DataError.at("input", what, t("give a string, or a list of words"), code="wrong-type")

    def learn(self, examples: Sequence[Example[Passage, Entities]]) -> Self:
        """The types, and whether entities begin or end within words."""
        found = [(example.input.text, entity) for example in examples for entity in example.answer]
        torn = any(within_word(text, place) for text, entity in found for place in entity[:2])
        return replace(self, labels=tuple(sorted({entity.label for _, entity in found})), torn_words=torn)

    # ---- to the model and back

    @cached_property
    def scheme(self) -> Scheme:
        return Scheme(self.labels, TAGGINGS[self.tagging])

    def head_options(self) -> Mapping[str, Any]:
        tags = self.scheme.tags
        return {
            "num_labels": len(tags),
            "id2label": dict(enumerate(tags)),
            "label2id": {tag: i for i, tag in enumerate(tags)},
        }

    def encode(self, inputs: Sequence[Passage], text: TextRule) -> list[list[Window]]:
        """Windows that overlap by a quarter. Their spans are those of the words that the tokens are part of."""
        encoded = text.overlapping([passage.text for passage in inputs], text.max_length // _OVERLAP)
        made: list[list[Window]] = []
        for passage, windows in zip(inputs, encoded, strict=True):
            tokens = [window.spans for window in windows if window.spans is not None]
            spans = word_spans(passage.text, passage.words, tokens, self.torn_words)
            made.append([replace(window, spans=s) for window, s in zip(windows, spans, strict=True)])
        return made

    def attach(self, window: Window, answer: Entities, text: TextRule) -> LabelledWindow:
        """A word's tag is learnt at its first token, as Devlin et al. (2019) do; the others have none."""
        assert window.spans is not None
        first = first_tokens(window.spans)
        targets_T = np.full(len(window.spans), IGNORE, np.int64)
        targets_T[first] = self.scheme.write(window.spans[first], answer)
        return LabelledWindow(window, targets_T)

    def loss(self, model: Any, batch: LabelledBatch) -> Tensor:
        from torch.nn.functional import cross_entropy

        logits_BTK = model(**batch.inputs.tensors).logits.float()
        return cross_entropy(logits_BTK.flatten(0, 1), batch.targets.flatten(), ignore_index=IGNORE, reduction="sum")

    def read(self, outputs: Mapping[str, np.ndarray], lengths: Sequence[int]) -> Sequence[np.ndarray]:
        """Log-probabilities [T, K] of each window."""
        said_BTK = log_softmax(outputs["logits"])
        return [said_TK[:length].copy() for said_TK, length in zip(said_BTK, lengths, strict=True)]

    def decode(self, input: Passage, windows: Sequence[Window], inferred: Sequence[np.ndarray]) -> Reading:
        """Each word from the window in which it has most context, at its first token; then the best tags."""
        words_U2, sources = merged([window.spans for window in windows if window.spans is not None])
        log_probs_UK = np.zeros((len(words_U2), len(self.scheme.tags)), np.float32)
        for number, words, tokens in sources:
            log_probs_UK[words] = inferred[number][tokens]
        return self._reading(input, words_U2, log_probs_UK)

    def _reading(self, passage: Passage, pieces_U2: np.ndarray, log_probs_UK: np.ndarray) -> Reading:
        """Of the file's words, where it has any."""
        words_W2, first_W = whole_words(passage.text, passage.words, pieces_U2)
        return read_tags(self.scheme, passage.text, words_W2, log_probs_UK[first_W])

    def relocated(self, prediction: Reading, read: Passage, written: Passage) -> Reading:
        return prediction.moved_to(read.text, written.text)

    def claims(self, input: Passage, prediction: Reading, text: TextRule) -> Sequence[Claim]:
        return entity_claims(self.scheme, prediction, self.encode([input], text)[0], self.outputs)

    # ---- to the user

    def show(self, prediction: Reading, top_k: int | None = None) -> list[EntityScore]:
        """In the order of the text. top_k: only the surest."""
        found = prediction.entities
        if top_k is not None:
            least = sorted((score for _, score in found), reverse=True)[:top_k]
            found = tuple(one for one in found if least and one[1] >= least[-1])[:top_k]
        return [
            EntityScore(
                entity_group=entity.label, score=score, word=prediction.text[entity.start : entity.end],
                start=entity.start, end=entity.end,
            )
            for entity, score in found
        ]  # fmt: skip

    def show_answer(self, answer: Entities) -> list[dict[str, Any]]:
        return [{"start": entity.start, "end": entity.end, "label": entity.label} for entity in answer]

    def score(
        self, predictions: Sequence[Reading], answers: Sequence[Entities], weights_RN: np.ndarray
    ) -> dict[str, np.ndarray]:
        """token_accuracy: of the words. loss: nats a word, over those whose type is known."""
        counts_N3 = entity_counts([prediction.spans for prediction in predictions], answers)
        right_R, words_R, nats_R, known_R = (weights_RN @ self._words(predictions, answers)).T
        return {
            **entity_scores(counts_N3, weights_RN),
            "token_accuracy": ratio(right_R, words_R),
            "loss": ratio(nats_R, known_R),
        }

    def _words(self, predictions: Sequence[Reading], answers: Sequence[Entities]) -> np.ndarray:
        """[N, 4]: of each text how many words have the right tag, how many there are, the nats of the right tags, and
        how many have a known one."""
        rows: list[tuple[float, ...]] = []
        for prediction, answer in zip(predictions, answers, strict=True):
            tags_U = self.scheme.write(prediction.words, answer)
            known = np.flatnonzero(tags_U != IGNORE)
            nats = -prediction.log_probs[known, tags_U[known]].sum(dtype=np.float64)
            rows.append(((tags_U == prediction.path).sum(), len(tags_U), nats, len(known)))
        return np.array(rows, np.float64).reshape(-1, 4)

    def details(self, predictions: Sequence[Reading], answers: Sequence[Entities]) -> dict[str, Any]:
        rows = per_type([prediction.spans for prediction in predictions], answers, self.labels)
        return {"per_class": [{"label": label, **row} for label, row in zip(self.labels, rows, strict=True)]}

    def mistake(self, prediction: Reading, answer: Entities) -> Mistake | None:
        """What was missed and what was said instead. weight: the mean probability of the wrong tags."""
        said, right = prediction.spans, list(answer)
        if said == right:
            return None
        missed, wrong = ([e for e in one if e not in other] for one, other in ((right, said), (said, right)))
        tags_U = self.scheme.write(prediction.words, answer)
        off = np.flatnonzero(tags_U != prediction.path)
        sure = float(np.exp(prediction.log_probs[off, prediction.path[off]]).mean()) if len(off) else 0.0
        return Mistake(self._listed(prediction.text, missed), self._listed(prediction.text, wrong), sure)

    def _listed(self, text: str, entities: Sequence[Entity]) -> str:
        return "; ".join(f"{text[e.start : e.end]} = {e.label}" for e in entities) or "–"

    # ---- before training

    def baselines(self, frozen: Frozen[Passage, Entities], seed: int) -> Mapping[str, Callable[[], Sequence[Reading]]]:
        """The untuned model's states are asked only where they were kept."""
        ways: dict[str, Callable[[], Sequence[Reading]]] = {
            "majority": lambda: self._nothing(frozen),
            "tfidf": lambda: self._cheap(frozen, seed),
        }
        if frozen.train.features.token_inputs and frozen.judged.features.token_inputs:
            ways["embeddings"] = lambda: self._probed(frozen, seed)
        return ways

    def first_head(self, frozen: Frozen[Passage, Entities], seed: int) -> tuple[np.ndarray, np.ndarray] | None:
        probe = self._probe(frozen, seed)
        return None if probe is None else (probe.weights_CK, probe.bias_C)

    def _nothing(self, frozen: Frozen[Passage, Entities]) -> list[Reading]:
        """No entity anywhere, and of each word the shares that the tags have in the training rows."""
        tags_M = np.concatenate([self._tags(example) for example in frozen.train.examples])
        counts_K = np.bincount(tags_M[tags_M != IGNORE], minlength=len(self.scheme.tags)) + 1e-3
        shares_K = np.log(counts_K / counts_K.sum()).astype(np.float32)
        made: list[Reading] = []
        for example in frozen.judged.examples:
            words_U2 = self._plain(example.input)
            none_U = np.zeros(len(words_U2), np.int64)
            made.append(Reading(example.input.text, words_U2, np.tile(shares_K, (len(words_U2), 1)), none_U, ()))
        return made

    def _plain(self, passage: Passage) -> np.ndarray:
        return plain_words(passage.text, passage.words, self.torn_words)

    def _tags(self, example: Example[Passage, Entities]) -> np.ndarray:
        return self.scheme.write(self._plain(example.input), example.answer)

    def _cheap(self, frozen: Frozen[Passage, Entities], seed: int) -> list[Reading]:
        """A linear model on what words look like and stand between."""
        learnt, judged = (
            [(e.input.text, self._plain(e.input)) for e in seen.examples] for seen in (frozen.train, frozen.judged)
        )
        model = fit_cheap(learnt, [self._tags(example) for example in frozen.train.examples], seed)
        said = cheap_scores(model, judged, len(self.scheme.tags))
        return [read_tags(self.scheme, text, words, scores) for (text, words), scores in zip(judged, said, strict=True)]

    def _probed(self, frozen: Frozen[Passage, Entities], seed: int) -> list[Reading]:
        """A linear model on the untuned model's token states; no entity where there is nothing to learn from."""
        probe = self._probe(frozen, seed)
        return self._nothing(frozen) if probe is None else self._read_probe(probe, frozen.judged)

    def _probe(self, frozen: Frozen[Passage, Entities], seed: int) -> Probe | None:
        """Fitted once: the baseline and the head's beginning are the same."""
        known = _PROBES.setdefault(frozen, {})
        if (self, seed) not in known:
            known[self, seed] = self._fitted_probe(frozen, seed)
        return known[self, seed]

    def _fitted_probe(self, frozen: Frozen[Passage, Entities], seed: int) -> Probe | None:
        checked = frozen.validation
        if not frozen.train.features.token_inputs:
            return None

        def goodness(probe: Probe) -> float:
            assert checked is not None
            said = self._read_probe(probe, checked)
            return float(self.score(said, checked.answers, np.ones((1, len(said))))["entity_f1"][0])

        tags = [
            self.scheme.write(_first_words(window), answer)
            for window, answer in zip(frozen.train.features.windows, frozen.train.answers, strict=True)
        ]
        can_check = checked is not None and len(checked.features.token_inputs) > 0
        return fit_probe(_states(frozen.train), tags, len(self.scheme.tags), goodness if can_check else None, seed)

    def _read_probe(self, probe: Probe, seen: Seen[Passage, Entities]) -> list[Reading]:
        """Of a text of several windows the first is read."""
        return [
            self._reading(example.input, _first_words(window), probe.log_probabilities(states_UK))
            for example, window, states_UK in zip(seen.examples, seen.features.windows, _states(seen), strict=True)
        ]


def _first_words(window: Window) -> np.ndarray:
    assert window.spans is not None
    return window.spans[first_tokens(window.spans)]


def _states(seen: Seen[Passage, Entities]) -> list[np.ndarray]:
    """What the logits' layer is given at the first token of each word."""
    given = zip(seen.features.token_inputs, seen.features.windows, strict=True)
    return [states_TK[first_tokens(w.spans)] for states_TK, w in given if w.spans is not None]
