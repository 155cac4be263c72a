"""What an expert would choose where the user did not: from the data, the model and the machine's flags, never from a
timing, so that a resume repeats it. Each choice says why."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from luthier.beginnings import block_length, blocks_a_step, from_few, from_nothing, passes
from luthier.catalog import AUTO, FEW_SHOT, SCRATCH
from luthier.config.schema import Settings
from luthier.errors import ConfigError
from luthier.language import t
from luthier.models.find import ModelFolder
from luthier.runtime import Runtime
from luthier.task import AnyTask
from luthier.tuning.rates import usual_rate
from luthier.types import Choice

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

_USUAL = {"warmup": 0.1, "weight_decay": 0.01}
"""Of tuning."""
_SMALL = 1000
"""Training rows: below this a set is small."""
_DECODER_FACTOR = 3
_LAUNCHES = 4e-3
"""Seconds in which a GPU's host starts the kernels of a layer, there and back: 7 ms measured on a slow one."""
_GPU_RATE = 4e14
"""Operations a second of a large model's steps, measured on an H200 in bf16."""
_COMPILING = 300
"""Seconds of steps from which compiling pays: it takes one to two minutes and a quarter to a half of the steps."""
_IMBALANCE = 10
"""Largest to smallest class from which remedies are compared: below it there is little to mend, and comparing takes
half a minute on the demo's tickets (6:1)."""


@dataclass(frozen=True)
class Facts:
    """What the choices are made from. lengths: tokens of each text that the training rows ask the model about,
    uncut. rows: of training. classes: of each training row, None for a task without. epochs: how many are usual for the
    task, and why. device, precision: of the machine. validated: whether there is a validation split. remedy: against
    imbalance, where the task has a usual one, and why. windowed: whether a long text is read in windows and not cut.
    joined: whether the texts are joined and cut into blocks. writes: whether the answer is a text that the model
    writes."""

    lengths: np.ndarray
    rows: int
    classes: Sequence[Hashable]
    epochs: tuple[int, str]
    model: ModelFolder
    device: str
    precision: str
    validated: bool
    remedy: tuple[str, str] | None = None
    windowed: bool = False
    joined: bool = False
    writes: bool = False


def choose(settings: Settings, facts: Facts) -> tuple[Settings, list[Choice]]:
    """The settings with every "auto" of training decided, and the choices with their reasons."""
    choices: list[Choice] = []
    train = settings.train.model_dump()

    def decide(key: str, value: Any, reason: str) -> None:
        if train[key] == "auto":
            train[key] = value
            choices.append(Choice(f"train.{key}", value, reason))

    rows, method = facts.rows, settings.tuning["method"]
    if method == FEW_SHOT:
        for key, chosen in from_few(rows).items():
            decide(key, *chosen)
    if facts.joined:
        _decide_joined(facts, method, train, decide)
        rows = _SMALL  # how many texts there are says little where they are joined
    else:
        decide("max_length", *_max_length(facts))
        decide("batch_size", *_batch_size(rows))
    if method == SCRATCH:
        for key, chosen in from_nothing(
            facts.model.hidden_size, facts.epochs[0], joined=facts.joined, writes=facts.writes
        ).items():
            decide(key, *chosen)
    decide("epochs", *facts.epochs)
    decide(
        "learning_rate", *_with_decoder(facts, method, *_learning_rate(method, facts.model.hidden_size, rows, train))
    )
    train |= {key: value for key, value in _USUAL.items() if train[key] == "auto"}
    decide("patience", *_patience(train["epochs"], facts.validated))
    decide("max_tokens", *_max_tokens(facts.device, train["max_length"]))
    if facts.device == "cpu" and train["compile"] == "auto":
        train["compile"] = False  # there is nothing to choose
    decide("compile", *_compile(facts, train))
    decide("save_every", 500, t("a checkpoint every 500 steps, and one after every evaluation"))
    decide("precision", *_precision(facts))
    if settings.distil.layers is not None and method != SCRATCH:
        decide("head_init", "random", t("nothing begins anew: the student has the teacher's head"))
    decide("head_init", *_head_init(method, facts.writes))
    balance = dict(settings.balance)
    if balance["method"] == AUTO:
        reason = _no_remedy(facts.classes)
        if not reason and method == SCRATCH:
            reason = t("nothing is pretrained on whose features the remedies could be compared")
        if not reason and method == FEW_SHOT:
            reason = t("each step shows rows of all classes in pairs")
        usual = facts.remedy or (("none", reason) if reason else None)
        if usual is not None:
            balance = {"method": usual[0]}
            choices.append(Choice("balance", *usual))
    return settings.model_copy(update={"train": type(settings.train)(**train), "balance": balance}), choices


