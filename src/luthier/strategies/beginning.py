"""What strategies share before the first of them trains: how long each may, and what all of them must beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from luthier.caching import open_cache
from luthier.data.split import Split
from luthier.evaluation.baselines import Baseline
from luthier.models.find import ModelFolder
from luthier.preparing.prepare import Prepared
from luthier.probing import look
from luthier.progress import Progress
from luthier.ready import make_ready
from luthier.runtime import open_runtime
from luthier.strategies.budget import equal_time
from luthier.strategies.names import Strategy
from luthier.task import AnyTask
from luthier.teachable import teachable
from luthier.trial import run_baselines


@dataclass(frozen=True)
class Beginning:
    """epochs: of each strategy, by name. task: as the first of them learns it. split: the rows as they are learnt and
    judged."""

    epochs: Mapping[str, int]
    baselines: Sequence[Baseline]
    task: AnyTask
    split: Split[Any, Any]


def begin(
    strategies: Sequence[Strategy], prepared: Prepared, folder: ModelFolder, minutes: float | None,
    known: Mapping[str, int] | None, screen: Progress,
) -> Beginning:  # fmt: skip
    """known: the epochs of an earlier beginning, which a resume keeps."""
    first = next((one for one in strategies if one.settings.pretrained), strategies[0])
    settings = first.settings
    with open_runtime(settings.train.precision) as runtime:
        ready = make_ready(settings, prepared, folder, (), runtime)
        taught = teachable(ready.codec, prepared, screen, skip=settings.data.bad_rows == "skip")
        how = ready.training
        frozen = look(
            ready.loaded.model, ready.codec, taught.split, runtime, how.max_tokens, how.seed, screen,
            pretrained=settings.pretrained, cache=open_cache(how.cache_bytes),
        )  # fmt: skip
        assert frozen is not None  # there is one process
        made = run_baselines(ready.codec.task, frozen, seed=how.seed, screen=screen, pretrained=settings.pretrained)
        task = ready.codec.task
        del ready, frozen
        if known is not None:
            epochs = known
        elif minutes is not None:
            epochs = equal_time(strategies, taught, folder, minutes, runtime, screen)
        else:
            epochs = {strategy.name: how.epochs for strategy in strategies}
    return Beginning(dict(epochs), made, task, taught.split)
