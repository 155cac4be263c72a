"""Text to text by an encoder with a decoder (T5, BART …): summaries, translations, answers in free words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from luthier.answering.cheap import sentences
from luthier.chooser import Chooser
from luthier.errors import DataError, Place, shown
from luthier.formats.generation import TextToText
from luthier.language import t
from luthier.metrics.overlap import rouge_l, words_of
from luthier.models.find import find_model
from luthier.saved import learned
from luthier.seen import Frozen
from luthier.text.scripts import main_language
from luthier.text.tokenizer import TextRule, read_tokenizer, token_lengths
from luthier.types import IDS, IGNORE, Choice, Example, LabelledWindow, Row, Window
from luthier.writer import TARGETS, Judged, Written

if TYPE_CHECKING:
    from luthier.models.load import Loaded

_SAID = "decoder_input_ids"
_MOST_SAID = 4096
"""Tokens of an answer that are learnt at most: one of a hundred thousand must not end a run."""
_LEADS = (1, 2, 3)
_TRIED = 200
"""Training answers by which is chosen how many sentences a summary is best begun with."""


@dataclass(frozen=True)
class Seq2Seq(Chooser[str, str]):
    """prefix: what stands before every input, such as "summarize: " of T5. source_language, target_language: of a
    model of many languages, as it names them, or as en or zh; None goes by the training rows."""

    auto_class: ClassVar[str] = "AutoModelForSeq2SeqLM"
    format: ClassVar[TextToText] = TextToText()
    plainly: ClassVar[str] = "writes the same texts for inputs of up to {max_length} tokens"
    main_is_text: ClassVar[bool] = True
    reads_plain: ClassVar[bool] = False

    prefix: str = ""
    source_language: str | None = None
    target_language: str | None = None
    languages: tuple[str, str] = learned(("", ""))
    opening: tuple[int, ...] = learned(())
    closing: tuple[int, ...] = learned(())
    source: tuple[int, ...] = learned(())
    most_said: int = learned(_MOST_SAID)
    long_answers: tuple[str, ...] = learned(())

    def plain_use(self) -> str:
        quoted = json.dumps(self.prefix, ensure_ascii=False).replace("{", "{{").replace("}", "}}")
        prefix = f", with {quoted} before each" if self.prefix else ""
        spoken = f",\nread by a tokenizer with src_lang={self.source_language}" if self.source_language else ""
        return self.plainly + prefix + spoken

    # ---- from the user's rows

    def as_input(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, Mapping):
            return self.format.parse_input(Row(value, Place("input")))
        what, fix = t("{value} is no text", value=shown(value)), t('give a string, or {"input": "…"}')
        raise DataError.at("input", what, fix, code="wrong-type")

    def learn(self, examples: Sequence[Example[str, str]]) -> Self:
        sides = ([example.input for example in examples], [example.answer for example in examples])
        source, target = (main_language(texts)[0] for texts in sides)
        return replace(self, languages=(source, target))

    def settle(self, answers: Sequence[str]) -> tuple[Self, list[Choice]]:
        """How many tokens an answer needs shows once the model is known, on those that are longer than nearly all."""
        if self.max_new_tokens is not None:
            return self, []
        longest = sorted(answers, key=len)[-max(1, len(answers) // 50) :]
        return replace(self, long_answers=tuple(longest[:_TRIED])), []

    def fitted(self, folder: Path) -> tuple[Self, list[Choice]]:
        """Errors: ModelError for a model that is no encoder with a decoder, ConfigError for a language that it does
        not know."""
        from luthier.writing.frame import answer_frame

        task, choices = self._in_languages(folder)
        if self.long_answers:
            lengths = token_lengths(read_tokenizer(folder), self.long_answers)
            task, more = replace(task, long_answers=()).with_room(int(np.median(lengths)))
            choices += more
        frame = answer_frame(folder, (task.source_language or "", task.target_language or ""))
        positions = find_model(str(folder), weights=False).config.get("max_position_embeddings") or _MOST_SAID
        known = {name: getattr(frame, name) for name in ("opening", "closing", "source")}
        most = max(1, min(_MOST_SAID, int(positions) - len(frame.opening)))
        return replace(task, **known, stop_ids=frame.closing[-1:], pad_id=frame.pad, most_said=most), choices

    def _in_languages(self, folder: Path) -> tuple[Self, list[Choice]]:
        """With the languages as a model of many names them."""
        from luthier.writing.frame import code_of, language_codes

        known = language_codes(folder)
        found: dict[str, str] = {}
        choices: list[Choice] = []
        for option, of_rows in zip(("source_language", "target_language"), self.languages, strict=True):
            asked = getattr(self, option)
            if asked is not None or known:
                found[option] = code_of(asked or of_rows, known, option)
            if asked is None and known:
                choices.append(Choice(option, found[option], t("the language of most training rows")))
        return replace(self, **found), choices

    # ---- to the model and back

    def load_model(self, folder: Path, *, seed: int, device: str) -> Loaded:
        """Its habits of writing are set to what is done here, so that plain transformers writes the same."""
        from transformers.generation.configuration_utils import GenerationConfig

        loaded = super().load_model(folder, seed=seed, device=device)
        first, *more = self.opening or (None,)
        loaded.model.generation_config = GenerationConfig(
            decoder_start_token_id=first, forced_bos_token_id=more[0] if more else None,
            eos_token_id=list(self.stop_ids) or None, pad_token_id=self.pad_id,
            max_new_tokens=(self.max_new_tokens or 0) + len(more) or None, num_beams=self.num_beams,
        )  # fmt: skip
        return loaded

    def measured(self, examples: Sequence[Example[str, str]]) -> list[str]:
        return [self.prefix + example.input for example in examples]

    def encode(self, inputs: Sequence[str | Judged[str, str]], text: TextRule) -> list[list[Window]]:
        asked = [each.input if isinstance(each, Judged) else each for each in inputs]
        windows = [self._placed(window) for window in text.framed(text.pieces([self.prefix + each for each in asked]))]
        judged = [i for i, each in enumerate(inputs) if isinstance(each, Judged)]
        answers = text.pieces([each.answer for each in inputs if isinstance(each, Judged)])
        for i, ids in zip(judged, answers, strict=True):
            said, targets = self._shifted(ids)
            arrays = {**windows[i].arrays, _SAID: said, TARGETS: np.where(targets == IGNORE, 0, targets + 1)}
            windows[i] = replace(windows[i], arrays={**arrays, TARGETS: arrays[TARGETS].astype(np.int32)})
        return [[window] for window in windows]

    def attach(self, window: Window, answer: str, text: TextRule) -> LabelledWindow:
        said, targets = self._shifted(text.pieces([answer])[0])
        return LabelledWindow(replace(window, arrays={**window.arrays, _SAID: said}), targets)

    def _shifted(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What the decoder is given, int32 [S], and what it has to say at each position, int64 [S]. The end of an
        answer that is too long is not learnt as its end."""
        room = self.most_said - len(self.closing)
        learnt = [*ids[:room], *(self.closing if len(ids) <= room else ())]
        given = [*self.opening, *learnt[:-1]]
        targets = [IGNORE] * (len(self.opening) - 1) + learnt
        return np.array(given, np.int32), np.array(targets, np.int64)

    def _placed(self, window: Window) -> Window:
        """With the token of the language that the source is in."""
        if not self.source:
            return window
        usual, wanted = self.source
        ids = window.arrays[IDS]
        return replace(window, arrays={IDS: np.where(ids == usual, np.int32(wanted), ids)})

    # ---- to the user

    def show_answer(self, answer: str) -> str:
        return answer

    # ---- before training

    def baselines(self, frozen: Frozen[str, str], seed: int) -> Mapping[str, Callable[[], Sequence[Written]]]:
        """The beginning of the input, which needs no model; then those of all tasks that write."""
        return {"lead": lambda: self._lead(frozen), **super().baselines(frozen, seed)}

    def _lead(self, frozen: Frozen[str, str]) -> list[Written]:
        """The first sentences of the input, as many as suit the training answers best."""
        known = frozen.train.examples[:_TRIED]
        right = [words_of(example.answer) for example in known]

        def suits(count: int) -> float:
            begun = (words_of(_begun(example.input, count)) for example in known)
            return sum(map(rouge_l, begun, right))

        count = max(_LEADS, key=suits)
        examples = frozen.judged.examples
        said = [Written() for _ in examples]
        for i in self._sampled(len(examples)):
            said[i] = self._compared(examples[i], Written(_begun(examples[i].input, count)))
        return said


def _begun(text: str, count: int) -> str:
    """Its first sentences."""
    return text[: sentences(text)[:count][-1][1]].strip()
