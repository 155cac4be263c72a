"""Everything that training needs, made ready: model, tokenizer, Codec, the defaults that were chosen, what moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from luthier import catalog
from luthier.balancing.remedy import Remedy
from luthier.balancing.sampling import Sampling, crossed
from luthier.codec import Codec
from luthier.config.schema import Settings
from luthier.data.mixture import Mixture
from luthier.defaults import Facts, choose, choose_packing
from luthier.distilling.shorten import shortened
from luthier.errors import ConfigError, ModelError
from luthier.language import t
from luthier.models.find import ModelFolder
from luthier.models.load import Loaded, LoadedTokenizer, afresh, fresh_body, load_tokenizer, loading_with, pad_alike
from luthier.models.new_tokens import grow_vocabulary, new_token_ids
from luthier.preparing.prepare import Prepared
from luthier.runtime import Runtime, has_bf16
from luthier.task import AnyTask
from luthier.text.clean import cleaner
from luthier.text.tokenizer import TextRule
from luthier.training.how import Training
from luthier.tuning.four_bits import loading_of
from luthier.tuning.parts import Tuned
from luthier.types import Choice, Example, LabelledWindow


@dataclass(frozen=True)
class Ready:
    """settings: with nothing left to choose but, where it is "auto", the remedy against imbalance, for which the
    untuned model has to look at the data. choices: what was chosen and why. loaded: before tuning touched it.
    counts: training rows of each class; empty for a task without classes. mixture: the shares of the training sets."""

    settings: Settings
    choices: Sequence[Choice]
    folder: ModelFolder
    tokenizer: LoadedTokenizer
    codec: Codec
    loaded: Loaded
    remedy: Remedy
    counts: Sequence[int]
    mixture: Mixture | None = None

    @property
    def remedy_is_open(self) -> bool:
        return self.settings.balance["method"] == catalog.AUTO

    def sampling(
        self, examples: Sequence[Example[Any, Any]], windows: Sequence[LabelledWindow] = ()
    ) -> Sampling | None:
        """Which of the training rows an epoch shows; None where it shows each once. windows: of the rows, once they are
        encoded, of which the task may have a choice of its own."""
        numbers = [window.example for window in windows] if windows else range(len(examples))
        own = self._own_sampling(examples, windows, numbers)
        if self.mixture is None:
            return own
        sets_N = self.mixture.sets(examples)
        shown_N = sets_N[numbers]
        by_set = Sampling(shown_N, self.mixture.rates(shown_N if self.codec.task.joins else sets_N))
        return by_set if own is None else crossed(by_set, own)

    def sets(self, examples: Sequence[Example[Any, Any]]) -> list[int]:
        """Of each training row the number of its set; nothing where there are no sets."""
        return [] if self.mixture is None else self.mixture.sets(examples).tolist()

    def sets_shown(
        self, examples: Sequence[Example[Any, Any]], windows: Sequence[LabelledWindow] = ()
    ) -> list[dict[str, Any]]:
        """Of each training set its name, its rows, its share of the rows shown, and how many of them an epoch shows;
        nothing where there are no sets. examples: of training. windows: of them; where texts are joined, these are what
        is shown, and not the rows."""
        joined = windows if self.codec.task.joins else ()
        sampling = self.sampling(examples, joined)
        if self.mixture is None or sampling is None:
            return []
        sets_N = self.mixture.sets(examples)
        if joined:
            sets_N = sets_N[[window.example for window in joined]]
        epoch_S = np.bincount(sets_N, weights=sampling.weights_N)
        named = zip(self.mixture.names, self.mixture.shares, epoch_S, strict=True)
        return [
            {"name": name, "rows": int((sets_N == s).sum()), "share": share, "epoch": round(shown)}
            for s, (name, share, shown) in enumerate(named)
        ]

    def _own_sampling(
        self, examples: Sequence[Example[Any, Any]], windows: Sequence[LabelledWindow], numbers: Sequence[int]
    ) -> Sampling | None:
        """What balance or the task itself wants. numbers: of each window the row that it is of."""
        if not self.remedy.rates:
            return self.codec.task.windows_shown(windows) if windows else None
        classes_N = self.codec.task.row_classes([example.answer for example in examples])
        return Sampling(classes_N[numbers], self.remedy.rates)

    @property
    def training(self) -> Training:
        how = self.settings.train.model_dump()
        return Training(**{name: how[name] for name in Training.__dataclass_fields__})


def make_ready(
    settings: Settings, prepared: Prepared, folder: ModelFolder, choices: Sequence[Choice], runtime: Runtime
) -> Ready:
    """Loads the model and decides what is left to decide.

    Errors: ModelError, ConfigError for settings that do not fit the model or the machine.
    """
    _check_precision(settings, runtime)
    loading = loading_of(catalog.tuning_method(settings.tuning["method"]), runtime.device)
    task, tokenizer, spoken = prepared.task.with_tokenizer(load_tokenizer(folder.folder))
    lengths = task.row_lengths(prepared.split.train, tokenizer.backend)
    _check_length(settings, folder)
    answers, validated = [example.answer for example in prepared.split.train], bool(prepared.split.validation)
    prepared.task.check_parts(validated=validated)
    _check_calibration(settings, prepared.task, validated=validated)
    stratum = prepared.task.format.stratum if prepared.task.class_names() else lambda _: None
    seen = [answers[i] for i in _rows_of_an_epoch(prepared)]
    facts = Facts(
        lengths=lengths,
        rows=len(seen),
        classes=[stratum(answer) for answer in answers],
        epochs=prepared.task.usual_epochs(seen),
        model=folder,
        device=runtime.device,
        precision=runtime.precision,
        validated=validated,
        remedy=prepared.task.usual_remedy(validated=validated),
        windowed=prepared.task.format.answers_are_places,
        joined=prepared.task.joins,
        writes=prepared.task.speaks_untuned,
    )
    chosen, more = choose(settings, facts)
    task, own = task.settle(answers)
    task, told = task.fitted(folder.folder)
    more += [replace(choice, key=f"task.{choice.key}") for choice in (*spoken, *own, *told)]
    chosen = chosen.model_copy(
        update={
            "model": folder.name,
            "task": {"name": task.name, **task.options()},
            "data": settings.data.model_copy(update={"columns": dict(prepared.columns), "split": prepared.how}),
        }
    )
    counts = task.class_counts(answers)
    chosen, remedy = _with_remedy(chosen, chosen.balance, task, counts, validated=validated)
    task = task.remedied(remedy)
    rule = TextRule(tokenizer.backend, int(chosen.train.max_length), tokenizer.pad_id, folder.has_segments)
    codec = Codec(task, rule, prepared.columns, cleaner(tuple(settings.data.clean)).names)
    with loading_with(loading):
        loaded = task.load_model(folder.folder, seed=chosen.train.seed, device=runtime.device)
    if chosen.distil.layers is not None:
        loaded = shortened(loaded, chosen.distil.layers)
    if not chosen.pretrained:
        loaded = afresh(loaded, chosen.train.seed)
    pad_alike(loaded, tokenizer.pad_id)
    grow_vocabulary(loaded.model, tokenizer.backend)
    _check_vocabulary(loaded, tokenizer, folder)
    tuned = check_tuning(chosen, loaded, folder)
    _check_aims(tuned, task, remedy, chosen)
    packing = choose_packing(settings.train.packing, task, loaded.model, tuned.model, runtime)
    more += [packing] if settings.train.packing == "auto" and task.packs else []
    chosen = chosen.model_copy(update={"train": chosen.train.model_copy(update={"packing": packing.value})})
    return Ready(chosen, [*choices, *more], folder, tokenizer, codec, loaded, remedy, counts, prepared.mixture)


def _check_aims(tuned: Tuned, task: AnyTask, remedy: Remedy, settings: Settings) -> None:
    """Whether what the tuning method aims at goes with the task and the rest. Errors: ConfigError."""
    tuned.objective_for(task)
    if tuned.objective is not None and settings.distil.teacher is not None:
        what = t("the tuning method has an aim of its own, and cannot imitate a teacher")
        raise ConfigError.at("distil", what, t("tuning.method=full, or no distil"), code="conflict")
    if tuned.paired_steps and remedy.rates:
        what = t("each step shows rows of all classes in pairs, and no class more often")
        raise ConfigError.at("balance", what, t("balance=none or weighted_loss"), code="conflict")


def _rows_of_an_epoch(prepared: Prepared) -> Sequence[int]:
    """Numbers of training rows: all of them, or as many as the shares of their sets let an epoch show."""
    train = prepared.split.train
    if prepared.mixture is None:
        return range(len(train))
    sets_N = prepared.mixture.sets(train)
    return Sampling(sets_N, prepared.mixture.rates(sets_N)).epoch(0, 0).tolist()


def with_remedy(ready: Ready, method: str, reason: str) -> Ready:
    """With the remedy that was chosen on the data."""
    settings, remedy = _with_remedy(ready.settings, {"method": method}, ready.codec.task, ready.counts, validated=True)
    codec = replace(ready.codec, task=ready.codec.task.remedied(remedy))
    choices = [*ready.choices, Choice("balance", method, reason)]
    return replace(ready, settings=settings, codec=codec, remedy=remedy, choices=choices)


def tune(ready: Ready) -> Tuned:
    """Applies the tuning method; what it adds starts from the run's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(ready.settings.train.seed)
        tuned = _apply(ready.settings, ready.loaded.model)
    if ready.settings.train.gradient_checkpointing:
        _compute_anew(ready.loaded.model)
    tokens, embedding = new_token_ids(ready.loaded.model), ready.loaded.model.get_input_embeddings()
    if not tokens or embedding is None or any(p.requires_grad for p in embedding.parameters()):
        return tuned
    note = t("the {count} new tokens of the tokenizer do not learn with this method: they stay the mean of all others; "
             "tuning.method=lora or full trains them", count=len(tokens))  # fmt: skip
    return replace(tuned, notes=(*tuned.notes, note))


