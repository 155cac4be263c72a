"""Where a search begins: the data without their test rows, the default that everything is compared with, the space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from luthier.config.located import Located
from luthier.config.schema import Settings
from luthier.config.settings import check_settings, flat, opened
from luthier.data.split import Split
from luthier.errors import ConfigError, DataError
from luthier.language import t
from luthier.looks import Looks
from luthier.models.known import choose_model
from luthier.preparing.prepare import Prepared
from luthier.progress import Progress
from luthier.studies.crews.cluster import everywhere
from luthier.studies.spaces.space import Dimension, Space, start_of
from luthier.studies.spaces.usual import Open, rates_by_method, usual_space
from luthier.studies.spaces.written import read_space

if TYPE_CHECKING:
    from luthier.ready import Ready


@dataclass(frozen=True)
class Asked:
    """What the user wants. tree: as it was written. dimensions: the space that was named, if any."""

    tree: Located
    settings: Settings
    dimensions: tuple[Dimension, ...]


@dataclass(frozen=True)
class Beginning:
    """settings: as asked, with the model and the remedy against imbalance settled. resolved: of the default run.
    prepared: without test rows. looks: what the untuned model saw, for all trials. rates: of each tuning method."""

    settings: Settings
    resolved: Settings
    prepared: Prepared
    looks: Looks
    space: Space
    rates: Mapping[str, float]


def read_asked(tree: Located) -> Asked:
    """Errors: ConfigError for settings that do not exist, that a search cannot take, and for a space that is none."""
    tree = opened(tree)
    settings = check_settings(tree)
    if settings.data.split.folds is not None:
        what = t("a search judges all trials on the same validation rows, and not in folds")
        raise ConfigError.at(tree.find(["data", "split", "folds"]).place, what, t("leave it out"), code="conflict")
    return Asked(tree, settings, read_space(tree))


def withheld(prepared: Prepared) -> Prepared:
    """The data as trials may see them: without a test row, and without what was said of any row."""
    split = prepared.split
    return replace(prepared, split=Split(split.train, split.validation, []), findings=[], notes=(), general=None)


def check_judged(prepared: Prepared, settings: Settings) -> None:
    """Errors: DataError without validation rows, by which trials are judged."""
    if not prepared.split.validation:
        fix = "data.split.validation=0.1"
        what = t("there are no validation rows to judge trials by")
        raise DataError.at(str(settings.data.named), what, fix, code="no-rows")


def begin(asked: Asked, prepared: Prepared, screen: Progress) -> Beginning:
    """Looks at the data once with the untuned model and decides all that a default run would decide.

    prepared: without test rows. Errors: LuthierError; ConfigError where nothing is left to search.
    """
    from luthier import announce
    from luthier.ready import make_ready
    from luthier.run import look_with
    from luthier.runtime import open_runtime
    from luthier.teachable import teachable

    settings, looks = asked.settings, Looks()
    kind = prepared.task.auto_class
    folder, choices = choose_model(settings.model, prepared.language, kind, weights=settings.pretrained)
    name = folder.name if settings.search.ray is None else everywhere(folder.name)
    settings = settings.model_copy(update={"model": name, "out": None})
    folder = replace(folder, name=name)
    with open_runtime(settings.train.precision) as runtime:
        ready = make_ready(settings, prepared, folder, choices, runtime)
        prepared = teachable(ready.codec, prepared, screen, skip=settings.data.bad_rows == "skip")
        announce.plan(ready, prepared, screen)
        frozen = look_with(looks, ready, prepared, runtime, screen)
        if ready.remedy_is_open:
            ready = _with_remedy(ready, prepared, frozen, screen)
        dimensions = asked.dimensions or usual_space(ready, Open(settings, _written(asked.tree)))
    if not dimensions:
        what = t("every setting that is usually searched is written down, so nothing is left to search")
        fix = t("set some to auto, or name what to search, such as {example}",
                example="search.space.train.learning_rate='{low: 1e-5, high: 1e-3, log: true}'")  # fmt: skip
        raise ConfigError.at("search.space", what, fix, code="nothing-to-search")
    task = {"name": prepared.task.name, **settings.task} if settings.task.get("name") == "auto" else settings.task
    settings = settings.model_copy(
        update={"balance": ready.settings.balance, "task": {**task, "name": prepared.task.name}}
    )
    space = Space(dimensions, start_of(dimensions, ready.settings))
    prepared = replace(prepared, findings=[])
    return Beginning(settings, ready.settings, prepared, looks, space, rates_by_method(ready.settings))


def _with_remedy(ready: Ready, prepared: Prepared, frozen: Any, screen: Progress) -> Ready:
    from luthier import announce
    from luthier.balancing.choose import compare
    from luthier.ready import with_remedy

    comparison = compare(ready, frozen, screen)
    ready = with_remedy(ready, comparison.chosen, comparison.reason)
    announce.remedies(comparison, ready, prepared, screen)
    return ready


def _written(tree: Located) -> frozenset[str]:
    """Keys that the user set to something else than auto."""
    values = flat(tree.plain())
    return frozenset(key for key, value in values.items() if value not in (None, "auto"))
