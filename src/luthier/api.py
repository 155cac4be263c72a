"""The library's front door: what `import luthier` offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.config.settings import check_settings, flat, opened, read_settings
from luthier.progress import SILENT, Progress

if TYPE_CHECKING:
    from luthier.assess import Assessment
    from luthier.checkup import Checkup
    from luthier.choosing.curve import Curve
    from luthier.choosing.suggest import Suggestions
    from luthier.comparing.compare import Comparison
    from luthier.config.located import Located
    from luthier.config.schema import DataSettings, Settings
    from luthier.exporting.result import Exported
    from luthier.finish import Run
    from luthier.fixup import Fixed
    from luthier.inference.artifact import Predictor
    from luthier.planning.will_it_fit import Plan
    from luthier.strategies.runs import Compared
    from luthier.studies.search import Found

_CONFIGS = (".yaml", ".yml")
Source = str | Path | Sequence[str | Path]
"""Names of data: files, patterns, folders, addresses."""


def train(
    source: Source | None = None,
    /,
    *,
    resume: bool = False,
    overwrite: bool = False,
    screen: Progress = SILENT,
    **settings: Any,
) -> Run:
    """Tunes a model to labelled data, as `luthier train` does, and returns the finished run; with
    data={"split": {"folds": 5}} the run of all folds, with `folds` and `report`.

    source: labelled rows (files, a pattern, a folder, an address), or a configuration (.yaml). settings: any key of
    the configuration; sections as dictionaries (train={"epochs": 3}) or, for tuning and task, as a bare name
    (tuning="lora"); label= and text= name the columns. resume, overwrite: as on the command line.
    Errors: luthier.errors.LuthierError.
    """
    overrides = settings.pop("overrides", ())
    tree = opened(_read(source, settings, overrides))
    from luthier.folds import train as run

    return run(check_settings(tree), explicit=flat(tree.plain()), resume=resume, overwrite=overwrite, screen=screen)


def train_strategies(
    source: Source, strategies: str | Sequence[str], /, *, minutes: float | None = None, resume: bool = False,
    overwrite: bool = False, screen: Progress = SILENT, **settings: Any,
) -> Compared:  # fmt: skip
    """Tunes a model in several ways on one split and says which is worth its cost, as `luthier train --strategies`
    does: `.sentence` says it, `.recommended` is that run's folder, `.report` the table.

    strategies: tuning methods, such as "head,lora:r=8,full". minutes: of training in all, the same for each; without
    them each has the same number of epochs. settings: as of `train`. Errors: luthier.errors.LuthierError.
    """
    from luthier.strategies.names import split_names
    from luthier.strategies.runs import train_strategies as run

    tree = opened(_read(source, settings))
    return run(tree, split_names(strategies), minutes=minutes, resume=resume, overwrite=overwrite, screen=screen)


def search(
    source: Source | None = None, /, *, resume: bool = False, overwrite: bool = False, screen: Progress = SILENT,
    **settings: Any,
) -> Found:  # fmt: skip
    """Which settings? As `luthier search`; `.run` is the winner's run, `.report["verdict"]` says whether it beats the
    default.

    source: as of `train`. settings: as of `train`, and search={"trials": 20, "minutes": 30, "space": {…}}.
    Errors: luthier.errors.LuthierError.
    """
    from luthier.studies.search import search as find

    overrides = settings.pop("overrides", ())
    return find(_read(source, settings, overrides), resume=resume, overwrite=overwrite, screen=screen)


def load(run: str | Path, device: str | None = None) -> Predictor:
    """A tuned model, ready to answer: `load(folder).predict([text, …])`.

    run: a run's folder or a model folder. device: such as "cpu"; the GPU where there is one, if None.
    """
    from luthier.inference.artifact import load_artifact

    return load_artifact(Path(run), device)


def evaluate(
    run: str | Path, data: Source, *, slices: Sequence[str] = (), robustness: bool = False,
    accuracies: Sequence[float] | None = None, screen: Progress = SILENT, **settings: Any,
) -> Assessment:  # fmt: skip
    """How good a finished run is on other labelled rows, as `luthier evaluate` tells it: scores with intervals, slices,
    the shift from the training data, what the model's sureness is worth.

    slices: columns of the data by whose values it is scored, too. robustness: asks again, written otherwise.
    accuracies: for which a threshold is to be named. settings: data.… keys that say how to read the file, such as
    label="team". Errors: LuthierError.
    """
    from luthier.assess import assess

    more: dict[str, Any] = {"wanted": tuple(accuracies)} if accuracies else {}
    how = _data(settings)
    return assess(Path(run), data, how, columns=tuple(slices), perturbed=robustness, screen=screen, **more)


def compare(*runs: str | Path, data: Source | None = None, screen: Progress = SILENT, **settings: Any) -> Comparison:
    """Which of several finished runs is better, and is the difference real? As `luthier compare`; `.sentence` says it.

    data: labelled rows to judge all of them on; without it their own test rows, which have to be the same. settings:
    data.… keys that say how to read these. Errors: luthier.errors.LuthierError for runs that cannot be compared.
    """
    from luthier.comparing.compare import compare as find

    return find([Path(run) for run in runs], data, _data(settings), screen=screen)


def export(
    run: str | Path, form: str, out: str | Path | None = None, *, max_loss: float = 0.01, screen: Progress = SILENT
) -> Exported:
    """A finished run in another form, as `luthier export` hands it over; `.gate` tells what it was held against, and
    `.folder` is None where it did not pass and nothing was written.

    form: onnx, onnx-int8, merged, gguf or gguf-q8. out: a folder that holds nothing. max_loss: of the main score.
    Errors: LuthierError.
    """
    from luthier.exporting.export import export as hand_over

    return hand_over(Path(run), form, None if out is None else Path(out), max_loss=max_loss, screen=screen)


def check(source: Source, /, *, deep: bool = False, screen: Progress = SILENT, **settings: Any) -> Checkup:
    """What is wrong with labelled data, as `luthier check` tells it: `check(file).findings`.

    source: rows of any layout (files, a pattern, a folder, an address), or a configuration (.yaml). deep: costly checks
    look at every row. settings: as of `train`. Errors: luthier.errors.LuthierError for what cannot be read at all.
    """
    from luthier.checkup import check as look

    return look(_settings(source, settings), deep=deep, screen=screen)


def fix(
    source: Source, out: str | Path, /, *, steps: Sequence[str] | None = None,
    mask: bool = False, screen: Progress = SILENT, **settings: Any,
) -> Fixed:  # fmt: skip
    """Writes a mended copy of data to `out` and beside it a log of every change, as `luthier check --fix` does.

    steps: which, by name; None takes what is sure to do no harm. mask: masks personal data too. settings: as of
    `train`. Errors: luthier.errors.LuthierError; nothing is written then.
    """
    from luthier.checkup import check as look
    from luthier.fixup import check_out, check_steps
    from luthier.fixup import fix as mend

    read = _settings(source, settings)
    copy = check_out(read, Path(out))
    check_steps(steps or ())
    return mend(read, look(read, screen=screen), copy, steps=steps, mask=mask, screen=screen)


def plan(
    source: Source, /, *, memory: str | None = None, time: str | None = None, probe: bool = True,
    screen: Progress = SILENT, **settings: Any,
) -> Plan:  # fmt: skip
    """Will a run fit, and how long will it take? As `luthier plan`; `.fits`, `.forecast.peak` and
    `.forecast.total_seconds` are the answer, `.chosen` the first change that fits where it does not.

    memory, time: limits, such as "8GiB" and "1h". probe: whether a few real steps confirm it. settings: as for `train`.
    Errors: LuthierError.
    """
    from luthier.planning.will_it_fit import limits_of
    from luthier.planning.will_it_fit import plan as reckon

    return reckon(_settings(source, settings), limits=limits_of(memory, time), probe=probe, screen=screen)


def curve(source: Source, /, *, screen: Progress = SILENT, **settings: Any) -> Curve:
    """How much would more data help? As `luthier curve`; `curve(data).forecast.sentence` is the answer.

    source: labelled rows, or a configuration (.yaml). settings: as for `train`. Errors: LuthierError.
    """
    from luthier.choosing.curve import learning_curve

    return learning_curve(_settings(source, settings), screen=screen)


def suggest(
    run: str | Path, unlabelled: Source, count: int = 100, *, seed: int = 42, screen: Progress = SILENT,
    **settings: Any,
) -> Suggestions:  # fmt: skip
    """Which unlabelled rows should be labelled next? As `luthier suggest`; `.rows` has them, the first ones first.

    settings: data.… keys that say how to read the file, such as text="body". Errors: LuthierError.
    """
    from luthier.extras import require

    require("torch", "transformers")
    from luthier.choosing.suggest import suggest as name_rows

    return name_rows(Path(run), unlabelled, count=count, seed=seed, how=_data(settings), screen=screen)


def _settings(source: Source, settings: Mapping[str, Any]) -> Settings:
    """Of data, or of a configuration, with further settings."""
    return check_settings(_read(source, settings))


def _read(source: Source | None, settings: Mapping[str, Any], overrides: Sequence[str] = ()) -> Located:
    values = _by_key(settings)
    if isinstance(source, (str, Path)) and str(source).lower().endswith(_CONFIGS):
        return read_settings(Path(source), overrides, values)
    if source is not None:
        values["data.train"] = str(source) if isinstance(source, (str, Path)) else [str(one) for one in source]
    return read_settings(None, overrides, values)


def _data(settings: Mapping[str, Any]) -> DataSettings:
    """How further files are to be read."""
    return check_settings(read_settings(None, (), _by_key(settings))).data


def _by_key(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments as dotted keys. `label` and `text` are short for the columns of those names."""
    values = flat(settings)
    for short in ("text", "label", "text_pair"):
        if short in values:
            values[f"data.columns.{short}"] = values.pop(short)
    if "seed" in values:
        seed = values.pop("seed")
        values = {"train.seed": seed, "data.split.seed": seed, **values}
    return values
