"""The settings that do not depend on the task or the tuning method. Each field says what it wants in words.

A value of "auto" is chosen later from the data, the model and the machine, and the choice is printed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from luthier.catalog import SCRATCH
from luthier.text.clean import STEPS

Auto = Literal["auto"]


def _wanted(words: str, **limits: Any) -> Any:
    return Field(json_schema_extra={"wanted": words}, **limits)


def _real(value_words: str, **limits: Any) -> Any:
    return Annotated[float, _wanted(value_words, strict=False, allow_inf_nan=False, **limits)]


def _named(**default: str) -> Any:
    """A section with a name in it and its options beside it; `default`: the name where none is given."""
    return Annotated[dict[str, Any], AfterValidator(lambda section: {**default, **section})]


_Count = Annotated[StrictInt, _wanted("a whole number from 1", ge=1)]
_AutoCount = Annotated[Auto | Annotated[StrictInt, Field(ge=1)], _wanted("a whole number from 1, or auto")]
_Seed = Annotated[StrictInt, _wanted("a whole number from 0", ge=0, lt=2**63)]
_Share = Annotated[float | None, _wanted("a share from 0 to below 1", ge=0, lt=1, allow_inf_nan=False)]
_Text = Annotated[StrictStr, _wanted("a text")]
_AutoText = Annotated[StrictStr | None, _wanted("a text")]
_Files = Annotated[
    StrictStr | Annotated[list[StrictStr], Field(min_length=1)] | None,
    _wanted("a file, a pattern, a folder or an address, or a list of them"),
]


def _step(name: str) -> str:
    if name not in STEPS:
        raise ValueError(name)
    return name


class Section(BaseModel):
    """Frozen; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)


class SplitSettings(Section):
    """test, validation: shares of all rows. Neither given: 0.2 and 0.1. Only test given: the textbook's two parts,
    with no validation; only test=0: all rows but a tenth train.

    by: random where nothing else is named; group keeps the rows of one value of the column `group` on one side; time
    tests on the latest by the column `time`; column does as the column `column` says. time_format: how times are
    written, as strptime has it.
    near_duplicates: whether rows that differ in little more than a word stay on one side; None where there are not too
    many rows to look. folds: every row is tested once, in one of so many runs; fold: only this one of them is run.
    from: a run, or its split.json, whose rows are taken again.
    """

    test: _Share = None
    validation: _Share = None
    seed: Annotated[StrictInt | None, _wanted("a whole number from 0", ge=0, lt=2**63)] = None
    by: Annotated[Literal["random", "group", "time", "column"] | None, _wanted("random, group, time or column")] = None
    group: _AutoText = None
    time: _AutoText = None
    time_format: _AutoText = None
    column: _AutoText = None
    near_duplicates: Annotated[StrictBool | None, _wanted("true or false")] = None
    folds: Annotated[StrictInt | None, _wanted("a whole number from 2", ge=2)] = None
    fold: Annotated[StrictInt | None, _wanted("a whole number from 1, at most data.split.folds", ge=1)] = None
    from_: Annotated[StrictStr | None, _wanted("a run's folder or a split.json", alias="from")] = None


class DataSettings(Section):
    """train, validation, test: files, patterns, folders, addresses of files or databases, names of hubs; one or
    several. mix: files, patterns … of sets, each with its share of the rows that training shows; those that data.train
    does not name only train, and where there is no data.train all of them are the training data. query: what a database
    is asked. general: text by which is measured what a language model forgets; None takes what is embedded. columns:
    the task's name of a column to the file's. clean: steps by which every text is cleaned, in training and whenever the
    model answers. documents: what makes a row of a plain text file; None as the task needs it.
    """

    train: _Files = None
    mix: Annotated[
        dict[StrictStr, Annotated[float, Field(gt=0, allow_inf_nan=False)]],
        _wanted("files with their shares, such as {general.jsonl: 0.3, mine.jsonl: 0.7}"),
    ] = Field(default_factory=dict)
    validation: _Files = None
    test: _Files = None
    query: _AutoText = None
    general: Annotated[StrictStr | None, _wanted("a file of general text, or none")] = None
    columns: dict[StrictStr, _Text] = Field(default_factory=dict)
    split: SplitSettings = SplitSettings()
    delimiter: _AutoText = None
    encoding: _AutoText = None
    header: Annotated[StrictBool, _wanted("true or false")] = True
    sheet: _AutoText = None
    documents: Annotated[Literal["line", "paragraph", "passage"] | None, _wanted("line, paragraph or passage")] = None
    max_bytes: _Count = 20 * 2**30
    bad_rows: Annotated[Literal["refuse", "skip"], _wanted("refuse or skip")] = "refuse"
    clean: Annotated[list[Annotated[StrictStr, AfterValidator(_step)]], _wanted(", ".join(STEPS))] = Field(
        default_factory=list
    )

    @property
    def named(self) -> str | list[str] | None:
        """The training data that are split: all of data.mix where there is no data.train."""
        return self.train if self.train is not None else list(self.mix) or None


