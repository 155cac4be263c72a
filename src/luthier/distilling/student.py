"""What a student's training is given beside its own rows: the teacher's answers, and texts that have none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from luthier.codec import Codec
from luthier.config.schema import Settings
from luthier.data.split import Split
from luthier.distilling.objective import Imitation, Lessons, depth, imitating, matched
from luthier.distilling.teacher import asked_once
from luthier.distilling.unlabelled import unlabelled_examples
from luthier.errors import ConfigError
from luthier.inference.artifact import Predictor
from luthier.language import t
from luthier.models.head import unwrapped
from luthier.progress import Progress
from luthier.runtime import Runtime
from luthier.tuning.parts import Tuned
from luthier.types import LabelledWindow
from luthier.whole_text import as_whole_text


@dataclass(frozen=True)
class Taught:
    """What is trained: the method with the objective of a student where there is a teacher; the windows with those of
    texts without answers behind them."""

    tuned: Tuned
    windows: Sequence[LabelledWindow]


def taught_by(
    teacher: Predictor | None, tuned: Tuned, windows: Sequence[LabelledWindow], codec: Codec, split: Split[Any, Any],
    settings: Settings, folder: Path, runtime: Runtime, screen: Progress, *, sampled: bool,
) -> Taught:  # fmt: skip
    """teacher: None where nobody teaches, and all stays as it is. windows: of the training rows. folder: of the run.
    sampled: whether an epoch shows some rows more often than others.

    Errors: ConfigError for settings that do not go together, DataError for texts that cannot be read."""
    if teacher is None:
        return Taught(tuned, windows)
    how = settings.distil
    task = as_whole_text(codec.task, "distil", t("leave out distil"))
    more = ()
    if how.unlabelled is not None:
        if sampled:
            what = t("texts without answers have no class or set by which an epoch could show them more or less often")
            fix = t("balance=none and no data.mix, or no distil.unlabelled")
            raise ConfigError.at("distil.unlabelled", what, fix, code="conflict")
        more = unlabelled_examples(how.unlabelled, codec, settings.data, split, screen)
    further = codec.encode_labelled(more)
    student = unwrapped(tuned.model)
    widths = student.config.hidden_size, unwrapped(teacher.weights).config.hidden_size
    pairs = matched(depth(student), depth(unwrapped(teacher.weights))) if how.hidden else []
    if how.hidden and not pairs:
        what = t("a student of one layer has no states below its last ones")
        raise ConfigError.at("distil.hidden", what, t("distil.hidden=false"), code="conflict")
    logits_NC, states_NLD = asked_once(
        folder, teacher, task, [*split.train, *more], [theirs for _, theirs in pairs], runtime, screen
    )
    row_of = [*(w.example for w in windows), *(w.example + len(split.train) for w in further)]
    lessons = Lessons(logits_NC, states_NLD, np.array(row_of, np.int64), len(windows))
    objective = Imitation(task, lessons, how.temperature, how.alpha)
    return Taught(imitating(tuned, objective, widths, settings.train.seed), [*windows, *further])