def _compute_anew(model: Any) -> None:
    """Chen et al. 2016. Without reentrance: frozen layers below need no gradient by their input then."""
    if not getattr(model, "supports_gradient_checkpointing", False):
        what = t("{model} cannot compute its layers once more", model=type(model).__name__)
        raise ConfigError.at(
            "train.gradient_checkpointing", what, "train.gradient_checkpointing=false", code="conflict"
        )
    model.gradient_checkpointing_enable({"use_reentrant": False})


def warnings(ready: Ready) -> list[str]:
    """What the user should know about the model before it is trained."""
    fresh = fresh_body(ready.loaded)
    if not fresh:
        return []
    names = ", ".join(fresh[:3]) + (" …" if len(fresh) > 3 else "")
    return [t("{count} weights of the pretrained part are missing and start at random: {names}",
              count=len(fresh), names=names)]  # fmt: skip


def check_tuning(settings: Settings, loaded: Loaded, folder: ModelFolder) -> Tuned:
    """Applies the tuning method to a model of the same make without weights, so that options which do not fit are
    refused before anything is written."""
    with torch.device("meta"):
        skeleton = type(loaded.model)(loaded.model.config)
    tuned = _apply(settings, skeleton)
    places, asked = tuned.places, int(settings.train.max_length)
    if asked + places > folder.most_tokens:
        what = t("{asked} and {places} virtual tokens are more than the {most} that {model} takes",
                 asked=asked, places=places, most=folder.most_tokens, model=folder.name)  # fmt: skip
        fix = f"train.max_length={max(3, folder.most_tokens - places)}"
        raise ConfigError.at("train.max_length", what, fix, code="out-of-range")
    return tuned


