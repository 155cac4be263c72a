"""Answers that are written token by token, for whoever listens: the same prompts, the same generation and the same
text as those of `predict`, one piece after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.chat.read import THINK
from luthier.errors import ConfigError, DataError, Place
from luthier.inference.artifact import Predictor
from luthier.inference.unfold import Unfolding
from luthier.language import t
from luthier.writer import Continued, Writer, Written
from luthier.writing.handed import context, has_encoder

if TYPE_CHECKING:
    from luthier.writing.generate import Generation

_LEAST, _SHARE = 16, 0.5
"""Tokens that are written before answers make way for others, at least, and as a share of the longest prompt: all of
them have to be read again from their beginning, which costs about a fifth, a token, of writing."""


@dataclass(frozen=True, eq=False)
class Order:
    """An answer that is wanted. input: in the task's own form. prompt: its token ids, int [T]. most: tokens that may be
    written, 0 where there is no room. cut: tokens of the prompt that were left out. stops: texts that end the answer.
    marks: texts from which on it is told at the end, as a whole."""

    input: Any
    prompt: np.ndarray
    how: Generation
    most: int
    cut: int = 0
    stops: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


class Speech:
    """One answer while it is written.

    listen: takes each piece of text and at the end the whole answer, which begins with these pieces and may have more
    to it; in the thread that writes. gone: whether nobody
    listens any more; then it ends with the next token.
    """

    def __init__(
        self,
        order: Order,
        predictor: Predictor,
        listen: Callable[[str | Written], None],
        gone: Callable[[], bool] = lambda: False,
    ) -> None:
        self.order = order
        self.ended = False
        self.count = 0
        """Tokens that were written, the one that ended it included."""
        self._writer, self._text = as_writer(predictor), predictor.codec.text
        self._unfolding = Unfolding(self._decoded, order.stops, order.marks)
        self._listen, self._gone = listen, gone
        self._resumable = order.how.temperature == 0 and room_for(predictor) is not None

    @property
    def prompt(self) -> np.ndarray:
        """With what has been written of the answer."""
        return np.concatenate([self.order.prompt, np.array(self._unfolding.ids, self.order.prompt.dtype)])

    @property
    def left(self) -> int:
        """Tokens that may still be written."""
        return self.order.most - self.count

    @property
    def can_go_on(self) -> bool:
        """Whether it ends as if it had never stopped, when it is given to `speak` again."""
        return not self.count or self._resumable

    def hear(self, token: int) -> bool:
        """Takes a token. Whether it ends here."""
        if self.ended or self._gone():
            self.ended = True
            return True
        self.count += 1
        last = token in self._writer.stop_ids
        if not last:
            self._tell(self._unfolding.add(token))
        if last or self._unfolding.stopped or self.left < 1:
            self._end(last or self._unfolding.stopped)
        return self.ended

    def hear_all(self, said: Continued) -> None:
        """What was written while nobody listened: by beams, which change their mind."""
        for token in said.ids:
            self.hear(token)
        if not self.ended:
            self._end(said.stopped)

    def _end(self, stopped: bool) -> None:
        self.ended = True
        self._unfolding.rest()
        words = self._writer.worded(Continued(self._unfolding.ids, stopped), self._text)
        if self._unfolding.stopped:
            words = replace(words, text=self._unfolding.text)
        self._listen(replace(words, tokens=self.count))

    def _decoded(self, ids: Sequence[int]) -> str:
        return self._text.tokenizer.decode(list(ids), skip_special_tokens=True)

    def _tell(self, text: str) -> None:
        if text:
            self._listen(text)


def opens_thinking(predictor: Predictor, order: Order) -> bool:
    """Whether the prompt has begun the thinking, as some templates do."""
    tail = predictor.codec.text.tokenizer.decode([int(i) for i in order.prompt[-8:]], skip_special_tokens=False)
    return tail.rstrip().endswith(THINK)


def as_writer(predictor: Predictor) -> Writer[Any, Any]:
    """Errors: ConfigError for a model that writes no text, or whose answers are chosen among a few."""
    task = predictor.codec.task
    if isinstance(task, Writer) and task.writes:
        return task
    chooses = isinstance(task, Writer) and task.chooses
    what = t("its answers are chosen among a few") if chooses else t("{task} writes no text", task=task.name)
    fix = t("use luthier predict, or a run of a task that writes, such as sft or seq2seq")
    raise ConfigError.at(predictor.name, what, fix, code="no-writer")


def order(
    predictor: Predictor, input: Any, how: Generation, *, may_cut: bool = False, **more: tuple[str, ...]
) -> Order:
    """The order for an input in the task's own form; of what may be written no more than there is room for.

    may_cut: whether an input that is too long loses its beginning, as it does in evaluation. more: stops and marks.
    Errors: DataError (code too-long) for one that does not fit and may not be cut.
    """
    (window,) = predictor.codec.encode([input])[0]
    prompt = window.arrays["input_ids"]
    room = room_for(predictor)
    if window.cut and not may_cut:
        what = t("the input has {asked} tokens, and the model does not read that many: {cut} would be left out",
                 asked=len(prompt) + window.cut, cut=window.cut)  # fmt: skip
        raise DataError.at(Place("input"), what, t("shorten it"), code="too-long")
    most = how.max_new_tokens if room is None else max(0, min(how.max_new_tokens, room - len(prompt)))
    return Order(input, prompt, how, most, window.cut, **more)


def room_for(predictor: Predictor) -> int | None:
    """Tokens that prompt and answer may have together; None where they do not share a room."""
    if has_encoder(predictor.model):
        return None
    return context(predictor.model)


def speak(predictor: Predictor, speeches: Sequence[Speech], make_way: Callable[[], bool] = lambda: False) -> None:
    """Writes them together, until all have ended or are to make way; those that have not ended can be given again.

    They may differ in their seeds, in how long they may be and, where they are not drawn, in how far they are.
    """
    writer = as_writer(predictor)
    how = replace(speeches[0].order.how, max_new_tokens=max(1, *(speech.left for speech in speeches)))
    prompts = [speech.prompt for speech in speeches]
    least = max(_LEAST, _SHARE * max(map(len, prompts)))
    heard = [0] * len(speeches)

    def hear(row: int, token: int) -> bool:
        heard[row] += 1
        ended = speeches[row].hear(token)
        return ended or (heard[row] >= least and speeches[row].can_go_on and make_way())

    listening = {"on_token": hear} if how.num_beams == 1 else {}
    said = writer.continued(
        predictor.model, prompts, how, predictor.device,
        limits=[speech.left for speech in speeches], seeds=[speech.order.how.seed for speech in speeches], **listening,
    )  # fmt: skip
    for speech, one, count in zip(speeches, said, heard, strict=True):
        if not count:  # by beams, which change their mind, or nothing at all: nobody could listen
            speech.hear_all(one)
