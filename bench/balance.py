"""python -m bench.balance TRAIN TEST [key=value …] [--label NAME] [--seeds N] [--thin S] [--out FILE]

Trains with every remedy against imbalance and judges each on TEST, beside what `balance: auto` made of them on training
and validation rows alone: is its choice as good as the best single remedy? Everything but the remedy is the same; the
untuned model looks at the data once a seed. With no files it takes the embedded tickets, thinned so that each class has
--thin times the rows of the one before it.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Outcome:
    """Of one seed. predictions: of each remedy on the test rows. candidates: as auto compared them. chosen: by it."""

    predictions: dict[str, list[Any]]
    compared: dict[str, str]
    chosen: str


def main() -> None:
    words = _parser().parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        train, test, label = _data(words, Path(folder))
        outcomes: list[Outcome] = []
        task, answers = None, []
        for seed in range(words.seeds):
            outcome, task, answers = _one_seed(train, test, label, words.settings, seed)
            outcomes.append(outcome)
    text = _table(task, answers, outcomes, train.name, time.monotonic() - begin)
    words.out.write_text(text, encoding="utf-8")
    print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench.balance", description=__doc__)
    parser.add_argument("train", nargs="?", type=Path, help="a CSV file with the columns text and a label")
    parser.add_argument("test", nargs="?", type=Path, help="another, to judge on")
    parser.add_argument("settings", nargs="*", help="settings of every run, such as tuning.method=last_layers")
    parser.add_argument("--label", default="label")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--thin", type=float, default=0.7)
    parser.add_argument("--out", type=Path, default=HERE / "BALANCE.md", help="where the table goes")
    return parser


def _data(words: argparse.Namespace, folder: Path) -> tuple[Path, Path, str]:
    if words.train is not None and words.test is not None:
        return words.train, words.test, words.label
    from luthier.demo import write_demo_data

    write_demo_data(folder)
    with (folder / "tickets_en.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["intent"]) for row in csv.DictReader(file)]
    drawn = np.random.default_rng(0).permutation(len(rows))
    half = len(rows) // 2
    parts = {"train": _thinned([rows[i] for i in drawn[:half]], words.thin), "test": [rows[i] for i in drawn[half:]]}
    for name, part in parts.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *part])
    return folder / "train.csv", folder / "test.csv", "label"


def _thinned(rows: Sequence[tuple[str, str]], share: float) -> list[tuple[str, str]]:
    """Of the k-th class by name, share^k of its rows, and four at least."""
    kept: list[tuple[str, str]] = []
    for k, label in enumerate(sorted({label for _, label in rows})):
        own = [row for row in rows if row[1] == label]
        kept += own[: max(4, round(len(own) * share**k))]
    return kept


def _one_seed(
    train: Path, test: Path, label: str, settings: Sequence[str], seed: int
) -> tuple[Outcome, Any, list[Any]]:
    from luthier import catalog
    from luthier.balancing.choose import compare
    from luthier.config.settings import load_settings
    from luthier.evaluation.evaluate import evaluate
    from luthier.inference.predict import predict
    from luthier.models.known import choose_model
    from luthier.preparing.prepare import prepare
    from luthier.probing import look
    from luthier.progress import SILENT
    from luthier.ready import make_ready
    from luthier.runtime import open_runtime

    own = [f"data.train={train}", f"data.test={test}", f"data.columns.label={label}", "data.bad_rows=skip"]
    read = load_settings(None, [*own, f"train.seed={seed}", f"data.split.seed={seed}", "train.keep=1", *settings])
    prepared = prepare(read)
    split, predictions = prepared.split, {}
    answers = [example.answer for example in split.test]
    folder, _ = choose_model(read.model, prepared.language)
    with open_runtime(read.train.precision) as runtime:
        ready = make_ready(read, prepared, folder, (), runtime)
        frozen = look(ready.loaded.model, ready.codec, split, runtime, ready.training.max_tokens, seed, SILENT)
        assert frozen is not None
        comparison = compare(ready, frozen, SILENT)
        model, trained = ready.loaded.model, None
        moving_last = sorted(comparison.candidates, key=lambda c: catalog.remedy(c.name)((1, 1)).moves_decisions)
        names = [candidate.name for candidate in moving_last if candidate.name != "none"]
        for name in [*names[:-1], "none", names[-1]]:
            one = make_ready(read.model_copy(update={"balance": {"method": name}}), prepared, folder, (), runtime)
            if replace(one.remedy, moves_decisions=False) != trained:  # else the model of the one before
                model, trained = _trained(one, prepared, frozen, runtime), one.remedy
            codec = _moved(model, one, prepared, runtime) if one.remedy.moves_decisions else one.codec
            inputs = [example.input for example in split.test]
            predictions[name] = predict(model, codec, inputs, device=runtime.device, max_tokens=4096)
            main = evaluate(codec.task, predictions[name], answers, seed=seed, intervals=False)
            print(f"seed {seed}: {name}: {main.scores[0]}, {main.scores[1]}", flush=True)
    compared = {candidate.name: f"{candidate.scores[0].value:.3f}" for candidate in comparison.candidates}
    print(f"seed {seed}: auto chooses {comparison.chosen}: {comparison.reason}", flush=True)
    return Outcome(predictions, compared, comparison.chosen), ready.codec.task, answers


def _trained(ready: Any, prepared: Any, frozen: Any, runtime: Any) -> Any:
    """The model, after everything that `luthier train` does between the look at the data and the end of training."""
    from luthier.fit import fit
    from luthier.probing import begin_head
    from luthier.progress import SILENT
    from luthier.ready import tune

    split, how, codec = prepared.split, ready.training, ready.codec
    start = ready.settings.train.head_init
    begin_head(ready.loaded.model, codec.task, frozen, runtime, start, ready.remedy, how.seed)
    tuned = tune(ready)
    with tempfile.TemporaryDirectory() as place:
        fit(
            tuned, codec, codec.encode_labelled(split.train), split.validation, how, folder=Path(place), facts={},
            runtime=runtime, screen=SILENT, sampling=ready.sampling(split.train),
        )  # fmt: skip
    return tuned.model


def _moved(model: Any, ready: Any, prepared: Any, runtime: Any) -> Any:
    """Shifts the decisions of a trained model; the Codec to read it with."""
    from luthier.balancing.decide import move_decisions
    from luthier.inference.artifact import Predictor

    how, rows = ready.training, prepared.split.validation
    said = Predictor(model, ready.codec, "", runtime.device, how.max_tokens).answers(rows)
    return move_decisions(model, ready.codec, said, [row.answer for row in rows], ready.counts, seed=how.seed).codec


def _table(task: Any, answers: list[Any], outcomes: Sequence[Outcome], name: str, seconds: float) -> str:
    from luthier.evaluation.evaluate import report_of, resampled

    found = [{k: resampled(task, said, answers, seed=0) for k, said in o.predictions.items()} for o in outcomes]
    scores = {k: [report_of(each[k], answers).scores for each in found] for k in found[0]}
    order = sorted(scores, key=lambda k: -np.mean([s[0].value for s in scores[k]]))
    lines = [
        "# Remedies against imbalance", "",
        f"`python -m bench.balance {' '.join(sys.argv[1:])}`: {name}, {len(answers)} test rows, {len(outcomes)} seeds, "
        f"{seconds / 60:.0f} minutes.", "",
        "| remedy | test macro-F1, each seed | mean | test accuracy, mean | before training, by auto, each seed |",
        "| --- | --- | ---: | ---: | --- |",
    ]  # fmt: skip
    for k in order:
        each = ", ".join(f"{s[0].value:.3f}" for s in scores[k])
        means = (f"{np.mean([s[i].value for s in scores[k]]):.3f}" for i in (0, 1))
        before = ", ".join(o.compared[k] + (" (chosen)" if o.chosen == k else "") for o in outcomes)
        lines.append(f"| {k} | {each} | {' | '.join(means)} | {before} |")
    single = order[0]
    choices = [o.chosen for o in outcomes]
    apart = _apart([each[c] for each, c in zip(found, choices, strict=True)], [each[single] for each in found])
    lines += [
        "", f"The choices of auto ({', '.join(choices)}) against {single} with every seed, the best single remedy: "
        f"macro-F1 {apart[0]:+.3f} ({apart[1]:+.3f} to {apart[2]:+.3f}; test rows and seeds resampled).",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _apart(first: Sequence[Any], second: Sequence[Any]) -> tuple[float, float, float]:
    """The mean over seeds of one system's macro-F1 less the other's, and the ends of its 95 % interval."""
    from luthier.evaluation.intervals import interval

    pairs = list(zip(first, second, strict=True))
    gains_SR = np.stack([a.resampled["macro_f1"] - b.resampled["macro_f1"] for a, b in pairs])
    seeds, resamples = gains_SR.shape
    drawn_SR = np.random.default_rng(0).integers(0, seeds, (seeds, resamples))
    value = float(np.mean([a.values["macro_f1"] - b.values["macro_f1"] for a, b in pairs]))
    return value, *interval(np.take_along_axis(gains_SR, drawn_SR, 0).mean(0))


if __name__ == "__main__":
    main()
