"""A setting that does not exist: which one was meant?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from luthier.errors import nearest_name
from luthier.language import t

_ELSEWHERE = {
    "test_size": "data.split.test",
    "validation_size": "data.split.validation",
    "val_size": "data.split.validation",
    "train_file": "data.train",
    "validation_file": "data.validation",
    "test_file": "data.test",
    "text_column": "data.columns.text",
    "label_column": "data.columns.label",
    "lr": "train.learning_rate",
    "num_epochs": "train.epochs",
    "num_train_epochs": "train.epochs",
    "per_device_train_batch_size": "train.batch_size",
    "train_batch_size": "train.batch_size",
    "max_seq_length": "train.max_length",
    "warmup_ratio": "train.warmup",
    "lr_scheduler_type": "train.schedule",
    "scheduler": "train.schedule",
    "optim": "train.optimiser",
    "optimizer": "train.optimiser",
    "save_steps": "train.save_every",
    "save_total_limit": "train.keep",
    "early_stopping_patience": "train.patience",
    "torch_compile": "train.compile",
    "neftune_noise_alpha": "train.neftune_alpha",
    "random_state": "train.seed",
    "model_name": "model",
    "model_name_or_path": "model",
    "output_dir": "out",
    "rank": "tuning.r",
    "lora_r": "tuning.r",
    "lora_alpha": "tuning.alpha",
    "lora_dropout": "tuning.dropout",
}
"""What other tools call it (Transformers' TrainingArguments, PEFT, scikit-learn)."""

FIRST_KEYS = {"data": "train", "data.split": "test", "data.columns": "text", "train": "epochs"}
"""Of sections, the key that is meant where a value stands in the section's place."""


def right_name(key: str, known: Sequence[str]) -> str:
    """The remedy for an unknown key of any section. key: dotted, as written. known: all keys, dotted."""
    above, _, name = key.rpartition(".")
    if elsewhere := _called_elsewhere(name):
        return elsewhere
    for other in known:
        if other.rpartition(".")[2] == name:
            return t("it belongs to {key}", key=other)
    inside = f"{above}." if above else ""
    depth = len(inside.split(".")) - 1
    here = {other.split(".")[depth] for other in known if other.startswith(inside)}
    near = nearest_name(name, sorted(here))
    return _nearest(inside + near if near else nearest_name(key, known), known)


def right_option(section: str, name: str, options: Collection[str], owners: Mapping[str, Collection[str]]) -> str:
    """The remedy for an unknown option beside a method. options: of that method. owners: the other methods by the word
    that chooses them, with theirs."""
    for word, theirs in owners.items():
        if name in theirs:
            return t("leave it out, or choose what it belongs to: {word}", word=word)
    if elsewhere := _called_elsewhere(name):
        return elsewhere
    if not options:
        return t("leave it out: there are no options here")
    near = nearest_name(name, sorted(options))
    return _nearest(f"{section}.{near}" if near else None, [f"{section}.{option}" for option in options])


def _called_elsewhere(name: str) -> str:
    return t("here it is called {key}", key=_ELSEWHERE[name]) if name in _ELSEWHERE else ""


def _nearest(name: str | None, known: Collection[str]) -> str:
    if name is not None:
        return t("did you mean '{name}'?", name=name)
    return t("known here: {names}", names=", ".join(sorted(known)))
