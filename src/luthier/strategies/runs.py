"""Several strategies in turn, each a run of its own below one folder; data, split and baselines are shared."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier import run as single
from luthier.config.located import Located
from luthier.config.schema import Settings
from luthier.config.settings import check_settings, flat, load_settings, opened, read_settings
from luthier.errors import ConfigError
from luthier.extras import require
from luthier.files import write_text
from luthier.identity import check_explicit
from luthier.language import t
from luthier.looks import Looks
from luthier.models.known import choose_model
from luthier.preparing.prepare import Prepared, prepare
from luthier.progress import SILENT, Progress
from luthier.runfolder import CONFIG, STRATEGIES, check_free, claim, is_finished, sweep_run
from luthier.several import begin as begin_whole
from luthier.several import train_within
from luthier.strategies.names import BEGUN, FLAG, Strategy, begun_in, read_strategies

if TYPE_CHECKING:
    from luthier.evaluation.baselines import Baseline
    from luthier.models.find import ModelFolder


@dataclass(frozen=True)
class Compared:
    """Finished strategies. report: the content of strategies.json. recommended: the run that it recommends."""

    folder: Path
    report: Mapping[str, Any] = field(repr=False)

    @property
    def recommended(self) -> Path:
        return self.run(self.report["recommended"])

    @property
    def sentence(self) -> str:
        return str(self.report["sentence"])

    def run(self, name: str) -> Path:
        """The folder of a strategy's run. Errors: StopIteration for one that is not among them."""
        return self.folder / next(one["folder"] for one in self.report["strategies"] if one["name"] == name)


def train_strategies(
    tree: Located, names: Sequence[str], *, minutes: float | None = None, resume: bool = False,
    overwrite: bool = False, screen: Progress = SILENT,
) -> Compared:  # fmt: skip
    """tree: what the user said, a configuration or data with settings. names: tuning methods, with options as
    `lora:r=8`. minutes: of training, shared out equally; without them each has the same number of epochs.

    A resume goes on with the first strategy that is not finished. Errors: LuthierError.
    """
    settings = check_settings(opened(tree))
    path = single.run_path(settings, resume=resume)
    if resume and (path / CONFIG).is_file():
        tree = _as_begun(path, tree)
        settings = check_settings(opened(tree))
    strategies = read_strategies(tree, names)
    _check(settings, minutes)
    require("torch", "transformers", "peft")
    check_free(path, resume=resume, overwrite=overwrite)
    begun = begun_in(path) if resume else None
    if begun is not None and (begun["names"], begun["minutes"]) != (list(names), minutes):
        what = t("were begun with {names}", names=f"{FLAG} {','.join(begun['names'])}")
        fix = t("resume with these, or start anew with another --out")
        raise ConfigError.at(str(path), what, fix, code="other-run")
    if is_finished(path) and resume:
        screen.say(t("{run} is finished; nothing is left to do", run=path))
        return _read(path)
    return _train(path, settings, strategies, minutes, begun or {}, overwrite=overwrite, screen=screen)


def _as_begun(path: Path, tree: Located) -> Located:
    """What the strategies were begun with, and what may be changed of it. Errors: CheckpointError for anything else."""
    config = path / CONFIG
    changed = check_explicit(flat(opened(tree).plain()), load_settings(config), str(config))
    return read_settings(config, values={**changed, "out": str(path)})


def _check(settings: Settings, minutes: float | None) -> None:
    """Errors: ConfigError for what cannot be compared."""
    if minutes is not None and minutes <= 0:
        raise ConfigError.at("--minutes", t("is {value}", value=minutes), t("use a number above 0"), code="usage")
    if minutes is not None and settings.train.epochs != "auto":
        what = t("{first} contradicts {second}", first="--minutes", second="train.epochs")
        raise ConfigError.at("--minutes", what, t("drop one of the two"), code="conflict")
    if settings.data.split.folds is not None:
        what = t("{first} contradicts {second}", first=FLAG, second="data.split.folds")
        raise ConfigError.at("data.split.folds", what, t("drop one of the two"), code="conflict")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        what = t("several processes train one strategy at a time")
        raise ConfigError.at(FLAG, what, t("train each with tuning.method=… and an --out of its own"), code="conflict")


