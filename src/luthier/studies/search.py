"""Which settings? Trials that learn and are judged without a look at the test rows, then one test of the winner beside
the default."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.config.located import Located
from luthier.config.settings import opened
from luthier.config.write import public
from luthier.errors import ConfigError, InterruptedRun, Place, Problem
from luthier.extras import require
from luthier.files import disk_trouble, write_text
from luthier.language import t
from luthier.looks import Looks
from luthier.preparing.prepare import Prepared, prepare
from luthier.progress import SILENT, Progress
from luthier.runfolder import CONFIG, SEARCH, check_free, claim, is_finished, new_run_path, sweep_run
from luthier.studies.beginning import Asked, Beginning, begin, check_judged, read_asked, withheld
from luthier.studies.crews.attempt import release
from luthier.studies.crews.outcome import FAILED, STOPPED
from luthier.studies.ledger import Ledger, Record
from luthier.studies.resuming import SEARCHES, as_begun, newest_search, write_begun

if TYPE_CHECKING:
    from luthier.finish import Run
    from luthier.studies.crews.local import Crew
    from luthier.studies.finals import Finalist, Seeds

TRIALS = "trials.log"


@dataclass(frozen=True)
class Found:
    """A finished search. report: the content of search.json. run: the winner's, tested."""

    folder: Path
    report: Mapping[str, Any] = field(repr=False)
    run: Run = field(repr=False)


def search(tree: Located, *, resume: bool = False, overwrite: bool = False, screen: Progress = SILENT) -> Found:
    """tree: what the user wrote. resume: go on with the search that the folder holds; no finished trial is lost or done
    again. overwrite: remove it. Errors: LuthierError; InterruptedRun after a signal, which loses nothing either."""
    require("optuna", "torch", "transformers", "peft")
    tree = opened(tree)
    path = _path(tree, resume=resume)
    check_free(path, resume=resume, overwrite=overwrite)
    asked = read_asked(as_begun(path, tree) if resume else tree)
    _check_machines(asked)
    if resume and is_finished(path):
        screen.say(t("{run} is finished; nothing is left to do", run=path))
        return read_found(path)
    prepared = prepare(asked.settings)
    check_judged(prepared, asked.settings)
    from luthier import announce

    announce.data(prepared, screen)
    beginning = begin(asked, withheld(prepared), screen)
    release()
    _show_space(beginning, asked, screen)
    with claim(path, overwrite=overwrite) as owned:
        sweep_run(owned.path)
        write_begun(path, asked.tree, prepared)
        _conduct(path, asked, beginning, prepared, screen)
    return read_found(path)


def read_found(path: Path) -> Found:
    from luthier.finish import read_run

    report = json.loads((path / SEARCH).read_text(encoding="utf-8"))
    return Found(path, report, read_run(path / report["run"]))


def _path(tree: Located, *, resume: bool) -> Path:
    out = tree.find(["out"]).value
    if isinstance(out, str):
        return Path(out)
    if resume:
        return newest_search()
    named = tree.find(["data", "train"]).value
    return new_run_path(Path(named if isinstance(named, str) and "://" not in named else "search"), SEARCHES)


def _check_machines(asked: Asked) -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        what, fix = t("a search begins its processes itself"), t("start it once, with --workers or --ray")
        raise ConfigError.at("WORLD_SIZE", what, fix, code="conflict")
    if asked.settings.search.ray is not None:
        require("ray")


def _conduct(path: Path, asked: Asked, beginning: Beginning, prepared: Prepared, screen: Progress) -> None:
    """From the first trial to search.json."""
    from luthier.studies.crews.conduct import Interrupted, conduct
    from luthier.studies.finals import Seeds
    from luthier.studies.trials import Trials, check_some_done
    from luthier.training.stopping.signals import watch_signals

    how, began = asked.settings.search, time.monotonic()
    ledger = Ledger(path / TRIALS, beginning.space, beginning.settings, beginning.rates)
    with _crew(asked, beginning) as crew, watch_signals() as interruption:
        try:
            with screen.track(t("trials"), how.trials) as tracker:
                trials = Trials(ledger, how.trials, how.minutes * 60, screen, tracker)
                try:
                    conduct(crew, trials, interruption)
                except Interrupted:
                    trials.interrupted()
                    raise
            best = check_some_done(ledger.records(), str(path))
            finalists = _finalists(best, beginning)
            with screen.track(t("other seeds"), len(finalists) * how.seeds) as tracker:
                seeds = Seeds(path, finalists, how.seeds, screen, tracker)
                conduct(crew, seeds, interruption)
        except Interrupted:
            raise _told(path, ledger, how.trials, interruption.exit_code) from None
    _finish(path, asked, beginning, prepared, ledger, best, finalists, seeds, screen, began)


@contextmanager
def _crew(asked: Asked, beginning: Beginning) -> Iterator[Crew]:
    how = asked.settings.search
    if how.ray is not None:
        from luthier.studies.crews.cluster import RayCrew

        crew: Crew = RayCrew(how.ray, how.workers, beginning.prepared, beginning.looks)
    else:
        from luthier.studies.crews.local import LocalCrew

        crew = LocalCrew(how.workers, beginning.prepared, beginning.looks)
    try:
        yield crew
    finally:
        crew.close()


