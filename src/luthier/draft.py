"""A commented configuration from a look at the data."""

from __future__ import annotations

import json
from typing import Any

from luthier import catalog
from luthier.config.schema import Settings
from luthier.config.write import plain_scalar
from luthier.language import t
from luthier.models.known import default_model, has_gpu
from luthier.preparing.prepare import Prepared


def draft_config(settings: Settings, prepared: Prepared) -> str:
    """YAML that `luthier train` takes as it stands. What is commented out is the default, or a choice made later."""
    split = prepared.split
    data = settings.data
    rows = len(split.train) + len(split.validation) + len(split.test)
    classes = len(prepared.task.state().get("labels", ()))
    language = prepared.language
    known, reason = default_model(language, has_gpu(), prepared.task.auto_class)
    how = prepared.how
    asked = settings.data.split.model_dump(by_alias=True, exclude_none=True)
    decided = {key: getattr(how, key) for key in ("test", "validation", "seed") if getattr(how, key) is not None}
    split_keys = {**decided, **{key: value for key, value in asked.items() if key not in decided}}
    names = ", ".join(catalog.remedy_names())
    lines = [
        "# "
        + t(
            "{rows} rows, {classes} classes, language {language}",
            rows=rows,
            classes=classes,
            language=prepared.language,
        ),
        "# " + t("run it with: luthier train THIS-FILE; any key can be overridden: train.epochs=5"),
        f"task: {prepared.task.name}",
        "",
        "# " + reason,
        f"model: {plain_scalar(known.name if settings.model == 'auto' else settings.model)}",
        "",
        "data:",
        *([f"  train: {_names(data.train)}"] if data.train else []),
        *(["  mix:", *(f"    {plain_scalar(k)}: {v:g}" for k, v in data.mix.items())] if data.mix else []),
        *([f"  validation: {_names(data.validation)}"] if data.validation else []),
        *(
            [f"  test: {_names(data.test)}"]
            if data.test
            else ["  # test: " + t("a file of its own, instead of a share")]
        ),
        "  columns:",
        *(f"    {ours}: {plain_scalar(theirs)}" for ours, theirs in prepared.columns.items()),
        "  split:",
        *(f"    {key}: {_scalar(value)}" for key, value in split_keys.items()),
        *([] if how.group else ["    # group: customer_id   # " + t("rows of one value stay on one side")]),
        "  # bad_rows: skip        # " + t("leave out rows that cannot be read, instead of stopping"),
        "  # clean: html, whitespace # " + t("clean every text, in training and whenever the model answers"),
        "",
        "tuning:",
        "  method: full            # " + t("full, head, last_layers, lora … (docs/tuning.md)"),
        "  # n: 2                  # " + t("last_layers: how many"),
        "  # r: 16                 # " + t("lora: rank"),
        "",
        "train:",
        "  epochs: auto            # " + t("from the rows a class; stops early"),
        "  learning_rate: auto     # " + t("from the model's width and the method"),
        "  batch_size: auto        # " + t("examples a step, whatever the memory"),
        "  max_length: auto        # " + t("tokens; 99 % of the rows fit"),
        "  precision: auto         # " + t("bf16 where the processor has it"),
        "  seed: 42",
        "",
        "augment: none             # " + t("dropout, swap or mask: changed words in small training sets"),
        "balance: auto             # " + t("from 10:1 the remedies are compared; or one by name: {names}", names=names),
    ]
    return "\n".join(lines) + "\n"


def _scalar(value: Any) -> str:
    return plain_scalar(value) if isinstance(value, str) else json.dumps(value)


def _names(named: str | list[str] | None) -> str:
    """One name, or a list of them, as YAML on one line."""
    return plain_scalar(named or "") if not isinstance(named, list) else f"[{', '.join(map(plain_scalar, named))}]"
