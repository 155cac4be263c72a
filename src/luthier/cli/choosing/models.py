"""luthier models: which pretrained model for my data?"""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Label, Quiet, Seed, Source, Task, Text, read_words
from luthier.errors import printable
from luthier.language import t

if TYPE_CHECKING:
    from luthier.candidates.rank import Ranking
    from luthier.types import Score


def models(
    source: Source = None,
    candidates: Annotated[
        list[str] | None,
        typer.Option(
            "--candidates",
            metavar="NAME|FOLDER …",
            help=t("hub names, model folders, or a folder of these; without any what lies on this machine is measured"),
        ),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=20, help=t("how many training rows to judge on"))] = 2000,
    task: Task = None,
    text: Text = None,
    label: Label = None,
    seed: Seed = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    from luthier.config.settings import check_settings
    from luthier.extras import require

    words, names = _apart(source or [], candidates or [])
    settings = check_settings(read_words(words, task=task, text=text, label=label, seed=seed))
    require("torch", "transformers", "peft")
    from luthier.candidates.rank import rank_models

    screen = Console(json=json, quiet=quiet)
    found = rank_models(settings, names, most_rows=rows, screen=screen)
    if json:
        print_json(found.as_json())
    flags = {"--task": task, "--text": text, "--label": label, "--seed": None if seed is None else str(seed)}
    _show(found, screen)
    said = [*(words or ["DATA"]), *(word for flag, value in flags.items() if value for word in (flag, value))]
    command = " ".join(map(quote, [*said, "--model", found.advice.name]))
    screen.say(t("next    luthier train {command}", command=printable(command)))


def _apart(words: list[str], named: list[str]) -> tuple[list[str], list[str]]:
    """The data with its settings, and the names of candidates: after --candidates several may follow, with blanks or
    with commas between them."""
    after = [word for word in words[1:] if "=" not in word] if named else []
    names = [name for word in [*named, *after] for name in word.split(",") if name]
    return [word for word in words if word not in after], names


def _show(found: Ranking, screen: Console) -> None:
    _quality(found, screen)
    _sizes(found, screen)
    for one in found.models:
        for note in one.notes:
            screen.say(f"{one.name}: {note}")
    for unscored in dict.fromkeys(one.known.unscored for one in found.models if one.known.unscored):
        screen.say(t("no score: {why}", why=unscored))
    for one in found.failed:
        screen.warn(f"{one.name}: {one.problem.what}; {one.problem.fix}")
    _elsewhere(found, screen)
    screen.say()
    screen.say(found.advice.sentence)


def _quality(found: Ranking, screen: Console) -> None:
    """How good each is untuned, and what it costs here."""
    score = next((one.score for one in found.models if one.score), None)
    lines = [(one.name, _score(one.score), _number(one.known.logme), f"{one.tokens_per_second:,.0f}",
              _duration(one.seconds_to_tune)) for one in found.models]  # fmt: skip
    if found.words is not None:
        lines.append((t("counted words (TF-IDF)"), _score(found.words), "", "", t("seconds")))
    title = t("untuned, on {rows:,} rows, and what tuning would cost on {device}",
              rows=found.rows, device=found.device)  # fmt: skip
    name = t("score") if score is None else score.name + ("" if score.higher_is_better else t(" (less is better)"))
    headers = (t("model"), name, "LogME", t("tokens/s"), t("time of tuning"))
    screen.table(title, headers, lines)


def _sizes(found: Ranking, screen: Console) -> None:
    """What each is, and what it makes of the texts."""
    from luthier.files import size_text

    lines = [
        (one.name, one.facts.licence or t("not stated"), ", ".join(one.facts.languages) or "?",
         f"{one.parameters / 1e6:,.0f} M", size_text(one.facts.bytes), f"{one.facts.context:,}")
        for one in found.models
    ]  # fmt: skip
    headers = (t("model"), t("licence"), t("languages"), t("weights"), t("on disk"), t("context"))
    screen.table(t("what they are"), headers, lines)
    lines = [(one.name, f"{one.fit.per_character:.2f}", f"{one.fit.unknown:.1%}", f"{one.fit.cut:.1%}")
             for one in found.models]  # fmt: skip
    headers = (t("model"), t("tokens a character"), t("unknown tokens"), t("rows longer than the context"))
    screen.table(t("what their tokenizers make of the texts"), headers, lines)


def _elsewhere(found: Ranking, screen: Console) -> None:
    """Known models that were not measured."""
    from luthier.candidates.listed import list_date, use_title

    if not found.elsewhere:
        return
    lines = [(m.name, m.licence or t("not stated"), m.languages, f"{m.parameters:,} M", f"{m.context:,}",
              use_title(m.use)) for m in found.elsewhere]  # fmt: skip
    headers = (t("model"), t("licence"), t("languages"), t("weights"), t("context"), t("made for"))
    title = t("not here, but known (list of {date}); --candidates NAME fetches and measures one", date=list_date())
    screen.table(title, headers, lines)


def _score(score: Score | None) -> str:
    if score is None:
        return "–"
    return f"{score.value:.3f}  [{score.low:.3f}, {score.high:.3f}]"


def _number(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:+.3f}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return t("{seconds:.0f} s", seconds=seconds)
    return t("{minutes:.0f} min", minutes=seconds / 60) if seconds < 5400 else t("{hours:.1f} h", hours=seconds / 3600)