def _finalists(best: Record, beginning: Beginning) -> list[Finalist]:
    """The winner and the default; the default alone where it won itself."""
    from luthier.studies.finals import DEFAULT, WINNER, Finalist

    space, settings = beginning.space, beginning.settings
    winner = Finalist(WINNER, space.settings(best.values, settings, beginning.rates), best.number)
    if best.number == 0:
        return [Finalist(WINNER, settings, 0)]
    return [winner, Finalist(DEFAULT, settings, 0)]


def _finish(
    path: Path, asked: Asked, beginning: Beginning, prepared: Prepared, ledger: Ledger, best: Record,
    finalists: list[Finalist], seeds: Seeds, screen: Progress, began: float,
) -> None:  # fmt: skip
    from luthier.report.studied.page import search_page
    from luthier.studies.finals import DEFAULT, default_won, judge, train_finalist

    looks, runs = Looks(), dict[str, Any]()
    for finalist in finalists:
        title = t("the winner's run, with its test") if finalist.number else t("the default's run, with its test")
        screen.say(title)
        seed = seeds.best_seed(finalist)
        seed = finalist.settings.train.seed if seed is None else seed
        runs[finalist.name] = train_finalist(finalist, seed, path, prepared, looks, _Bars(screen))
    first = runs[finalists[0].name]
    seed = asked.settings.train.seed
    found = judge(first, runs[DEFAULT], prepared, seed) if len(runs) > 1 else default_won(first)
    report = {
        **_summary(asked, beginning, ledger, best),
        "run": finalists[0].name,
        "runs": [finalist.name for finalist in finalists],
        "seeds": {finalist.name: seeds.summary(finalist) for finalist in finalists},
        "verdict": found,
        "seconds": ledger.seconds + time.monotonic() - began,
        "versions": first.report["versions"],
    }
    report = _without_nan(report)
    with disk_trouble(path):
        write_text(path / CONFIG, (first.folder / CONFIG).read_text(encoding="utf-8"))
        write_text(path / "search.html", search_page(report))
        write_text(path / SEARCH, json.dumps(report, ensure_ascii=False, indent=1))


def _summary(asked: Asked, beginning: Beginning, ledger: Ledger, best: Record) -> dict[str, Any]:
    from luthier.evaluation.evaluate import higher_is_better

    records, how, resolved = ledger.records(), asked.settings.search, beginning.resolved
    assert best.outcome is not None
    return {
        "task": beginning.prepared.task.name,
        "model": resolved.model,
        "data": {"files": list(beginning.prepared.files)},
        "rows": {name: len(beginning.prepared.split.part(name)) for name in ("train", "validation")},
        "metric": best.outcome.metric,
        "higher_is_better": higher_is_better(best.outcome.metric),
        "budget": {"trials": how.trials, "minutes": how.minutes, "workers": how.workers},
        "space": {d.key: d.as_json() for d in beginning.space.dimensions},
        "trials": [public(record.as_json()) for record in records],
        "stopped": sum(record.outcome is not None and record.outcome.state == STOPPED for record in records),
        "failed": sum(record.outcome is not None and record.outcome.state == FAILED for record in records),
        "best": best.number,
        "importance": ledger.importance(),
        "search_seconds": ledger.seconds,
    }


def _told(path: Path, ledger: Ledger, most: int, code: int) -> InterruptedRun:
    from luthier.studies.finals import how_to_go_on

    done = sum(record.outcome is not None for record in ledger.records())
    what = t("interrupted after {done} of {most} trials, all of which are kept", done=done, most=most)
    return InterruptedRun(Problem(Place(str(path)), what, how_to_go_on(path), "interrupted"), exit_code=code)


def _show_space(beginning: Beginning, asked: Asked, screen: Progress) -> None:
    how, space = asked.settings.search, beginning.space
    rows = [(d.key, str(d), "–" if space.start[d.key] is None or d.times else str(space.start[d.key]))
            for d in space.dimensions]  # fmt: skip
    if any(d.times for d in space.dimensions):
        rows = [(key, what, f"{beginning.resolved.train.learning_rate:g}" if key == "train.learning_rate" else start)
                for key, what, start in rows]  # fmt: skip
    screen.table(t("searched"), (t("setting"), t("values"), t("the default")), rows)
    screen.say(
        t("at most {trials} trials or {minutes:g} minutes, {workers} at a time; judged on {rows} validation rows, and "
          "no trial has the test rows",
          trials=how.trials, minutes=how.minutes, workers=how.workers, rows=len(beginning.prepared.split.validation))
    )  # fmt: skip


def _without_nan(value: Any) -> Any:
    """JSON has no numbers that are none."""
    if isinstance(value, Mapping):
        return {str(key): _without_nan(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class _Bars(Progress):
    """Of a run among others the bars and the warnings alone."""

    def __init__(self, screen: Progress) -> None:
        self.warn, self.track = screen.warn, screen.track
