"""The tables in which a server keeps what it answered. VERSION is theirs: no table changes without a new one."""

from __future__ import annotations

from typing import Any

VERSION = 1


def tables(alchemy: Any) -> Any:
    """SQLAlchemy's MetaData with luthier_version, luthier_answers and luthier_feedback.

    luthier_answers, a row an input: time in seconds since 1970; request_id and item, which input of the request it was;
    model, the SHA-256 of the weights; digest … vector as in Traits, words and vector as little-endian bytes, labels as
    JSON; input and answer, as JSON, only where texts are recorded. luthier_feedback: what a client says is right; input
    is what it sent for it, else null, and then stands in luthier_answers.
    """
    a = alchemy
    found = a.MetaData()
    number, wide = a.Double(), a.BigInteger().with_variant(a.Integer(), "sqlite")  # SQLite counts up only an INTEGER
    a.Table("luthier_version", found, a.Column("version", a.Integer, primary_key=True))
    a.Table(
        "luthier_answers", found,
        a.Column("id", wide, primary_key=True),
        a.Column("time", number, nullable=False, index=True),
        a.Column("request_id", a.String(64), nullable=False, index=True),
        a.Column("item", a.Integer, nullable=False),
        a.Column("model", a.String(64), nullable=False),
        a.Column("name", a.Text, nullable=False),
        a.Column("digest", a.String(32), nullable=False),
        a.Column("characters", a.Integer, nullable=False),
        a.Column("tokens", a.Integer, nullable=False),
        a.Column("unknown", number), a.Column("rare", number), a.Column("words", a.LargeBinary, nullable=False),
        a.Column("labels", a.Text, nullable=False),
        a.Column("value", number), a.Column("confidence", number), a.Column("vector", a.LargeBinary),
        a.Column("input", a.Text), a.Column("answer", a.Text),
    )  # fmt: skip
    a.Table(
        "luthier_feedback", found,
        a.Column("id", wide, primary_key=True),
        a.Column("time", number, nullable=False, index=True),
        a.Column("request_id", a.String(64)), a.Column("item", a.Integer),
        a.Column("model", a.String(64), nullable=False),
        a.Column("input", a.Text),
        a.Column("label", a.Text, nullable=False),
    )  # fmt: skip
    return found
