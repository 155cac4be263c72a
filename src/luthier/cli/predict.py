"""luthier predict: answers for a file, for standard input, or for a text on the command line."""

from __future__ import annotations

import csv
import json as jsonlib
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luthier.cli.console import Console, print_json, write
from luthier.cli.options import Json, Precision, Quiet, RunFolder, check_file, data_settings, split_source
from luthier.cli.talk.settings import as_asked, split_settings
from luthier.errors import DataError, LuthierError, Place, Problem, printable
from luthier.language import t
from luthier.reading.source import Source, find_source
from luthier.report.files.growing import growing_file

if TYPE_CHECKING:
    from luthier.config.schema import DataSettings
    from luthier.inference.artifact import Predictor
    from luthier.task import AnyTask

Show = Callable[[Any, Any], None]
"""Takes an input and what is to be shown for it."""


def predict(
    run: RunFolder,
    source: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE|-] [key=value]…",
            help=t("a file of texts; - for standard input; then settings such as generation.temperature=0.7"),
            show_default=False,
        ),
    ] = None,
    text: Annotated[list[str] | None, typer.Option("--text", help=t("a text; may be repeated"))] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help=t("write .jsonl, .csv or, of vectors, .npy"))] = None,
    top_k: Annotated[int | None, typer.Option("--top-k", min=1, help=t("the k best answers each"))] = None,
    safe_csv: Annotated[
        bool,
        typer.Option("--safe-csv/--raw-csv", help=t("texts that a spreadsheet takes for formulas get a leading '")),
    ] = True,
    resume: Annotated[bool, typer.Option("--resume", help=t("go on with an interrupted .jsonl"))] = False,
    precision: Precision = "fp32",
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    words, generation = split_settings(source or ())
    name, words = split_source(words)
    ending = "" if out is None else out.suffix.lower()
    _check_usage(run, out, named=name is not None, texts=bool(text), resume=resume)
    how = data_settings(words, {})
    check_file(name, how)  # before a deep-learning library is imported
    from luthier.extras import require
    from luthier.models.run import needed, refuse_rejected

    require(*needed(run))
    refuse_rejected(run)
    from luthier.inference.artifact import load_artifact

    predictor = as_asked(load_artifact(run, precision=precision), generation)
    screen = Console(json=json or out is None, quiet=quiet)
    inputs = inputs_of(predictor, name, text, how, screen)
    if out is not None and ending == ".npy":
        from luthier.cli.vectors.write import write_vectors

        bad = write_vectors(predictor, inputs, out, screen)
        return _told(bad, out, screen)
    if out is not None and ending == ".jsonl":
        from luthier.inference.stream import held

        facts = _facts(run, name, text, [*(source or ()), f"--top-k={top_k}", precision])
        with growing_file(out, facts, resume=resume, every=held(predictor.codec.task)) as growing:
            if growing.done:
                screen.say(t("going on after {count} answers", count=growing.done))
            show = _line_writer(growing.write, as_json=json)
            bad = _answer_all(predictor, islice(inputs, growing.done, None), show, top_k, screen)
        return _told(bad, out, screen, growing.bad)
    with _sink(out, as_json=json, safe_csv=safe_csv, predictor=predictor) as show:
        bad = _answer_all(predictor, inputs, show, top_k, screen)
    return _told(bad, out, screen)


def _check_usage(run: Path, out: Path | None, *, named: bool, texts: bool, resume: bool) -> None:
    """Errors: LuthierError for words that do not go together. named: whether a file is, or standard input."""
    if named == texts:
        fix = t('luthier predict {run} FILE, or - for standard input, or --text "…"', run=run)
        raise LuthierError.at("command line", t("name either a file or a text"), fix, code="usage")
    if out is not None and out.suffix.lower() not in (".jsonl", ".csv", ".npy"):
        fix = t("name it .jsonl, .csv or, of vectors, .npy")
        raise LuthierError.at(str(out), t("'{ending}' cannot be written", ending=out.suffix), fix, code="usage")
    if resume and (out is None or out.suffix.lower() != ".jsonl"):
        fix = t("luthier predict {run} FILE -o ANSWERS.jsonl --resume", run=run)
        raise LuthierError.at("command line", t("only a .jsonl goes on where it was interrupted"), fix, code="usage")


def _facts(run: Path, name: str | None, texts: list[str] | None, settings: list[str]) -> dict[str, Any]:
    """By which answers are known to belong to the same question."""
    from luthier.files import files_in
    from luthier.models.run import model_folder

    weights = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files_in(model_folder(run))]
    file = Path(name) if name is not None and Path(name).is_file() else None
    size = [file.stat().st_size, file.stat().st_mtime_ns] if file else texts
    return {"model": [list(each) for each in weights], "data": [name, size], "settings": settings}


def _told(bad: list[Problem], out: Path | None, screen: Console, before: int = 0) -> int:
    """The exit code, after saying where the answers are and what could not be read. before: inputs that could not be
    read when the work began."""
    if bad:
        screen.warn(t("{count} inputs could not be read; the first: {problem}", count=len(bad), problem=bad[0]))
    if out is not None:
        screen.say(t("written to {path}", path=out))
    return 1 if bad or before else 0


