"""The database of a server's answers: opened, written, read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from luthier.errors import ConfigError, DataError, LuthierError, without_secrets
from luthier.evaluation.elsewhere.traits import Said, Traits
from luthier.extras import need
from luthier.language import t
from luthier.reading.elsewhere.addresses import is_database, with_variables
from luthier.reading.elsewhere.database import connected, engine_at, plain_address, told
from luthier.recording.tables import VERSION, tables

_SQLITE = b"SQLite format 3\0"
_MARKS, _HALF = np.dtype("<u2"), np.dtype("<f2")


def as_address(named: str) -> str | None:
    """The address of a database that is named so, or by the file of a SQLite one; None for what is none."""
    if is_database(named):
        return named
    path = Path(named)
    try:
        with path.open("rb") as file:
            return f"sqlite:///{path}" if file.read(len(_SQLITE)) == _SQLITE else None
    except OSError:
        return None


@dataclass(frozen=True)
class Logged:
    """A recorded answer. input: as it was sent; None where texts are not recorded."""

    time: float
    traits: Traits
    input: Any = None


class Store:
    """name: the address without secrets."""

    def __init__(self, named: str, *, writes: bool = False) -> None:
        """Opens it. writes: makes what is not there.

        Errors: ConfigError for what is no address, or tables of another version; DataError where it cannot be had.
        """
        self.name = without_secrets(named)
        if not is_database(named):
            fix = t("such as sqlite:///answers.db or postgresql://…")
            raise ConfigError.at(self.name, t("is no address of a database"), fix, code="no-database")
        self._alchemy: Any = need("sqlalchemy")
        self._address = plain_address(with_variables(named))
        self._tables = tables(self._alchemy).tables
        with told(self._alchemy, self._address, self.name, self._refused):
            self._url = self._alchemy.make_url(self._address)
            self._engine = engine_at(self._alchemy, self._url, writes=writes)
        self._check(writes)

    def add_answers(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """All of them or none. rows: as `as_row` makes them. Errors: LuthierError."""
        with self._begun() as connection:
            connection.execute(self._tables["luthier_answers"].insert(), [dict(row) for row in rows])

    def add_feedback(self, row: Mapping[str, Any]) -> None:
        """row: the columns of luthier_feedback. Errors: LuthierError."""
        with self._begun() as connection:
            connection.execute(self._tables["luthier_feedback"].insert(), [dict(row)])

    def answers(self, model: str, since: float | None, most: int) -> list[Logged]:
        """The newest of a model, the newest first. since: seconds since 1970. Errors: LuthierError."""
        own = self._tables["luthier_answers"]
        asked = self._alchemy.select(own).where(own.c.model == model)
        if since is not None:
            asked = asked.where(own.c.time >= since)
        with self._begun() as connection:
            return [_logged(row) for row in connection.execute(asked.order_by(own.c.id.desc()).limit(most)).mappings()]

    def answered(self, request_id: str, item: int) -> Mapping[str, Any] | None:
        """The newest answer to an input of a request: model and input, as JSON or None. Errors: LuthierError."""
        own = self._tables["luthier_answers"]
        asked = self._alchemy.select(own.c.model, own.c.input).where(own.c.request_id == request_id, own.c.item == item)
        with self._begun() as connection:
            found = connection.execute(asked.order_by(own.c.id.desc()).limit(1)).mappings().first()
            return None if found is None else dict(found)

    def models(self) -> list[tuple[str, str, int]]:
        """Of each model that answered its id, its name and how many rows are of it. Errors: LuthierError."""
        own, count = self._tables["luthier_answers"], self._alchemy.func.count()
        asked = self._alchemy.select(own.c.model, self._alchemy.func.max(own.c.name), count).group_by(own.c.model)
        with self._begun() as connection:
            return [(str(model), str(name), int(rows)) for model, name, rows in connection.execute(asked)]

    def corrections(self) -> list[tuple[int, Any, Any]]:
        """Of each row of feedback, in order, its number, the input as it was sent, None where it is not known, and the
        label. Errors: LuthierError."""
        said, own = self._tables["luthier_feedback"], self._tables["luthier_answers"]
        with self._begun() as connection:
            rows = connection.execute(self._alchemy.select(said).order_by(said.c.id)).mappings().all()
            found: list[tuple[int, Any, Any]] = []
            for row in rows:
                text = row["input"]
                if text is None:
                    asked = self._alchemy.select(own.c.input).where(
                        own.c.request_id == row["request_id"], own.c.item == row["item"]
                    )
                    text = connection.execute(asked.order_by(own.c.id.desc()).limit(1)).scalar()
                found.append((int(row["id"]), None if text is None else json.loads(text), json.loads(row["label"])))
            return found

    def _check(self, writes: bool) -> None:
        with self._begun() as connection:
            there = self._alchemy.inspect(connection).has_table("luthier_version")
            if not there and not writes:
                fix = t("name the address that was given to luthier serve --record")
                raise ConfigError.at(self.name, t("holds no answers of a server"), fix, code="no-log")
            own = self._tables["luthier_version"]
            if not there:
                own.metadata.create_all(connection)
                connection.execute(own.insert(), [{"version": VERSION}])
            version = connection.execute(self._alchemy.select(own.c.version)).scalar()
        if version != VERSION:
            what = t("its tables are of version {theirs}, and this Luthier knows version {ours}", theirs=version,
                     ours=VERSION)  # fmt: skip
            raise ConfigError.at(self.name, what, t("name another database"), code="other-version")

    @contextmanager
    def _begun(self) -> Iterator[Any]:
        """A connection in a transaction, which is given up where anything fails."""
        with (
            told(self._alchemy, self._address, self.name, self._refused),
            connected(self._engine, self._url, self.name) as connection,
            connection.begin(),
        ):
            yield connection

    def _refused(self, reason: str) -> LuthierError:
        what = t("the database does not do as it is asked: {reason}", reason=reason)
        return DataError.at(self.name, what, t("is it full, locked, or may it not be written?"), code="database")


def as_row(
    request_id: str, item: int, time: float, model: str, name: str, traits: Traits, texts: tuple[Any, Any] | None
) -> dict[str, Any]:
    """A row of luthier_answers. texts: what was sent and what is shown of the answer; None to keep neither."""
    said = traits.said
    sent, shown = texts if texts is not None else (None, None)
    return {
        "time": time, "request_id": request_id, "item": item, "model": model, "name": name, "digest": traits.digest,
        "characters": traits.characters, "tokens": traits.tokens, "unknown": traits.unknown, "rare": traits.rare,
        "words": traits.words.astype(_MARKS).tobytes(), "labels": json.dumps(said.labels, ensure_ascii=False),
        "value": said.value, "confidence": said.confidence,
        "vector": None if traits.vector is None else traits.vector.astype(_HALF).tobytes(),
        "input": None if texts is None else json.dumps(sent, ensure_ascii=False),
        "answer": None if texts is None else json.dumps(shown, ensure_ascii=False),
    }  # fmt: skip


def _logged(row: Mapping[str, Any]) -> Logged:
    said = Said(tuple(json.loads(row["labels"])), row["value"], row["confidence"])
    vector = None if row["vector"] is None else np.frombuffer(row["vector"], _HALF)
    words = np.frombuffer(row["words"], _MARKS)
    traits = Traits(row["digest"], row["characters"], row["tokens"], row["unknown"], row["rare"], words, said, vector)
    return Logged(float(row["time"]), traits, None if row["input"] is None else json.loads(row["input"]))
