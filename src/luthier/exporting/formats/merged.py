"""A plain Hugging Face folder: adapters are part of the weights, transformers alone reads it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from luthier.errors import ConfigError
from luthier.exporting.compare import apart, outputs_of
from luthier.exporting.exporter import Done, Exporter, Gate
from luthier.exporting.original import Original
from luthier.inference.artifact import ADAPTER, Predictor
from luthier.language import t
from luthier.task import AnyTask

BOUND = 1e-5
"""Of the largest logit: the same numbers in the same order."""


class Merged(Exporter):
    """The run's model is merged as training ends, and held there against what was trained; here it is copied whole, and
    what was copied is held against the original."""

    def check(self, task: AnyTask, config: Mapping[str, Any], folder: Path) -> None:
        if (folder / ADAPTER).is_dir():
            what = t("what was learned are virtual tokens before every input, which are no weights of the model")
            fix = t("serve the run itself, or train with tuning.method=lora")
            raise ConfigError.at("--format", what, fix, code="conflict")

    def write(self, original: Original, folder: Path) -> Mapping[str, Any]:
        shutil.copytree(original.folder, folder, dirs_exist_ok=True)
        adapted = (original.run / ADAPTER).is_dir()
        return {"adapter": "merged into the weights" if adapted else "none: the weights are all there is"}

    def judge(self, original: Original, exported: Predictor, folder: Path, max_loss: float, done: Done) -> Gate:
        found, equal = apart(original, outputs_of(exported), done)
        passed = equal == 1 and found.within(BOUND)
        how = t("there was no adapter to merge")
        if (original.run / ADAPTER).is_dir():
            how = t("its adapter became part of the weights as training ended")
        said = t("{equal:.1%} of the likeliest answers to what {rows} {part} rows ask are the same, logits differ "
                 "by {furthest:.1e} at most; {how}", equal=equal, rows=len(original.examples), part=t(original.part),
                 furthest=found.furthest, how=how)  # fmt: skip
        asked = t("100 % and at most {bound:g} of the largest logit are asked for", bound=BOUND)
        return Gate(passed, said if passed else f"{said}; {asked}", equal, found.furthest, BOUND)