def _answer_all(
    predictor: Predictor, inputs: Iterable[Any], show: Show, top_k: int | None, screen: Console
) -> list[Problem]:
    from luthier.inference.stream import answer

    bad: list[Problem] = []
    with screen.track(t("predicting"), float("inf")) as tracker:
        for item, prediction in answer(predictor, inputs, tracker.advance):
            if isinstance(item, Problem):
                bad.append(item)
                show(None, {"error": item.as_json()})
            else:
                show(item, predictor.codec.task.show(prediction, top_k))
    return bad


def inputs_of(
    predictor: Predictor, name: str | None, texts: list[str] | None, how: DataSettings, screen: Console
) -> Iterator[Any]:
    """name: of a file, or whatever else names data; "-" for standard input."""
    from luthier.preparing.again import read_inputs

    if texts:
        return iter([predictor.codec.task.as_input(text) for text in texts])
    if name is None or name == "-":
        return _lines(predictor, _decoded(sys.stdin.buffer), "standard input")
    if Path(name).suffix.lower() == ".txt" and Path(name).is_file():
        source = find_source(Path(name), encoding=how.encoding, max_bytes=how.max_bytes)
        if note := source.encoding.note():
            screen.say(f"{Path(name).name}: {note}")
        return _lines_of(predictor, source)
    return read_inputs(name, predictor.codec, how, screen)


def _decoded(lines: Iterable[bytes]) -> Iterator[str | Problem]:
    """Each line for itself, so that a bad one fails alone."""
    for number, line in enumerate(lines, 1):
        try:
            yield line.decode("utf-8-sig")
        except UnicodeDecodeError:
            what = t("is not {encoding}", encoding="UTF-8")
            yield Problem(Place("standard input", number), what, t("pipe it through iconv"), "encoding")


def _lines_of(predictor: Predictor, source: Source) -> Iterator[Any]:
    with source.open_lines() as lines:
        told = (lines.faults.pop(number, None) or line for number, line in enumerate(lines, 1))
        yield from _lines(predictor, told, source.name)


def _lines(predictor: Predictor, lines: Iterable[str | Problem], name: str) -> Iterator[Any]:
    """A text a line; a line that is a JSON object is a row with the training data's columns."""
    from luthier.data.rows import parse_rows
    from luthier.types import Row

    task, columns = predictor.codec.task, predictor.codec.columns
    for number, line in enumerate(lines, 1):
        place = Place(name, number)
        if isinstance(line, Problem):
            yield line
            continue
        stripped = line.rstrip("\r\n")
        row = _object(stripped)
        if row is not None:
            yield from parse_rows(
                [Row(row, place)], task.format.parse_input, {o: c for o, c in columns.items() if c in row}
            )
        elif not stripped.strip():
            yield Problem(place, t("no text"), t("remove the empty line"), "missing-text")
        else:
            yield _asked(task, stripped, place)


def _asked(task: AnyTask, text: str, place: Place) -> Any:
    """The line as the task's input; the Problem where the task asks for more than a text."""
    try:
        return task.as_input(text)
    except DataError as error:
        return replace(error.problems[0], place=place)


def _object(line: str) -> dict[str, Any] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = jsonlib.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


@contextmanager
def _sink(out: Path | None, *, as_json: bool, safe_csv: bool, predictor: Predictor) -> Iterator[Show]:
    """Where the answers go: the terminal, stdout as JSON Lines, or a table that appears whole."""
    if out is None:
        plain = predictor.codec.task.format.plain_text
        yield (lambda _, said: print_json(said)) if as_json else (lambda asked, said: _print(asked, said, plain))
        return
    from luthier.files import disk_trouble, whole_file

    with (
        disk_trouble(out.parent),
        whole_file(out) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        yield from _csv_writer(file, predictor, safe_csv)


def _line_writer(write_line: Callable[[str], None], *, as_json: bool) -> Show:
    def show(_: Any, said: Any) -> None:
        write_line(jsonlib.dumps(said, ensure_ascii=False))
        if as_json:
            print_json(said)

    return show


def _csv_writer(file: Any, predictor: Predictor, safe_csv: bool) -> Iterator[Show]:
    """The columns are those of the first answer; rows that could not be read before it are held back until then."""
    from luthier.report.files.predictions import as_cell, safe_cell

    writer = csv.writer(file)
    header: list[str] = []
    held = 0

    def begin(names: Iterable[str]) -> None:
        header.extend(["text", *names])
        writer.writerow(header)
        writer.writerows([[""] * len(header)] * held)

    def show(asked: Any, said: Any) -> None:
        nonlocal held
        cells = said if isinstance(said, dict) else {"prediction": said}
        if not header and "error" in cells:
            held += 1
            return
        if not header:
            begin(cells)
        text = "" if asked is None else predictor.codec.task.format.plain_text(asked)
        values = (as_cell(cells.get(name, "")) for name in header[1:])
        writer.writerow([safe_cell(text) if safe_csv else text, *values])

    yield show
    if held and not header:
        begin(("label", "score"))


def _print(asked: Any, said: Any, plain: Callable[[Any], str]) -> None:
    if isinstance(said, dict) and "error" in said:
        write(sys.stdout, f"–\t\t{said['error']['message']}")
        return
    from luthier.report.files.predictions import as_cell

    for one in (said or ["–"]) if isinstance(said, list) else [said]:  # a list of nothing is an answer, too
        values = one.values() if isinstance(one, dict) else [one]
        cells = [f"{value:.4f}" if isinstance(value, float) else printable(str(as_cell(value))) for value in values]
        write(sys.stdout, "\t".join([*cells, printable(plain(asked).replace("\n", " "))[:120]]))
