"""The model card: README.md of a model folder, in the hub's form."""

from __future__ import annotations

import json

from luthier.balancing.decide import Moved
from luthier.balancing.remedy import Remedy
from luthier.calibrating.scale import Calibration
from luthier.config.schema import Settings
from luthier.models.find import ModelFolder
from luthier.preparing.prepare import Prepared
from luthier.task import AnyTask

_CARD = """\
---
library_name: transformers
base_model: {base}
language: {language}
tags: [luthier, {task}]
---
# {base}, tuned for {task}

Tuned with Luthier ({method}) on {rows} labelled rows. How good it is, on which rows, and against which baselines stands
in `report.json` and `report.html` of the run it comes from.

```python
import luthier

model = luthier.load("path/to/this/folder")
model.predict([{sample}])
```

{loading}
`codec.json` holds what Luthier needs to read inputs as in training.{cleaning}

{labels}\
{balance}\
Limits: {limits}was judged on data like its training data, and can repeat what is
wrong in them. The licence of the base model applies to its weights.
"""
_WRITES = "it writes what is likely, which need not be so, "
_KNOWS = "it knows the labels above and nothing else, "
_PLAIN = """\
It is a plain Hugging Face folder: `transformers.{auto_class}.from_pretrained` loads it without Luthier,
and {plainly}."""
_OWN = """\
Its architecture is Luthier's own: after `import {module}` `transformers.{auto_class}.from_pretrained` loads it, and
the weights are plain safetensors."""
_CLEANING = """

Texts are cleaned before they are read ({steps}): Luthier does so by itself, `transformers` alone does not."""
_MOST_LABELS = 100


_BALANCE = """\
Rare classes: trained with `balance={method}`. {decisions}
Its scores are those of classes more equally common than in the training data.

"""
_FOLDED = "Each class's logit was shifted as the validation rows asked for; the shift is part of the head's bias."
_APART = (
    "Each class's logit is shifted as the validation rows asked for; this head has no bias that could take the\n"
    "shift, so it lies in `codec.json`, and plain `transformers` does not apply it."
)


_SURE = """\
Calibrated: its logits are divided by {temperature:.2f}, chosen on the validation rows so that a score of 0.9 is right
about nine times in ten on data like these. {where}

"""
_SURE_FOLDED = "The head's weights hold the division, so that plain `transformers` gives the same scores."
_SURE_APART = "It lies in `codec.json`; plain `transformers` gives the same labels with scores that are not calibrated."
_BESIDE = """

What was learned includes virtual tokens that lie in `adapter/`: Luthier puts them before every input, `transformers`
alone does not, and its answers are then those of the pretrained model under the tuned head."""


def model_card(
    settings: Settings, prepared: Prepared, folder: ModelFolder, remedy: Remedy, moved: Moved | None,
    calibration: Calibration | None = None, adapter: bool = False,
) -> str:  # fmt: skip
    """adapter: whether one lies beside the weights."""
    task = prepared.task
    labels, loading = task.class_names(), _OWN if task.architecture else _PLAIN
    plainly = task.plain_use().format(max_length=settings.train.max_length)
    shown = ", ".join(f"`{label}`" for label in labels[:_MOST_LABELS]) + (" …" if len(labels) > _MOST_LABELS else "")
    return _CARD.format(
        base=folder.name if "/" not in folder.name.strip("/") or folder.name.count("/") == 1 else folder.folder.name,
        language=prepared.language if prepared.language != "other" else "multilingual",
        task=task.name,
        method=settings.tuning["method"],
        rows=len(prepared.split.train),
        loading=loading.format(module=task.architecture, auto_class=task.auto_class, plainly=plainly)
        + (_BESIDE if adapter else ""),
        cleaning=_CLEANING.format(steps=", ".join(settings.data.clean)) if settings.data.clean else "",
        labels=f"Labels: {shown}\n\n" if shown else "",
        limits=_WRITES if task.speaks_untuned else _KNOWS if shown else "it ",
        balance=_balance(settings.balance["method"], remedy, moved) + _sure(calibration) + _placed(moved),
        sample=_sample(task),
    )


def _sure(calibration: Calibration | None) -> str:
    if calibration is None or calibration.temperature == 1:
        return ""
    return _SURE.format(temperature=calibration.temperature, where=_SURE_FOLDED if calibration.folded else _SURE_APART)


def _placed(moved: Moved | None) -> str:
    if moved is None or not moved.note:
        return ""
    apart = " This lies in `codec.json`; plain `transformers` does not apply it." if moved.apart else ""
    return f"After training: {moved.note}.{apart}\n\n"


def _sample(task: AnyTask) -> str:
    """An input as Python has it."""
    asked = {column.name: "…" for column in task.format.columns if column.required and not column.is_answer}
    return json.dumps("…" if task.reads_texts else asked, ensure_ascii=False)


def _balance(method: str, remedy: Remedy, moved: Moved | None) -> str:
    if remedy == Remedy():
        return ""
    return _BALANCE.format(method=method, decisions="" if moved is None else _FOLDED if moved.folded else _APART)