def _train(
    path: Path, settings: Settings, strategies: Sequence[Strategy], minutes: float | None, begun: Mapping[str, Any],
    *, overwrite: bool, screen: Progress,
) -> Compared:  # fmt: skip
    from luthier import announce
    from luthier.strategies.beginning import Beginning, begin
    from luthier.strategies.told import finish

    began = time.time()
    prepared = prepare(settings)
    kind = prepared.task.auto_class
    pretrained = any(strategy.settings.pretrained for strategy in strategies)
    model, choices = choose_model(settings.model, prepared.language, kind, weights=pretrained)
    announce.data(prepared, screen)
    for choice in choices:
        screen.say(f"{choice.key} = {choice.value}: {choice.reason}")
    with claim(path, overwrite=overwrite) as owned:
        sweep_run(owned.path)
        heading = t("What the strategies have in common; each has its whole configuration in its own folder.")
        begin_whole(path, settings, heading, prepared.saved.text())
        names = [strategy.name for strategy in strategies]
        plan = {"names": names, "minutes": minutes, "epochs": begun.get("epochs")}
        write_text(path / BEGUN, json.dumps(plan))  # a resume of whatever comes next finds it
        shared: Beginning = begin(strategies, prepared, model, minutes, begun.get("epochs"), screen)
        write_text(path / BEGUN, json.dumps({**plan, "epochs": shared.epochs}))
        _say_budget(settings, shared.epochs, minutes, screen)
        for number, strategy in enumerate(strategies, 1):
            title = t("{name} ({number} of {count})", name=strategy.name, number=number, count=len(strategies))
            _run(path, strategy, shared.epochs[strategy.name], prepared, model, shared.baselines, title, screen,
                 first=number == 1)  # fmt: skip
        finish(path, strategies, prepared, shared, minutes, screen, began)
    return _read(path)


def _run(
    path: Path, strategy: Strategy, epochs: int, prepared: Prepared, model: ModelFolder,
    baselines: Sequence[Baseline], title: str, screen: Progress, *, first: bool,
) -> None:  # fmt: skip
    import torch

    from luthier.training.throughput import forget_peak_memory

    folder = path / strategy.folder
    train = strategy.settings.train.model_copy(update={"epochs": epochs})
    data = strategy.settings.data.model_copy(update={"split": prepared.how})
    own = strategy.settings.model_copy(update={"out": str(folder), "model": model.name, "train": train, "data": data})
    if is_finished(folder):
        return
    forget_peak_memory("cuda" if torch.cuda.is_available() else "cpu")
    train_within(path, own, prepared, title, screen, explicit={}, tables=first, looks=Looks(baselines))


def _say_budget(settings: Settings, epochs: Mapping[str, int], minutes: float | None, screen: Progress) -> None:
    if minutes is None:
        screen.say(t("equal epochs: {epochs} for each strategy; each may stop early on the validation rows",
                     epochs=next(iter(epochs.values()))))  # fmt: skip
    else:
        listed = ", ".join(f"{name} {count}" for name, count in epochs.items())
        screen.say(t("equal time: {minutes:.1f} minutes of training for each strategy, by a few steps of each: epochs "
                     "{epochs}", minutes=minutes / len(epochs), epochs=listed))  # fmt: skip
    if settings.train.learning_rate != "auto":
        screen.warn(t("train.learning_rate={rate} is used for every strategy; left out, each has the rate that is "
                      "usual for it", rate=settings.train.learning_rate))  # fmt: skip


def _read(path: Path) -> Compared:
    return Compared(path, json.loads((path / STRATEGIES).read_text(encoding="utf-8")))
