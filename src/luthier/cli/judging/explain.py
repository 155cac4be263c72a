"""luthier explain: why did it say so?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.judging.explained import show
from luthier.cli.options import Json, Quiet, RunFolder, check_file, data_settings, split_source
from luthier.errors import LuthierError, Problem
from luthier.language import t

if TYPE_CHECKING:
    from luthier.config.schema import DataSettings
    from luthier.inference.artifact import Predictor
    from luthier.types import Example

_MOST_TOGETHER, _MOST_TESTED = 500, 100
"""Rows whose words are told together, and rows by which faithfulness is measured: of more, as many spread evenly."""


def explain(
    run: RunFolder,
    source: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE|-] [data.…=…]…",
            help=t("a file of texts; - for standard input; left out, the run's own validation rows all together"),
            show_default=False,
        ),
    ] = None,
    text: Annotated[list[str] | None, typer.Option("--text", help=t("a text; may be repeated"))] = None,
    how: Annotated[
        str | None,
        typer.Option("--how", help=t("gradient, the quick way; integrated, which adds up; occlusion, which only asks")),
    ] = None,
    all_rows: Annotated[
        bool, typer.Option("--all", help=t("the words behind each answer, over all rows of a labelled file"))
    ] = False,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help=t("inputs that are explained at most"))] = 20,
    nearest: Annotated[
        int, typer.Option("--nearest", min=0, help=t("training rows that are named as most like an input"))
    ] = 3,
    flip: Annotated[
        int, typer.Option("--flip", min=0, help=t("most words of an edit that changes the answer; 0 looks for none"))
    ] = 5,
    faithfulness: Annotated[
        bool, typer.Option("--faithfulness", help=t("measure whether the named words carry the answer"))
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help=t("of the random orders of words"))] = 42,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help=t("write the explanation as a page, such as why.html"))
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    from luthier.files import check_target, disk_trouble, write_text

    name, words = split_source(source)
    if text and (name is not None or all_rows):
        fix = t('luthier explain {run} FILE, or - for standard input, or --text "…"', run=run)
        raise LuthierError.at("command line", t("name either a file or a text"), fix, code="usage")
    if out is not None:
        check_target(out, (".html",))
    settings = data_settings(words, {})
    screen = Console(json=json, quiet=quiet)
    job = _Job(run, _predictor(run, name, settings, how), how, screen)
    if all_rows or (name is None and not text):
        job.together(_labelled(job, name, settings))
    else:
        job.each(_asked(job, name, text, settings, count), nearest, flip)
    if faithfulness:
        job.measure(seed)
    found = job.as_json()
    if out is not None:
        from luthier.report.explained.page import explanation_page

        with disk_trouble(out.parent):
            write_text(out, explanation_page(found))
    show(found, screen)
    if json:
        print_json(found)
    if out is not None:
        screen.say(t("written to {path}", path=out))


@dataclass
class _Job:
    """One call of the command. inputs: that were explained. content: what is printed as JSON."""

    run: Path
    predictor: Predictor
    how: str | None
    screen: Console
    inputs: Sequence[Any] = ()
    notes: list[str] = field(default_factory=list)
    content: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        from luthier.explaining.why import checked_way

        method = checked_way(self.predictor, self.how)
        return {"run": self.predictor.name, "method": method, "notes": self.notes, **self.content}

    def each(self, inputs: Sequence[Any], nearest: int, flip: int) -> None:
        from luthier.explaining.neighbours import neighbourhood
        from luthier.explaining.why import explain

        self.inputs = inputs
        among, note = neighbourhood(self.run, self.predictor, self.screen) if nearest else (None, "")
        self.notes += [note] if note else []
        if among is not None and among.looked_at < among.of:
            self.notes.append(t("the nearest are looked for among {some:,} of {all:,} training rows, spread evenly",
                                some=among.looked_at, all=among.of))  # fmt: skip
        with self.screen.track(t("explaining"), len(inputs)) as tracker:
            found = explain(
                self.predictor, inputs, self.how, flips=flip, among=among, nearest=nearest, done=tracker.advance
            )
        self.content["explanations"] = [one.as_json() for one in found]

    def together(self, examples: Sequence[Example[Any, Any]]) -> None:
        from luthier.evaluation.baselines import spread
        from luthier.explaining.overall import overall

        some = spread(examples, _MOST_TOGETHER)
        if len(some) < len(examples):
            self.notes.append(t("{some:,} of {all:,} rows are explained, spread evenly", some=len(some),
                                all=len(examples)))  # fmt: skip
        self.inputs = [example.input for example in some]
        with self.screen.track(t("explaining"), len(some)) as tracker:
            self.content["overall"] = overall(self.predictor, some, self.how, done=tracker.advance).as_json()

    def measure(self, seed: int) -> None:
        from luthier.evaluation.baselines import spread
        from luthier.explaining.faithful import faithfulness

        some = spread(self.inputs, _MOST_TESTED)
        with self.screen.track(t("taking words out"), len(some)) as tracker:
            found = faithfulness(self.predictor, some, self.how, seed=seed, done=tracker.advance)
        self.content["faithfulness"] = found.as_json()


def _predictor(run: Path, name: str | None, settings: DataSettings, how: str | None) -> Predictor:
    """Whatever is wrong with the words is said before a deep-learning library is imported."""
    check_file(name, settings)
    from luthier.extras import require
    from luthier.models.run import needed

    require(*needed(run), *(("captum",) if how == "integrated" else ()))
    from luthier.explaining.why import checked_way
    from luthier.inference.artifact import load_artifact

    predictor = load_artifact(run)
    checked_way(predictor, how)
    return predictor


def _asked(job: _Job, name: str | None, text: list[str] | None, settings: DataSettings, count: int) -> list[Any]:
    """The first inputs. What cannot be read, and that there are more, is noted."""
    from luthier.cli.predict import inputs_of

    items = iter(inputs_of(job.predictor, name, text, settings, job.screen))
    some = list(items if text else islice(items, count))
    bad = [item for item in some if isinstance(item, Problem)]
    if bad:
        what = t("{count} inputs could not be read; the first: {problem}", count=len(bad), problem=bad[0])
        job.notes.append(what)
    if next(items, None) is not None:
        job.notes.append(t("only the first {count} inputs are explained; -n explains more", count=count))
    return [item for item in some if not isinstance(item, Problem)]


def _labelled(job: _Job, name: str | None, settings: DataSettings) -> Sequence[Example[Any, Any]]:
    """The rows of a labelled file, or those that the run did not learn from."""
    if name == "-":
        fix = t("luthier explain {run} FILE --all", run=job.run)
        raise LuthierError.at("command line", t("--all takes a file of labelled rows"), fix, code="usage")
    if name is not None:
        from luthier.preparing.again import read_examples

        return read_examples(name, job.predictor.codec, settings, job.screen)
    from luthier.runfolder import CONFIG

    if not (job.run / CONFIG).is_file():
        what = t("is no run's folder: it does not tell its validation rows")
        fix = t("luthier explain {run} FILE --all", run=job.run)
        raise LuthierError.at(str(job.run), what, fix, code="no-run")
    from luthier.exporting.original import held_out

    part, examples = held_out(job.run)
    job.notes.append(t("{count} {part} rows of the run", count=len(examples), part=t(part)))
    return examples
