"""General text, by which is measured what a language model forgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import pairwise

from luthier.config.schema import DataSettings
from luthier.errors import ConfigError, DataError
from luthier.language import t
from luthier.preparing.rows import documents, read_options
from luthier.reading.open import open_data
from luthier.task import AnyTask
from luthier.types import Row
from luthier.writer import Writer

NONE = "none"
MOST_PASSAGES = 200
_COLUMNS = ("text", "content", "文本")


@dataclass(frozen=True)
class General:
    """name: for people. passages: texts of any length."""

    name: str
    passages: Sequence[str]


def general_text(data: DataSettings, task: AnyTask, language: str) -> General | None:
    """data.general, or what is embedded for the language; None for models that do not say how likely a text is, and
    where nobody wants it. Errors: DataError for a file without texts, ConfigError where there is no use for one."""
    reads = isinstance(task, Writer) and task.reads_plain
    if data.general is None:
        return _embedded("zh" if language == "zh" else "en") if reads else None
    if data.general == NONE:
        return None
    if not reads:
        what = t("is read by models that say of any text how likely it is, and {task} trains another kind",
                 task=task.name)  # fmt: skip
        raise ConfigError.at("data.general", what, t("leave it out"), code="conflict")
    return _given(data)


def _embedded(language: str) -> General:
    name = f"general_{language}.txt"
    return General(name, (files("luthier.demo") / name).read_text(encoding="utf-8").splitlines())


def _given(data: DataSettings) -> General:
    """A row a passage, of plain text a paragraph where empty lines part them; of very many some, spread over all."""
    assert data.general is not None
    table = open_data(data.general, read_options(data))
    column = next((name for name in _COLUMNS if name in table.columns), None)
    if column is None and len(table.columns) == 1:
        (column,) = table.columns
    if column is None:
        what = t("has no column of texts, only {columns}", columns=", ".join(table.columns[:8]))
        raise DataError.at(table.head, what, t("name a text file, or one with a column text"), code="missing-column")
    rows = [row for row in table.rows if isinstance(row, Row)]
    usual = "paragraph" if any((b.place.line or 0) - (a.place.line or 0) > 1 for a, b in pairwise(rows)) else "line"
    passages = documents(replace(table, rows=iter(rows)), data, usual)
    texts = [str(row.values.get(column) or "").strip() for row in passages if isinstance(row, Row)]
    texts = [text for text in texts if text]
    if not texts:
        raise DataError.at(table.name, t("holds no text"), t("name another file"), code="no-rows")
    kept = min(MOST_PASSAGES, len(texts))
    return General(table.name, [texts[k * len(texts) // kept] for k in range(kept)])
