"""Instruction tuning and dialogue: a conversation to what the assistant says next, by a causal language model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date as Day  # noqa: N812  the option has the name
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from luthier.chat.calling import CallForm, form_of
from luthier.chat.lessons import lessons_of
from luthier.chat.read import read_answer, shown_answer
from luthier.chat.room import Answered, fit_answered, fit_prompt
from luthier.chat.rule import ChatRule, Refused
from luthier.chat.templates.choose import choose_template, make_rule
from luthier.chat.templates.trial import try_template
from luthier.chat.tokens import Chat, Encoded
from luthier.chooser import Chooser
from luthier.errors import ConfigError, DataError, Place, shown
from luthier.formats.chat.turns import Turn
from luthier.formats.messages import Conversation, MessageRows
from luthier.language import t
from luthier.models.find import find_model
from luthier.saved import learned
from luthier.text.marks import Marks
from luthier.text.tokenizer import TextRule
from luthier.types import IDS, IGNORE, Choice, Example, Finding, LabelledWindow, Mistake, Row, Window
from luthier.writer import TARGETS, WEIGHTS, Judged, Written

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer
    from transformers import PreTrainedModel

    from luthier.models.load import LoadedTokenizer

_CHUNK = 500
_LEARNS = ("answers", "all")
_READS = 4096
"""Tokens of a conversation that are read even where the training rows were shorter, if the model can."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Prompt(Window):
    """A window with what it was made of. whole: the prompt before anything was left out of it."""

    conversation: Conversation
    chat: Chat
    whole: Encoded