def _apply(settings: Settings, model: Any) -> Tuned:
    options = {key: value for key, value in settings.tuning.items() if key != "method"}
    return catalog.tuning_method(settings.tuning["method"])(model, **options)


def _with_remedy(
    settings: Settings, balance: Mapping[str, Any], task: AnyTask, counts: Sequence[int], *, validated: bool
) -> tuple[Settings, Remedy]:
    """The settings with all options of the remedy, and what it is; nothing while it is still to be chosen.

    Errors: ConfigError for a task without classes, an option out of range, a remedy that needs validation rows.
    """
    method = balance["method"]
    if method == catalog.AUTO:
        return settings, Remedy()
    defaults = {name: default for name, (_, default) in catalog.remedy_options(method).items()}
    options = {**defaults, **{key: value for key, value in balance.items() if key != "method"}}
    if not counts and method != "none":
        task.row_classes([])  # says what it has not
    remedy = task.usable(method, catalog.remedy(method)(counts, **options), validated=validated)
    if remedy.moves_decisions and not validated:
        what = t("{method} is chosen on validation rows; there are none", method=method)
        raise ConfigError.at("balance", what, t("data.split.validation=0.1, or another remedy"), code="conflict")
    return settings.model_copy(update={"balance": {"method": method, **options}}), remedy


def _check_precision(settings: Settings, runtime: Runtime) -> None:
    precision = settings.train.precision
    if precision == "fp16" and runtime.device == "cpu":
        what, fix = t("fp16 is for GPUs; this machine has none"), t("train.precision=auto")
        raise ConfigError.at("train.precision", what, fix, code="conflict")
    if precision == "bf16" and not has_bf16(runtime.device):
        what, fix = t("this machine does not multiply in bf16"), t("train.precision=auto")
        raise ConfigError.at("train.precision", what, fix, code="conflict")


def _check_calibration(settings: Settings, task: AnyTask, *, validated: bool) -> None:
    if settings.train.calibrate is True and not (validated and task.calibrates()):
        what = t("{task} gives no probabilities that a temperature could mend", task=task.name)
        if task.calibrates():
            what = t("the temperature is fitted on validation rows; there are none")
        raise ConfigError.at("train.calibrate", what, "train.calibrate=auto", code="conflict")


def _check_length(settings: Settings, folder: ModelFolder) -> None:
    asked = settings.train.max_length
    if asked != "auto" and asked > folder.most_tokens:
        what = t("{asked} is more than the {most} that {model} takes",
                 asked=asked, most=folder.most_tokens, model=folder.name)  # fmt: skip
        fix = f"train.max_length={folder.most_tokens}"
        raise ConfigError.at("train.max_length", what, fix, code="out-of-range")


def _check_vocabulary(loaded: Loaded, tokenizer: LoadedTokenizer, folder: ModelFolder) -> None:
    embedding: Any = loaded.model.get_input_embeddings()
    rows, ids = embedding.num_embeddings, tokenizer.backend.get_vocab_size(with_added_tokens=True)
    if ids > rows:
        what = t("the tokenizer has {ids} tokens, the model's embedding {rows} rows", ids=ids, rows=rows)
        fix = t("use the tokenizer that the model was trained with")
        raise ModelError.at(folder.name, what, fix, code="vocabulary")