class TrainSettings(Section):
    """batch_size: examples an optimiser step, over all processes. max_tokens: of one forward pass, with padding.

    head_init: where a new head begins: random; fitted to the untuned model (probe); fitted after the position that
    it reads was taught to speak for the whole text (align).
    packing: whether windows stand one after another in one row, without padding; auto: where model and task allow it.
    warmup: share of the steps. save_every: optimiser steps between checkpoints, beside one an evaluation.
    keep: checkpoints, the best one included. patience: evaluations without progress before an early stop; 0 never.
    gradient_checkpointing: whether layers compute themselves once more on the way back, in place of keeping all: about
    a third slower, in a fraction of the memory.
    neftune_alpha: of the noise on input embeddings in training, 5 to 15 where answers are written; 0 for none.
    compile: whether the layers run as compiled kernels, on a GPU; auto: in long runs, where compiling pays.
    averaging: which mean of the weights is judged and kept: an exponential one (ema), that of the last quarter of the
    steps (swa), or none. cache_bytes: that what frozen layers give may take on disk; 0 lets them run at every step.
    seeds: how often the model is trained, from `seed` and the numbers after it; the one best on validation is kept.
    calibrate: whether a temperature is fitted on the validation rows at the end; auto: where it helps them.
    """

    epochs: _AutoCount = "auto"
    learning_rate: Annotated[
        Auto | Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)],
        _wanted("a number above 0, at most 1, or auto"),
    ] = "auto"
    batch_size: _AutoCount = "auto"
    max_length: Annotated[Auto | Annotated[StrictInt, Field(ge=3)], _wanted("a whole number from 3, or auto")] = "auto"
    max_tokens: _AutoCount = "auto"
    packing: Annotated[Auto | StrictBool, _wanted("auto, true or false")] = "auto"
    precision: Annotated[Literal["auto", "fp32", "bf16", "fp16"], _wanted("auto, fp32, bf16 or fp16")] = "auto"
    optimiser: Annotated[Literal["adamw", "adam", "sgd"], _wanted("adamw, adam or sgd")] = "adamw"
    schedule: Annotated[Literal["linear", "cosine", "constant"], _wanted("linear, cosine or constant")] = "linear"
    head_init: Annotated[Literal["auto", "align", "probe", "random"], _wanted("auto, align, probe or random")] = "auto"
    warmup: Annotated[
        Auto | Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)], _wanted("a share from 0 to below 1, or auto")
    ] = "auto"
    weight_decay: Annotated[
        Auto | Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)], _wanted("a number from 0 to 1, or auto")
    ] = "auto"
    max_grad_norm: _real("a number from 0; 0 never clips", ge=0) = 1.0  # pyright: ignore[reportInvalidTypeForm]
    gradient_checkpointing: Annotated[StrictBool, _wanted("true or false")] = False
    neftune_alpha: _real("a number from 0 to 100; 0 for no noise", ge=0, le=100) = 0.0  # pyright: ignore[reportInvalidTypeForm]
    compile: Annotated[Auto | StrictBool, _wanted("auto, true or false")] = "auto"
    averaging: Annotated[Literal["none", "ema", "swa"], _wanted("none, ema or swa")] = "none"
    cache_bytes: Annotated[StrictInt, _wanted("a whole number of bytes, 0 for no cache", ge=0)] = 10 * 2**30
    save_every: _AutoCount = "auto"
    keep: _Count = 2
    calibrate: Annotated[Auto | StrictBool, _wanted("auto, true or false")] = "auto"
    patience: Annotated[Auto | Annotated[StrictInt, Field(ge=0)], _wanted("a whole number from 0, or auto")] = "auto"
    seed: _Seed = 42
    seeds: _Count = 1


