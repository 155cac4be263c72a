"""What a run tells while it goes: the data, the plan with its reasons, the result, what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.beginnings import few_shot_hint
from luthier.errors import places_text
from luthier.evaluation.parts import part_title
from luthier.evaluation.verdict import baseline_title
from luthier.files import size_text
from luthier.formats.format import classes_of
from luthier.language import t
from luthier.preparing.prepare import Prepared
from luthier.progress import Progress
from luthier.types import PARTS

if TYPE_CHECKING:
    from luthier.balancing.compare import Comparison
    from luthier.balancing.decide import Moved
    from luthier.calibrating.scale import Calibration
    from luthier.planning.reckoning.estimate import Estimate
    from luthier.ready import Ready
    from luthier.runtime import Runtime
    from luthier.task import AnyTask
    from luthier.tuning.parts import Tuned

_MOST_CLASSES = 12
_MOST_LINES = 5


def data(prepared: Prepared, screen: Progress) -> None:
    """What the data are and what is wrong with them."""
    split = prepared.split
    sizes = ", ".join(f"{t(name)} {len(split.part(name)):,}" for name in PARTS)
    columns = ", ".join(f"{ours} = {theirs}" for ours, theirs in prepared.columns.items())
    screen.say(t("task {task}; columns: {columns}", task=prepared.task.name, columns=columns))
    screen.say(t("rows: {sizes}", sizes=sizes))
    strata = (prepared.task.format.stratum(example.answer) for example in split.train)
    classes = Counter(str(name) for stratum in strata for name in classes_of(stratum))
    if classes:
        listed = ", ".join(f"{name} {count}" for name, count in classes.most_common(_MOST_CLASSES))
        more = f" … ({len(classes)})" if len(classes) > _MOST_CLASSES else ""
        screen.say(t("classes in training: {classes}", classes=listed + more))
    for note in prepared.notes:
        screen.say(note)
    if prepared.skipped:
        screen.warn(t("{count} rows were left out (data.bad_rows=skip)", count=prepared.skipped))
    for finding in prepared.findings:
        where = f" ({places_text(finding.rows, _MOST_LINES)})" if finding.rows else ""
        screen.warn(f"{finding.code}: {finding.message}{where}; {finding.fix}")


def plan(ready: Ready, prepared: Prepared, screen: Progress) -> None:
    """The choices with their reasons."""
    from luthier.ready import warnings

    for warning in warnings(ready):
        screen.warn(warning)
    rows = [(choice.key, str(choice.value), choice.reason) for choice in ready.choices]
    screen.table(t("chosen, and why"), (t("setting"), t("value"), t("reason")), rows)
    if ready.mixture is None:
        _sampled(ready, prepared, screen)
    else:
        _mixed(ready, prepared, screen)


def course(ready: Ready, reckoned: Estimate, runtime: Runtime, screen: Progress) -> None:
    """How long the way is, and what it will take."""
    way = reckoned.course
    minutes = reckoned.seconds["training"] / 60
    screen.say(
        t("{model}, {method}: {epochs} epochs of {steps} steps, on {device} in {precision}; reckoned: {memory} of "
          "memory, {minutes:.1f} minutes of training (luthier plan measures both)",
          model=ready.settings.model, method=ready.settings.tuning["method"], epochs=way.epochs, steps=way.per_epoch,
          device=runtime.device, precision=runtime.precision, memory=size_text(reckoned.memory.peak), minutes=minutes)
    )  # fmt: skip
    hint = few_shot_hint(ready.counts, ready.settings.tuning["method"])
    if hint:
        screen.say(hint)


def remedies(comparison: Comparison, ready: Ready, prepared: Prepared, screen: Progress) -> None:
    """The remedies against imbalance, tried, and the one that was chosen."""
    lines: list[tuple[str, ...]] = []
    for candidate in comparison.candidates:
        apart = f"{candidate.difference:+.3f}  [{candidate.low:+.3f}, {candidate.high:+.3f}]"
        numbers = _scores([score.as_json() for score in candidate.scores])
        lines.append((candidate.name, *numbers, "" if candidate.name == "none" else apart))
    names = [score.name for score in comparison.candidates[0].scores]
    title = t("remedies against imbalance: heads on the untuned model's features, cross-validated on {rows:,} rows",
              rows=comparison.rows)  # fmt: skip
    screen.table(title, (t("remedy"), *names, t("against none")), lines)
    screen.say(f"balance={comparison.chosen}: {comparison.reason}")
    _sampled(ready, prepared, screen)


def _sampled(ready: Ready, prepared: Prepared, screen: Progress) -> None:
    sampling = ready.sampling(prepared.split.train)
    if sampling is not None:
        screen.say(
            t("{method}: an epoch shows {shown:,} rows, drawn from {rows:,}; {steps} steps",
              method=ready.settings.balance["method"], shown=len(sampling), rows=len(prepared.split.train),
              steps=-(-len(sampling) // ready.training.batch_size))
        )  # fmt: skip


def _mixed(ready: Ready, prepared: Prepared, screen: Progress) -> None:
    """What an epoch shows of each training set."""
    rows = [(row["name"], f"{row['rows']:,}", f"{row['share']:.0%}", f"{row['epoch']:,}")
            for row in ready.sets_shown(prepared.split.train)]  # fmt: skip
    screen.table(t("training sets"), (t("set"), t("rows"), t("share"), t("an epoch shows")), rows)


def decisions(moved: Moved | None, task: AnyTask, screen: Progress, calibration: Calibration | None = None) -> None:
    """How sure the model says it is by now, and where the validation rows moved its decisions."""
    if calibration is not None:
        screen.say(calibration.reason)
    if moved is not None and moved.shifts_C.any():
        shifts = sorted(zip(moved.shifts_C.tolist(), task.class_names(), strict=True), reverse=True)
        listed = ", ".join(f"{name} {shift:+.2f}" for shift, name in shifts[:_MOST_CLASSES])
        more = f" … ({len(shifts)})" if len(shifts) > _MOST_CLASSES else ""
        screen.say(t("logits shifted, as the validation rows ask for: {shifts}", shifts=listed + more))
    if moved is not None and moved.note:
        screen.say(moved.note)


def parameters(tuned: Tuned, screen: Progress) -> None:
    """How much of the model moves, and what the tuning method has to say."""
    for note in tuned.notes:
        screen.warn(note)
    total = sum(p.numel() for p in tuned.model.parameters())
    moving = sum(p.numel() for p in tuned.model.parameters() if p.requires_grad)
    screen.say(
        t("{moving:,} of {total:,} parameters learn ({share:.1%})", moving=moving, total=total, share=moving / total)
    )


def result(report: Mapping[str, Any], path: Path, screen: Progress, *, texts: bool = True) -> None:
    """The test, the verdict, and where everything is. texts: whether a text alone can be predicted."""
    names = _told(report)
    rows = [(t("tuned"), *_of(report["scores"], names))]
    rows += [(baseline_title(name), *_of(scores, names)) for name, scores in report["baselines"].items()]
    n = report["scores"][0]["n"]
    screen.table(t("{part}, {n} rows", part=t(report["judged_on"]), n=n), ("", *names), rows)
    _parts(report.get("parts"), screen)
    work = report["throughput"]
    screen.say(
        t("{tokens:,.0f} real tokens/s, {padding:.0%} of the tokens real, utilisation {use:.0%}, peak memory {memory}, "
          "{seconds:.0f} s in all",
          tokens=work["tokens_per_second"], padding=work["real_to_padded"], use=work["utilisation"],
          memory=size_text(report["peak_memory_bytes"]), seconds=report["seconds"])
    )  # fmt: skip
    screen.say()
    screen.say(report["verdict"]["sentence"])
    if report["leak"] is not None:
        screen.say(report["leak"]["sentence"])
    for told in ("distillation", "general", "memorised"):
        if report[told] is not None:
            screen.say(report[told]["sentence"])
    screen.say()
    screen.say(t("model   {path}", path=path / "model"))
    screen.say(t("report  {path}", path=path / "report.html"))
    if texts:
        screen.say(t('next    luthier predict {path} --text "…"   |   luthier serve {path}', path=path))
    else:
        screen.say(t("next    luthier predict {path} FILE   |   luthier serve {path}", path=path))


def _parts(parts: Mapping[str, Any] | None, screen: Progress) -> None:
    """What the tuned model makes of the inputs with a part taken away, where they have parts."""
    if parts is None:
        return
    names = [score["name"] for score in parts["together"][:2]]
    rows = [(t("all together"), *_scores(parts["together"]), "")]
    for one in parts["alone"]:
        gain = one["gain"]
        apart = f"{gain['value']:+.3f}  [{gain['low']:+.3f}, {gain['high']:+.3f}]"
        rows.append((part_title(one["part"]), *_scores(one["scores"]), apart))
    title = t("what each part adds, {n} rows that have all", n=parts["rows"])
    screen.table(title, ("", *names, t("the rest adds")), rows)


def folded_data(prepared: Sequence[Prepared], screen: Progress) -> None:
    """What the data are, once for all folds."""
    data(prepared[0], screen)
    sizes = ", ".join(f"{len(fold.split.test):,}" for fold in prepared)
    screen.say(t("{folds} folds, tested on {sizes} rows; the first is shown above", folds=len(prepared), sizes=sizes))


def folded_result(report: Mapping[str, Any], path: Path, screen: Progress) -> None:
    """All folds together, each fold, the verdict, and where everything is."""
    names = [score["name"] for score in report["scores"][:2]]
    rows = [(t("fold {number}", number=i), *_scores(fold["scores"])) for i, fold in enumerate(report["folds"], 1)]
    over = {row["name"]: f"{row['mean']:.3f} ± {row['sd']:.3f}" for row in report["over_folds"]}
    rows.append((t("mean ± standard deviation"), *(over.get(name, "–") for name in names)))
    screen.table(t("each fold"), ("", *names), rows)
    rows = [(t("tuned"), *_scores(report["scores"]))]
    rows += [(baseline_title(name), *_of(scores, names)) for name, scores in report["baselines"].items()]
    n = report["scores"][0]["n"]
    screen.table(t("all folds together, {n} rows", n=n), ("", *names), rows)
    screen.say()
    screen.say(report["verdict"]["sentence"])
    screen.say()
    if report["leak"] is not None:
        screen.say(report["leak"]["sentence"])
    screen.say(report["next"])
    screen.say(t("report  {path}", path=path / "report.html"))


def seeds(story: Mapping[str, Any], screen: Progress) -> None:
    """Each seed, their spread, and which is kept. story: the part `seeds` of report.json."""
    names = [row["name"] for row in story["over_seeds"][:2]]
    over = {row["name"]: row for row in story["over_seeds"]}
    rows = [
        (f"{one['seed']}" + (" ★" if one["seed"] == story["chosen"] else ""),
         "–" if one["validation"] is None else f"{one['validation']['value']:.3f}",
         *_of(one["scores"], names), one["note"])
        for one in story["runs"]
    ]  # fmt: skip
    spread = (f"{over[name]['mean']:.3f} ± {over[name]['sd']:.3f}" for name in names)
    rows.append((t("mean ± standard deviation"), "", *spread, ""))
    screen.table(t("each seed"), (t("seed"), t("validation"), *names, ""), rows)
    screen.say(story["sentence"])


def _scores(scores: list[Mapping[str, Any]]) -> list[str]:
    return [_score(score) for score in scores[:2]]


def _told(report: Mapping[str, Any]) -> list[str]:
    """The first two scores, and the first that a baseline has which has neither."""
    names = [score["name"] for score in report["scores"]]
    told = names[:2]
    for scores in report["baselines"].values():
        own = {score["name"] for score in scores}
        told += [] if own.intersection(told) else [name for name in names if name in own][:1]
    return told


def _of(scores: list[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """The named scores; a baseline need not have them all."""
    known = {score["name"]: score for score in scores}
    return [_score(known[name]) if name in known else "–" for name in names]


def _score(score: Mapping[str, Any]) -> str:
    if score["low"] is None:
        return f"{score['value']:.3f}"
    return f"{score['value']:.3f}  [{score['low']:.3f}, {score['high']:.3f}]"