@dataclass(frozen=True)
class Sft(Chooser[Conversation, Turn]):
    """learns: what the loss is over, the assistant's answers or all that is read. template: a Jinja file, or chatml;
    None takes the model's own, and ChatML where it has none. system: what the system says where a row has it say
    nothing. thinking: what the template is told of thinking; with false none is kept. date: what the template is told
    where it asks for the day, such as 2026-11-26.
    """

    auto_class: ClassVar[str] = "AutoModelForCausalLM"
    format: ClassVar[MessageRows] = MessageRows()
    plainly: ClassVar[str] = (
        "`tokenizer.apply_chat_template` writes the same prompts, of up to {max_length} tokens; generation ends where\n"
        "the assistant's turn does"
    )
    most_seen: ClassVar[int] = 10**6
    converses: ClassVar[bool] = True

    learns: str = "answers"
    template: str | None = None
    system: str = ""
    thinking: bool | None = None
    date: str | None = None
    weighted: bool = learned(False)
    context: int = learned(0)
    chat: Any = learned(None)  # noqa: RUF009  what learned() gives is a field

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.learns not in _LEARNS:
            what, fix = t("is {value}", value=shown(self.learns)), t("use one of {names}", names=", ".join(_LEARNS))
            raise ConfigError.at("task.learns", what, fix, code="unknown-choice")
        try:
            Day.fromisoformat(self.date or "2026-01-01")
        except ValueError:
            what, fix = t("is {value}", value=shown(self.date)), t("write it as {example}", example="2026-11-26")
            raise ConfigError.at("task.date", what, fix, code="out-of-range") from None

    # ---- from the user's rows

    def as_input(self, value: Any) -> Conversation:
        if isinstance(value, Conversation):
            return value
        if isinstance(value, str):
            value = {"prompt": value}
        elif isinstance(value, (list, tuple)):
            value = {"messages": list(value)}
        if isinstance(value, Mapping):
            return self.format.parse_input(Row(value, Place("input")))
        what = t("{value} is no conversation", value=shown(value))
        fix = t("give a text, or a list of messages: {example}", example='[{"role": "user", "content": "…"}]')
        raise DataError.at("input", what, fix, code="wrong-type")

    def learn(self, examples: Sequence[Example[Conversation, Turn]]) -> Self:
        turns = (turn for example in examples for turn in (*example.input.turns, example.answer))
        return replace(self, weighted=any(turn.weight not in (0, 1) for turn in turns))

    def fitted(self, folder: Path) -> tuple[Self, list[Choice]]:
        return replace(self, context=find_model(str(folder)).most_tokens), []

    def with_tokenizer(self, tokenizer: LoadedTokenizer) -> tuple[Self, LoadedTokenizer, list[Choice]]:
        asked = choose_template(self.template, tokenizer.wrapped.chat_template, begins=tokenizer.begins)
        tokenizer = tokenizer.with_tokens(asked.tokens).with_template(asked.source)
        day = self.date or Day.today().isoformat()
        rule = make_rule(asked, tokenizer.backend, tokenizer.names, day=day, thinking=self.thinking, system=self.system)
        tokenizer = tokenizer.padded_apart(rule.stops)
        rule = replace(rule, pad=tokenizer.pad_id)
        reason = t("{reason} ({digest}); an answer ends with {end}; {padding}", reason=asked.reason, digest=rule.digest,
                   end=rule.end, padding=_padding(tokenizer, rule))  # fmt: skip
        choices = [Choice("template", rule.name, reason)]
        if rule.day and not self.date:
            choices.append(Choice("date", rule.day, t("the template asks for the day; it stays this one")))
        told = {"date": rule.day or self.date, "stop_ids": rule.stops, "pad_id": rule.pad, "chat": rule.state()}
        return replace(self, **told), tokenizer, choices

    def in_folder(self, folder: Path) -> Self:
        if self.chat is not None:  # the folder may be a stranger's
            rule = self._rule
            turns = [Turn("user", "?")]
            try_template(rule.name, rule.source, rule.day, [rule.variables(turns, "", prompt=True)])
        return self

    def row_lengths(self, examples: Sequence[Example[Conversation, Turn]], tokenizer: Tokenizer) -> np.ndarray:
        chat, lengths = self._chat_with(tokenizer), np.zeros(len(examples), np.int64)
        for i, (example, prompt) in enumerate(_prompted(chat, examples)):
            with suppress(Refused):  # it is told with the others, once all is known
                whole = _unless_refused(prompt)
                lengths[i] = len(whole.ids) + len(chat.answer_ids(whole, example.answer))
        return lengths

    def taught(
        self, examples: Sequence[Example[Conversation, Turn]], text: TextRule
    ) -> tuple[list[Example[Conversation, Turn]], list[Finding]]:
        chat = self._chat_with(text.tokenizer)
        made: list[Example[Conversation, Turn]] = []
        refused: dict[str, list[Place]] = {}
        lost: list[Place] = []
        for example, prompt in _prompted(chat, examples):
            try:
                whole = _unless_refused(prompt)
                lessons = list(lessons_of(chat, example.input, example.answer, text.max_length, whole))
            except Refused as error:
                what = t("turn {number}: {reason}", number=error.turn, reason=error) if error.turn else str(error)
                refused.setdefault(what, []).append(example.place)
                continue
            kept = [lesson for lesson in lessons if lesson.answered.said]
            made += [replace(example, input=one.conversation, answer=one.answer) for one in reversed(kept)]
            if any(lesson.answered.lost for lesson in lessons):
                lost.append(example.place)
        return made, [*_refusals(refused, chat.rule), *_losses(lost, text.max_length)]

    # ---- to the model and back

    def save_model(self, model: PreTrainedModel, folder: Path) -> None:
        """What it says of generation ends a turn where the template ends it."""
        how = model.generation_config
        if how is not None:
            how.eos_token_id, how.pad_token_id = list(self.stop_ids), self.pad_id
        super().save_model(model, folder)

    def supposed(self, input: Conversation, text: str) -> Judged[Conversation, Turn]:
        before = replace(input, turns=tuple(replace(turn, weight=0.0) for turn in input.turns))
        return Judged(before, Turn("assistant", text, weight=1.0))

    def encode(self, inputs: Sequence[Any], text: TextRule) -> list[list[Window]]:
        """Of a conversation the prompt for the assistant's next turn."""
        chat = self._chat_with(text.tokenizer)
        try:
            asked = [one.input if isinstance(one, Judged) else one for one in inputs]
            whole = chat.prompts(asked)
            return [
                self._judged(chat, one, prompt, text)
                if isinstance(one, Judged)
                else [self._prompt(chat, one, prompt, text)]
                for one, prompt in zip(inputs, whole, strict=True)
            ]
        except Refused as refused:
            raise _refusal(refused, chat.rule) from None

    def attach(self, window: Window, answer: Turn, text: TextRule) -> LabelledWindow:
        assert isinstance(window, Prompt)
        answered = fit_answered(window.chat, window.conversation, answer, text.max_length, window.whole)
        return self._labelled(answered, answer)

    def decode(self, input: Any, windows: Sequence[Window], inferred: Sequence[Written]) -> Written:
        if not isinstance(input, Judged):
            return super().decode(input, windows, inferred)
        return Written(nll=sum(said.nll for said in inferred), learnt=sum(said.learnt for said in inferred))

    def call_form(self, text: TextRule) -> CallForm | None:
        return form_of(self._chat_with(text.tokenizer), self.stop_ids)

    # ---- to the user

    def show(self, prediction: Written, top_k: int | None = None) -> Any:
        if prediction.text is None or prediction.chances:
            return super().show(prediction, top_k)
        said = shown_answer(prediction.text)
        return said if top_k is None else [said]

    def show_answer(self, answer: Turn) -> str:
        return answer.text

    def mistake(self, prediction: Written, answer: Turn) -> Mistake | None:
        return None

    # ---- inside

    @property
    def _rule(self) -> ChatRule:
        assert self.chat is not None  # with_tokenizer comes before anything is encoded
        return ChatRule.from_state(self.chat)

    def _chat_with(self, tokenizer: Tokenizer) -> Chat:
        rule = self._rule
        return Chat(rule, Marks.of(tokenizer, rule.source))

    def _prompt(self, chat: Chat, conversation: Conversation, whole: Encoded, text: TextRule) -> Prompt:
        """With room left for an answer."""
        context = max(self.context, text.max_length)
        reads = min(max(text.max_length, _READS), context - min(self.max_new_tokens or context, context // 4))
        fitted = fit_prompt(chat, conversation, max(1, reads), whole)
        ids = np.array(fitted.prompt.ids, np.int32)
        return Prompt(arrays={IDS: ids}, cut=fitted.cut, conversation=conversation, chat=chat, whole=whole)

    def _judged(self, chat: Chat, asked: Judged[Conversation, Turn], whole: Encoded, text: TextRule) -> list[Window]:
        windows: list[Window] = []
        for lesson in lessons_of(chat, asked.input, asked.answer, text.max_length, whole):
            labelled = self._labelled(lesson.answered, lesson.answer)
            targets_T = np.where(labelled.targets == IGNORE, 0, labelled.targets + 1).astype(np.int32)
            windows.append(replace(labelled.window, arrays={**labelled.window.arrays, TARGETS: targets_T}))
        return windows

    def _labelled(self, answered: Answered, answer: Turn) -> LabelledWindow:
        """The last token is only said, never read."""
        prompt = answered.fitted.prompt
        ids = np.array([*prompt.ids, *answered.said], np.int32)
        weights = np.full(len(ids), float(self.learns == "all"), np.float32)
        for span in prompt.spans:
            weights[span.start : span.end] = span.weight
        weights[len(prompt.ids) :] = answer.weight
        targets = np.where(weights > 0, ids, IGNORE).astype(np.int64)[1:]
        arrays = {IDS: ids[:-1], **({WEIGHTS: weights[1:]} if self.weighted else {})}
        return LabelledWindow(Window(arrays, cut=answered.fitted.cut + answered.lost), targets)

    def _compared(self, example: Example[Conversation, Turn], written: Written) -> Written:
        read = read_answer(written.text or "").text
        return replace(super()._compared(example, replace(written, text=read)), text=written.text)


def _prompted(
    chat: Chat, examples: Sequence[Example[Conversation, Turn]]
) -> Iterator[tuple[Example[Conversation, Turn], Encoded | Refused]]:
    """Each with its prompt, encoded many at a time."""
    for start in range(0, len(examples), _CHUNK):
        some = examples[start : start + _CHUNK]
        yield from zip(some, chat.prompts_or_refusals([example.input for example in some]), strict=True)


def _unless_refused(prompt: Encoded | Refused) -> Encoded:
    if isinstance(prompt, Refused):
        raise prompt
    return prompt


def _padding(tokenizer: LoadedTokenizer, rule: ChatRule) -> str:
    name = tokenizer.backend.id_to_token(rule.pad)
    if rule.pad in rule.stops:
        return t("rows are filled up with {name}, which ends a sequence too, and is never learnt as padding", name=name)
    return t("rows are filled up with {name}", name=name)


def _refusal(refused: Refused, rule: ChatRule) -> DataError:
    where = t("turn {number}: ", number=refused.turn) if refused.turn else ""
    what = t("{where}the chat template ({name}) refuses: {reason}", where=where, name=rule.name, reason=refused)
    return DataError.at("input", what, _fix(), code="template-refuses")


def _refusals(refused: Mapping[str, Sequence[Place]], rule: ChatRule) -> list[Finding]:
    found: list[Finding] = []
    for reason, places in refused.items():
        what = t("the chat template ({name}) refuses {count} rows: {reason}", name=rule.name, count=len(places),
                 reason=reason)  # fmt: skip
        found.append(Finding("error", "template-refuses", what, _fix(), places))
    return found


def _losses(lost: Sequence[Place], most: int) -> list[Finding]:
    if not lost:
        return []
    what = t("{count} rows have an answer, or the end of one, beyond the {most} tokens of a window: that is not learnt",
             count=len(lost), most=most)  # fmt: skip
    fix = t("raise train.max_length, or shorten what stands before the answer")
    return [Finding("warning", "answer-truncation", what, fix, lost)]


def _fix() -> str:
    return t("mend or remove these rows (data.bad_rows=skip leaves them out), or use task.template=chatml")
