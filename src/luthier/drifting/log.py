"""The rows that a model was asked, from the log of a server or from a file of texts, held against the run's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.config.schema import DataSettings
from luthier.drifting.changes import LEAST_ROWS, Sides
from luthier.drifting.drift import ALPHA, Drift, judge
from luthier.errors import ConfigError, DataError, Place, Problem, RunError
from luthier.evaluation.elsewhere.noted import traits_of
from luthier.evaluation.elsewhere.portrait import FILE, Portrait
from luthier.evaluation.elsewhere.traits import Traits, on_axes
from luthier.extras import require
from luthier.language import t
from luthier.models.run import needed, weights_digest
from luthier.progress import SILENT, Progress
from luthier.recording.store import Store, as_address

if TYPE_CHECKING:  # torch takes seconds to import, and a log needs none
    from luthier.inference.artifact import Predictor

_MOST_READ = 20_000
"""The newest rows of a log."""
_MOST_COMPARED = 4000
_MOST_ASKED = 2000
"""Rows of a file, which the model has to answer first."""
_SEED = 42


def drift_of(
    run: Path, log: str, how: DataSettings | None = None, *, since: float | None = None, alpha: float = ALPHA,
    model: str | None = None, screen: Progress = SILENT,
) -> Drift:  # fmt: skip
    """run: a run's folder. log: the address or file of a server's record, or a file of texts, which is read as `how`
    says. since: of a record, seconds since 1970. model: of a record, the name or id of the one whose answers are looked
    at; the run's own weights, if None. Errors: RunError, DataError, ConfigError."""
    portrait = _portrait(run)
    address = as_address(log)
    if address is not None:
        return _of_record(portrait, run, address, since, alpha, model)
    if since is not None or model is not None:
        option, what = "--since" if since is not None else "--model", t("a file of texts does not say when or by whom")
        raise ConfigError.at(option, what, t("name the database of a server, or leave it out"), code="conflict")
    return _of_file(portrait, run, log, how or DataSettings(), alpha, screen)


def _portrait(run: Path) -> Portrait:
    if not (run / FILE).is_file():
        weights_digest(run)  # says what is no run
        what = t("keeps nothing of its training data ({file} is missing)", file=FILE)
        raise RunError.at(str(run), what, t("name the folder of the run, not its model's"), code="no-portrait")
    portrait = Portrait.load(run / FILE)
    if not portrait.held:
        what = t("was made by an earlier version, which did not keep what its model says of held-out rows")
        raise RunError.at(str(run), what, t("train it again"), code="no-portrait")
    return portrait


def _of_record(
    portrait: Portrait, run: Path, address: str, since: float | None, alpha: float, model: str | None
) -> Drift:
    store = Store(address)
    rows = store.answers(_model_of(store, run, model), since, _MOST_READ)
    notes = _read_notes(len(rows))
    unlike, repeated = _once([row.traits for row in rows])
    unlike = _some(unlike, _MOST_COMPARED)
    looked = [row.vector for row in unlike if row.vector is not None]
    held = on_axes(portrait.vectors_SD) if len(portrait.vectors_SD) else None
    if held is not None and len(looked) < LEAST_ROWS:
        notes.append(t("the embedding is not compared: the server recorded {count} vectors (--record-vectors), and "
                       "{least} are wanted", count=len(looked), least=LEAST_ROWS))  # fmt: skip
    sides = Sides(_once(portrait.held)[0], unlike, held, np.stack(looked) if looked else None, _SEED)
    times = [row.time for row in rows]
    found = judge(sides, repeated=repeated, alpha=alpha, notes=notes)
    return replace(found, first=min(times, default=None), last=max(times, default=None))


def _model_of(store: Store, run: Path, asked: str | None) -> str:
    """The id of the model whose rows are looked at. Errors: DataError where it has none."""
    wanted, there = asked or weights_digest(run), store.models()
    for id, name, _ in there:
        if wanted in (id, name):
            return id
    listed = ", ".join(f"{name} ({rows})" for _, name, rows in there) or t("none")
    what = t("holds no answers of this model; there are: {models}", models=listed)
    fix = t("name one with --model, if it is the same model in another form")
    raise DataError.at(store.name, what, fix, code="other-model")


def _read_notes(rows: int) -> list[str]:
    return [t("only the newest {rows} rows are looked at", rows=rows)] if rows == _MOST_READ else []


def _of_file(portrait: Portrait, run: Path, log: str, how: DataSettings, alpha: float, screen: Progress) -> Drift:
    require(*needed(run))
    from luthier.inference.artifact import load_artifact
    from luthier.pictured import most_vectors
    from luthier.preparing.again import read_inputs

    predictor = load_artifact(run)
    inputs: list[Any] = []
    bad = 0
    for one in islice(read_inputs(log, predictor.codec, how, screen), 10 * _MOST_READ):
        bad += isinstance(one, Problem)
        inputs += [] if isinstance(one, Problem) else [one]
    if not inputs:
        raise DataError(Problem(Place(log), t("no row can be read"), t("name the columns: --text"), "no-rows"))
    notes = [t("{count} rows cannot be read and are passed over", count=bad)] if bad else []
    plain = predictor.codec.task.format.plain_text
    unlike = list({plain(one): one for one in inputs}.values())
    repeated = len(inputs) - len(unlike)
    asked = _some(unlike, _MOST_ASKED)
    if len(asked) < len(unlike):
        notes.append(t("{count} of the {all} rows were asked, drawn at random", count=len(asked), all=len(unlike)))
    new, vectors = looked_at(predictor, portrait, asked, most_vectors(predictor), screen)
    return judge(sides_of(portrait, new, vectors), repeated=repeated, alpha=alpha, notes=notes)


def looked_at(
    predictor: Predictor, portrait: Portrait, inputs: Sequence[Any], most: int, screen: Progress
) -> tuple[list[Traits], np.ndarray | None]:
    """What is kept of inputs, and float16 [N, D], the vectors of the first of them, `most` at most, where the run has
    some to be held against."""
    from luthier.pictured import vectors_of

    said: Sequence[Any] = ()
    if not predictor.codec.task.speaks_untuned:  # of what is written nothing would be kept
        with screen.track(t("predicting"), len(inputs)) as tracker:
            said = predictor.raw(inputs, tracker.advance)
    vectors = None
    if len(portrait.vectors_SD) and predictor.makes_vectors:
        vectors = vectors_of(predictor, inputs[:most], screen).astype(np.float16)
    return traits_of(predictor.codec, inputs, said, portrait, portrait.key), vectors


def sides_of(portrait: Portrait, new: Sequence[Traits], vectors: np.ndarray | None) -> Sides:
    """vectors: as wide as those of the portrait."""
    return Sides(_once(portrait.held)[0], new, portrait.vectors_SD if vectors is not None else None, vectors, _SEED)


def _once(rows: Sequence[Traits]) -> tuple[list[Traits], int]:
    """Each text once, as a test asks for rows that know nothing of each other; and how many more there were. Of equal
    ones that with a vector stays."""
    kept: dict[str, Traits] = {}
    for row in rows:
        if row.digest not in kept or kept[row.digest].vector is None:
            kept[row.digest] = row
    return list(kept.values()), len(rows) - len(kept)


def _some(rows: list[Any], most: int) -> list[Any]:
    """As many at most, drawn at random."""
    return rows if len(rows) <= most else [rows[i] for i in np.random.default_rng(_SEED).permutation(len(rows))[:most]]
