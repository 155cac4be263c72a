"""A file's rows to an index that a server searches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from luthier.config.schema import DataSettings
from luthier.errors import ConfigError, DataError, Place, Problem, did_you_mean
from luthier.formats.cells.columns import named
from luthier.formats.cells.lists import as_list
from luthier.formats.cells.text import checked_text
from luthier.inference.artifact import Predictor
from luthier.language import t
from luthier.models.run import weights_digest
from luthier.preparing.rows import read_options
from luthier.progress import SILENT, Progress
from luthier.reading.open import open_data
from luthier.reading.read import Table
from luthier.searching.index import EXACT, write_index
from luthier.types import Row

_HELD = 4096


def index_file(
    predictor: Predictor, run: Path, name: str, out: Path, how: DataSettings, *, column: str | None = None,
    exact: int = EXACT, screen: Progress = SILENT,
) -> tuple[int, list[Problem]]:  # fmt: skip
    """Writes the index of a file into `out`, which must not exist. How many texts it holds, and the rows that could
    not be read.

    column: what is embedded; a cell may hold a list of texts. exact: up to how many texts are all compared.
    Errors: DataError for a file that cannot be read; ConfigError for a model that makes no vectors.
    """
    check_vectors(predictor)
    table = open_data(name, read_options(how))
    chosen = _column(table, predictor, column)
    screen.say(t("embedding the column {column}", column=chosen))
    source, bad = _texts(table, chosen), []
    vectors, rows = [], []
    with screen.track(t("embedding"), float("inf")) as tracker:
        while chunk := list(islice(source, _HELD)):
            bad += [item for item in chunk if isinstance(item, Problem)]
            good = [item for item in chunk if not isinstance(item, Problem)]
            asked = [predictor.codec.task.as_input({"document": text}) for text, _ in good]
            vectors += [as_vector(predictor, said) for said in predictor.raw(asked, tracker.advance)]
            rows += [row for _, row in good]
    if not vectors:
        what, fix = t("has no text in the column {column}", column=chosen), t("name another with --text")
        raise DataError(Problem(Place(name), what, fix, "no-rows"), *bad)
    facts = {"model": weights_digest(run), "column": chosen, "source": Path(name).name}
    write_index(out, np.stack(vectors), rows, facts, exact)
    return len(vectors), bad


def check_vectors(predictor: Predictor) -> None:
    """Errors: ConfigError for a model that makes no vectors."""
    as_vector(predictor, predictor.raw([predictor.codec.task.as_input("?")])[0])


def as_vector(predictor: Predictor, said: Any) -> np.ndarray:
    """Errors: ConfigError for a prediction that is no vector."""
    vector = predictor.codec.task.vector(said)
    if vector is None:
        what = t("{task} makes no vectors", task=predictor.codec.task.name)
        raise ConfigError.at(predictor.name, what, t("use a run of the task retrieval"), code="no-vectors")
    return vector


def _column(table: Table, predictor: Predictor, asked: str | None) -> str:
    """The one that is named; else the training data's own for documents, or one that is called so; else the only one.
    Errors: ConfigError."""
    if asked is not None:
        if asked not in table.columns:
            what = t("there is no column '{name}'", name=asked)
            raise ConfigError.at("--text", what, did_you_mean(asked, table.columns), code="no-such-column")
        return asked
    known = predictor.codec.columns
    for column in reversed([c for c in predictor.codec.task.format.columns if c.required]):
        found = known.get(column.name) if known.get(column.name) in table.columns else named(table.columns, column)
        if found is not None:
            return found
    if len(table.columns) == 1:
        return table.columns[0]
    fix = t("name it with --text; there are: {names}", names=", ".join(table.columns))
    raise ConfigError.at(table.name, t("which column is to be searched?"), fix, code="no-such-column")


def _texts(table: Table, column: str) -> Iterator[tuple[str, Mapping[str, Any]] | Problem]:
    """Each text with its whole row; for one that cannot be read the Problem."""
    for row in table.rows:
        if not isinstance(row, Row):
            yield row
            continue
        place = Place(row.place.file, row.place.line, column)
        value = row.values.get(column)
        cells = as_list(value)
        for cell in [value] if cells is None else cells:
            try:
                yield checked_text(cell, place), row.values
            except DataError as error:
                yield error.problems[0]
