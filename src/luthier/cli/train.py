"""luthier train: from labelled text to a tuned, tested model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luthier.cli.console import Console, print_json
from luthier.cli.options import Json, Label, Model, Out, Quiet, Seed, Source, Task, Text, read_words, split_source
from luthier.language import t

if TYPE_CHECKING:
    from luthier.relearning.gate import Gate


def train(
    source: Source = None,
    task: Task = None,
    model: Model = None,
    text: Text = None,
    label: Label = None,
    out: Out = None,
    seed: Seed = None,
    resume: Annotated[bool, typer.Option("--resume", help=t("go on exactly where the run stopped"))] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help=t("remove the run that --out holds"))] = False,
    strategies: Annotated[
        str | None,
        typer.Option("--strategies", help=t("compare tuning methods, such as head,last_layers:n=4,lora,full,scratch")),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help=t("with --strategies: of training in all, the same for each"))
    ] = None,
    from_feedback: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help=t("RUN goes on learning from the corrections in this database")),
    ] = None,
    replay: Annotated[
        float | None, typer.Option(help=t("with --from-feedback: least share of the run's own rows; 0.8 if not given"))
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    if from_feedback is not None or replay is not None:
        asked = {"--resume": resume, "--strategies": strategies is not None, "--minutes": minutes is not None,
                 "--model": model is not None, "--task": task is not None}  # fmt: skip
        flags = {"text": text, "label": label, "out": out, "seed": seed}
        return _go_on(source, from_feedback, replay, asked, flags, overwrite, Console(json=json, quiet=quiet), json)
    from luthier.config.settings import check_settings, flat, opened
    from luthier.folds import train as run
    from luthier.run import run_path
    from luthier.strategies.names import begun_in, split_names

    tree = opened(read_words(source, task=task, model=model, text=text, label=label, out=out, seed=seed))
    screen = Console(json=json, quiet=quiet)
    begun = begun_in(run_path(check_settings(tree), resume=True)) if resume else None
    if strategies is not None or minutes is not None or begun is not None:
        from luthier.strategies.runs import train_strategies

        names = split_names(strategies) if strategies is not None else list(begun["names"]) if begun else []
        minutes = begun["minutes"] if begun is not None and minutes is None else minutes
        compared = train_strategies(tree, names, minutes=minutes, resume=resume, overwrite=overwrite, screen=screen)
        if json:
            print_json(dict(compared.report))
        return 0
    explicit = flat(tree.plain())
    done = run(check_settings(tree), explicit=explicit, resume=resume, overwrite=overwrite, screen=screen)
    gate = None
    if resume:
        from luthier.relearning.learn import judge_resumed

        gate = judge_resumed(done.folder, screen)
    if json:
        print_json({**done.report, **({"feedback": gate.as_json()} if gate is not None else {})})
    return _judged(gate, screen) if gate is not None else 0


def _go_on(
    words: list[str] | None, address: str | None, replay: float | None, asked: dict[str, bool], flags: dict[str, Any],
    overwrite: bool, screen: Console, json: bool,
) -> int:  # fmt: skip
    """asked: options that have no meaning here, and whether they were given. Errors: ConfigError for them."""
    from luthier.cli.options import settings_values
    from luthier.errors import ConfigError

    given = [name for name, there in asked.items() if there]
    if given or address is None:
        what = t("changes nothing with --from-feedback") if address else t("has a meaning with --from-feedback alone")
        raise ConfigError.at(given[0] if address else "--replay", what, t("leave it out"), code="conflict")
    source, overrides = split_source(words)
    if source is None or not Path(source).is_dir():
        fix = t("luthier train RUN --from-feedback {address}", address="sqlite:///answers.db")
        raise ConfigError.at("luthier train", t("--from-feedback goes on with a run, and none is named"), fix,
                             code="usage")  # fmt: skip
    from luthier.relearning.learn import REPLAY, learn_from_feedback

    values = settings_values(None, **flags)[1]
    done = learn_from_feedback(Path(source), address, overrides, values, replay=REPLAY if replay is None else replay,
                               overwrite=overwrite, screen=screen)  # fmt: skip
    if json:
        print_json({**done.run.report, "feedback": done.gate.as_json()})
    return _judged(done.gate, screen)


def _judged(gate: Gate, screen: Console) -> int:
    screen.say()
    screen.say(gate.sentence())
    return 1 if gate.worse else 0