def _decide_joined(
    facts: Facts, method: str, train: Mapping[str, Any], decide: Callable[[str, Any, str], None]
) -> None:
    """What hangs on how many tokens there are, where texts are joined."""
    model, tokens = facts.model, int(facts.lengths.sum())
    decide("max_length", *block_length(model.most_tokens, facts.device))
    decide("batch_size", *blocks_a_step(tokens, train["max_length"]))
    decide("epochs", *passes(tokens, model.layer_weights, pretrained=method != SCRATCH))


def choose_packing(
    asked: bool | Literal["auto"], task: AnyTask, model: PreTrainedModel, tuned: nn.Module, runtime: Runtime
) -> Choice:
    """Whether windows share a row: wherever they can, since that is the faster way (measured on a CPU: by 12 % in bf16,
    by 6 % in fp32, though windows of like length leave little padding). tuned: a model of the same make as the tuning
    method leaves it.

    Errors: ConfigError where it is asked for and cannot be.
    """
    if asked is False:
        return Choice("train.packing", False, "")
    why = _why_not_packed(task, model, tuned, runtime)
    if not why:
        return Choice("train.packing", True, t("texts share a row and none sees another: no padding"))
    if asked is True:
        what, fix = t("cannot be: {why}", why=why), t("train.packing=auto")
        raise ConfigError.at("train.packing", what, fix, code="conflict")
    return Choice("train.packing", False, why)


def _why_not_packed(task: AnyTask, model: PreTrainedModel, tuned: nn.Module, runtime: Runtime) -> str:
    from luthier.models.packing.tried import why_not_packed

    if not task.packs:
        return t("{task} asks about a text as a whole", task=task.name)
    methods: Mapping[str, Any] = getattr(tuned, "peft_config", {})
    if any(method.is_prompt_learning for method in methods.values()):
        return t("the tuning method puts something before every text")
    return why_not_packed(model, runtime.autocast if runtime.precision != "fp32" else None)


def _max_length(facts: Facts) -> tuple[int, str]:
    """The 99th percentile: dynamic padding makes short rows cheap, and the last per cent costs the most memory."""
    longest, cap = int(facts.lengths.max()), facts.model.most_tokens
    wanted = math.ceil(float(np.quantile(facts.lengths, 0.99)) / 8) * 8
    value = max(8, min(wanted, longest, cap))
    share = float((facts.lengths > value).mean())
    if facts.windowed:
        return value, t("99 % of the rows fit (longest {longest} tokens, the model takes {cap}); {share:.1%} of the "
                        "rows are read in several windows", longest=longest, cap=cap, share=share)  # fmt: skip
    return value, t(
        "99 % of the rows fit (longest {longest} tokens, the model takes {cap}); {share:.1%} of the rows are cut",
        longest=longest, cap=cap, share=share,
    )  # fmt: skip


def _batch_size(rows: int) -> tuple[int, str]:
    if rows < _SMALL:
        return 16, t("{rows} training rows: small batches give enough steps", rows=rows)
    return 32, t("{rows} training rows", rows=rows)


