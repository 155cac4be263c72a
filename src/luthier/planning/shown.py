"""A plan for people: what takes memory, time and disk, each with how it was reckoned; and what would make it fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from luthier.files import size_text
from luthier.language import t
from luthier.planning.words import seconds_text

if TYPE_CHECKING:  # what a plan is made of needs torch; a terminal does not
    from luthier.planning.forecast import Forecast
    from luthier.planning.will_it_fit import Plan

Table = tuple[str, Sequence[str], list[tuple[str, ...]]]


def tables(plan: Plan) -> Iterator[Table]:
    told = plan.forecast
    yield _memory(told)
    yield _time(told)
    yield _disk(told)
    if plan.changes:
        yield _changes(plan)


def sentences(plan: Plan) -> Iterator[str]:
    """Whether it fits, and what to do."""
    told, limits = plan.forecast, plan.limits
    if told.probed:
        yield t("confirmed by real steps: {peak} and {seconds} of training; reckoned before: {guess} and {guessed}",
                peak=size_text(told.peak), seconds=seconds_text(told.seconds["training"]),
                guess=size_text(told.reckoned[0]), guessed=seconds_text(told.reckoned[1]))  # fmt: skip
    else:
        yield t("only reckoned, by no real step: memory may be off by a fifth, time by more")
    if plan.failed:
        yield t("it does not fit: {why}", why=plan.failed)
    memory = size_text(limits.memory or 0)
    where = t("of {memory}", memory=memory) if limits.asked else t("of {memory} that are free", memory=memory)
    needs = t("peak memory {peak} {where}, {seconds} in all", peak=size_text(told.peak), where=where,
              seconds=seconds_text(told.total_seconds))  # fmt: skip
    if limits.seconds is not None:
        needs += " " + t("of {seconds}", seconds=seconds_text(limits.seconds))
    if plan.fits:
        yield t("It fits: {needs}.", needs=needs)
        return
    yield t("It does not fit: {needs}.", needs=needs)
    if plan.chosen is not None:
        yield t("The first change that fits: {words}", words=" ".join(plan.chosen.words))
    else:
        yield t("Nothing that was tried makes it fit; a smaller model or a larger machine would.")


def _memory(told: Forecast) -> Table:
    parts, here = told.memory.parts, told.memory
    source = t("measured") if told.probed else t("reckoned")
    of_each = {
        "runtime": (t("runtime"), t("Python, torch, transformers and the data as read, {source}", source=source)),
        "data": (t("tokenised data"), t("the training rows")),
        "weights": (t("weights"), t("{parameters:,} parameters as they are loaded", parameters=told.parameters)),
        "looking": (t("looking"), t("states that the untuned model gives, kept while the head begins")),
        "gradients": (t("gradients"), t("{trained:,} that learn, 4 bytes each, as far as activations are not gone yet",
                                        trained=told.trained)),
        "moments": (t("moments"), t("{optimiser} was asked on a stand-in", optimiser=told.settings.train.optimiser)),
        "activations": (t("activations"), t("what autograd keeps of the longest step, {source}", source=source)),
        "logits": (t("logits"), t("of a language model's output layer")),
        "allocator": (t("allocator"), t("memory that lies between blocks after many steps of different lengths")),
        "copies": (t("copies"), t("weights and moments once more, while a checkpoint is written")),
        "testing": (t("testing"), t("the saved model beside the trained one")),
    }  # fmt: skip
    rows = [(title, size_text(parts[name]), how) for name, (title, how) in of_each.items() if parts[name] >= 1]
    full = {"looking": t("looking"), "step": t("a step"), "saving": t("saving"), "testing": t("testing")}
    rows.append((t("peak"), size_text(here.peak), t("while: {doing}", doing=full[here.fullest])))
    return t("memory"), (t("part"), t("size"), t("how")), rows


def _time(told: Forecast) -> Table:
    names = {
        "preparing": t("read, load, tokenise"),
        "looking": t("look with the untuned model"),
        "baselines": t("baselines"),
        "beginning": t("the head's beginning"),
        "training": t("training"),
        "evaluating": t("evaluations"),
        "saving": t("checkpoints"),
        "testing": t("test and report"),
    }
    rows = [(names[name], seconds_text(value), "") for name, value in told.seconds.items()]
    each = told.seconds["training"] / max(1, told.epochs)
    about = t("{epochs} epochs of {steps} steps, {seconds} each; {tokens:,} tokens an epoch", epochs=told.epochs,
              steps=told.per_epoch, seconds=seconds_text(each), tokens=told.tokens)  # fmt: skip
    rows = [(name, value, about if name == names["training"] else note) for name, value, note in rows]
    total = t("{runs} folds", runs=told.runs) if told.runs > 1 else ""
    rows.append((t("in all"), seconds_text(told.total_seconds), total))
    return t("time"), (t("part"), t("takes"), ""), rows


def _disk(told: Forecast) -> Table:
    names = {"checkpoints": t("checkpoints"), "model": t("the tuned model"), "journal": t("journal and report")}
    rows = [(names[name], size_text(size)) for name, size in told.disk.items()]
    rows.append((t("in all"), size_text(told.total_disk)))
    return t("disk"), (t("part"), t("size")), rows


def _changes(plan: Plan) -> Table:
    rows = []
    for change in plan.changes:
        fits = t("yes") if change.fits(plan.limits) else t("no")
        sure = t("confirmed") if change.confirmed else t("reckoned") if change.forecast else t("scaled by its size")
        rows.append((" ".join(change.words), size_text(change.peak), seconds_text(change.seconds), fits,
                     f"{change.why}; {sure}"))  # fmt: skip
    headers = (t("change"), t("memory"), t("time"), t("fits"), t("why"))
    return t("what would make it fit"), headers, rows