_TRACK = Annotated[
    list[Literal["tensorboard", "mlflow", "wandb", "trackio", "swanlab"]],
    BeforeValidator(lambda names: [] if names == ["none"] else names),
    _wanted("none, tensorboard, mlflow, wandb, trackio or swanlab, or a list of them"),
]


class SearchSettings(Section):
    """Of `luthier search`. trials: trainings that are tried. minutes: no further trial starts after them. workers:
    trainings at a time, each in a process of its own. seeds: with how many the winner and the default are trained once
    more. space: what is searched, instead of the usual, by dotted key: a list, or low and high. ray: the address of a
    Ray cluster on which the trials run, or auto."""

    trials: _Count = 20
    minutes: _real("a number above 0", gt=0) = 30.0  # pyright: ignore[reportInvalidTypeForm]
    workers: _Count = 1
    seeds: _Count = 3
    space: Annotated[
        dict[StrictStr, Any], _wanted("keys with what they may be, such as {train.batch_size: [16, 32]}")
    ] = Field(default_factory=dict)
    ray: Annotated[StrictStr | None, _wanted("auto, or the address of a Ray cluster")] = None


class DistilSettings(Section):
    """teacher: a run, or a model folder, that a smaller model is to imitate. temperature: softens what both say. alpha:
    share of the imitation in the loss; the rest is the task's own. hidden: whether hidden states are imitated too.
    unlabelled: texts without answers of which the student learns what the teacher says. layers: the student begins
    with so many of the teacher's own, instead of with a model that is named.
    """

    teacher: _AutoText = None
    temperature: _real("a number above 0", gt=0) = 2.0  # pyright: ignore[reportInvalidTypeForm]
    alpha: _real("a number above 0, at most 1", gt=0, le=1) = 0.5  # pyright: ignore[reportInvalidTypeForm]
    hidden: Annotated[StrictBool, _wanted("true or false")] = False
    unlabelled: _AutoText = None
    layers: Annotated[StrictInt | None, _wanted("a whole number from 1", ge=1)] = None


class Settings(Section):
    """task, tuning, balance, augment: a name, or a section with it under `name` or `method` and its options beside it.

    model: a hub name or a local folder. out: the run's folder. search: changes nothing in a run, and is kept by none.
    track: what follows the run beside its own journal.
    """

    task: dict[str, Any] = Field(default_factory=lambda: {"name": "auto"})
    model: _Text = "auto"
    data: DataSettings = DataSettings()
    tuning: _named(method="full") = Field(default_factory=dict, validate_default=True)  # pyright: ignore[reportInvalidTypeForm]
    train: TrainSettings = TrainSettings()
    balance: _named(method="auto") = Field(default_factory=dict, validate_default=True)  # pyright: ignore[reportInvalidTypeForm]
    distil: DistilSettings = DistilSettings()
    augment: _named(method="none") = Field(default_factory=dict, validate_default=True)  # pyright: ignore[reportInvalidTypeForm]
    search: SearchSettings = Field(default=SearchSettings(), exclude=True)
    track: _TRACK = Field(default_factory=list)
    out: _AutoText = None

    @property
    def pretrained(self) -> bool:
        """Whether training begins with what the model has learnt, and not from scratch."""
        return self.tuning["method"] != SCRATCH


NAME_KEYS = {"task": "name", "tuning": "method", "balance": "method", "augment": "method"}
"""Sections that may be written as a bare name, and the key it then stands for."""
WORD_KEYS = {"data.mix", "search.space"}
"""Sections whose keys are the user's own words, dots and all, and no path."""
LIST_KEYS = (("data", "clean"), ("track",))
"""Lists that may be written as one text, with commas."""