def _learning_rate(method: str, hidden_size: int, rows: int, train: Mapping[str, Any]) -> tuple[float, str]:
    """3e-5 at BERT-base's width of 768, more for narrower models, less for wider ones; by the tuning method's factor;
    six tenths of it on a small set, where larger steps forget more than the rows can teach."""
    base = min(3e-4, max(5e-6, 3e-5 * (768 / hidden_size) ** 1.7)) * (0.6 if rows < _SMALL else 1.0)
    small = t(", {rows} rows: smaller steps", rows=rows) if rows < _SMALL else ""
    rate = usual_rate(method)
    if rate.at_random is not None and train["head_init"] == "random":
        return rate.at_random, rate.reason
    if rate.fixed is not None:
        return rate.fixed, rate.reason
    if rate.reason:
        reason = t("hidden size {size}; {reason}", size=hidden_size, reason=rate.reason)
        return _rounded(base * rate.factor), reason + small
    return _rounded(base), t("hidden size {size}: narrower models take higher rates", size=hidden_size) + small


def _with_decoder(facts: Facts, method: str, rate: float, reason: str) -> tuple[float, str]:
    """Of BART 3e-5 to 1e-4 are usual, of T5, whose attention is not scaled, 1e-4 to 1e-3."""
    if not (facts.writes and facts.model.config.get("is_encoder_decoder")) or usual_rate(method).fixed is not None:
        return rate, reason
    return _rounded(_DECODER_FACTOR * rate), reason + t(", an encoder with a decoder takes three times as much")


def _rounded(rate: float) -> float:
    """Two digits: 9.7e-05."""
    return float(f"{rate:.1e}")


def _patience(epochs: int, validated: bool) -> tuple[int, str]:
    if not validated:
        return 0, t("no validation data: the last epoch is kept")
    return max(3, epochs // 3), t("stops early when validation does not improve")


def _max_tokens(device: str, max_length: int) -> tuple[int, str]:
    budget = 4096 if device == "cpu" else 32768
    return max(budget, max_length), t("of one forward pass; a larger batch is accumulated")


def _compile(facts: Facts, train: Mapping[str, Any]) -> tuple[bool, str]:
    """By what the layers would take as they are: so long to start their kernels, so long to multiply. Errors:
    ConfigError where it is asked for and cannot be."""
    from luthier.training.gradient.compiled import why_not_compiled

    why = why_not_compiled(facts.model.config, facts.device, checkpointing=train["gradient_checkpointing"])
    if why and train["compile"] is True:
        raise ConfigError.at("train.compile", t("cannot be: {why}", why=why), "train.compile=auto", code="conflict")
    if why:
        return False, why
    model, epochs = facts.model, train["epochs"]
    tokens = float(np.minimum(facts.lengths, train["max_length"]).mean()) * facts.rows * epochs
    passes = max(math.ceil(facts.rows / train["batch_size"]) * epochs, tokens / train["max_tokens"])
    seconds = passes * model.layers * _LAUNCHES + 6 * model.layer_weights * tokens / _GPU_RATE
    if seconds < _COMPILING:
        return False, t("about {seconds:.0f} s of steps: compiling would take longer than it saves", seconds=seconds)
    return True, t(
        "about {minutes:.0f} minutes of steps: compiling takes one or two and saves more", minutes=seconds / 60
    )


def _precision(facts: Facts) -> tuple[str, str]:
    if facts.precision == "bf16":
        return "bf16", t("this machine multiplies in bf16; weights stay fp32")
    return facts.precision, t("this machine has no bf16 multiplication")


def _no_remedy(classes: Sequence[Hashable]) -> str:
    """Why the classes need none, or "" where the remedies have to be compared."""
    counts = Counter(classes)
    if None in counts or len(counts) < 2:
        return t("no classes")
    ratio = max(counts.values()) / min(counts.values())
    return t("largest to smallest class {ratio:.1f}:1", ratio=ratio) if ratio < _IMBALANCE else ""


def _head_init(method: str, writes: bool) -> tuple[str, str]:
    """Aligning moves the last layer: only where that is tuned anyway, and saved with the model."""
    if method == SCRATCH:
        return "random", t("everything begins at random")
    if writes:
        return "random", t("nothing begins anew: the model has an output layer")
    if method in ("full", "last_layers", "gradual", FEW_SHOT):
        return "align", t("the head begins with what the untuned model knows, read off the whole text")
    return "probe", t("the head begins with what the untuned model knows")
