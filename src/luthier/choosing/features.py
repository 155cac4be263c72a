"""What the cheap models of this room learn from: the pretrained model's vectors, computed once, or counted words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.caching import open_cache
from luthier.config.schema import Settings
from luthier.errors import ModelError
from luthier.evaluation.baselines import VECTOR_STRENGTHS, WORD_STRENGTHS, Examples, word_counter
from luthier.evaluation.linear import Rows
from luthier.extras import has
from luthier.language import t
from luthier.models.find import ModelFolder
from luthier.models.known import choose_model
from luthier.progress import Progress
from luthier.seen import Scaling
from luthier.task import AnyTask

MOST_TOKENS = 256
"""Of one text: what stands further back changes the mean of its vectors little, and costs most of the time."""
_BATCH_TOKENS = 8192


@dataclass(frozen=True)
class Words:
    """Counted words and pairs of words of texts; the counter knows only the rows that are learnt from."""

    task: AnyTask
    examples: Examples
    strengths: Sequence[float] = WORD_STRENGTHS

    @property
    def name(self) -> str:
        return t("counted words (TF-IDF)")

    def rows(self, learnt: Sequence[int], *others: Sequence[int]) -> list[Rows]:
        """Features and answers of the rows with these numbers, the learnt ones first."""
        texts = [self.task.format.plain_text(example.input) for example in self.examples]
        counter = word_counter([texts[i] for i in learnt])
        counter.fit([texts[i] for i in learnt])
        return [
            Rows(counter.transform([texts[i] for i in numbers]), [self.examples[i].answer for i in numbers])
            if len(numbers)
            else Rows(None, [])
            for numbers in (learnt, *others)
        ]


@dataclass(frozen=True)
class Vectors:
    """The untuned model's mean token vectors, scaled. model: its name."""

    model: str
    vectors_ND: np.ndarray
    answers: Sequence[Any]
    strengths: Sequence[float] = VECTOR_STRENGTHS

    @property
    def name(self) -> str:
        return t("frozen features of {model}", model=self.model)

    def rows(self, learnt: Sequence[int], *others: Sequence[int]) -> list[Rows]:
        """Features and answers of the rows with these numbers, the learnt ones first."""
        return [
            Rows(self.vectors_ND[list(numbers)], [self.answers[i] for i in numbers]) for numbers in (learnt, *others)
        ]


def features_for(
    settings: Settings, task: AnyTask, examples: Examples, language: str, screen: Progress
) -> Words | Vectors:
    """Vectors of the model that is named, else of the one that would be tuned, where it is at hand; else words.

    Errors: ModelError for a named model that cannot be had.
    """
    if not (has("torch") and has("transformers")):
        screen.say(t("torch is not installed: words are counted instead of a model being asked"))
        return Words(task, examples)
    try:
        folder, _ = choose_model(settings.model, language)
    except ModelError as error:
        if settings.model != "auto":
            raise
        what = error.problems[0]
        screen.say(t("no pretrained model is at hand ({what}): words are counted", what=f"{what.place}: {what.what}"))
        return Words(task, examples)
    vectors_ND = _vectors(task, folder, examples, settings, screen)
    return Vectors(folder.name, Scaling.of(vectors_ND)(vectors_ND), [example.answer for example in examples])


def _vectors(
    task: AnyTask, folder: ModelFolder, examples: Examples, settings: Settings, screen: Progress
) -> np.ndarray:
    """Float32 [N, D]."""
    from luthier.codec import Codec
    from luthier.inference.frozen import frozen_features
    from luthier.models.load import load_tokenizer, pad_alike
    from luthier.runtime import open_runtime
    from luthier.text.tokenizer import TextRule

    with open_runtime() as runtime:
        tokenizer = load_tokenizer(folder.folder)
        rule = TextRule(tokenizer.backend, min(MOST_TOKENS, folder.most_tokens), tokenizer.pad_id, folder.has_segments)
        loaded = task.load_model(folder.folder, seed=settings.train.seed, device=runtime.device)
        pad_alike(loaded, tokenizer.pad_id)
        with screen.track(t("looking at the data with the untuned model"), len(examples)) as tracker:
            found = frozen_features(
                loaded.model, Codec(task, rule), [example.input for example in examples], runtime,
                max_tokens=_BATCH_TOKENS, keep_states=False, done=tracker.advance,
                cache=open_cache(settings.train.cache_bytes),
            )  # fmt: skip
    return found.vectors
