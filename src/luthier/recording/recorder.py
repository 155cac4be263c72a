"""A thread that puts down what a server answers. Nobody waits for it: what it cannot take is dropped, and counted."""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.errors import LuthierError
from luthier.language import t
from luthier.recording.knowing import Known, known_of
from luthier.recording.store import Store, as_row

if TYPE_CHECKING:  # torch takes seconds to import
    from luthier.inference.artifact import Predictor

_log = logging.getLogger("luthier")
_MOST_INPUTS = 10_000
_MOST_CHARACTERS = 32 * 2**20
"""That wait to be written, in all."""
_BATCH = 512
"""Inputs of one transaction."""
_REST = 0.2
"""Seconds between two transactions: a commit waits for the disk."""
_AGAIN, _SELDOM = 1.0, 60.0
"""Seconds until a database that failed is tried again; each time twice as long, up to the second."""


@dataclass(frozen=True, eq=False)
class _Taken:
    request_id: str
    predictor: Predictor
    inputs: Sequence[Any]
    said: Sequence[Any]
    sent: Sequence[Any]
    time: float
    characters: int
    first: int


class Recorder:
    """runs: by its name the folder of each model that is served. texts: whether inputs and answers are kept too.
    vectors: whether the model is asked once more what it makes of some inputs. tell: is told, once, when the database
    fails and when it works again."""

    def __init__(
        self, store: Store, runs: Mapping[str, Path], tell: Callable[[str], None], *, texts: bool = False,
        vectors: bool = False,
    ) -> None:  # fmt: skip
        self.store, self.texts = store, texts
        self._runs, self._tell, self._vectors = runs, tell, vectors
        self._waiting: deque[_Taken] = deque()
        self._inputs = self._characters = 0
        self._changed = threading.Condition()
        self._ends = threading.Event()
        self._key = secrets.token_bytes(16)
        self._known: dict[str, tuple[Predictor, Known]] = {}
        self.recorded = self.dropped = 0
        self.works = True
        self._thread = threading.Thread(target=self._work, name="luthier-record", daemon=True)
        self._thread.start()

    def take(
        self, request_id: str, predictor: Predictor, inputs: Sequence[Any], said: Sequence[Any], sent: Sequence[Any],
        first: int = 0,
    ) -> None:  # fmt: skip
        """Returns at once, and fails never. sent: the inputs as the client wrote them. first: the place of the first of
        them in its request."""
        plain = predictor.codec.task.format.plain_text
        characters = sum(len(plain(one)) for one in inputs)
        with self._changed:
            full = self._inputs + len(inputs) > _MOST_INPUTS or self._characters + characters > _MOST_CHARACTERS
            if full or self._ends.is_set():
                self.dropped += len(inputs)
                return
            self._waiting.append(_Taken(request_id, predictor, inputs, said, sent, time.time(), characters, first))
            self._inputs, self._characters = self._inputs + len(inputs), self._characters + characters
            self._changed.notify()

    def model_id(self, predictor: Predictor) -> str:
        """Of the model that answers under its name now. Takes a while the first time. Errors: LuthierError."""
        return self._of(predictor).model

    def stop(self, seconds: float) -> None:
        """Writes what still waits, for so long at most; what is left then is dropped."""
        self._ends.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(seconds)
        with self._changed:
            self.dropped += self._inputs
            self._inputs = 0

    def _work(self) -> None:
        while batch := self._next():
            rows: list[dict[str, Any]] = []
            for taken in batch:
                try:
                    rows += self._rows(taken)
                except Exception:  # an input like no other: the rest is recorded
                    _log.exception("request %s is not recorded", taken.request_id)
                    self._lose(len(taken.inputs))
            if rows and not self._write(rows):
                self._lose(len(rows))
            with self._changed:
                self._inputs -= sum(len(taken.inputs) for taken in batch)
                self._characters -= sum(taken.characters for taken in batch)
            self._ends.wait(_REST)

    def _next(self) -> list[_Taken]:
        """What is written together; nothing at the end."""
        with self._changed:
            while not self._waiting and not self._ends.is_set():
                self._changed.wait()
            batch: list[_Taken] = []
            while self._waiting and sum(len(taken.inputs) for taken in batch) < _BATCH:
                batch.append(self._waiting.popleft())
            return batch

    def _rows(self, taken: _Taken) -> list[dict[str, Any]]:
        known = self._of(taken.predictor)
        traits = known.traits(taken.inputs, taken.said, vectors=self._vectors)
        show = taken.predictor.codec.task.show
        return [
            as_row(taken.request_id, taken.first + i, taken.time, known.model, taken.predictor.name, own,
                   (taken.sent[i], show(taken.said[i])) if self.texts else None)
            for i, own in enumerate(traits)
        ]  # fmt: skip

    def _of(self, predictor: Predictor) -> Known:
        """Once more where the model under this name was loaded again."""
        held = self._known.get(predictor.name)
        if held is None or held[0] is not predictor:
            held = predictor, known_of(predictor, self._runs[predictor.name], self._key)
            self._known[predictor.name] = held
        return held[1]

    def _write(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Until it is done, or the server ends."""
        patience = _AGAIN
        while True:
            try:
                self.store.add_answers(rows)
            except LuthierError as error:
                self._fails(error.problems[0].what)
            except Exception as error:  # whatever a driver raises, the answers go on
                _log.exception("the record cannot be written")
                self._fails(type(error).__name__)
            else:
                self._works_again(len(rows))
                return True
            if self._ends.wait(patience):
                with contextlib.suppress(Exception):
                    self.store.add_answers(rows)
                    self._works_again(len(rows))
                    return True
                return False
            patience = min(2 * patience, _SELDOM)

    def _fails(self, reason: str) -> None:
        if self.works:
            self.works = False
            self._tell(t("answers are not recorded: {reason}; the server goes on, and tries again", reason=reason))

    def _works_again(self, rows: int) -> None:
        self.recorded += rows
        if not self.works:
            self.works = True
            self._tell(t("answers are recorded again; {count} were not", count=self.dropped))

    def _lose(self, inputs: int) -> None:
        with self._changed:
            self.dropped += inputs
